"""Inviting or booking once or every week, and the same form sent twice is one series."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from ..domain.appointment import Appointment
from ..domain.errors import NotOffered, PortalError, SlotTaken
from ..domain.instants import seconds
from ..domain.practice import Practice
from ..domain.said import said
from ..domain.series import MOST_WEEKS, NotEveryWeek, Outcome, Week, dated, look_at
from ..storage import appointments
from ..storage.appointments import DuplicateRequest
from .requests import Asking, book_for_client, invite_client, whole_minute
from .slots import read_diary
from .state import State


def make_once(state: State, practice: Practice, asking: Asking, *, book: bool) -> Appointment:
    """One invitation or booking, the same one for the same key and start. Raises NotOffered, SlotTaken."""
    asking = replace(asking, key=_key(asking, asking.starts))

    def sent_before() -> Appointment | None:
        return appointments.by_request_key(state.db, practice, asking.client.id, asking.key) if asking.key else None

    if earlier := sent_before():
        return earlier
    try:
        return (book_for_client if book else invite_client)(state, practice, asking)
    except (DuplicateRequest, SlotTaken):
        # The same form may have come in twice at once, and the other one took the time.
        if earlier := sent_before():
            return earlier
        raise


def make_weekly(
    state: State, practice: Practice, asking: Asking, weeks: int, *, book: bool, free_only: bool
) -> list[Week]:
    """So many weeks in a row at the wall time at which `asking.starts` falls, each with how it went; a week is one
    transaction of its own. With `free_only` those that are free, else all. Outside the hours no week is free.

    Raises NotEveryWeek, and nothing is made, where all are wanted and not all are free; NotOffered for a number of
    weeks that cannot be. A week that somebody else takes in that very moment is told as taken, in both cases.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        raise NotOffered("weeks", said("Enter a number of weeks from 1 to {most}.", most=MOST_WEEKS))
    first = whole_minute(asking.starts).astimezone(ZoneInfo(asking.wish.zone)).replace(tzinfo=None)
    planned = [_recalled(state, practice, asking, week) for week in _look_ahead(state, practice, asking, first, weeks)]
    if not free_only and any(week.outcome not in {Outcome.FREE, Outcome.MADE} for week in planned):
        raise NotEveryWeek(planned)
    return [_carry_out(state, practice, asking, week, book=book) for week in planned]


def _look_ahead(state: State, practice: Practice, asking: Asking, first: datetime, weeks: int) -> list[Week]:
    wish, now = asking.wish, state.now()
    each = dated(first, weeks, wish.zone)
    # The first week has an instant at least: its wall time is that of one.
    known = [starts for _, starts in each if starts]
    diary = read_diary(state, practice, wish, known[0], known[-1] + timedelta(seconds=1))
    return [look_at(practice, wish, asking.client, diary, moment, starts, now) for moment, starts in each]


def _recalled(state: State, practice: Practice, asking: Asking, week: Week) -> Week:
    """The week with what this very form has made of it already, if it was sent before."""
    key = _key(asking, week.starts) if week.starts else None
    made = appointments.by_request_key(state.db, practice, asking.client.id, key) if key else None
    return week._replace(outcome=Outcome.MADE, appointment=made) if made else week


def _carry_out(state: State, practice: Practice, asking: Asking, week: Week, *, book: bool) -> Week:
    if week.outcome is not Outcome.FREE or week.starts is None:
        return week
    wish = replace(asking.wish, providers=week.providers)
    try:
        made = make_once(state, practice, replace(asking, wish=wish, starts=week.starts), book=book)
    except SlotTaken:
        return week._replace(outcome=Outcome.TAKEN)
    except PortalError as error:
        return week._replace(outcome=Outcome.REFUSED, why=error.sentence)
    return week._replace(outcome=Outcome.MADE, appointment=made)


def _key(asking: Asking, starts: datetime) -> str | None:
    """A key for each week of the form's own; none for who sends no form."""
    if not asking.key:
        return None
    return sha256(f"{asking.key}\n{seconds(starts)}".encode(errors="surrogatepass")).hexdigest()[:32]
