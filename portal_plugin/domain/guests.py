"""People who are not clients yet: what a practice asks them, and what they say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

GUEST = "guest-"
"""What the portal's own client ids begin with: of people whom the host keeps no account for."""

_GUEST = re.compile(f"{GUEST}[0-9a-f]{{32}}")


YES_NO = ("yes", "no")


class QuestionKind(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes_no"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Question:
    """What the practice wants to know of a new client. `options` are the answers of a choice, and empty else."""

    key: str
    label: str
    kind: QuestionKind
    options: tuple[str, ...] = ()
    required: bool = False

    @property
    def answers(self) -> tuple[str, ...]:
        """What can be answered, where that is limited."""
        return YES_NO if self.kind is QuestionKind.YES_NO else self.options


@dataclass(frozen=True, slots=True)
class NewClients:
    """How new people may ask for an appointment. `link_life` is how long the mailed link works and the time is held."""

    link_life: timedelta
    questions: tuple[Question, ...] = ()


class IntakeAnswer(NamedTuple):
    """A question as it was asked, and the answer: of a date `2027-01-31`, of yes or no `yes` or `no`."""

    key: str
    label: str
    kind: QuestionKind
    answer: str

    def __repr__(self) -> str:
        return f"IntakeAnswer({self.key})"


@dataclass(frozen=True, slots=True)
class Guest:
    """A person who is not a client yet, and whose mail address is theirs: they followed a link that went there.

    `language` is that of the page they filled in, a tag such as `es-US`; `zone` the time zone on whose clock they read
    its times, empty for the practice's.
    """

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(default="", repr=False)
    language: str = ""
    zone: str = ""

    @property
    def mailbox(self) -> str:
        """The address however it is written: the same mailbox is the same person."""
        return self.email.casefold()


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a visitor says of themselves. `agreed` is what they read who want text reminders, and empty otherwise."""

    guest: Guest
    note: str = field(default="", repr=False)
    agreed: str = ""
    answers: tuple[IntakeAnswer, ...] = field(default=(), repr=False)


Choices = Mapping[str, str]
"""The keys of what was chosen in step 1: type, contact, provider, location; empty ones for none."""


def is_guest(client_id: str) -> bool:
    """Whether it is the portal's own id, of somebody who cannot sign in."""
    return _GUEST.fullmatch(client_id) is not None
