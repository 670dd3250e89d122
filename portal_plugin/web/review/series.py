"""Inviting or booking once or weekly: which weeks can be, and how each went."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from ...domain.appointment import Appointment, Client
from ...domain.availability import Diary
from ...domain.errors import PortalError, SlotTaken
from ...domain.instants import seconds, wall_instants
from ...domain.lifecycle import Status
from ...domain.outside import why_outside
from ...domain.practice import Practice, Provider, Wish
from ...services.requests import Asking, book_for_client, invite_client
from ...services.slots import read_diary
from ...services.state import State
from ...storage import appointments
from ...storage.appointments import DuplicateRequest


class Week(NamedTuple):
    """One date of a series. `moment` is what the clock on the wall shows, `starts` the instant, None where a change
    of the clock skips it. `outcome` is free, taken, closed, passed, made or refused; `why` says more.
    """

    moment: datetime
    starts: datetime | None
    outcome: str
    why: str = ""
    providers: tuple[Provider, ...] = ()
    appointment: Appointment | None = None


def look_ahead(state: State, practice: Practice, wish: Wish, client: Client, first: datetime, weeks: int) -> list[Week]:
    """The weeks of a series that begins at a wall time of the wish's zone: each free, or why it is not."""
    moments = [first + timedelta(weeks=n) for n in range(weeks)]
    dated = [(moment, next(iter(wall_instants(moment, wish.zone)), None)) for moment in moments]
    known = [starts for _, starts in dated if starts]
    diary = read_diary(state, practice, wish, known[0], known[-1] + timedelta(seconds=1)) if known else Diary()
    now = state.now()
    return [_look_at(practice, wish, client, diary, moment, starts, now) for moment, starts in dated]


def _look_at(
    practice: Practice,
    wish: Wish,
    client: Client,
    diary: Diary,
    moment: datetime,
    starts: datetime | None,
    now: datetime,
) -> Week:
    if starts is None:
        return Week(moment, None, "closed", "the clock skips that time")
    if starts <= now:
        return Week(moment, starts, "passed")
    outside = {one.key: why_outside(practice, _draft(wish, client, one, starts)) for one in wish.providers}
    there = tuple(one for one in wish.providers if outside[one.key] is None)
    if not there:
        return Week(moment, starts, "closed", next(iter(outside.values())) or "")
    free = tuple(one for one in there if _is_free(wish, diary, one, seconds(starts)))
    return Week(moment, starts, "free" if free else "taken", providers=free)


def recall(state: State, practice: Practice, client: Client, key: str, weeks: list[Week]) -> list[Week]:
    """The same weeks with what this very form has made of them already, if it was sent before."""
    known = [_sent_before(state, practice, client, key, week) for week in weeks]
    return [
        week._replace(outcome="made", appointment=made) if made else week
        for week, made in zip(weeks, known, strict=True)
    ]


def carry_out(state: State, practice: Practice, asking: Asking, week: Week, *, book: bool, key: str) -> Week:
    """Invite or book for a week that is free."""
    if week.outcome != "free" or week.starts is None:
        return week
    wish = replace(asking.wish, providers=week.providers)
    try:
        made = make(state, practice, replace(asking, wish=wish, starts=week.starts), book=book, key=key)
    except SlotTaken:
        return week._replace(outcome="taken")
    except PortalError as error:
        return week._replace(outcome="refused", why=str(error))
    return week._replace(outcome="made", appointment=made)


def make(state: State, practice: Practice, asking: Asking, *, book: bool, key: str) -> Appointment:
    """One invitation or booking, the same one for the same key and start. Raises NotOffered, SlotTaken."""
    request_key = _key(key, asking.starts)

    def sent_before() -> Appointment | None:
        return appointments.by_request_key(state.db, practice, asking.client.id, request_key)

    if earlier := sent_before():
        return earlier
    try:
        return (book_for_client if book else invite_client)(state, practice, replace(asking, key=request_key))
    except (DuplicateRequest, SlotTaken):
        # The same form may have come in twice at once, and the other one took the time.
        if earlier := sent_before():
            return earlier
        raise


def _key(key: str, starts: datetime) -> str:
    return sha256(f"{key}\n{seconds(starts)}".encode(errors="surrogatepass")).hexdigest()[:32]


def _sent_before(state: State, practice: Practice, client: Client, key: str, week: Week) -> Appointment | None:
    if week.starts is None:
        return None
    return appointments.by_request_key(state.db, practice, client.id, _key(key, week.starts))


def _is_free(wish: Wish, diary: Diary, provider: Provider, start: int) -> bool:
    before, reach = start - wish.type.before, start + wish.type.reach
    if start in diary.seats.get(provider.key, ()):
        return True
    return not any(taken[0] < reach and taken[1] > before for taken in diary.busy[provider.key])


def _draft(wish: Wish, client: Client, provider: Provider, starts: datetime) -> Appointment:
    """What it would be, to be held against the hours."""
    return Appointment(
        ref="",
        status=Status.INVITED,
        type=wish.type,
        contact=wish.contact,
        provider=provider,
        location=wish.location,
        starts=starts,
        ends=starts + wish.type.duration,
        zone=wish.zone,
        client=client,
        note="",
        message="",
        reason="",
        text_reminders=False,
        version=0,
        created=starts,
        expires=starts,
    )
