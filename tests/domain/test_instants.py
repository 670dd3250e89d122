"""A local day is whatever stretch of time a zone's clocks call by that date."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal_plugin.domain.instants import (
    day_bounds,
    instant,
    local_date,
    local_day,
    midnight,
    next_daily,
    same_clock,
    seconds,
    wall_instants,
    zone_names,
)

HOUR = 3600


def lengths(day: date, zone: str) -> list[float]:
    """Hours of each stretch of the day."""
    return [(stretch.ends - stretch.starts) / HOUR for stretch in local_day(day, zone)]


def test_an_ordinary_day_is_one_stretch_of_24_hours():
    (stretch,) = local_day(date(2026, 7, 1), "America/New_York")

    assert instant(stretch.starts) == datetime(2026, 7, 1, 4, tzinfo=UTC)
    assert instant(stretch.ends) == datetime(2026, 7, 2, 4, tzinfo=UTC)
    assert stretch.offset == -4 * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2027, 3, 14), [2, 21]),
        ("America/New_York", date(2026, 11, 1), [2, 23]),
        ("Europe/London", date(2027, 3, 28), [1, 22]),
        ("Europe/London", date(2026, 10, 25), [2, 23]),
        ("Australia/Lord_Howe", date(2026, 10, 4), [2, 21.5]),
        ("Australia/Lord_Howe", date(2026, 4, 5), [2, 22.5]),
    ],
)
def test_a_clock_change_cuts_the_day_in_two(zone, day, hours):
    assert lengths(day, zone) == hours


def test_a_gap_at_midnight_makes_the_day_begin_at_one():
    (stretch,) = local_day(date(2022, 3, 27), "Asia/Beirut")

    assert stretch.ends - stretch.starts == 23 * HOUR
    assert datetime.fromtimestamp(stretch.starts, ZoneInfo("Asia/Beirut")).hour == 1


def test_a_fold_across_midnight_gives_the_day_back_for_an_hour():
    """In St. John's, until 2011, the clock went back at one past midnight: the old date returned."""
    before, after = local_day(date(2010, 11, 6), "America/St_Johns")

    assert after.starts - before.ends == 60, "one minute of the next day lies between"
    assert after.ends - after.starts == 59 * 60
    assert local_date(after.starts, "America/St_Johns") == date(2010, 11, 6)


def test_a_day_that_a_zone_skipped_has_no_instants():
    assert local_day(date(2011, 12, 30), "Pacific/Apia") == ()


def test_a_skipped_day_has_no_length():
    first, beyond = day_bounds(date(2011, 12, 30), "Pacific/Apia")

    assert first == beyond == day_bounds(date(2011, 12, 31), "Pacific/Apia")[0]


def test_the_days_around_a_skipped_one_touch():
    assert day_bounds(date(2011, 12, 29), "Pacific/Apia")[1] == day_bounds(date(2011, 12, 31), "Pacific/Apia")[0]


ZONES = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kathmandu",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.integers(788_918_400, 2_145_830_400))
def test_every_instant_from_1995_to_2037_lies_in_the_one_day_its_wall_clock_shows(zone, at):
    wall = datetime.fromtimestamp(at, ZoneInfo(zone))

    here = [s for s in local_day(wall.date(), zone) if s.starts <= at < s.ends]

    assert [s.offset for s in here] == [wall.utcoffset().total_seconds()]
    for days in (-1, 1):
        assert not any(s.starts <= at < s.ends for s in local_day(wall.date() + timedelta(days=days), zone))


def test_seconds_of_a_naive_datetime_are_refused():
    with pytest.raises(ValueError, match="no time zone"):
        seconds(datetime(2026, 12, 8, 10))  # noqa: DTZ001


def test_seconds_and_instants_are_each_others_inverse():
    moment = datetime(2026, 12, 8, 10, tzinfo=timezone(timedelta(hours=-5)))

    assert instant(seconds(moment)) == moment
    assert instant(seconds(moment)).tzinfo is UTC


