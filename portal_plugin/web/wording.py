"""Dates, times, zones and statuses in words."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import get_timezone_name

from ..domain.availability import Slot
from ..domain.lifecycle import Status
from ..domain.practice import Wish

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

STATUS_WORDS = {
    Status.REQUESTED: "Requested",
    Status.INVITED: "Invitation",
    Status.CONFIRMED: "Confirmed",
    Status.DECLINED: "Declined",
    Status.CANCELLED: "Cancelled",
    Status.EXPIRED: "Expired",
    Status.WITHDRAWN: "Withdrawn",
    Status.COMPLETED: "Completed",
    Status.NO_SHOW: "Missed",
}


class Choice(NamedTuple):
    """A time as a form sends it, and in words; for a group also how many seats are left."""

    value: str
    words: str
    seats: str = ""


def long_date(day: date) -> str:
    return f"{_DAYS[day.weekday()]}, {_MONTHS[day.month - 1]} {day.day}, {day.year}"


def short_date(day: date) -> str:
    """`Tue, Dec 8`."""
    return f"{_DAYS[day.weekday()][:3]}, {_MONTHS[day.month - 1][:3]} {day.day}"


def exact_time(moment: datetime) -> str:
    """`10:00 AM EST`; `UTC+05:45` where a zone has no abbreviation."""
    name = f"{moment:%Z}"
    return f"{clock_time(moment)} {name if name.isalpha() else f'UTC{moment.isoformat()[-6:]}'}"


def month_name(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.year}"


def clock_time(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"


def told_time(moment: datetime) -> str:
    """The same, with the zone's abbreviation where a clock change makes it mean two instants."""
    both = {moment.replace(fold=fold).utcoffset() for fold in (0, 1)}
    return f"{clock_time(moment)} {moment:%Z}" if len(both) > 1 else clock_time(moment)


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
    return f"{days} days" if days > 1 else f"{hours} h" if hours else f"{minutes} min"


def status_word(status: Status) -> str:
    return STATUS_WORDS[status]


@lru_cache(maxsize=256)
def zone_name(zone: str) -> str:
    """`Eastern Time (New York)`."""
    city = zone.rpartition("/")[2].replace("_", " ")
    name: str = get_timezone_name(ZoneInfo(zone), locale="en")
    return f"{name} ({city})" if city not in name else name


def parts_of_day(slots: Sequence[Slot], wish: Wish) -> list[tuple[str, list[Choice]]]:
    """Times to choose from, by part of day; a repeated hour names its offset."""
    info, group = ZoneInfo(wish.zone), wish.type.capacity > 1
    local = [slot.starts.astimezone(info) for slot in slots]
    words = [clock_time(moment) for moment in local]
    often = Counter(words)
    parts: dict[str, list[Choice]] = {}
    for slot, moment, word in zip(slots, local, words, strict=True):
        part = "Morning" if moment.hour < 12 else "Afternoon" if moment.hour < 17 else "Evening"
        told = f"{word} {moment:%Z}" if often[word] > 1 else word
        left = f"{slot.seats} {'seat' if slot.seats == 1 else 'seats'} left" if group else ""
        parts.setdefault(part, []).append(Choice(write_instant(slot.starts), told, left))
    return list(parts.items())


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
    "portal_exact_time": exact_time,
    "portal_month": month_name,
    "portal_time": told_time,
    "portal_zone": zone_name,
    "portal_status": status_word,
    "portal_span": span,
    "portal_phone": phone_number,
    "portal_local": local,
}
