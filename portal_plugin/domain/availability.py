"""Open windows minus taken time, cut by the type's rules: slots, earliest first."""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import groupby, repeat
from math import ceil
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from .instants import day_bounds, instant, local_date, local_day, midnight, seconds
from .practice import Practice, Provider, Wish

Busy = Mapping[str, Sequence[tuple[int, ...]]]
"""Taken time by provider key: starts and ends in seconds since 1970, sorted, none overlapping another."""


class Diary(NamedTuple):
    """What a wish has to fit into, beside the hours.

    `seats` has the sessions of a group that can be joined: by provider, seats left by start. `full` has the local
    days on which a provider begins no further session, `without` those on which this client may not come.
    """

    busy: Busy = MappingProxyType({})
    seats: Mapping[str, Mapping[int, int]] = MappingProxyType({})
    full: Mapping[str, Container[date]] = MappingProxyType({})
    without: Container[date] = ()


class Slot(NamedTuple):
    """A time that can be asked for, and everybody who could take it, in the order of the practice file.

    `seats` is how many clients can still have it, one for each provider unless the type is a group's.
    """

    starts: datetime
    ends: datetime
    providers: tuple[str, ...]
    seats: int = 1


def find_slots(
    practice: Practice, wish: Wish, diary: Diary, *, since: datetime, until: datetime, now: datetime
) -> Iterator[Slot]:
    """Free slots that start at or after `since` and before `until` (aware datetimes), earliest first.

    Lazy: the first slot costs the same whatever the range. Hours mean local time, so a time that a clock
    change skips is not offered and one that it repeats is offered twice.
    """
    first, beyond = bookable_range(wish, now)
    first, beyond = max(first, seconds(since)), min(beyond, seconds(until))
    duration, capacity = wish.type.duration, wish.type.capacity
    if len(wish.providers) == 1:
        (provider,) = wish.providers
        key, alone = provider.key, (provider.key,)
        left, at = diary.seats.get(key), datetime.fromtimestamp
        for start in _starts(practice, wish, provider, diary, first, beyond):
            starts = at(start, UTC)
            yield Slot(starts, starts + duration, alone, left.get(start, capacity) if left else capacity)
        return
    by_provider = [
        zip(_starts(practice, wish, provider, diary, first, beyond), repeat(provider.key), strict=False)
        for provider in wish.providers
    ]
    for start, same in groupby(merge(*by_provider, key=itemgetter(0)), key=itemgetter(0)):
        starts, keys = instant(start), tuple(key for _, key in same)
        seats = sum(diary.seats.get(key, {}).get(start, capacity) for key in keys)
        yield Slot(starts, starts + duration, keys, seats)


def open_days(practice: Practice, wish: Wish, diary: Diary, days: Iterable[date], now: datetime) -> list[date]:
    """Those of some local days that have a free slot, in order.

    A day that one provider has a slot on is not asked of the next.
    """
    first, beyond = bookable_range(wish, now)
    left = list(days)
    found: list[date] = []
    for provider in wish.providers:
        closed: list[date] = []
        for day in left:
            starts, ends = day_bounds(day, wish.zone)
            free = _starts(practice, wish, provider, diary, max(first, starts), min(beyond, ends))
            (found if any(local_date(start, wish.zone) == day for start in free) else closed).append(day)
        left = closed
    return sorted(found)


def bookable_range(wish: Wish, now: datetime) -> tuple[int, int]:
    """The type's notice and horizon as seconds since 1970. The horizon counts whole local days from today."""
    last_day = local_date(seconds(now), wish.zone) + wish.type.horizon
    # Without notice, what begins this very second has begun.
    first = max(ceil(now.timestamp()) + wish.type.notice_seconds, int(now.timestamp()) + 1)
    return first, day_bounds(last_day, wish.zone)[1]


def _starts(practice: Practice, wish: Wish, provider: Provider, diary: Diary, first: int, beyond: int) -> Iterator[int]:
    """Starts at or after `first` and before `beyond` that one provider has free."""
    if first >= beyond:
        return
    key, before, reach = provider.key, wish.type.before, wish.type.reach
    known = practice.timetable(wish, provider)
    taken, joinable, full = diary.busy.get(key, ()), diary.seats.get(key, ()), diary.full.get(key, ())
    at, count = bisect_right(taken, first - before, key=_ENDS), len(taken)
    day, last = local_date(first, wish.zone), local_date(beyond - 1, wish.zone)
    while day <= last:
        allowed = known.get(day)
        if allowed is None:
            allowed = known[day] = grid(practice, wish, provider, day)
        if allowed and day not in diary.without:
            more = day not in full
            if allowed[0] < first or allowed[-1] >= beyond:
                allowed = allowed[bisect_left(allowed, first) : bisect_left(allowed, beyond)]
            for start in allowed:
                while at < count and taken[at][1] <= start - before:
                    at += 1
                free = at == count or taken[at][0] >= start + reach
                if (free and more) or start in joinable:
                    yield start
        day += _ONE_DAY


_ONE_DAY = timedelta(days=1)
_ENDS = itemgetter(1)


def grid(practice: Practice, wish: Wish, provider: Provider, day: date) -> tuple[int, ...]:
    """Every start that hours and increment allow on a local day of the wish, whatever is taken.

    Hours may be meant in another zone than the wish's, so the dates around it are looked at as well. A day ends where
    the next begins, even if a clock put back just after midnight returns to it.
    """
    if practice.closed_on(day):
        return ()
    begins, ends = day_bounds(day, wish.zone)[0], day_bounds(day + _ONE_DAY, wish.zone)[0]
    length, step = int(wish.type.duration.total_seconds()), int(wish.type.increment.total_seconds())
    found: set[int] = set()
    for near in (day - _ONE_DAY, day, day + _ONE_DAY):
        for run in _runs(wish, provider, near):
            start = max(run.starts, begins)
            start += (run.origin - start) % step
            found.update(range(start, min(run.ends, run.limit - length + 1, ends), step))
    return tuple(sorted(found))


class Run(NamedTuple):
    """A stretch in which starts may lie. The last of them must end by `limit`; `origin` is on the grid."""

    starts: int
    ends: int
    limit: int
    origin: int


def _runs(wish: Wish, provider: Provider, day: date) -> Iterator[Run]:
    """The runs whose local date is `day`, on the clock that the hours are meant on."""
    base = midnight(day)
    for zone, windows in provider.windows(day, wish.contact, wish.location).items():
        stretches = local_day(day, zone)
        for window in windows:
            opens, closes = base + window.opens * 60, base + window.closes * 60
            limit, following = 0, -1
            for stretch in reversed(stretches):
                starts = max(stretch.starts, opens - stretch.offset)
                ends = min(stretch.ends, closes - stretch.offset)
                if starts < ends:
                    limit = limit if ends == following else ends
                    yield Run(starts, ends, limit, opens - stretch.offset)
                    following = starts
