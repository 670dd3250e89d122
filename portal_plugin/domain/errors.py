"""Everything the portal refuses, each with a sentence for the person who reads it."""

from collections.abc import Sequence
from typing import NamedTuple


class PortalError(Exception):
    """Base of all refusals; `str(error)` is fit to be shown, and `sentence` can be told in other languages as well."""

    @property
    def sentence(self) -> str:
        """What a person reads: `said` in English, or a host's own words as they are."""
        return self.args[0] if self.args else ""


class NotFound(PortalError):
    """What is named is not there, or belongs to somebody else: the two look the same."""

    def __init__(self, message: str = "There is no such appointment.") -> None:
        super().__init__(message)


class NotOffered(PortalError):
    """The practice does not offer what was asked for; `field` names the choice at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class SlotTaken(PortalError):
    """Somebody else holds that stretch of the provider's time."""

    def __init__(self) -> None:
        super().__init__("That time was taken a moment ago.")


class AlreadyDecided(PortalError):
    """The appointment has left the state in which this action makes sense."""

    def __init__(self, action: str, status: str) -> None:
        super().__init__(f"This appointment is {status.replace('_', '-')} and can no longer be {action}.")
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
        what = "an appointment ahead: cancel it" if number == 1 else f"{number} appointments ahead: cancel them"
        super().__init__(f"This client has {what} first, or let the erasure do so (--cancel, cancel=True).")
        self.number = number


class Refused(PortalError):
    """Raised by a host's veto; the client reads its sentence."""


class NotAnswered(PortalError):
    """The host's own code did not answer a question in time, or broke over it; so nothing was changed."""

    def __init__(self) -> None:
        super().__init__("The practice's own system did not answer. Nothing was changed. Please try again in a moment.")


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
