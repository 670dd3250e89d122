"""Everything the portal refuses, each with a sentence for the person who reads it."""

import traceback
from collections.abc import Sequence
from typing import NamedTuple

from .said import said, said_n

_WORDS = (
    said("requested"),
    said("invited"),
    said("booked"),
    said("confirmed"),
    said("accepted"),
    said("declined"),
    said("cancelled"),
    said("moved"),
    said("withdrawn"),
    said("expired"),
    said("completed"),
    said("no-show"),
    said("marked as missed"),
    said("sent again"),
)


def in_words(state: str) -> str:
    """A status or an action, as inside a sentence that can be told in other languages."""
    plain = state.replace("_", "-")
    return next((word for word in _WORDS if word == plain), plain)


def whereabouts(error: BaseException) -> str:
    """An error's class and where it was raised, for a log. Its message may name somebody, so that stays out."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    return f"{type(error).__name__}\nTraceback (most recent call last):\n{where}"


class PortalError(Exception):
    """Base of all refusals; `str(error)` is fit to be shown, and `sentence` can be told in other languages as well."""

    @property
    def sentence(self) -> str:
        """What a person reads: `said` in English, or a host's own words as they are."""
        return self.args[0] if self.args else ""


class NotFound(PortalError):
    """What is named is not there, or belongs to somebody else: the two look the same."""

    def __init__(self, message: str = said("There is no such appointment.")) -> None:
        super().__init__(message)


class NotOffered(PortalError):
    """The practice does not offer what was asked for; `field` names the choice at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class SlotTaken(PortalError):
    """Somebody else holds that stretch of the provider's time."""

    def __init__(self) -> None:
        super().__init__(said("That time was taken a moment ago."))


class AlreadyDecided(PortalError):
    """The appointment has left the state in which this action makes sense."""

    def __init__(self, action: str, status: str) -> None:
        super().__init__(
            said(
                "This appointment is {status} and can no longer be {action}.",
                status=in_words(status),
                action=in_words(action),
            )
        )
        self.status = status


class NotAllowed(PortalError):
    """This kind of actor may not do that."""


class TooLate(PortalError):
    """Inside the practice's cancellation window: only the practice can cancel now."""


class TooEarly(PortalError):
    """The appointment has not begun, so how it went cannot be told."""


class AppointmentsAhead(PortalError):
    """Who still has appointments to come cannot be forgotten yet."""

    def __init__(self, number: int) -> None:
        super().__init__(
            said_n(
                "This client has an appointment ahead: cancel it first, "
                "or let the erasure do so (--cancel, cancel=True).",
                "This client has {number} appointments ahead: cancel them first, "
                "or let the erasure do so (--cancel, cancel=True).",
                number,
            )
        )
        self.number = number


class Refused(PortalError):
    """Raised by a host's veto; the client reads its sentence."""


class NotAnswered(PortalError):
    """The host's own code did not answer a question in time, or broke over it; so nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            said("The practice's own system did not answer. Nothing was changed. Please try again in a moment.")
        )


class SetupError(PortalError):
    """The host developer has something to put right; the sentence says what."""


class Mistake(NamedTuple):
    """One thing wrong in a practice file. `line` counts from 1, or is None for a file given as a dict."""

    line: int | None
    where: str
    what: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.where}: {self.what}"


class PracticeFileError(SetupError):
    """A practice file with mistakes, all of them at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)
