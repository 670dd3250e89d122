"""When a zone's clock changes, which local times that skips or repeats, and what it does to the times offered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain, pairwise
from typing import NamedTuple

from .availability import Diary, find_slots
from .instants import DAY, instant, local_day
from .practice import Location, Practice, Wish


class ClockChange(NamedTuple):
    """At `at`, in seconds since 1970, the offset from UTC goes from `before` to `after`, in seconds."""

    at: int
    before: int
    after: int

    @property
    def skips(self) -> bool:
        """Otherwise it repeats."""
        return self.after > self.before

    @property
    def since(self) -> datetime:
        """What a clock on the wall shows where the skipped or repeated stretch begins; naive."""
        return instant(self.at + min(self.before, self.after)).replace(tzinfo=None)

    @property
    def until(self) -> datetime:
        """The same for where it ends."""
        return instant(self.at + max(self.before, self.after)).replace(tzinfo=None)


def clock_changes(zone: str, since: date, until: date) -> Iterator[ClockChange]:
    """The changes on the zone's days from `since` until before `until`, in order."""
    days = (since + timedelta(days=n) for n in range((until - since).days))
    # Near a change at midnight, the stretches of two days alternate.
    stretches = sorted(chain.from_iterable(local_day(day, zone) for day in days))
    for earlier, later in pairwise(stretches):
        if earlier.offset != later.offset:
            yield ClockChange(later.starts, earlier.offset, later.offset)


def affected_starts(practice: Practice, zone: str, change: ClockChange) -> int:
    """How many times, each of one provider, the change takes from what is offered on that clock or offers twice."""
    wishes = list(_wishes(practice, zone))
    return len(_skipped(wishes, zone, change) if change.skips else _repeated(practice, wishes, zone, change))


def _wishes(practice: Practice, zone: str) -> Iterator[Wish]:
    """Everything on offer, without notice and horizon, which say nothing of that day yet."""
    for kind in practice.bookable_types():
        near = replace(kind, notice=timedelta(0), horizon=timedelta(days=1))
        for contact in practice.contacts_for(kind):
            places: list[Location | None] = [*practice.locations_for(kind, contact)]
            for location in places or [None]:
                yield Wish(near, contact, tuple(practice.providers_for(kind, contact, location)), location, zone)


def _skipped(wishes: list[Wish], zone: str, change: ClockChange) -> set[tuple[str, datetime]]:
    """Starts that the hours would have on a day with that stretch in it."""
    days = [change.since.date() + timedelta(days=n) for n in range((change.until - change.since).days + 2)]
    found = set()
    for wish in wishes:
        for provider in wish.providers:
            for day in days:
                begins = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - what the wall shows
                for window in provider.windows(day, wish.contact, wish.location).get(zone, []):
                    start = begins + timedelta(minutes=window.opens)
                    while start + wish.type.duration <= begins + timedelta(minutes=window.closes):
                        if change.since <= start < change.until:
                            found.add((provider.key, start))
                        start += wish.type.increment
    return found


def _repeated(practice: Practice, wishes: list[Wish], zone: str, change: ClockChange) -> set[tuple[str, datetime]]:
    """Starts that are offered on both passes, by the second."""
    length = timedelta(seconds=change.before - change.after)
    since, until = instant(change.at) - length, instant(change.at) + length
    there = {
        provider.key
        for wish in wishes
        for provider in wish.providers
        if provider.windows(change.since.date(), wish.contact, wish.location).get(zone)
    }
    found = {
        (key, slot.starts)
        for wish in wishes
        for slot in find_slots(
            practice, wish, Diary(), since=since, until=until, now=since - timedelta(seconds=DAY // 2)
        )
        for key in slot.providers
        if key in there
    }
    return {(key, starts) for key, starts in found if (key, starts - length) in found}
