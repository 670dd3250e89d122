"""Public holidays by country and subdivision, from the holidays library."""

import re
from collections.abc import Iterable
from datetime import date

import holidays


class PublicHolidays:
    """A region's public holidays, by date; those in `open`, by name or date, are left out.

    Names are the country's own; English ones are understood as well, and one name stands for its observed day too.
    """

    def __init__(self, country: str, subdivision: str | None, open: Iterable[date | str] = ()) -> None:
        self._country, self._subdivision = country, subdivision
        self._open = frozenset(open)
        self._by_year: dict[int, dict[date, str]] = {}

    def get(self, day: date) -> str | None:
        """The holiday's name, None on a working day."""
        if day.year not in self._by_year:
            self._by_year[day.year] = self._in(day.year)
        return self._by_year[day.year].get(day)

    def names(self, years: Iterable[int]) -> set[str]:
        """Every name that can be written under `open`."""
        return {name for year in years for told in self._told(year) for names in told.values() for name in _bare(names)}

    def _in(self, year: int) -> dict[date, str]:
        own, *others = self._told(year)
        worked = {
            day for told in (own, *others) for day, names in told.items() if self._open.issuperset(_bare(names))
        } | self._open
        return {day: "; ".join(_bare(names)) for day, names in own.items() if day not in worked}

    def _told(self, year: int) -> list[dict[date, str]]:
        """The year's holidays in the country's language and in English."""
        entity = getattr(holidays, self._country)
        languages = dict.fromkeys([entity.default_language, "en_US" if "en_US" in entity.supported_languages else None])
        return [
            dict(holidays.country_holidays(self._country, self._subdivision, years=year, language=language))
            for language in languages
            if language or len(languages) == 1
        ]


def region_mistake(country: str, subdivision: str | None) -> tuple[str, str] | None:
    """What is at fault, `country` or `subdivision`, and a sentence, where the library does not know the region."""
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        return "country", f"unknown country {country!r}: write its two letters, such as 'US'"
    if subdivision is not None and subdivision not in known[country]:
        regions = ", ".join(known[country]) or "none"
        return "subdivision", f"unknown subdivision {subdivision!r} of {country}; there are: {regions}"
    return None


def _bare(names: str) -> list[str]:
    """`Christmas Day (observed); Boxing Day` is Christmas Day and Boxing Day."""
    return [re.sub(r"\s*\([^()]*\)$", "", name) for name in names.split("; ")]
