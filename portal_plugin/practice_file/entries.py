"""What may be written in a practice file: one model for each section, each mistake a sentence."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict

from ..domain.addresses import is_web_address
from ..domain.colors import is_color
from ..domain.guests import QuestionKind
from ..domain.instants import zone_names
from ..domain.practice import Audience, Window
from ..domain.reminders import MOST

_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})", re.ASCII)
KEY = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_HOURS = re.compile(r"([0-9]{1,4})\s*h", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


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


def write_window(window: Window) -> str:
    return f"{window.opens // 60}:{window.opens % 60:02}-{window.closes // 60}:{window.closes % 60:02}"


def _read_awake(text: object) -> Window:
    window = _read_window(text)
    if window.closes - window.opens < 60:
        raise ValueError("leave at least an hour of the day in which reminders may go out")
    return window


def _read_ahead(value: object) -> int:
    match = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    hours = int(match[1]) if match else value
    if not isinstance(hours, int) or isinstance(hours, bool):
        raise ValueError(f'write how long before the start as whole hours, such as "24h", not {value!r}')
    if not 1 <= hours <= 8760:
        raise ValueError(f"a reminder comes between 1 and 8760 hours before the start, not {hours}")
    return hours


def _read_reminders(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise ValueError('write a list of at most two, such as ["24h", "2h"]; an empty one sends none')
    return value


def _different(hours: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(hours)) < len(hours):
        raise ValueError(f"{hours[0]} hours stand there twice")
    return hours


def _zone(name: object) -> str:
    if not isinstance(name, str) or name not in zone_names():
        raise ValueError(f"unknown time zone {name!r}{did_you_mean(str(name), zone_names())}")
    return name


def is_date(text: str) -> bool:
    """Written as one, whether or not the calendar has it."""
    return bool(_DATE.fullmatch(text))


def read_day(value: object) -> date:
    """Raises ValueError for what is no date."""
    if isinstance(value, str) and is_date(value):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"write a date as 2027-01-31, not {value!r}")


def _read_holiday(value: object) -> date | str:
    """A date, or the name of a holiday."""
    if isinstance(value, str) and not is_date(value):
        return value.strip()
    return read_day(value)


def did_you_mean(word: str, among: Iterable[str]) -> str:
    close = get_close_matches(word, list(among), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _audience(value: object) -> Audience:
    words = [str(audience) for audience in Audience]
    if value not in words:
        raise ValueError(f"write one of {', '.join(map(repr, words))}, not {value!r}{did_you_mean(str(value), words)}")
    return Audience(str(value))


def _kind(value: object) -> QuestionKind:
    words = [str(kind) for kind in QuestionKind]
    if value not in words:
        raise ValueError(f"write one of {', '.join(map(repr, words))}, not {value!r}{did_you_mean(str(value), words)}")
    return QuestionKind(str(value))


def _address(url: object) -> str:
    # Not repeated in the sentence: a calendar's address is a secret.
    if not isinstance(url, str) or len(url) > 2000 or not is_web_address(url):
        raise ValueError('write a whole address that begins with "https://", not with "webcal://"')
    return url


def _link(url: object) -> str:
    if not isinstance(url, str) or len(url) > 2000 or not (url == "" or is_web_address(url)):
        raise ValueError('write a whole address that begins with "https://"')
    return url


def _join(url: object) -> str:
    told = _link(url.replace("{provider}", "provider") if isinstance(url, str) else url)
    if "{" in told or "}" in told:
        raise ValueError("only {provider} may stand in braces: it becomes the provider's key")
    return str(url)


def _color(text: object) -> str:
    if not isinstance(text, str) or not (text == "" or is_color(text)):
        raise ValueError(f'write a colour as "#0f5c6e", not {text!r}')
    return text


def _logo(text: object) -> str:
    on_site = isinstance(text, str) and re.fullmatch(r"/(?!/)[^\s\\\x00-\x1f\x7f]*", text)
    if not isinstance(text, str) or len(text) > 2000 or not (text == "" or on_site or is_web_address(text)):
        raise ValueError(
            f'write a path on the site, such as "/static/logo.png", or a whole address with "https://", not {text!r}'
        )
    return text


Day = Annotated[date, BeforeValidator(read_day)]
Opening = Annotated[Window, BeforeValidator(_read_window), PlainSerializer(write_window)]
Awake = Annotated[Window, BeforeValidator(_read_awake), PlainSerializer(write_window)]
Ahead = Annotated[int, BeforeValidator(_read_ahead)]
Reminders = Annotated[tuple[Ahead, ...], BeforeValidator(_read_reminders), AfterValidator(_different)]
Zone = Annotated[str, BeforeValidator(_zone)]
Address = Annotated[str, BeforeValidator(_address)]
Link = Annotated[str, BeforeValidator(_link)]
Join = Annotated[str, BeforeValidator(_join)]
Color = Annotated[str, BeforeValidator(_color)]
Logo = Annotated[str, BeforeValidator(_logo)]
Whole = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
Who = Annotated[Audience, BeforeValidator(_audience)]
Kind = Annotated[QuestionKind, BeforeValidator(_kind)]
Key = Annotated[str, Field(pattern=f"^{KEY.pattern}$", max_length=60)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=2000)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PracticeSection(Section):
    name: Name
    zone: Zone
    phone: Name
    email: Text = ""
    address: Text = ""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    requests_hold_time: YesNo = True
    hold_minutes: Annotated[Whole, Field(ge=0, le=120)] = 0
    request_expiry_hours: Annotated[Whole, Field(ge=1, le=8760)] | None = None
    cancellation_hours: Annotated[Whole, Field(ge=0, le=8760)] = 24
    reschedule_hours: Annotated[Whole, Field(ge=0, le=8760)] | None = None
    policies: Text = ""
    reminders: Reminders = (24, 2)
    remind_between: Awake = Window(9 * 60, 20 * 60)
    email_reminders: YesNo = False
    reminder_programme: Text = ""
    color: Color = ""
    logo: Logo = ""
    waitlist_hours: Annotated[Whole, Field(ge=0, le=336)] = 0


class LocationEntry(Section):
    key: Key
    name: Name
    address: Text = ""
    zone: Zone | None = None
    map: Link = ""


class ContactTypeEntry(Section):
    key: Key
    name: Name
    at_location: YesNo = False
    instructions: Text = ""
    # Whoever has it can knock at the door.
    join_url: Annotated[Join, Field(repr=False)] = ""


class AppointmentTypeEntry(Section):
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
    providers: tuple[str, ...] = ()
    who: Who = Audience.CLIENTS
    capacity: Annotated[Whole, Field(ge=1, le=1000)] = 1
    daily_cap: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    days_between: Annotated[Whole, Field(ge=0, le=730)] = 0
    open_requests: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    confirm_automatically: YesNo = False
    waitlist: YesNo = True
    instructions: Text = ""


class HoursEntry(Section):
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


class OverrideEntry(Section):
    date: Day
    hours: tuple[Opening, ...]
    location: str | None = None
    contact_types: tuple[str, ...] = ()


class ProviderEntry(Section):
    key: Key
    name: Name
    title: Text = ""
    zone: Zone | None = None
    locations: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    contact_types: tuple[str, ...]
    busy_calendar: Address | None = Field(default=None, repr=False)
    hours: tuple[HoursEntry, ...] = ()
    overrides: tuple[OverrideEntry, ...] = ()


class ClosureEntry(Section):
    first: Day
    last: Day | None = None
    name: Text = ""


class HolidaysSection(Section):
    """Public holidays on which nobody works, except those named in `open` by their name or date."""

    country: Name
    subdivision: Name | None = None
    open: tuple[Annotated[date | str, BeforeValidator(_read_holiday)], ...] = ()


class QuestionEntry(Section):
    key: Key
    label: Name
    kind: Kind = QuestionKind.TEXT
    options: tuple[Name, ...] = ()
    required: YesNo = False


class NewClientsSection(Section):
    """Visitors without an account may ask for what is for anyone, once they have followed a mailed link."""

    link_minutes: Annotated[Whole, Field(ge=10, le=1440)] = 60
    questions: Annotated[tuple[QuestionEntry, ...], Field(max_length=20)] = ()


class Entries(Section):
    """What a practice lists, and what it once listed: the retired ones keep their appointments readable."""

    locations: tuple[LocationEntry, ...] = ()
    contact_types: tuple[ContactTypeEntry, ...] = ()
    appointment_types: tuple[AppointmentTypeEntry, ...] = ()
    providers: tuple[ProviderEntry, ...] = ()


KINDS = tuple(Entries.model_fields)


class PracticeFile(Entries):
    """A practice file as written."""

    practice: PracticeSection
    holidays: HolidaysSection | None = None
    closures: tuple[ClosureEntry, ...] = ()
    new_clients: NewClientsSection | None = None


def section_in(section: type[Section], name: str) -> type[Section]:
    """What kind of section `name` holds there, one or a list of them; `section` itself where it holds none."""
    annotation = section.model_fields[name].annotation
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Section)), section)
