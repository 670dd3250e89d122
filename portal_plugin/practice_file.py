"""practice.toml to domain records. Every mistake is found at once and reported with its line."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, ValidationError

from .domain.addresses import is_web_address
from .domain.errors import Mistake, PracticeFileError
from .domain.instants import zone_names
from .domain.practice import (
    AppointmentType,
    Closure,
    ContactType,
    Hours,
    Location,
    Override,
    Practice,
    Provider,
    Window,
    joined,
)

Path_ = tuple[str | int, ...]

_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})", re.ASCII)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _read_window(text: object) -> Window:
    if isinstance(text, Window):
        return text
    match = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError(f'write hours as "9:00-17:00", not {text!r}')
    from_hour, from_minute, to_hour, to_minute = (int(part) for part in match.groups())
    window = Window(from_hour * 60 + from_minute, to_hour * 60 + to_minute)
    if from_minute > 59 or to_minute > 59 or window.closes > 1440:
        raise ValueError(f"{text!r} is not a time of day; the day ends at 24:00")
    if window.opens >= window.closes:
        raise ValueError(f"{text!r} ends before it begins; hours past midnight are two windows on two days")
    return window


def _write_window(window: Window) -> str:
    return f"{window.opens // 60}:{window.opens % 60:02}-{window.closes // 60}:{window.closes % 60:02}"


def _zone(name: object) -> str:
    if not isinstance(name, str) or name not in zone_names():
        raise ValueError(f"unknown time zone {name!r}{_did_you_mean(str(name), zone_names())}")
    return name


def _read_day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"write a date as 2027-01-31, not {value!r}")


def _address(url: object) -> str:
    # Not repeated in the sentence: a calendar's address is a secret.
    if not isinstance(url, str) or len(url) > 2000 or not is_web_address(url):
        raise ValueError('write a whole address that begins with "https://", not with "webcal://"')
    return url


Day = Annotated[date, BeforeValidator(_read_day)]
Opening = Annotated[Window, BeforeValidator(_read_window), PlainSerializer(_write_window)]
Zone = Annotated[str, BeforeValidator(_zone)]
Address = Annotated[str, BeforeValidator(_address)]
Whole = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
Key = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=2000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PracticeSection(_Section):
    name: Name
    zone: Zone
    phone: Name
    email: Text = ""
    address: Text = ""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    requests_hold_time: YesNo = True
    request_expiry_hours: Annotated[Whole, Field(ge=1, le=8760)] | None = None
    cancellation_hours: Annotated[Whole, Field(ge=0, le=8760)] = 24
    reminder_programme: Text = ""


class LocationEntry(_Section):
    key: Key
    name: Name
    address: Text = ""
    zone: Zone | None = None


class ContactTypeEntry(_Section):
    key: Key
    name: Name
    at_location: YesNo = False
    instructions: Text = ""


class AppointmentTypeEntry(_Section):
    key: Key
    name: Name
    description: Text = ""
    minutes: Annotated[Whole, Field(ge=1, le=1440)]
    buffer_before: Annotated[Whole, Field(ge=0, le=720)] = 0
    buffer_after: Annotated[Whole, Field(ge=0, le=720)] = 0
    increment: Annotated[Whole, Field(ge=1, le=1440)] = 15
    notice_hours: Annotated[Whole, Field(ge=0, le=8760)] = 24
    horizon_days: Annotated[Whole, Field(ge=0, le=730)] = 60
    contact_types: Annotated[tuple[str, ...], Field(min_length=1)]
    confirm_automatically: YesNo = False
    instructions: Text = ""


class HoursEntry(_Section):
    location: str | None = None
    contact_types: tuple[str, ...] = ()
    valid_from: Day | None = None
    valid_until: Day | None = None
    monday: tuple[Opening, ...] = ()
    tuesday: tuple[Opening, ...] = ()
    wednesday: tuple[Opening, ...] = ()
    thursday: tuple[Opening, ...] = ()
    friday: tuple[Opening, ...] = ()
    saturday: tuple[Opening, ...] = ()
    sunday: tuple[Opening, ...] = ()


class OverrideEntry(_Section):
    date: Day
    hours: tuple[Opening, ...]
    location: str | None = None
    contact_types: tuple[str, ...] = ()


class ProviderEntry(_Section):
    key: Key
    name: Name
    title: Text = ""
    zone: Zone | None = None
    locations: tuple[str, ...] = ()
    types: tuple[str, ...]
    contact_types: tuple[str, ...]
    busy_calendar: Address | None = Field(default=None, repr=False)
    hours: tuple[HoursEntry, ...] = ()
    overrides: tuple[OverrideEntry, ...] = ()


class ClosureEntry(_Section):
    first: Day
    last: Day | None = None
    name: Text = ""


class Entries(_Section):
    """What a practice lists, and what it once listed: the retired ones keep their appointments readable."""

    locations: tuple[LocationEntry, ...] = ()
    contact_types: tuple[ContactTypeEntry, ...] = ()
    appointment_types: tuple[AppointmentTypeEntry, ...] = ()
    providers: tuple[ProviderEntry, ...] = ()


class PracticeFile(Entries):
    """A practice file as written."""

    practice: PracticeSection
    closures: tuple[ClosureEntry, ...] = ()


def load(path: str | Path) -> PracticeFile:
    """Read a practice file. Raises PracticeFileError with all mistakes, or with the one that stops reading."""
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
    return from_dict(data, _lines(text))


def from_dict(data: Mapping[str, Any], lines: Mapping[Path_, int] | None = None) -> PracticeFile:
    """The same from a dict in the file's shape. Raises PracticeFileError."""
    try:
        file = PracticeFile.model_validate(data)
    except ValidationError as error:
        mistakes = [(tuple(e["loc"]), _explain(e)) for e in error.errors()]
    else:
        mistakes = list(_contradictions(file))
        if not mistakes:
            return file
    found = [Mistake(_line(lines or {}, loc), _spell(loc, data), what) for loc, what in mistakes]
    raise PracticeFileError(sorted(found, key=lambda mistake: mistake.line or 0))


