"""Hours that are legal and do not do what somebody meant."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, groupby
from typing import NamedTuple

from ..domain.instants import WEEKDAYS, local_day
from ..domain.practice import AppointmentType, ContactType, Hours, Location, Override, Practice, Provider, Window
from .entries import PracticeFile, ProviderEntry, write_window
from .lines import Place

Told = Iterator[tuple[Place, str]]

NIGHT = (60, 300, 480)
"""Minutes of the day: what opens from 1:00 until before 5:00 and closes by 8:00 was meant on a clock of twelve."""


class Way(NamedTuple):
    """How a provider can be booked."""

    kind: AppointmentType
    contact: ContactType
    location: Location | None


class Opening(NamedTuple):
    """One window as written, and the next day it is open on."""

    place: Place
    window: Window
    source: Hours | Override
    day: date


def oddities(file: PracticeFile, practice: Practice, today: date) -> Told:
    longest: dict[str, int] = {}
    for n, entry in enumerate(file.providers):
        place: Place = ("providers", n)
        provider = practice.providers[entry.key]
        ways = _ways(practice, provider)
        openings = list(_openings(place, entry, provider, today))
        yield from _clock(openings)
        yield from _weeks(place, provider, today)
        yield from _twice(place, entry, today)
        if not ways:
            continue
        if not entry.hours and not openings:
            yield place, f"{entry.name} has no hours, so cannot be booked; write some under [[providers.hours]]"
        yield from _zone(place, entry, ways, today)
        fits: dict[str, int] = {}
        for opening in openings:
            rooms = list(_rooms(opening, provider, ways))
            if not any(minutes >= _minutes(kind) for kind, minutes in rooms):
                yield opening.place, _nothing_fits(opening, entry, rooms)
            for kind, minutes in rooms:
                fits[kind.key] = max(fits.get(kind.key, 0), minutes)
                longest[kind.key] = max(longest.get(kind.key, 0), minutes)
        yield from _too_long(place, entry, ways, fits)
        if fits:
            yield from _no_hours_there(place, entry, ways, openings)
    for n, written in enumerate(file.appointment_types):
        if written.minutes <= longest.get(written.key, 0) < written.increment:
            yield (
                ("appointment_types", n, "increment"),
                f"an increment of {written.increment} minutes is longer than all hours in which it is offered "
                f"(at most {longest[written.key]}), so only their opening is offered; lower it",
            )


def _ways(practice: Practice, provider: Provider) -> list[Way]:
    return [
        Way(kind, contact, location)
        for key in provider.types
        for kind in [practice.types[key]]
        for contact in map(practice.contact_types.__getitem__, kind.contact_types)
        if provider.offers(kind, contact)
        for location in (map(practice.locations.__getitem__, provider.locations) if contact.at_location else [None])
    ]


def _openings(place: Place, entry: ProviderEntry, provider: Provider, today: date) -> Iterator[Opening]:
    for m, hours in enumerate(provider.hours):
        first = max(today, hours.valid_from or today)
        for weekday, name in enumerate(WEEKDAYS):
            day = _next(first, weekday, provider)
            if day is not None and hours.applies(day):
                for window in getattr(entry.hours[m], name):
                    yield Opening((*place, "hours", m, name), window, hours, day)
    overrides = {day: iter(those) for day, those in provider.overrides.items()}
    for m, written in enumerate(entry.overrides):
        source = next(overrides[written.date])
        if written.date >= today:
            for window in written.hours:
                yield Opening((*place, "overrides", m, "hours"), window, source, written.date)


def _next(first: date, weekday: int, provider: Provider) -> date | None:
    """The first such day from then on whose hours no override replaces."""
    later = (first.toordinal() + (weekday - first.weekday()) % 7 + 7 * weeks for weeks in range(53))
    days = (date.fromordinal(day) for day in later if day <= date.max.toordinal())
    return next((day for day in days if day not in provider.overrides), None)


def _clock(openings: Sequence[Opening]) -> Told:
    earliest, latest, closing = NIGHT
    for opening in openings:
        window = opening.window
        if earliest <= window.opens < latest and window.closes <= closing:
            afternoon = write_window(Window(window.opens + 720, window.closes + 720))
            yield opening.place, f"{write_window(window)} is in the night; the afternoon is written {afternoon}"
    for place, same_day in groupby(openings, key=lambda opening: opening.place):
        pairs = combinations([opening.window for opening in same_day], 2)
        for one, other in [pair for pair in pairs if _overlap(*pair)][:1]:
            yield place, f"{write_window(one)} and {write_window(other)} overlap and count as one; check the times"


def _weeks(place: Place, provider: Provider, today: date) -> Told:
    for m, hours in enumerate(provider.hours):
        if hours.valid_until is not None and hours.valid_until < today:
            yield (
                (*place, "hours", m, "valid_until"),
                f"these hours ended on {hours.valid_until}; remove them, and see that others hold now",
            )
        elif not any(hours.week):
            yield (
                (*place, "hours", m),
                'no day has hours here; write some, such as monday = ["9:00-17:00"], or remove it',
            )
    for (_, one), (m, other) in combinations(enumerate(provider.hours), 2):
        if not (_together(one, other, today) and set(one.contact_types) == set(other.contact_types)):
            continue
        shared = [
            day
            for day, mine, theirs in zip(WEEKDAYS, one.week, other.week, strict=True)
            if any(_overlap(a, b) for a in mine for b in theirs)
        ]
        if shared and one.location == other.location:
            yield (
                (*place, "hours", m, shared[0]),
                "other hours on this day overlap with these, and all of them count; if these replace them, write when "
                "those end (valid_until)",
            )
        elif shared:
            yield (
                (*place, "hours", m, shared[0]),
                f"{provider.name} has hours at {one.location!r} at the same time, and can be booked at both places in "
                "turn; check the times",
            )


def _together(one: Hours, other: Hours, today: date) -> bool:
    """Whether both hold on some day from today on."""
    begins = max(today, one.valid_from or today, other.valid_from or today)
    return all(hours.valid_until is None or begins <= hours.valid_until for hours in (one, other))


def _twice(place: Place, entry: ProviderEntry, today: date) -> Told:
    for (_, one), (m, other) in combinations(enumerate(entry.overrides), 2):
        if (
            one.date == other.date >= today
            and (one.location == other.location or None in (one.location, other.location))
            and (not (one.contact_types and other.contact_types) or {*one.contact_types} & {*other.contact_types})
        ):
            yield (
                (*place, "overrides", m, "date"),
                f"{one.date} is overridden more than once, and the hours of all count; make one of them",
            )


def _zone(place: Place, entry: ProviderEntry, ways: Sequence[Way], today: date) -> Told:
    days = [today + timedelta(days=days) for days in (0, 182)]
    for location in dict.fromkeys(way.location for way in ways if way.location):
        if entry.zone and any(local_day(day, entry.zone) != local_day(day, location.zone) for day in days):
            yield (
                (*place, "zone"),
                f"hours at {location.name} are meant on the clock of {entry.zone} too, not on that of {location.zone}; "
                "remove zone, or the location",
            )


def _serves(source: Hours | Override, way: Way) -> bool:
    return (way.location is None or source.location in (None, way.location.key)) and (
        not source.contact_types or way.contact.key in source.contact_types
    )


def _rooms(opening: Opening, provider: Provider, ways: Sequence[Way]) -> Iterator[tuple[AppointmentType, int]]:
    """What can be booked in the window, with the minutes there are, joined with what touches it."""
    for way in ways:
        if _serves(opening.source, way):
            open_then = provider.windows(opening.day, way.contact, way.location)
            for window in open_then.get(opening.source.zone or provider.zone, []):
                if window.opens <= opening.window.opens < window.closes:
                    yield way.kind, window.closes - window.opens


def _nothing_fits(opening: Opening, entry: ProviderEntry, rooms: Sequence[tuple[AppointmentType, int]]) -> str:
    text = write_window(opening.window)
    if not rooms:
        return f"nothing that {entry.name} offers can take place in {text}: check contact_types and location there"
    shortest = min(_minutes(kind) for kind, _ in rooms)
    return (
        f"{text} is shorter than all that {entry.name} offers then (at least {shortest} minutes); lengthen or remove it"
    )


def _too_long(place: Place, entry: ProviderEntry, ways: Sequence[Way], fits: Mapping[str, int]) -> Told:
    """Of what fits nowhere, where something else fits: otherwise each of the windows was told of."""
    kinds = dict.fromkeys(way.kind for way in ways)
    if any(fits.get(kind.key, 0) >= _minutes(kind) for kind in kinds):
        for kind in kinds:
            if 0 < fits.get(kind.key, 0) < _minutes(kind):
                yield (
                    (*place, "types"),
                    f"no hours of {entry.name} are long enough for {kind.key!r} ({_minutes(kind)} minutes), so it "
                    "cannot be booked there; lengthen some, or remove the type",
                )


def _no_hours_there(place: Place, entry: ProviderEntry, ways: Sequence[Way], openings: Sequence[Opening]) -> Told:
    unserved = [way for way in ways if not any(_serves(opening.source, way) for opening in openings)]
    for contact, location in dict.fromkeys((way.contact, way.location) for way in unserved):
        where = f" at {location.key!r}" if location else ""
        yield (
            (*place, "locations" if location else "contact_types"),
            f"{entry.name} has no hours{where} for {contact.key!r}, so clients who choose that find no time; add some, "
            "or remove it",
        )


def _overlap(one: Window, other: Window) -> bool:
    return one.opens < other.closes and other.opens < one.closes


def _minutes(kind: AppointmentType) -> int:
    return int(kind.duration.total_seconds()) // 60
