"""What the worker would send, read as a mail program reads it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

import flask_mail
from flask import Flask
from icalendar import Calendar, Event

from ..delivery import worker


@dataclass(frozen=True)
class Mail:
    """`message` is the whole of it; the rest reads what tests ask most."""

    message: EmailMessage

    @classmethod
    def read(cls, raw: bytes) -> "Mail":
        return cls(message_from_bytes(raw, policy=policy.default))

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def sender(self) -> str:
        """With the name, as it is written."""
        return str(self.message["From"])

    @property
    def to(self) -> list[str]:
        """Addresses, without names."""
        return [address for _, address in getaddresses(self.message.get_all("To", []))]

    @property
    def id(self) -> str:
        """The Message-ID: the same for a copy that is sent again."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        return self.content("plain").replace("\r\n", "\n")

    @property
    def html(self) -> str:
        return self.content("html")

    @property
    def event(self) -> Event:
        """The appointment as a calendar program reads it. Raises LookupError where there is none."""
        [event] = self.calendar.events
        return event

    @property
    def calendar(self) -> Calendar:
        """All of the calendar file, whose METHOD says what it is for."""
        return Calendar.from_ical(self.content("calendar"))

    @property
    def links(self) -> list[str]:
        """Addresses in the text, in order."""
        return re.findall(r"https?://[^\s<>]+", self.text)

    def part(self, subtype: str) -> EmailMessage | None:
        """The part with this subtype, such as "html"; None where there is none."""
        return next((part for part in self.message.walk() if part.get_content_subtype() == subtype), None)

    def content(self, subtype: str) -> str:
        """Raises LookupError where there is no such part."""
        part = self.part(subtype)
        if part is None:
            raise LookupError(f"This mail has no {subtype} part.")
        return str(part.get_content())


@contextmanager
def mailbox(app: Flask) -> Iterator[list[Mail]]:
    """The app's mails inside the block, in order; none reaches a mail server, whatever the settings say."""
    if "mail" not in app.extensions:
        flask_mail.Mail().init_app(app)
    settings, mails = app.extensions["mail"], list[Mail]()

    def keep(_: Flask, message: flask_mail.Message) -> None:
        mails.append(Mail.read(message.as_bytes()))

    before, settings.suppress = settings.suppress, True
    try:
        with flask_mail.email_dispatched.connected_to(keep, sender=app):
            yield mails
    finally:
        settings.suppress = before


def deliver(app: Flask) -> list[Mail]:
    """Let the worker do once what is due by the portal's clock, and return the mails instead of sending them.

    Webhooks are sent for good. A mail that could not be made is not among these: the worker logs why.
    """
    with app.app_context(), mailbox(app) as mails:
        worker.run_once(app, app.extensions["portal"])
    return mails