def test_midnight_is_told_on_a_clock_that_runs_on_utc():
    assert instant(midnight(date(2026, 12, 8))) == datetime(2026, 12, 8, tzinfo=UTC)


def test_both_passes_of_a_repeated_hour_have_the_same_local_date():
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    second = first.replace(fold=1)

    assert seconds(second) - seconds(first) == HOUR
    assert local_date(seconds(first), "America/New_York") == local_date(seconds(second), "America/New_York")


def test_zone_names_are_names_and_not_files_of_one_machine():
    names = zone_names()

    assert {"America/New_York", "Europe/London", "UTC"} <= names
    assert not names & {"localtime", "posixrules", "Factory", "", "posix", "zone.tab", "../etc/passwd"}


# What the wall shows, and when.


@pytest.mark.parametrize(
    ("zone", "wall", "instants"),
    [
        ("America/New_York", datetime(2026, 12, 8, 10), ["12-08 15:00"]),  # noqa: DTZ001
        ("America/New_York", datetime(2026, 11, 1, 1, 30), ["11-01 05:30", "11-01 06:30"]),  # noqa: DTZ001
        ("America/New_York", datetime(2027, 3, 14, 2, 30), []),  # noqa: DTZ001
        ("Pacific/Apia", datetime(2011, 12, 30, 10), []),  # noqa: DTZ001
    ],
)
def test_a_wall_time_is_one_instant_or_two_or_none(zone, wall, instants):
    found = wall_instants(wall, zone)

    assert [f"{at:%m-%d %H:%M}" for at in found] == instants
    assert all(at.tzinfo is UTC for at in found)


def test_two_zones_may_show_the_same_in_winter_and_not_in_summer():
    winter, summer = datetime(2026, 12, 8, 15, tzinfo=UTC), datetime(2026, 7, 8, 15, tzinfo=UTC)

    assert same_clock(winter, "America/Denver", "America/Phoenix")
    assert not same_clock(summer, "America/Denver", "America/Phoenix")


# A time of day, once each day.


def each_day(zone: str, at: time, since: datetime, days: int) -> list[str]:
    """When it comes, as the zone's clocks show it, asked again right after each."""
    now, found = since, []
    for _ in range(days):
        now = next_daily(now, at, zone)
        found.append(f"{now.astimezone(ZoneInfo(zone)):%d %H:%M %z}")
    return found


@pytest.mark.parametrize(
    ("zone", "at", "since", "comes"),
    [
        ("America/New_York", time(18), datetime(2027, 3, 13, 12, tzinfo=UTC), ["13 18:00 -0500", "14 18:00 -0400"]),
        # Skipped: as much later as the clock jumps.
        ("America/New_York", time(2, 30), datetime(2027, 3, 13, 12, tzinfo=UTC), ["14 03:30 -0400", "15 02:30 -0400"]),
        # Repeated: the first of the two.
        ("America/New_York", time(1, 30), datetime(2026, 10, 31, 12, tzinfo=UTC), ["01 01:30 -0400", "02 01:30 -0500"]),
        # A day that Samoa skipped.
        ("Pacific/Apia", time(18), datetime(2011, 12, 29, 12, tzinfo=UTC), ["29 18:00 -1000", "31 18:00 +1400"]),
        ("Europe/Berlin", time(0), datetime(2026, 12, 7, 23, tzinfo=UTC), ["09 00:00 +0100", "10 00:00 +0100"]),
    ],
)
def test_a_time_of_day_comes_once_each_day_whatever_the_clocks_do(zone, at, since, comes):
    assert each_day(zone, at, since, len(comes)) == comes


@given(
    st.sampled_from(["America/New_York", "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.integers(1_230_768_000, 1_893_456_000),
    st.times(),
)
def test_the_next_time_of_day_lies_ahead_and_at_most_a_long_day(zone, since, at):
    now = instant(since)
    moment = next_daily(now, at.replace(second=0, microsecond=0, fold=0), zone)
    assert timedelta(0) < moment - now <= timedelta(hours=26)
    assert moment.tzinfo is UTC