def to_practice(file: PracticeFile, numbers: Mapping[str, int], retired: Entries) -> Practice:
    """Domain records, the retired ones last. `numbers` gives each provider its number in the database."""
    main = file.practice
    zones = {entry.key: entry.zone or main.zone for entry in (*retired.locations, *file.locations)}

    def each(entries: Sequence[E], gone: Sequence[E], make: Callable[[E, bool], R]) -> dict[str, R]:
        made = {entry.key: make(entry, False) for entry in entries}
        return made | {entry.key: make(entry, True) for entry in gone if entry.key not in made}

    return Practice(
        name=main.name,
        zone=main.zone,
        phone=main.phone,
        email=main.email,
        address=main.address,
        country=main.country,
        requests_hold_time=main.requests_hold_time,
        request_expiry=timedelta(hours=main.request_expiry_hours) if main.request_expiry_hours else None,
        cancellation_window=timedelta(hours=main.cancellation_hours),
        programme=main.reminder_programme or DEFAULT_PROGRAMME.format(name=main.name),
        locations=each(
            file.locations,
            retired.locations,
            lambda e, gone: Location(e.key, e.name, e.address, zones[e.key], gone),
        ),
        contact_types=each(
            file.contact_types,
            retired.contact_types,
            lambda e, gone: ContactType(e.key, e.name, e.at_location, e.instructions, gone),
        ),
        types=each(file.appointment_types, retired.appointment_types, _type),
        providers=each(
            file.providers,
            retired.providers,
            lambda e, gone: _provider(e, numbers[e.key], zones, main.zone, gone),
        ),
        closures=tuple(Closure(e.first, e.last or e.first, e.name) for e in file.closures),
    )


DEFAULT_PROGRAMME = (
    "Text reminders from {name}: up to 2 SMS reminders per appointment. Message and data rates may apply. "
    "Reply STOP at any time to end them, HELP for help. Consent is not a condition of care."
)

E = TypeVar("E", LocationEntry, ContactTypeEntry, AppointmentTypeEntry, ProviderEntry)
R = TypeVar("R", Location, ContactType, AppointmentType, Provider)


def _type(entry: AppointmentTypeEntry, retired: bool) -> AppointmentType:
    return AppointmentType(
        key=entry.key,
        name=entry.name,
        description=entry.description,
        duration=timedelta(minutes=entry.minutes),
        buffer_before=timedelta(minutes=entry.buffer_before),
        buffer_after=timedelta(minutes=entry.buffer_after),
        increment=timedelta(minutes=entry.increment),
        notice=timedelta(hours=entry.notice_hours),
        horizon=timedelta(days=entry.horizon_days),
        contact_types=entry.contact_types,
        confirms_itself=entry.confirm_automatically,
        instructions=entry.instructions,
        retired=retired,
    )


