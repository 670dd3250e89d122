"""Which times can be asked for right now."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..domain.availability import Busy, Slot, bookable_range, find_slots
from ..domain.instants import DAY, day_bounds, instant, local_date, seconds
from ..domain.practice import Interval, Practice, Wish
from ..storage import busy_calendars, claims
from .state import State


def busy_times(state: State, wish: Wish, since: datetime, until: datetime) -> Busy:
    """What is taken around the range, from the portal's own claims, outside calendars and the host's answer."""
    first, beyond = seconds(since) - DAY, seconds(until) + DAY
    taken = claims.taken(state.db, [provider.number for provider in wish.providers], first, beyond)
    busy = {provider.key: taken[provider.number] for provider in wish.providers}
    if calendars := {provider.number: provider.key for provider in wish.providers if provider.busy_calendar}:
        for number, fed in busy_calendars.taken(state.db, calendars, first, beyond).items():
            busy[calendars[number]] = _apart([*busy[calendars[number]], *fed])
    ask = state.questions.busy_times
    if ask is not None:
        for key, own in busy.items():
            told = (
                Interval(seconds(starts), seconds(ends)) for starts, ends in ask(key, instant(first), instant(beyond))
            )
            busy[key] = _apart([*own, *told])
    return busy


def free_slots(
    state: State, practice: Practice, wish: Wish, *, since: datetime, until: datetime, now: datetime
) -> Iterator[Slot]:
    """Free slots from `since` to `until`, earliest first.

    What is taken is read for the first day, and for the rest when somebody asks on: the next free time of a
    thousand providers is nearly always within that day, and two reads are the most.
    """
    first, beyond = bookable_range(wish, now)
    since, until = max(since, instant(first)), min(until, instant(beyond))
    for starts, ends in ((since, min(until, since + timedelta(days=1))), (since + timedelta(days=1), until)):
        if starts < ends:
            busy = busy_times(state, wish, starts, ends)
            yield from find_slots(practice, wish, busy, since=starts, until=ends, now=now)


def least_busy_first(busy: Busy, slot: Slot, zone: str) -> list[str]:
    """How "any available" is assigned: fewest appointments that local day, then the practice file's order."""
    first, beyond = day_bounds(local_date(seconds(slot.starts), zone), zone)

    def load(provider: str) -> int:
        return sum(1 for taken in busy[provider] if taken.starts < beyond and taken.ends > first)

    return sorted(slot.providers, key=load)


def _apart(intervals: list[Interval]) -> list[Interval]:
    result: list[Interval] = []
    for interval in sorted(intervals):
        if result and interval.starts < result[-1].ends:
            result[-1] = Interval(result[-1].starts, max(result[-1].ends, interval.ends))
        elif interval.starts < interval.ends:
            result.append(interval)
    return result
