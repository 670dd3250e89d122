"""A language in which every message stands between marks, and what of a page or a mail stands outside of them.

A place in a message lies outside too, so that what fills it has to be marked itself. Dates are German, so that one
written in English, past the language room, is found as well.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_name

from portal_plugin.wording import language

MARKED = re.compile("⟦[^⟦⟧]*⟧")
PLACE = re.compile(r"(\{\w+\})")
TOLD = ("aria-label", "aria-description", "aria-roledescription", "title", "placeholder", "alt", "label")
UNSEEN = {"script", "style"}
# Places are left where a page hands a message to its script.
NO_WORDS = re.compile(r"\{\w+\}|https?://\S+|webcal:\S+|\S+@\S+|\b[0-9a-f]{8,}\b")


class Pseudo(NullTranslations):
    def gettext(self, message: str) -> str:
        return "".join(part if PLACE.fullmatch(part) else f"⟦{part}⟧" for part in PLACE.split(message) if part)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


# Nobody else in the suite reads German as in Liechtenstein: what is kept for each language is not mixed up.
PSEUDO = language.Language("de-LI", Locale.parse("de_LI"), Pseudo())


@contextmanager
def pseudo_spoken() -> Iterator[None]:
    """Whatever language is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "_language", lambda name, rest: PSEUDO)
        yield


def strings(data: Any) -> Iterator[str]:
    """Every text in a practice as a dict. A key such as `visit` is none: a page may not say that."""
    if isinstance(data, str):
        if not re.fullmatch(r"[a-z0-9_-]+", data):
            yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from strings(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from strings(value)


def date_words() -> set[str]:
    """Words of dates, as the calendar of the language has them, and of time zones."""
    locale = PSEUDO.locale
    zones = get_global("windows_zone_mapping").values()
    told = " ".join(f"{zone} {get_timezone_name(ZoneInfo(zone), locale=locale)}" for zone in zones)
    named = [*locale.months["format"].values(), *locale.days["format"].values(), *locale.days["stand-alone"].values()]
    return {word for names in named for name in names.values() for word in words(name)} | {
        *words(told.replace("_", " ")),
        *words("EST EDT UTC"),
    }


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text)


class Missed:
    """Finds what is outside of the marks and none of the practice's own words, given as whole phrases."""

    def __init__(self, own: Iterable[str]) -> None:
        phrases = sorted({" ".join(one.split()) for one in own if words(one)}, key=len, reverse=True)
        self._own = re.compile(
            "|".join(rf"\b{re.escape(one)}\b" if one.isalpha() else re.escape(one) for one in phrases)
        )
        self._dates = date_words()

    def in_text(self, text: str) -> list[str]:
        """The lines in which something is."""
        return [line for line in map(" ".join, map(str.split, text.splitlines())) if self._left(line)]

    def in_html(self, html: str) -> list[str]:
        return [line for text in _Reader(html).texts for line in self.in_text(" ".join(text.split()))]

    def _left(self, line: str) -> bool:
        left = self._own.sub(" ", NO_WORDS.sub(" ", MARKED.sub(" ", line)))
        return any(word not in self._dates for word in words(left))


class _Reader(HTMLParser):
    """What a page shows, says to a screen reader, or hands to its script to say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._inside.append(tag)
        for name, value in attrs:
            if value and (name in TOLD or name.startswith("data-say") or name in {"data-portal-status"}):
                self.texts.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.texts.append(data)
