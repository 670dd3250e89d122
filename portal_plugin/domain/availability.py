"""Open windows minus taken time, cut by the type's rules: slots, earliest first."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import groupby, repeat
from math import ceil
from operator import itemgetter
from typing import NamedTuple

from .instants import DAY, day_bounds, instant, local_date, local_day, midnight, seconds
from .practice import Interval, Practice, Provider, Wish

Busy = Mapping[str, Sequence[Interval]]
"""Taken time by provider key: sorted, none overlapping another."""


class Slot(NamedTuple):
    """A time that can be asked for, and everybody who could take it, in the order of the practice file."""

    starts: datetime
    ends: datetime
    providers: tuple[str, ...]


class Run(NamedTuple):
    """A stretch in which starts may lie. The last of them must end by `limit`; `origin` is on the grid."""

    starts: int
    ends: int
    limit: int
    origin: int


def find_slots(
    practice: Practice, wish: Wish, busy: Busy, *, since: datetime, until: datetime, now: datetime
) -> Iterator[Slot]:
    """Free slots that start at or after `since` and before `until` (aware datetimes), earliest first.

    Lazy: the first slot costs the same whatever the range. Hours mean local time, so a time that a clock
    change skips is not offered and one that it repeats is offered twice.
    """
    first, beyond = bookable_range(wish, now)
    first, beyond = max(first, seconds(since)), min(beyond, seconds(until))
    duration = wish.type.duration
    by_provider = [
        zip(_starts(practice, wish, provider, busy, first, beyond), repeat(provider.key), strict=False)
        for provider in wish.providers
    ]
    for start, same in groupby(merge(*by_provider, key=itemgetter(0)), key=itemgetter(0)):
        starts = instant(start)
        yield Slot(starts, starts + duration, tuple(key for _, key in same))


def open_days(practice: Practice, wish: Wish, busy: Busy, *, since: date, until: date, now: datetime) -> list[date]:
    """The wish's local days from `since` until before `until` that have a free slot, in order.

    A day that one provider has a slot on is not asked of the next.
    """
    first, beyond = bookable_range(wish, now)
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    bounds = {day: day_bounds(day, wish.zone) for day in days}
    found: set[date] = set()
    for provider in wish.providers:
        for day in days:
            starts, ends = max(first, bounds[day][0]), min(beyond, bounds[day][1])
            if day not in found and next(_starts(practice, wish, provider, busy, starts, ends), None) is not None:
                found.add(day)
    return sorted(found)


def bookable_range(wish: Wish, now: datetime) -> tuple[int, int]:
    """The type's notice and horizon as seconds since 1970. The horizon counts whole local days from today."""
    last_day = local_date(seconds(now), wish.zone) + wish.type.horizon
    return ceil((now + wish.type.notice).timestamp()), day_bounds(last_day, wish.zone)[1]


def _starts(practice: Practice, wish: Wish, provider: Provider, busy: Busy, first: int, beyond: int) -> Iterator[int]:
    kind = wish.type
    length = int(kind.duration.total_seconds())
    before = int(kind.buffer_before.total_seconds())
    after = int(kind.buffer_after.total_seconds())
    step = int(kind.increment.total_seconds())
    taken = busy.get(provider.key, ())
    earliest = first
    for run in _runs(practice, wish, provider, first, beyond):
        earliest = max(run.starts, earliest)
        at = bisect_right(taken, earliest - before, key=itemgetter(1))
        start = earliest + (run.origin - earliest) % step
        last = min(run.ends - 1, run.limit - length, beyond - 1)
        while start <= last:
            while at < len(taken) and taken[at].ends <= start - before:
                at += 1
            if at < len(taken) and taken[at].starts < start + length + after:
                free = taken[at].ends + before
                start = free + (run.origin - free) % step
            else:
                yield start
                earliest = start + 1
                start += step


def _runs(practice: Practice, wish: Wish, provider: Provider, first: int, beyond: int) -> Iterator[Run]:
    if first >= beyond:
        return
    day = local_date(first - DAY, wish.zone)
    last = local_date(beyond + DAY, wish.zone)
    # A provider may have hours in several zones, so one date's runs can reach among the next date's:
    # hold back what starts after the next date begins anywhere on earth.
    held: list[Run] = []
    while day <= last:
        held = sorted(held + day_runs(practice, wish, provider, day))
        day += timedelta(days=1)
        settled = midnight(day) - 15 * 3600
        while held and held[0].starts < settled:
            run = held.pop(0)
            if run.ends > first and run.starts < beyond:
                yield run
    yield from (run for run in held if run.ends > first and run.starts < beyond)


def day_runs(practice: Practice, wish: Wish, provider: Provider, day: date) -> list[Run]:
    """The runs whose local date is `day`, sorted."""
    if practice.closed_on(day):
        return []
    base = midnight(day)
    runs: list[Run] = []
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
                    runs.append(Run(starts, ends, limit, opens - stretch.offset))
                    following = starts
    return sorted(runs)
