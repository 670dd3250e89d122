"""Dates, times, zones and statuses in words of the language spoken now."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from ..domain.availability import Slot
from ..domain.instants import zone_names
from ..domain.lifecycle import Status
from ..domain.practice import Wish
from ..domain.said import said
from ..domain.waitlist import PartOfDay
from .language import current
from .sentences import say, say_n, tell

STATUS_WORDS = {
    Status.REQUESTED: said("Requested"),
    Status.INVITED: said("Invitation"),
    Status.CONFIRMED: said("Confirmed"),
    Status.DECLINED: said("Declined"),
    Status.CANCELLED: said("Cancelled"),
    Status.EXPIRED: said("Expired"),
    Status.WITHDRAWN: said("Withdrawn"),
    Status.COMPLETED: said("Completed"),
    Status.NO_SHOW: said("Missed"),
}

PARTS = {PartOfDay.MORNING: said("Morning"), PartOfDay.AFTERNOON: said("Afternoon"), PartOfDay.EVENING: said("Evening")}


class Choice(NamedTuple):
    """A time as a form sends it, and in words; for a group also how many seats are left.

    Told on the client's own clock, `day` is there where it shows another day than the practice's, and `beside` is the
    practice's time.
    """

    value: str
    words: str
    seats: str = ""
    day: str = ""
    beside: str = ""


def long_date(day: date) -> str:
    """`Tuesday, December 8, 2026`."""
    return _written(day.year, day.month, day.day, "", current().tag)


def short_date(day: date) -> str:
    """`Tue, Dec 8`."""
    return _written(day.year, day.month, day.day, "MMMEd", current().tag)


def typed_date(written: str) -> str:
    """`May 17, 1990`, of `1990-05-17`."""
    day = date.fromisoformat(written)
    return _written(day.year, day.month, day.day, "yMMMMd", current().tag)


def month_name(day: date) -> str:
    """`December 2026`."""
    return _written(day.year, day.month, 1, "yMMMM", current().tag)


def clock_time(moment: datetime) -> str:
    """`10:00 AM`, or `10:00` where clocks have 24 hours."""
    return _clock(moment.hour, moment.minute, current().tag)


@lru_cache(maxsize=4096)
def _written(year: int, month: int, day: int, skeleton: str, tag: str) -> str:
    moment, locale = date(year, month, day), Locale.parse(tag, sep="-")
    return format_skeleton(skeleton, moment, locale=locale) if skeleton else format_date(moment, "full", locale)


@lru_cache(maxsize=4096)
def _clock(hour: int, minute: int, tag: str) -> str:
    written: str = format_time(time(hour, minute), "short", locale=Locale.parse(tag, sep="-"))
    # Narrow and unbreakable spaces make a text message twice as long.
    return " ".join(written.split())


def clock_mark(minute: int) -> str:
    """A minute of the day beside an axis: `10 AM`, `10:35 AM`, or `10:00` where clocks have 24 hours."""
    locale = current().locale
    if minute % 60 or "a" not in locale.time_formats["short"].pattern:
        return _clock(minute // 60, minute % 60, current().tag)
    return " ".join(format_skeleton("h", time(minute // 60), locale=locale).split())


def exact_time(moment: datetime) -> str:
    """`10:00 AM EST`; `UTC+05:45` where a zone has no abbreviation."""
    name = f"{moment:%Z}"
    return f"{clock_time(moment)} {name if name.isalpha() else f'UTC{moment.isoformat()[-6:]}'}"


@lru_cache(maxsize=64)
def _weekdays(tag: str) -> tuple[tuple[str, str], ...]:
    locale = Locale.parse(tag, sep="-")
    names, initials = locale.days["stand-alone"]["wide"], locale.days["stand-alone"]["narrow"]
    return tuple(
        (initials[day], names[day]) for day in (*range(locale.first_week_day, 7), *range(locale.first_week_day))
    )


def weekdays() -> tuple[tuple[str, str], ...]:
    """Initial and name of each day of the week, as a calendar of the reader's country begins it."""
    return _weekdays(current().tag)


def weekday_name(day: int) -> str:
    """Monday is 0."""
    name: str = current().locale.days["stand-alone"]["wide"][day]
    return name


def told_time(moment: datetime) -> str:
    """The same, with the zone's abbreviation where a clock change makes it mean two instants."""
    both = {moment.replace(fold=fold).utcoffset() for fold in (0, 1)}
    return f"{clock_time(moment)} {moment:%Z}" if len(both) > 1 else clock_time(moment)


def moment_of(moment: datetime) -> str:
    """`Tuesday, December 8, 2026, 10:00 AM`."""
    return say("{date}, {time}", date=long_date(moment), time=told_time(moment))


def own_time(own: datetime, zone: str, theirs: datetime) -> str:
    """A moment on the reader's own clock, for whoever has read it on the practice's; the date where it is another."""
    words = {"time": told_time(own), "zone": zone_name(zone)}
    if own.date() == theirs.date():
        return say("That is {time}, {zone}, where you are.", **words)
    return say("That is {date}, {time}, {zone}, where you are.", date=long_date(own), **words)


