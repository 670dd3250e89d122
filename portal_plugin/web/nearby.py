"""Step 2 where no time is free: the nearest days, others who have one, other ways to meet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import url_for

from ..domain.availability import Slot
from ..domain.instants import local_date, seconds
from ..domain.practice import Wish
from ..services.nearby import Nearby
from ..wording import say
from ..wording.dates import long_date, told_time

SHOWN = 2
"""Times of a day that are named; of the others, how many there are."""


class Way(NamedTuple):
    """A choice: what it is, what more there is to say, and the address that leads to it."""

    name: str
    hint: str
    address: str


@dataclass(frozen=True, slots=True)
class Ways:
    """`days` with times, in order; `providers` and `others`, each with their next free time."""

    days: list[Way]
    providers: list[Way]
    others: list[Way]


def ways(wish: Wish, found: Nearby, provider: str, to: Callable[[str], str]) -> Ways:
    """`to` gives the step's address with a provider's key, or with none; `provider` is the one it has."""

    def on(provider: str, slot: Slot) -> str:
        return f"{to(provider)}&date={_day(slot, wish)}"

    return Ways(
        [Way(long_date(_day(slots[0], wish)), _times(slots, wish), on(provider, slots[0])) for slots in found.days],
        [Way(one.name, _when(slot, wish), on(one.key, slot)) for one, slot in found.providers],
        [Way(_how(way), _when(slot, way), _address(way, _day(slot, way))) for way, slot in found.ways],
    )


def _day(slot: Slot, wish: Wish) -> date:
    return local_date(seconds(slot.starts), wish.zone)


def _clock(slot: Slot, wish: Wish) -> str:
    return told_time(slot.starts.astimezone(ZoneInfo(wish.zone)))


def _when(slot: Slot, wish: Wish) -> str:
    return say("{date}, {time}", date=long_date(_day(slot, wish)), time=_clock(slot, wish))


def _times(slots: list[Slot], wish: Wish) -> str:
    told = ", ".join(_clock(slot, wish) for slot in slots[:SHOWN])
    more = len(slots) - SHOWN
    return say("{times} and {number} more", times=told, number=more) if more > 0 else told


def _how(wish: Wish) -> str:
    if wish.location is None:
        return wish.contact.name
    return say("{way}, {place}", way=wish.contact.name, place=wish.location.name)


def _address(wish: Wish, day: date) -> str:
    place = wish.location.key if wish.location else None
    return url_for("portal.time", type=wish.type.key, contact=wish.contact.key, location=place, date=day)
