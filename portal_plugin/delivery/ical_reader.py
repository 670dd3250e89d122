"""A program of its own: an iCalendar file on standard input, when its owner is busy on standard output.

A file can be made to repeat for ever or to fill the memory, and no library for it can be interrupted. So the worker
starts this beside itself and ends it when it takes too long. It imports nothing of the portal, to start quickly.

`python -P ical_reader.py SINCE UNTIL ZONE SECONDS` (seconds since 1970; the zone of times that name none; how long it
may take) answers with JSON: `{"busy": [[starts, ends], ...], "unread": 0}` or `{"error": "..."}`.
"""

import json
import re
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from itertools import islice
from math import ceil, floor
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Calendar, Event
from recurring_ical_events import EventAdapter, Series
from x_wr_timezone import to_standard

MEMORY = 512 * 1024 * 1024
"""Bytes."""

MOST = 20_000
"""Busy stretches of one calendar: 27 a day for two years."""

_COMPONENTS = {b"VCALENDAR", b"VEVENT", b"VFREEBUSY", b"VTIMEZONE", b"STANDARD", b"DAYLIGHT"}
_SAYS_WHEN = re.compile(
    rb"(?:BEGIN|END|UID|SEQUENCE|RECURRENCE-ID|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|STATUS|TRANSP|FREEBUSY"
    rb"|TZID|TZOFFSETFROM|TZOFFSETTO|TZNAME|X-WR-TIMEZONE)[;:]",
    re.IGNORECASE,
)


def read(data: bytes, since: int, until: int, zone: tzinfo) -> dict[str, Any]:
    """The answer, whatever the bytes. Raises MemoryError alone.

    An entry that cannot be understood is counted and takes no time; the others count.
    """
    lines = _times_only(data)
    try:
        calendars = Calendar.from_ical(b"\r\n".join(lines), multiple=True)
        complete = lines[-1].upper() == b"END:VCALENDAR" and {found.name for found in calendars} == {"VCALENDAR"}
        periods = [period for found in calendars for period in _published(found)]
        series = [events for found in calendars for events in _series(found)]
    except MemoryError:
        raise
    except Exception:
        complete = False
    if not complete:
        return {"error": "what came is not a complete iCalendar file"}
    edges = datetime.fromtimestamp(since, zone), datetime.fromtimestamp(until, zone)
    busy: set[tuple[int, int]] = set()
    unread = 0
    for stretches in [iter(periods), *(_occurrences(events, *edges) for events in series)]:
        try:
            for start, end in islice(stretches, MOST + 1):
                starts, ends = max(floor(_seconds(start, zone)), since), min(ceil(_seconds(end, zone)), until)
                if starts < ends:
                    busy.add((starts, ends))
        except MemoryError:
            raise
        except Exception:
            unread += 1
        if len(busy) > MOST:
            return {"error": f"it holds more than {MOST:,} busy times"}
    return {"busy": sorted(busy), "unread": unread}


def _times_only(data: bytes) -> list[bytes]:
    """The unfolded lines that say when. Names and notes are nobody's business here, and go unread."""
    kept: list[bytes] = []
    skipped = b""
    for line in re.sub(rb"\r?\n[ \t]", b"", data.removeprefix(b"\xef\xbb\xbf")).splitlines():
        line = line.rstrip()
        begun = line[6:].upper() if line[:6].upper() == b"BEGIN:" else b""
        if skipped:
            skipped = b"" if line.upper() == b"END:" + skipped else skipped
        elif begun and begun not in _COMPONENTS:
            skipped = begun
        elif _SAYS_WHEN.match(line):
            kept.append(line)
    return kept


def _series(calendar: Calendar) -> Iterator[list[Event]]:
    """Events that belong together: one that repeats, and its exceptions."""
    events = cast(list[Event], calendar.walk("VEVENT"))
    if str(calendar.get("X-WR-TIMEZONE")) in available_timezones():
        moved = cast(list[Event], to_standard(calendar).walk("VEVENT"))
        for copy, event in zip(moved, events, strict=True):
            copy.errors = event.errors
        events = moved
    by_uid: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_uid[str(event.get("UID", id(event)))].append(event)
    yield from by_uid.values()


def _occurrences(events: list[Event], since: datetime, until: datetime) -> Iterator[tuple[date, date]]:
    if any(event.errors for event in events):
        raise ValueError("an event with lines that icalendar left out")
    for occurrence in Series([EventAdapter(event) for event in events]).between(since, until):
        event = occurrence.as_component(keep_recurrence_attributes=False)
        if str(event.get("TRANSP")).upper() != "TRANSPARENT" and str(event.get("STATUS")).upper() != "CANCELLED":
            yield event["DTSTART"].dt, event["DTEND"].dt


def _published(calendar: Calendar) -> Iterator[tuple[date, date]]:
    """What a calendar says that shows no events, only when somebody is busy."""
    for entry in calendar.walk("VFREEBUSY"):
        periods = entry.get("FREEBUSY", [])
        for period in periods if isinstance(periods, list) else [periods]:
            if period.params.get("FBTYPE", "BUSY").upper() != "FREE":
                yield period.start, period.end


def _seconds(time: date, zone: tzinfo) -> float:
    if not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day, tzinfo=zone)
    return (time if time.tzinfo else time.replace(tzinfo=zone)).timestamp()


def main() -> None:
    since, until, zone, seconds = sys.argv[1:]
    # Whoever waits for this looks at the clock, but may be killed, and then nobody else would end it.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1,) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY,) * 2)
    json.dump(read(sys.stdin.buffer.read(), int(since), int(until), ZoneInfo(zone)), sys.stdout)


if __name__ == "__main__":
    main()