def write_instant(instant: datetime) -> str:
    """An aware UTC datetime as a form sends it."""
    return instant.isoformat().replace("+00:00", "Z")


def told_apart(instant: datetime, zone: str) -> Choice:
    """One of two instants at which a clock shows the same: `1:30 AM EDT`, with its offset from UTC."""
    local = instant.astimezone(ZoneInfo(zone))
    hours = (local.utcoffset() or timedelta()) / timedelta(hours=1)
    sign = "\N{MINUS SIGN}" if hours < 0 else "+"
    return Choice(write_instant(instant), f"{clock_time(local)} {local:%Z} (UTC{sign}{abs(hours):g})")


def span(length: timedelta) -> str:
    """`40 min`, `5 h`, `3 days`: rounded down, and never less than a minute."""
    minutes = max(1, length // timedelta(minutes=1))
    hours, days = minutes // 60, minutes // (24 * 60)
    if days > 1:
        return say_n("{number} day", "{number} days", days)
    return say("{hours} h", hours=hours) if hours else say("{minutes} min", minutes=minutes)


def minutes(length: timedelta) -> str:
    """`50 minutes`, however many hours they are."""
    return say_n("{number} minute", "{number} minutes", length // timedelta(minutes=1))


def status_word(status: Status) -> str:
    return tell(STATUS_WORDS[status])


def zone_name(zone: str) -> str:
    """`Eastern Time (New York)`."""
    return _zone_name(zone, current().tag)


@lru_cache(maxsize=256)
def _zone_name(zone: str, tag: str) -> str:
    locale = Locale.parse(tag, sep="-")
    city = zone.rpartition("/")[2].replace("_", " ")
    name: str = get_timezone_name(ZoneInfo(zone), locale=locale)
    return f"{name} ({city})" if city not in name else name


def common_zones() -> tuple[tuple[str, str], ...]:
    """Name and words of a zone for each time that is kept somewhere, by their words."""
    return _common_zones(current().tag)


@lru_cache(maxsize=16)
def _common_zones(tag: str) -> tuple[tuple[str, str], ...]:
    # One zone for each of Windows' own, as CLDR has them: a list that many people have chosen from.
    names = zone_names().intersection(get_global("windows_zone_mapping").values())
    return tuple(sorted(((name, _zone_name(name, tag)) for name in names), key=itemgetter(1)))


def parts_of_day(slots: Sequence[Slot], wish: Wish, zone: str = "") -> list[tuple[str, list[Choice]]]:
    """Times to choose from, by part of day; a repeated hour names its offset.

    They are told in `zone`, or else in the practice's. A part of another day than the practice's names its day.
    """
    info, own, group = ZoneInfo(wish.zone), ZoneInfo(zone or wish.zone), wish.type.capacity > 1
    moments = [slot.starts.astimezone(own) for slot in slots]
    words = [(moment.date(), clock_time(moment)) for moment in moments]
    often = Counter(words)
    parts: dict[str, list[Choice]] = {}
    for slot, moment, word in zip(slots, moments, words, strict=True):
        title, day, beside = tell(PARTS[PartOfDay.of(moment)]), "", ""
        told = f"{word[1]} {moment:%Z}" if often[word] > 1 else word[1]
        left = say_n("{number} seat left", "{number} seats left", slot.seats) if group else ""
        if own is not info:
            there = slot.starts.astimezone(info)
            if moment.date() != there.date():
                day = short_date(moment)
                title = say("{part}, {date}", part=title, date=long_date(moment))
            if moment.utcoffset() != there.utcoffset():
                beside = say("{time} at the practice", time=told_time(there))
        parts.setdefault(title, []).append(Choice(write_instant(slot.starts), told, left, day, beside))
    return list(parts.items())


def own_hours(starts: datetime, ends: datetime, zone: str) -> str:
    """Local times of the practice on a client's own clock, and the day where that is another:
    `12:00 PM – 12:50 PM for you, Pacific Time (Los Angeles)`.
    """
    own = local(starts, zone)
    hours = say("{starts} – {ends}", starts=told_time(own), ends=told_time(local(ends, zone)))
    if own.date() != starts.date():
        hours = say("{date}, {time}", date=long_date(own), time=hours)
    return say("{time} for you, {zone}", time=hours, zone=zone_name(zone))


def part_name(part: PartOfDay) -> str:
    return tell(PARTS[part])


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def phone_number(e164: str) -> str:
    """`+1 212-555-0187`; as given when it is no number."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return e164


FILTERS: dict[str, Callable[..., Any]] = {
    "portal_date": long_date,
    "portal_short_date": short_date,
    "portal_typed_date": typed_date,
    "portal_exact_time": exact_time,
    "portal_month": month_name,
    "portal_time": told_time,
    "portal_moment": moment_of,
    "portal_own_time": own_time,
    "portal_zone": zone_name,
    "portal_status": status_word,
    "portal_span": span,
    "portal_minutes": minutes,
    "portal_phone": phone_number,
    "portal_local": local,
    "portal_own_hours": own_hours,
    "portal_tell": tell,
    "portal_weekday": weekday_name,
    "portal_part": part_name,
}
