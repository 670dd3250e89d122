"""What is kept of an agreement to text reminders, and of its end."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class Choice(StrEnum):
    """What was said of a number: texts may go there, or not any more."""

    IN = "in"
    OUT = "out"


class Way(StrEnum):
    """How it was said: on the form of a request, on the page Reminders, in a text message, by the gateway, which blocks
    numbers of its own accord, or to the practice.
    """

    REQUEST = "request"
    PAGE = "page"
    TEXT = "text"
    GATEWAY = "gateway"
    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class ReminderConsent:
    """A client's agreement to text reminders, with what proves it.

    `phone` is E.164; `text` what they read, word for word; `unticked`, whether they had to tick a box that was empty.
    """

    phone: str = field(repr=False)
    zone: str
    address: str = field(repr=False)
    user_agent: str = field(repr=False)
    page: str
    text: str
    unticked: bool = True

    @property
    def version(self) -> str:
        return version_of(self.text)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A row of the ledger. `at` is aware UTC and `zone` the one the client was shown; `phone` is E.164.

    Of somebody who was erased `client` is a pseudonym, and phone, address, user agent and `said` are empty. `said` is
    what a text message or the gateway said, word for word.
    """

    at: datetime
    choice: Choice
    way: Way
    client: str
    phone: str = field(repr=False)
    zone: str
    address: str = field(repr=False)
    user_agent: str = field(repr=False)
    page: str
    text: str
    version: str
    unticked: bool
    said: str = field(repr=False)


def version_of(text: str) -> str:
    """Names a wording: the first twelve digits of its SHA-256, so that the same words always have the same version."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:12] if text else ""
