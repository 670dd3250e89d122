"""Where else there is a time, when none is free where it was looked for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice

from ..domain.appointment import Appointment, Client
from ..domain.availability import Slot, bookable_range
from ..domain.instants import day_bounds, instant, local_date, seconds
from ..domain.practice import AppointmentType, ContactType, Practice, Provider, Wish
from .slots import free_slots, read_diary
from .state import State

REACH = timedelta(days=14)
"""How far before the day, and after the next one with times, is looked."""

EARLIER, LATER = 2, 3
"""Days with times, before the wanted one and after it."""

OTHERS = 4
"""Other providers, and other ways to meet, of which the next free time is looked for."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """Of the nearest days before and after, the free slots, in order of time; of others who offer the same, and of
    other ways and places of it, the next one.
    """

    days: list[list[Slot]]
    providers: list[tuple[Provider, Slot]]
    ways: list[tuple[Wish, Slot]]


def look_around(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    moving: Appointment | None,
    day: date,
    following: date | None,
) -> Nearby:
    """Around a local day without a free time; `following` is the next that has one. What is moved stays of its kind and
    where it is. Raises NotAnswered.
    """
    now = state.now()
    days = _days_around(state, practice, wish, client, moving, day, following, now)
    others = [
        one for one in practice.providers_for(wish.type, wish.contact, wish.location) if one not in wish.providers
    ]

    def all_of(wish: Wish) -> Iterator[Slot]:
        first, beyond = (instant(edge) for edge in bookable_range(wish, now))
        return free_slots(state, practice, wish, since=first, until=beyond, now=now, client=client, moving=moving)

    next_of: dict[str, Slot] = {}
    if others:
        others = others[:OTHERS]
        for slot in all_of(replace(wish, providers=tuple(others))):
            for key in slot.providers:
                next_of.setdefault(key, slot)
            if len(next_of) == len(others):
                break
    ways = () if moving else _ways(practice, wish)
    firsts = [(way, next(all_of(way), None)) for way in ways]
    return Nearby(
        days,
        [(one, next_of[one.key]) for one in others if one.key in next_of],
        [(way, slot) for way, slot in firsts if slot],
    )


def _days_around(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    moving: Appointment | None,
    day: date,
    following: date | None,
    now: datetime,
) -> list[list[Slot]]:
    """What is taken is read once for all of them."""
    edges = (day - REACH, day, following or day, following + REACH if following else day)
    since, before, after, until = (instant(day_bounds(one, wish.zone)[0]) for one in edges)
    diary = read_diary(state, practice, wish, since, until, client, moving)

    def by_day(since: datetime, until: datetime) -> list[list[Slot]]:
        slots = free_slots(
            state, practice, wish, since=since, until=until, now=now, client=client, moving=moving, known=diary
        )
        days = groupby(slots, key=lambda slot: local_date(seconds(slot.starts), wish.zone))
        return [list(theirs) for _, theirs in days]

    return by_day(since, before)[-EARLIER:] + by_day(after, until)[:LATER]


def _ways(practice: Practice, wish: Wish) -> list[Wish]:
    """The same type with anybody, elsewhere or by another contact type."""
    kind = wish.type
    all_of_them = (
        practice.wish(kind.key, contact.key, None, place)
        for contact in practice.contacts_for(kind)
        for place in _places(practice, kind, contact)
    )
    others = (way for way in all_of_them if (way.contact, way.location) != (wish.contact, wish.location))
    return list(islice(others, OTHERS))


def _places(practice: Practice, kind: AppointmentType, contact: ContactType) -> list[str | None]:
    return [place.key for place in practice.locations_for(kind, contact)] or [None]
