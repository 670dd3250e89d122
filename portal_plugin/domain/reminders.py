"""When a client is reminded of an appointment."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from .instants import instant, local_date, local_day, midnight, seconds
from .practice import Window

MOST = 2
"""Reminders of one appointment at most, as clients are told when they agree to them."""

_AHEAD = 15 * 60
"""Seconds before the quiet hours at which a reminder goes out that was meant for them: time for another try."""

_APART = timedelta(hours=1)
"""Reminders closer together are one."""


def plan(starts: datetime, zone: str, offsets: Sequence[timedelta], awake: Window, now: datetime) -> list[datetime]:
    """When to remind of an appointment that starts then: aware UTC, earliest first, none past and at most two.

    Each is its offset before the start, or earlier: on clocks of `zone`, the client's, only times within `awake` are
    for reminders.
    """
    # In UTC, where a day before is 24 hours before.
    wanted = [starts.astimezone(UTC) - offset for offset in offsets[:MOST]]
    told = sorted(moved for at in wanted if (moved := latest_awake(at, zone, awake)) > now)
    return told[:1] + [later for earlier, later in pairwise(told) if later - earlier >= _APART]


def latest_awake(at: datetime, zone: str, awake: Window) -> datetime:
    """That instant where people are awake, else the last good one before."""
    moment = seconds(at)
    day = local_date(moment, zone)
    while True:
        for starts, ends, offset in reversed(local_day(day, zone)):
            opens = max(starts, midnight(day) + awake.opens * 60 - offset)
            closes = min(ends, midnight(day) + awake.closes * 60 - offset)
            if opens <= moment < closes:
                return instant(moment)
            if opens < closes <= moment:
                return instant(max(opens, closes - _AHEAD))
        day -= timedelta(days=1)


def next_awake(at: datetime, zone: str, awake: Window) -> datetime:
    """That instant where people are awake, else the first one after, for what was late."""
    moment = seconds(at)
    day = local_date(moment, zone)
    while True:
        for starts, ends, offset in local_day(day, zone):
            opens = max(starts, midnight(day) + awake.opens * 60 - offset)
            closes = min(ends, midnight(day) + awake.closes * 60 - offset)
            if opens < closes and moment < closes:
                return instant(max(opens, moment))
        day += timedelta(days=1)
