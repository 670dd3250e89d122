"""What is well-formed by itself and wrong together."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from .entries import HolidaysSection, PracticeFile, did_you_mean
from .lines import Place
from .public_holidays import PublicHolidays


def contradictions(file: PracticeFile) -> Iterator[tuple[Place, str]]:
    """Each with the place in the file that has to change."""
    known = {
        name: [entry.key for entry in getattr(file, name)]
        for name in ("locations", "contact_types", "appointment_types", "providers")
    }
    for name, keys in known.items():
        for n, key in enumerate(keys):
            if key in keys[:n]:
                yield (name, n, "key"), f"{key!r} is used twice; give each its own key"

    def unknown(path: Place, what: str, keys: Iterable[str], among: Sequence[str]) -> Iterator[tuple[Place, str]]:
        for key in keys:
            if key not in among:
                yield path, f"unknown {what} {key!r}{did_you_mean(key, among)}"

    travel = {entry.key for entry in file.contact_types if entry.at_location}
    for n, kind in enumerate(file.appointment_types):
        at = ("appointment_types", n)
        yield from unknown((*at, "contact_types"), "contact type", kind.contact_types, known["contact_types"])
        if kind.minutes + kind.buffer_before + kind.buffer_after > 1440:
            yield (*at, "minutes"), "the appointment and its buffers are longer than a day"
        yield from unknown((*at, "providers"), "provider", kind.providers, known["providers"])
    if file.holidays:
        yield from _unknown_holidays(file.holidays)
    for n, closure in enumerate(file.closures):
        if closure.last is not None and closure.last < closure.first:
            yield ("closures", n, "last"), f"{closure.last} is before the first day, {closure.first}"
        elif closure.last is not None and (closure.last - closure.first).days > 3660:
            yield ("closures", n, "last"), "a closure of more than ten years; check the year"
    for n, provider in enumerate(file.providers):
        here: Place = ("providers", n)
        yield from unknown((*here, "locations"), "location", provider.locations, known["locations"])
        yield from unknown((*here, "types"), "appointment type", provider.types, known["appointment_types"])
        yield from unknown((*here, "contact_types"), "contact type", provider.contact_types, known["contact_types"])
        if travel.intersection(provider.contact_types) and not provider.locations:
            yield here, f"{provider.name} meets clients at a location, so list at least one under locations"
        for m, hours in enumerate(provider.hours):
            there = (*here, "hours", m)
            yield from unknown((*there, "contact_types"), "contact type", hours.contact_types, known["contact_types"])
            yield from unknown(
                (*there, "location"),
                "location of this provider",
                [hours.location] if hours.location else [],
                provider.locations,
            )
            if hours.location is None and len(provider.locations) > 1:
                yield there, f"{provider.name} works at several locations; say which these hours are at"
            if hours.valid_from and hours.valid_until and hours.valid_until < hours.valid_from:
                yield (*there, "valid_until"), f"{hours.valid_until} is before valid_from, {hours.valid_from}"
        for m, override in enumerate(provider.overrides):
            yield from unknown(
                (*here, "overrides", m, "contact_types"), "contact type", override.contact_types, known["contact_types"]
            )
            yield from unknown(
                (*here, "overrides", m, "location"),
                "location of this provider",
                [override.location] if override.location else [],
                provider.locations,
            )


def _unknown_holidays(told: HolidaysSection) -> Iterator[tuple[Place, str]]:
    # A dozen years hold what is not kept every year.
    names = PublicHolidays(told.country, told.subdivision).names(range(2020, 2032))
    for name in told.open:
        if not isinstance(name, date) and name not in names:
            yield ("holidays", "open"), f"no public holiday is called {name!r}{did_you_mean(name, names)}"