def _provider(
    entry: ProviderEntry, number: int, zones: Mapping[str, str], practice_zone: str, retired: bool
) -> Provider:
    only = entry.locations[0] if len(entry.locations) == 1 else None

    def zone_at(location: str | None) -> str:
        return entry.zone or (zones[location] if location else practice_zone)

    def hours(written: HoursEntry) -> Hours:
        location = written.location or only
        week = tuple(tuple(joined(getattr(written, day))) for day in DAYS)
        return Hours(week, zone_at(location), location, written.contact_types, written.valid_from, written.valid_until)

    overrides: dict[date, tuple[Override, ...]] = {}
    for written in entry.overrides:
        override = Override(
            written.date,
            tuple(joined(written.hours)),
            written.location,
            zone_at(written.location or only),
            written.contact_types,
        )
        overrides[written.date] = (*overrides.get(written.date, ()), override)
    return Provider(
        key=entry.key,
        name=entry.name,
        title=entry.title,
        number=number,
        zone=entry.zone or practice_zone,
        locations=entry.locations,
        types=entry.types,
        contact_types=entry.contact_types,
        hours=tuple(hours(written) for written in entry.hours),
        overrides=overrides,
        retired=retired,
        busy_calendar=entry.busy_calendar or "",
    )


def _contradictions(file: PracticeFile) -> Iterator[tuple[Path_, str]]:
    """What is well-formed by itself and wrong together."""
    known = {
        name: [entry.key for entry in getattr(file, name)]
        for name in ("locations", "contact_types", "appointment_types", "providers")
    }
    for name, keys in known.items():
        for n, key in enumerate(keys):
            if key in keys[:n]:
                yield (name, n, "key"), f"{key!r} is used twice; give each its own key"

    def unknown(path: Path_, what: str, keys: Iterable[str], among: Sequence[str]) -> Iterator[tuple[Path_, str]]:
        for key in keys:
            if key not in among:
                yield path, f"unknown {what} {key!r}{_did_you_mean(key, among)}"

    travel = {entry.key for entry in file.contact_types if entry.at_location}
    for n, kind in enumerate(file.appointment_types):
        at = ("appointment_types", n)
        yield from unknown((*at, "contact_types"), "contact type", kind.contact_types, known["contact_types"])
        if kind.minutes + kind.buffer_before + kind.buffer_after > 1440:
            yield (*at, "minutes"), "the appointment and its buffers are longer than a day"
    for n, closure in enumerate(file.closures):
        if closure.last is not None and closure.last < closure.first:
            yield ("closures", n, "last"), f"{closure.last} is before the first day, {closure.first}"
        elif closure.last is not None and (closure.last - closure.first).days > 3660:
            yield ("closures", n, "last"), "a closure of more than ten years; check the year"
    for n, provider in enumerate(file.providers):
        here: Path_ = ("providers", n)
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


def _explain(error: Any) -> str:
    kind, loc = error["type"], error["loc"]
    if kind == "missing":
        return f"{loc[-1]!r} is missing"
    if kind == "extra_forbidden":
        fields = _fields_at(loc[:-1])
        return f"unknown setting {loc[-1]!r}{_did_you_mean(str(loc[-1]), fields)}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch" and loc[-1] == "key":
        return f'{error["input"]!r} must be lower-case letters, digits and hyphens, such as "first-visit"'
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, not {_shorten(error['input'])}"


def _fields_at(loc: Sequence[str | int]) -> list[str]:
    model: type[BaseModel] = PracticeFile
    for step in loc:
        if isinstance(step, str):
            annotation = model.model_fields[step].annotation
            model = next(
                (
                    a
                    for a in (annotation, *getattr(annotation, "__args__", ()))
                    if isinstance(a, type) and issubclass(a, BaseModel)
                ),
                model,
            )
    return list(model.model_fields)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _did_you_mean(word: str, among: Iterable[str]) -> str:
    close = get_close_matches(word, list(among), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _spell(loc: Path_, data: Mapping[str, Any]) -> str:
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


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_.\- \"']+?)\s*=(.*)")


def _lines(text: str) -> dict[Path_, int]:
    """The line of each table and key. tomllib keeps no positions, and its grammar has passed the text already."""
    found: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    table: Path_ = ()
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            path: Path_ = ()
            parts = _parts(header[2])
            for n, part in enumerate(parts):
                path = (*path, part)
                if header[1] == "[[" and n == len(parts) - 1:
                    found.setdefault(path, number)
                    counts[path] = counts.get(path, -1) + 1
                if path in counts:
                    path = (*path, counts[path])
            table = path
            found.setdefault(path, number)
        elif assignment := _ASSIGNMENT.match(line):
            found.setdefault((*table, *_parts(assignment[1])), number)
            for quotes in ('"""', "'''"):
                if assignment[2].count(quotes) == 1:
                    closing = quotes
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _line(lines: Mapping[Path_, int], loc: Path_) -> int | None:
    """The line of the nearest thing that has one; a missing key is reported at its table."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in lines:
            return lines[loc[:length]]
    return 1 if lines else None
