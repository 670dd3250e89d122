"""What is well-formed by itself and wrong together.

Read from the file as written, right or wrong elsewhere: a value that is not of its kind is told of by the entries, and
here nothing is concluded from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from ..domain.guests import QuestionKind
from .entries import KEY, KINDS, PracticeFile, Section, did_you_mean, is_date, read_day, section_in
from .lines import Place
from .public_holidays import PublicHolidays, region_mistake

Told = Iterator[tuple[Place, str]]
"""Each with the place in the file that has to change."""


def contradictions(data: object) -> Told:
    """`data` is in the shape of a practice file, as far as it is in any."""
    file = Table((), PracticeFile, data if isinstance(data, Mapping) else {})
    known = {name: Known(file, name) for name in KINDS}
    for keys in known.values():
        yield from keys.used_twice()
    for kind in file.tables("appointment_types"):
        yield from known["contact_types"].unknown(kind, "contact_types", "contact type")
        yield from known["providers"].unknown(kind, "providers", "provider")
        if sum(kind.minutes(name) for name in ("minutes", "buffer_before", "buffer_after")) > 1440:
            yield (*kind.place, "minutes"), "the appointment and its buffers are longer than a day"
    for provider in file.tables("providers"):
        yield from _provider(provider, file, known)
    for holidays in file.table("holidays"):
        yield from _holidays(holidays)
    for told in file.table("new_clients"):
        yield from _questions(told)
    for closure in file.tables("closures"):
        first, last = closure.day("first"), closure.day("last")
        if first and last and last < first:
            yield (*closure.place, "last"), f"{last} is before the first day, {first}"
        elif first and last and (last - first).days > 3660:
            yield (*closure.place, "last"), "a closure of more than ten years; check the year"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file. What is not of the kind asked for is as if it were not there."""

    place: Place
    section: type[Section]
    written: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        value = self.written.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> list[str]:
        return [value for value in self.items(name) if isinstance(value, str)]

    def minutes(self, name: str) -> int:
        value = self.written.get(name)
        return value if isinstance(value, int) and 0 < value <= 1440 else 0

    def day(self, name: str) -> date | None:
        try:
            return read_day(self.written.get(name))
        except ValueError:
            return None

    def table(self, name: str) -> Iterator["Table"]:
        value = self.written.get(name)
        if isinstance(value, Mapping):
            yield Table((*self.place, name), section_in(self.section, name), value)

    def tables(self, name: str) -> Iterator["Table"]:
        for n, value in enumerate(self.items(name)):
            if isinstance(value, Mapping):
                yield Table((*self.place, name, n), section_in(self.section, name), value)

    def items(self, name: str) -> Sequence[Any]:
        value = self.written.get(name)
        return value if isinstance(value, list | tuple) else ()

    def lacks(self, name: str) -> bool:
        """Whether it is certain that nothing was meant to stand there."""
        return self.written.get(name) is None and not self._misspelt(name)

    def is_all(self, name: str, found: Sequence[object]) -> bool:
        """Whether it is certain that `found` is everything that was meant to be listed there."""
        value = self.written.get(name, [])
        return isinstance(value, list | tuple) and len(found) == len(value) and not self._misspelt(name)

    def _misspelt(self, name: str) -> bool:
        unknown = map(str, self.written.keys() - self.section.model_fields.keys())
        return bool(get_close_matches(name, unknown))


class Known:
    """The keys of one kind of thing."""

    def __init__(self, file: Table, name: str) -> None:
        self._keys = [(table.place, table.text("key")) for table in file.tables(name)]
        self.names = [key for _, key in self._keys if key is not None]
        # A thing whose key is not right may be the very one that is referred to.
        self.all_read = file.is_all(name, [key for key in self.names if KEY.fullmatch(key)])

    def used_twice(self) -> Told:
        seen: set[str] = set()
        for place, key in self._keys:
            if key in seen:
                yield (*place, "key"), f"{key!r} is used twice; give each its own key"
            elif key is not None:
                seen.add(key)

    def unknown(self, table: Table, name: str, what: str) -> Told:
        if self.all_read:
            yield from unknown((*table.place, name), what, table.texts(name), self.names)


def unknown(place: Place, what: str, keys: Iterable[str], among: Sequence[str]) -> Told:
    for key in keys:
        if key not in among:
            yield place, f"unknown {what} {key!r}{did_you_mean(key, among)}"


def _provider(provider: Table, file: Table, known: Mapping[str, Known]) -> Told:
    yield from known["locations"].unknown(provider, "locations", "location")
    yield from known["appointment_types"].unknown(provider, "types", "appointment type")
    yield from known["contact_types"].unknown(provider, "contact_types", "contact type")
    name = provider.text("name") or "this provider"
    locations = provider.texts("locations")
    told_where = provider.is_all("locations", locations)
    travel = {kind.text("key") for kind in file.tables("contact_types") if kind.written.get("at_location") is True}
    if travel.intersection(provider.texts("contact_types")) and told_where and not locations:
        yield provider.place, f"{name} meets clients at a location, so list at least one under locations"
    for hours in provider.tables("hours"):
        if hours.lacks("location") and len(locations) > 1:
            yield hours.place, f"{name} works at several locations; say which these hours are at"
        begins, ends = hours.day("valid_from"), hours.day("valid_until")
        if begins and ends and ends < begins:
            yield (*hours.place, "valid_until"), f"{ends} is before valid_from, {begins}"
    for table in (*provider.tables("hours"), *provider.tables("overrides")):
        yield from known["contact_types"].unknown(table, "contact_types", "contact type")
        location = table.text("location")
        if location is not None and told_where:
            yield from unknown((*table.place, "location"), "location of this provider", [location], locations)


def _questions(told: Table) -> Told:
    yield from Known(told, "questions").used_twice()
    for question in told.tables("questions"):
        options, place = question.items("options"), (*question.place, "options")
        kind = question.text("kind") or (QuestionKind.TEXT if question.lacks("kind") else None)
        if kind != QuestionKind.CHOICE:
            if options and kind in set(QuestionKind):
                yield place, 'only a question of the kind "choice" has options'
        elif len(options) < 2 and question.is_all("options", options):
            yield place, "a choice needs at least two options"
        elif len(set(question.texts("options"))) < len(question.texts("options")):
            yield place, "an option stands there twice"


def _holidays(told: Table) -> Told:
    country, subdivision = told.text("country"), told.text("subdivision")
    if country is None or not (subdivision or told.lacks("subdivision")):
        return
    if mistake := region_mistake(country, subdivision):
        yield (*told.place, mistake[0]), mistake[1]
        return
    # A dozen years hold what is not kept every year.
    names = PublicHolidays(country, subdivision).names(range(2020, 2032))
    for name in told.texts("open"):
        if not is_date(name) and name.strip() not in names:
            yield (*told.place, "open"), f"no public holiday is called {name!r}{did_you_mean(name, names)}"
