"""Reading a practice file. Every mistake is found at once and reported with its line."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ..domain.errors import Mistake, PracticeFileError
from .contradictions import contradictions
from .entries import PracticeFile, Section, did_you_mean, section_in
from .lines import Place, lines_of, nearest_line
from .oddities import oddities


class Written(NamedTuple):
    """A practice file, and where in its text each thing stands; no lines when it was given as a dict."""

    file: PracticeFile
    lines: Mapping[Place, int]

    def warnings(self, today: date) -> list[Mistake]:
        """What is legal and odd, from the top down. `today` is the practice's local date."""
        return located(oddities(self.file, today), self.file.model_dump(), self.lines)


def load(path: str | Path) -> PracticeFile:
    """Read a practice file. Raises PracticeFileError with all mistakes, or with the one that stops reading."""
    return read(path).file


def read(path: str | Path) -> Written:
    """The same, with its lines."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PracticeFileError([Mistake(None, str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise PracticeFileError([Mistake(line, str(path), "is not UTF-8 text; save it as UTF-8")]) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        raise PracticeFileError([Mistake(line, "not valid TOML", str(error))]) from None
    except (RecursionError, ValueError):
        # tomllib lets these two through for brackets nested by the hundred and numbers of thousands of digits.
        raise PracticeFileError(
            [Mistake(None, "not valid TOML", "it is nested too deeply or a number is too long")]
        ) from None
    lines = lines_of(text)
    return Written(from_dict(data, lines), lines)


def from_dict(data: Mapping[str, Any], lines: Mapping[Place, int] | None = None) -> PracticeFile:
    """The same from a dict in the file's shape. Raises PracticeFileError."""
    file, mistakes = None, []
    try:
        file = PracticeFile.model_validate(data)
    except ValidationError as error:
        mistakes = [(tuple(e["loc"]), _explain(e)) for e in error.errors()]
    mistakes += contradictions(file.model_dump(exclude_none=True) if file else data)
    if file is None or mistakes:
        raise PracticeFileError(located(mistakes, data, lines or {}))
    return file


def located(told: Iterable[tuple[Place, str]], data: Any, lines: Mapping[Place, int]) -> list[Mistake]:
    """What is told of places in `data`, with their lines and in the words of the file, from the top down."""
    found = [Mistake(nearest_line(lines, place), _spell(place, data), what) for place, what in told]
    return sorted(found, key=lambda mistake: mistake.line or 0)


def _explain(error: Any) -> str:
    kind, loc = error["type"], error["loc"]
    if kind == "missing":
        return f"{loc[-1]!r} is missing"
    if kind == "extra_forbidden":
        fields = _fields_at(loc[:-1])
        return f"unknown setting {loc[-1]!r}{did_you_mean(str(loc[-1]), fields)}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch" and loc[-1] == "key":
        return f'{error["input"]!r} must be lower-case letters, digits and hyphens, such as "first-visit"'
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, not {_shorten(error['input'])}"


def _fields_at(loc: Place) -> list[str]:
    section: type[Section] = PracticeFile
    for step in loc:
        if isinstance(step, str):
            section = section_in(section, step)
    return list(section.model_fields)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _spell(loc: Place, data: Mapping[str, Any]) -> str:
    """`providers "amara-okafor", hours 2, monday` rather than `providers.0.hours.1.monday.0`."""
    words: list[str] = []
    value: Any = data
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
        if isinstance(step, str):
            words.append(step)
        elif isinstance(value, Mapping):
            words[-1] += f" {value['key']!r}" if isinstance(value.get("key"), str) else f" {step + 1}"
    return ", ".join(words) or "practice file"
