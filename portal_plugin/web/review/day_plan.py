"""A provider's day in the order in which it passes: open hours, appointments, what is taken elsewhere, what is free."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ...domain.appointment import Appointment
from ...domain.instants import day_bounds, seconds
from ...domain.practice import Interval, Practice, Provider
from ...wording.dates import told_time

SHORTEST = 15 * 60
"""Seconds; a shorter gap is not worth showing."""

STEP = 5 * 60
"""Seconds; what is free from now on begins on one of these."""


def time_range(starts: datetime, ends: datetime) -> str:
    """`10:00 – 10:50 AM`, `11:30 AM – 12:20 PM`."""
    first, last = told_time(starts), told_time(ends)
    same = first[-3:] == last[-3:] and first[-2:] in {"AM", "PM"}
    return f"{first[:-3] if same else first} – {last}"


class Block(NamedTuple):
    """`kind` is appointment (one, or all of a group's session), busy, held or free; times are local."""

    kind: str
    starts: datetime
    ends: datetime
    appointments: tuple[Appointment, ...] = ()

    @property
    def words(self) -> str:
        return time_range(self.starts, self.ends)


@dataclass(frozen=True, slots=True)
class DayPlan:
    """`hours` are the open stretches (local), `places` where, if there are several; `closed` says why nobody works."""

    provider: Provider
    day: date
    hours: list[tuple[datetime, datetime]]
    places: list[str]
    closed: str | None
    blocks: list[Block]

    @property
    def hours_words(self) -> str:
        return ", ".join(time_range(*each) for each in self.hours)


def day_plan(
    practice: Practice,
    provider: Provider,
    day: date,
    appointments: Iterable[Appointment],
    busy: Sequence[Interval],
    held: Sequence[Interval],
    now: datetime,
) -> DayPlan:
    """What there is may hold more than this day of this provider; the day is the practice's. `busy` is what other
    calendars say, `held` what clients keep who fill in the form at this moment.
    """
    zone = ZoneInfo(practice.zone)
    bounds = Interval(*day_bounds(day, practice.zone))
    closed = practice.closed_on(day)
    hours = [] if closed else open_stretches(practice, provider, day)
    own = [one for one in appointments if one.provider.key == provider.key and _within(_time(one), bounds)]
    taken = [*busy, *held, *map(_claimed, own)]
    soon = -(-seconds(now) // STEP) * STEP
    ahead = [Interval(max(each.starts, soon), each.ends) for each in hours]

    def local(interval: Interval) -> tuple[datetime, datetime]:
        return datetime.fromtimestamp(interval.starts, zone), datetime.fromtimestamp(interval.ends, zone)

    blocks = [
        *(Block("appointment", *local(_time(some[0])), tuple(some)) for some in _sessions(own)),
        *(Block("busy", *local(one)) for one in busy if _within(one, bounds)),
        *(Block("held", *local(one)) for one in held if _within(one, bounds)),
        *(Block("free", *local(one)) for one in gaps(ahead, taken) if one.ends - one.starts >= SHORTEST),
    ]
    return DayPlan(
        provider,
        day,
        [local(each) for each in hours],
        _places(practice, provider, day) if hours else [],
        closed,
        sorted(blocks, key=lambda each: (each.starts, each.kind)),
    )


def _sessions(appointments: Iterable[Appointment]) -> list[list[Appointment]]:
    """Those who sit together in a group are one; everybody else is one alone."""
    found: dict[object, list[Appointment]] = {}
    for one in appointments:
        place = one.location.key if one.location else None
        session = (one.starts, one.type.key, one.contact.key, place) if one.type.capacity > 1 else one.ref
        found.setdefault(session, []).append(one)
    return list(found.values())


def open_stretches(practice: Practice, provider: Provider, day: date) -> list[Interval]:
    """When the provider works on that date, in whatever way and place; in order, joined."""
    found = []
    for key in provider.contact_types:
        for zone, windows in provider.windows(day, practice.contact_types[key], None).items():
            midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
            for window in windows:
                opens, closes = (midnight + timedelta(minutes=minutes) for minutes in window)
                found.append(Interval(seconds(opens), seconds(closes)))
    return joined(found)


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    result: list[Interval] = []
    for each in sorted(intervals):
        if result and each.starts <= result[-1].ends:
            result[-1] = Interval(result[-1].starts, max(result[-1].ends, each.ends))
        elif each.starts < each.ends:
            result.append(each)
    return result


def gaps(hours: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What of the hours is not taken."""
    apart, found = joined(taken), []
    for starts, ends in hours:
        for one in apart:
            if one.ends > starts and one.starts < ends:
                found.append(Interval(starts, one.starts))
                starts = max(starts, one.ends)
        found.append(Interval(starts, ends))
    return [one for one in found if one.starts < one.ends]


def _time(one: Appointment) -> Interval:
    return Interval(seconds(one.starts), seconds(one.ends))


def _claimed(one: Appointment) -> Interval:
    return Interval(seconds(one.starts) - one.type.before, seconds(one.starts) + one.type.reach)


def _within(one: Interval, bounds: Interval) -> bool:
    return one.starts < bounds.ends and one.ends > bounds.starts


def _places(practice: Practice, provider: Provider, day: date) -> list[str]:
    if len(provider.locations) < 2:
        return []
    contacts = [practice.contact_types[key] for key in provider.contact_types]
    return [
        place.name
        for place in (practice.locations[key] for key in provider.locations)
        if any(any(provider.windows(day, contact, place).values()) for contact in contacts if contact.at_location)
    ]
