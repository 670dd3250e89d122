"""Instants are aware UTC datetimes outside and whole seconds since 1970 inside; days are local."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAY = 86_400
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As the practice file, forms and programs name them."""
_EPOCH = date(1970, 1, 1).toordinal()


class Stretch(NamedTuple):
    """Part of a local day with one UTC offset: seconds since 1970, end excluded, offset in seconds."""

    starts: int
    ends: int
    offset: int


def seconds(instant: datetime) -> int:
    """Whole seconds since 1970. Raises ValueError for a naive datetime, which names no instant."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return int(instant.timestamp())


def instant(seconds_since_1970: int) -> datetime:
    return datetime.fromtimestamp(seconds_since_1970, UTC)


@lru_cache(maxsize=4096)
def local_date(seconds_since_1970: int, zone: str) -> date:
    return datetime.fromtimestamp(seconds_since_1970, ZoneInfo(zone)).date()


def midnight(day: date) -> int:
    """The day's first second on a clock that runs on UTC."""
    return (day.toordinal() - _EPOCH) * DAY


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Names fit for a practice file: `ZoneInfo` itself also takes paths and odd files."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


@lru_cache(maxsize=16_384)
def local_day(day: date, zone: str) -> tuple[Stretch, ...]:
    """The instants whose local date is `day`, cut where the clock changes; empty for a day a zone skipped.

    Offsets stay within 15 hours of UTC, and hourly samples find every change of the tz database.
    """
    info = ZoneInfo(zone)
    start = midnight(day)
    first, last = start - 15 * 3600, start + DAY + 15 * 3600
    changes = [first]
    known = _offset(first, info)
    offsets = [known]
    for sample in range(first + 3600, last + 1, 3600):
        offset = _offset(sample, info)
        if offset != known:
            changes.append(_change_between(sample - 3600, sample, known, info))
            offsets.append(offset)
            known = offset
    changes.append(last)
    stretches = (
        Stretch(max(begins, start - offset), min(ends, start + DAY - offset), offset)
        for (begins, ends), offset in zip(pairwise(changes), offsets, strict=True)
    )
    return tuple(stretch for stretch in stretches if stretch.starts < stretch.ends)


def day_bounds(day: date, zone: str) -> tuple[int, int]:
    """First second of the local day and first second after it; the same twice for a day a zone skipped."""
    stretches = local_day(day, zone)
    if not stretches:
        return (day_bounds(day + timedelta(days=1), zone)[0],) * 2
    return stretches[0].starts, stretches[-1].ends


def wall_instants(moment: datetime, zone: str) -> list[datetime]:
    """The instants (UTC) at which a clock of the zone shows a naive date and time, earliest first.

    None where a change of the clock skips it, two where it repeats it.
    """
    told = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted({at for at in told if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment})


def same_clock(at: datetime, one: str, other: str) -> bool:
    """Whether clocks of both zones show the same at an instant."""
    return at.astimezone(ZoneInfo(one)).utcoffset() == at.astimezone(ZoneInfo(other)).utcoffset()


def next_daily(now: datetime, at: time, zone: str) -> datetime:
    """The next instant (UTC) after `now` at which a clock of the zone shows that time of day, once each day.

    The first of two where a change of the clock repeats it; where one skips it, as much later as the clock jumps.
    """
    today, info = now.astimezone(ZoneInfo(zone)).date(), ZoneInfo(zone)
    # A whole day can be skipped, and its time is then the next day's.
    days = (datetime.combine(today + timedelta(days=n), at, info).astimezone(UTC) for n in range(3))
    return next(moment for moment in days if moment > now)


def _offset(at: int, info: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, info).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _change_between(before: int, after: int, offset: int, info: ZoneInfo) -> int:
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, info) == offset:
            before = middle
        else:
            after = middle
    return after
