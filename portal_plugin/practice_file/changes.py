"""What one practice file says differently from another, a line each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ..domain.instants import WEEKDAYS
from ..domain.practice import Window
from .entries import (
    KINDS,
    AppointmentTypeEntry,
    ClosureEntry,
    ContactTypeEntry,
    HolidaysSection,
    HoursEntry,
    LocationEntry,
    NewClientsSection,
    PracticeFile,
    ProviderEntry,
    Section,
    write_window,
)

SHORT = 40
"""Characters up to which a text is shown; of a longer one, and of a secret, only the name."""

T = TypeVar("T")
Entry = LocationEntry | ContactTypeEntry | AppointmentTypeEntry | ProviderEntry


def changes(old: PracticeFile | None, new: PracticeFile) -> list[str]:
    """No line: they say the same. What is in `old` alone is called retired."""
    lines = sorted(line for kind in KINDS for line in _entries(kind, getattr(old, kind, ()), getattr(new, kind)))
    if old is None:
        lines.append(f"set up the practice {new.practice.name!r}")
    elif told := list(_differences(old.practice, new.practice)):
        lines.append(f"change the practice: {', '.join(told)}")
    closures = old.closures if old else ()
    lines += [f"add closure {_closure(closure)}" for closure in _more(new.closures, closures)]
    lines += [f"remove closure {_closure(closure)}" for closure in _more(closures, new.closures)]
    lines += _holidays(old.holidays if old else None, new.holidays)
    return lines + list(_new_clients(old.new_clients if old else None, new.new_clients))


def _entries(kind: str, old: Sequence[Entry], new: Sequence[Entry]) -> Iterator[str]:
    noun = kind.replace("_", " ").removesuffix("s")
    before = {entry.key: entry for entry in old}
    after = {entry.key: entry for entry in new}
    for key in before.keys() | after.keys():
        if key not in after:
            yield f"retire {noun} {key!r}"
        elif key not in before:
            yield f"add {noun} {key!r}"
        elif told := list(_differences(before[key], after[key])):
            yield f"change {noun} {key!r}: {', '.join(told)}"
    if before.keys() == after.keys() and list(before) != list(after):
        yield f"reorder {noun}s"


def _holidays(old: HolidaysSection | None, new: HolidaysSection | None) -> Iterator[str]:
    if new is None and old is not None:
        yield "work on public holidays"
    elif old is None and new is not None:
        yield f"close on the public holidays of {new.country}{f', {new.subdivision}' if new.subdivision else ''}"
    elif old is not None and new is not None and (told := list(_differences(old, new))):
        yield f"change the public holidays: {', '.join(told)}"


def _new_clients(old: NewClientsSection | None, new: NewClientsSection | None) -> Iterator[str]:
    if new is None and old is not None:
        yield "take no new clients online"
    elif old is None and new is not None:
        yield "take new clients online"
    elif old is not None and new is not None and (told := list(_differences(old, new))):
        yield f"change how new clients are taken: {', '.join(told)}"


def _differences(old: Section, new: Section) -> Iterator[str]:
    for name, told in type(new).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if name == "hours":
            yield from _hours(before, after)
        elif isinstance(after, tuple) and not isinstance(after, Window):
            yield from _list(name, before, after)
        elif not told.repr or any(isinstance(value, str) and len(value) > SHORT for value in (before, after)):
            yield name
        else:
            yield f"{name} {_value(before)} -> {_value(after)}"


def _hours(old: Sequence[HoursEntry], new: Sequence[HoursEntry]) -> Iterator[str]:
    def on(day: str, entries: Sequence[HoursEntry]) -> list[object]:
        others = dict.fromkeys(WEEKDAYS, ())
        return [
            entry.model_copy(update=others | {day: getattr(entry, day)}) for entry in entries if getattr(entry, day)
        ]

    days = [day for day in WEEKDAYS if on(day, old) != on(day, new)]
    yield f"hours of {', '.join(days)}" if days else "hours"


def _list(name: str, old: Sequence[object], new: Sequence[object]) -> Iterator[str]:
    added, gone = _more(new, old), _more(old, new)
    if not added and not gone:
        yield f"order of {name}"
    elif any(isinstance(one, Section) for one in (*added, *gone)):
        for sign, those in (("+", added), ("-", gone)):
            if those:
                yield f"{sign}{len(those)} {name.removesuffix('s') if len(those) == 1 else name}"
    else:
        signed = [f"+{_value(one)}" for one in added] + [f"-{_value(one)}" for one in gone]
        yield f"{name} {' '.join(signed)}"


def _more(these: Iterable[T], than: Iterable[T]) -> list[T]:
    return list((Counter(these) - Counter(than)).elements())


def _closure(closure: ClosureEntry) -> str:
    until = f" to {closure.last}" if closure.last and closure.last != closure.first else ""
    return f"{closure.first}{until}{f' {closure.name!r}' if closure.name else ''}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Window):
        return write_window(value)
    if isinstance(value, str):
        return repr(str(value))
    return "none" if value is None else str(value)
