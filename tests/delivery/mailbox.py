"""What the mail server received, as a mail program reads it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from portal_plugin.testing import Mail

SERVER = Path(__file__).with_name("smtp_server.py")


@dataclass(frozen=True)
class Posted(Mail):
    """With its envelope, which says who gets it, and as it came."""

    envelope_sender: str
    recipients: list[str]
    raw: bytes


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
    def mails(self) -> list[Posted]:
        """In the order they came."""
        found = []
        for file in sorted(self.folder.glob("*.json")):
            kept = json.loads(file.read_text())
            raw = kept["content"].encode("latin-1")
            found.append(Posted(Mail.read(raw).message, kept["from"], kept["to"], raw))
        return found

    @property
    def last(self) -> Posted:
        return self.mails[-1]
