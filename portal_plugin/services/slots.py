"""Which times can be asked for right now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from ..domain.appointment import Appointment, Client
from ..domain.availability import Diary, Slot, bookable_range, find_slots, open_days
from ..domain.errors import NotOffered
from ..domain.explanation import Explanation, explain_slot
from ..domain.instants import DAY, day_bounds, instant, local_date, seconds
from ..domain.practice import Practice, Wish
from ..storage import appointments, busy_calendars, claims
from .rules import check_client, days_too_close, is_own, is_time_of
from .state import State

_FEW = 8
"""How many providers are asked about a whole month before anybody else is."""

_FIRST_READ = timedelta(hours=26)
"""The longest local day and a little."""


def read_diary(
    state: State,
    practice: Practice,
    wish: Wish,
    since: datetime,
    until: datetime,
    client: Client | None = None,
    moving: Appointment | None = None,
    holder: str | None = None,
) -> Diary:
    """What stands in the way of starts in the range: the portal's own claims, outside calendars, the host's answer,
    and what else binds this type. What is taken by the appointment that is to be moved, or
    held by the client (or by `holder`, a guest who is to be this client), is free for themselves. Raises NotAnswered.
    """
    kind = wish.type
    first, beyond = seconds(since) - kind.before, seconds(until) + kind.reach
    numbers = [provider.number for provider in wish.providers]
    taken = claims.taken(state.db, numbers, first, beyond, seconds(state.now()) if practice.has_holds else None)
    busy: dict[str, Sequence[tuple[int, ...]]] = {provider.key: taken[provider.number] for provider in wish.providers}
    if moving is not None and moving.claim is not None and _gives_way(state, practice, moving.claim, moving, wish):
        _free(busy, moving.provider.key, appointments.busy_stretch(state.db, moving.id))
    if (practice.has_holds or holder) and client and (held := claims.held_by(state.db, holder or client.id)):
        _free(busy, practice.by_number[held.provider].key, (held.starts, held.ends))
    if practice.reads_calendars:
        calendars = {provider.number: provider.key for provider in wish.providers if provider.busy_calendar}
        for number, fed in busy_calendars.taken(state.db, calendars, first, beyond).items():
            busy[calendars[number]] = _apart([*busy[calendars[number]], *fed])
    for key, intervals in state.host.busy(list(busy), instant(first), instant(beyond)).items():
        busy[key] = _apart([*busy[key], *intervals])
    without = days_too_close(state.db, wish, client, state.now(), moving) if client else ()
    if kind.capacity == 1 and kind.daily_cap is None:
        return Diary(busy, without=without)
    # The cap counts the whole of a local day, which can have 25 hours and more.
    sessions = claims.sessions(state.db, numbers, kind.key, first - 2 * DAY, beyond + 2 * DAY)
    same = str(claims.Purpose.of(wish, since))
    seated = set(appointments.starts_of_type(state.db, client.id, kind.key, since, None)) if client else set()
    seats, full = {}, {}
    for provider in wish.providers:
        theirs = [one for one in sessions if one.provider == provider.number and not is_own(one, moving)]
        seats[provider.key] = {
            session.begins: kind.capacity - session.seats_taken
            for session in theirs
            if session.purpose == same and session.seats_taken < kind.capacity and session.begins not in seated
        }
        begun = Counter(local_date(session.begins, wish.zone) for session in theirs)
        full[provider.key] = {day for day, number in begun.items() if number >= (kind.daily_cap or number + 1)}
    return Diary(busy, seats, full, without)


def _gives_way(state: State, practice: Practice, claim: int, moving: Appointment, wish: Wish) -> bool:
    """Whether a time that overlaps the one to be moved can be had: for two that share one claim, always; in groups when
    nothing is claimed before the confirmation, and nobody else stays in the session.
    """
    if moving.type.capacity == 1 == wish.type.capacity:
        return True
    claims_at_once = practice.requests_hold_time or wish.type.confirms_itself
    return not claims_at_once and claims.seats_taken(state.db, claim) == 1


def _free(busy: dict[str, Sequence[tuple[int, ...]]], provider: str, own: tuple[int, int]) -> None:
    """Take one's own time out of what is in one's way."""
    if provider in busy:
        busy[provider] = [row for row in busy[provider] if tuple(row[:2]) != own]


def days_with_times(
    state: State,
    practice: Practice,
    wish: Wish,
    days: Sequence[date],
    now: datetime,
    client: Client | None = None,
    moving: Appointment | None = None,
) -> tuple[list[date], Diary | None]:
    """Those of some days in a row on which somebody has a time; and what was read, if it was about all providers.

    A few providers nearly always answer for every day, and the others are asked about the rest: of a thousand it is
    their number that would cost, twice.
    """
    few = wish if len(wish.providers) <= _FEW else replace(wish, providers=wish.providers[:_FEW])
    diary = read_diary(state, practice, few, *_bounds(days, wish), client, moving)
    found = open_days(practice, few, diary, days, now)
    if few is wish:
        return found, diary
    others = replace(wish, providers=wish.providers[_FEW:])
    left = [day for day in days if day not in set(found)]
    by_hours = {id(practice.timetable(wish, provider)): provider for provider in others.providers}
    hopeful = open_days(practice, replace(wish, providers=tuple(by_hours.values())), Diary(), left, now)
    if hopeful:
        diary = read_diary(state, practice, others, *_bounds(hopeful, wish), client, moving)
        found = sorted([*found, *open_days(practice, others, diary, hopeful, now)])
    return found, None


def _bounds(days: Sequence[date], wish: Wish) -> tuple[datetime, datetime]:
    return instant(day_bounds(days[0], wish.zone)[0]), instant(day_bounds(days[-1], wish.zone)[1])


def free_slots(
    state: State,
    practice: Practice,
    wish: Wish,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    client: Client | None = None,
    moving: Appointment | None = None,
    known: Diary | None = None,
) -> Iterator[Slot]:
    """Free slots from `since` to `until`, earliest first.

    What is taken is read for the first day or so, and for the rest when somebody asks on: the next free time of a
    thousand providers is nearly always within that day, and two reads are the most. What is `known` is not read.
    """
    spans = [(since, until)]
    if until - since > _FIRST_READ:
        first, beyond = bookable_range(wish, now)
        since, until = max(since, instant(first)), min(until, instant(beyond))
        spans = [(since, min(until, since + _FIRST_READ)), (since + _FIRST_READ, until)]
    for starts, ends in spans:
        if starts < ends:
            diary = known or read_diary(state, practice, wish, starts, ends, client, moving)
            found = find_slots(practice, wish, diary, since=starts, until=ends, now=now)
            yield from other_than(moving, wish, found) if moving else found


def other_than(moving: Appointment, wish: Wish, slots: Iterator[Slot]) -> Iterator[Slot]:
    """The slots without the time that is to be moved, which is no other time; somebody else may still give it."""
    for slot in slots:
        if not is_time_of(moving, wish, slot.starts):
            yield slot
        elif others := tuple(key for key in slot.providers if key != moving.provider.key):
            yield slot._replace(providers=others, seats=slot.seats - wish.type.capacity)


def explain(
    state: State, practice: Practice, wish: Wish, starts: datetime, client: Client | None = None
) -> Explanation:
    """Why a start is offered, or is not. Raises ValueError for a naive datetime."""
    now = state.now()
    if client:
        try:
            check_client(state.db, wish, client)
        except NotOffered as refusal:
            return Explanation(False, (str(refusal),))
    by_hours = explain_slot(practice, wish, Diary(), starts, now)
    if not by_hours.offered:
        return by_hours
    diary = read_diary(state, practice, wish, *local_day_of(wish, starts), client)
    return explain_slot(practice, wish, diary, starts, now)


def local_day_of(wish: Wish, starts: datetime) -> tuple[datetime, datetime]:
    """First instant of the local day, and first one after it."""
    first, beyond = day_bounds(local_date(seconds(starts), wish.zone), wish.zone)
    return instant(first), instant(beyond)


def in_fairest_order(diary: Diary, slot: Slot, zone: str) -> list[str]:
    """How "any available" is assigned: a session that has begun to fill, then fewest stretches taken that local day,
    then the practice file's order.
    """
    if len(slot.providers) == 1:
        return list(slot.providers)
    start = seconds(slot.starts)
    first, beyond = day_bounds(local_date(start, zone), zone)

    def load(provider: str) -> tuple[bool, int]:
        begun = start in diary.seats.get(provider, ())
        return not begun, sum(1 for taken in diary.busy[provider] if taken[0] < beyond and taken[1] > first)

    return sorted(slot.providers, key=load)


def _apart(intervals: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    result: list[tuple[int, ...]] = []
    for starts, ends, *_ in sorted(intervals):
        if result and starts < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], ends))
        elif starts < ends:
            result.append((starts, ends))
    return result
