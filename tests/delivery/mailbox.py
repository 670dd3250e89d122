"""What the mail server received, as a mail program reads it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from icalendar import Calendar, Event

SERVER = Path(__file__).with_name("smtp_server.py")


@dataclass
class Mail:
    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    def part(self, subtype: str) -> EmailMessage | None:
        found = [part for part in self.message.walk() if part.get_content_subtype() == subtype]
        assert len(found) <= 1
        return cast(EmailMessage, found[0]) if found else None

    def content(self, subtype: str) -> str:
        part = self.part(subtype)
        assert part is not None
        return str(part.get_content())

    @property
    def text(self) -> str:
        return self.content("plain").replace("\r\n", "\n")

    @property
    def html(self) -> str:
        return self.content("html")

    @property
    def calendar(self) -> Calendar:
        part = self.part("calendar")
        assert part is not None
        return Calendar.from_ical(part.get_payload(decode=True))

    @property
    def event(self) -> Event:
        [event] = self.calendar.walk("VEVENT")
        return event


@dataclass
class Mailbox:
    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.folder), str(port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def answer(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def empty(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    @property
    def has_begun(self) -> bool:
        return (self.folder / "began").exists()

    @property
    def mails(self) -> list[Mail]:
        """In the order they came."""
        found = []
        for file in sorted(self.folder.glob("*.json")):
            kept = json.loads(file.read_text())
            raw = kept["content"].encode("latin-1")
            message = cast(EmailMessage, message_from_bytes(raw, policy=policy.default))
            found.append(Mail(kept["from"], kept["to"], raw, message))
        return found

    @property
    def last(self) -> Mail:
        return self.mails[-1]
