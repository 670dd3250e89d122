"""Reminders keep to the offsets and to the hours in which people are awake, and move earlier where they must."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal_plugin.domain.practice import Window
from portal_plugin.domain.reminders import next_awake, plan

NEW_YORK = "America/New_York"
HOUR = timedelta(hours=1)
OFFSETS = (24 * HOUR, 2 * HOUR)
AWAKE = Window(9 * 60, 20 * 60)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def at(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def planned(starts: str, now: datetime = LONG_AGO, zone: str = NEW_YORK, offsets=OFFSETS, awake=AWAKE) -> list[str]:
    told = plan(at(starts, zone), zone, offsets, awake, now)
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for one in told]


def test_a_visit_in_the_afternoon_is_told_of_a_day_and_two_hours_before():
    assert planned("2026-12-08T14:00") == ["12-07 14:00", "12-08 12:00"]


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        ("2026-12-08T10:00", ["12-07 10:00", "12-07 19:45"]),  # two hours before is still night
        ("2026-12-08T08:00", ["12-06 19:45", "12-07 19:45"]),
        ("2026-12-08T20:00", ["12-07 19:45", "12-08 18:00"]),
        ("2026-12-08T19:59", ["12-07 19:59", "12-08 17:59"]),
        ("2026-12-08T11:00", ["12-07 11:00", "12-08 09:00"]),
    ],
)
def test_what_falls_into_quiet_hours_goes_out_before_them(starts, told):
    assert planned(starts) == told


def test_two_that_fall_together_are_one():
    assert planned("2026-12-08T09:00", offsets=(12 * HOUR, 2 * HOUR)) == ["12-07 19:45"]
    assert planned("2026-12-08T09:50", offsets=(14 * HOUR, 2 * HOUR)) == ["12-07 19:45"]
    assert planned("2026-12-08T09:30", offsets=(14 * HOUR, 2 * HOUR)) == ["12-07 19:30"], "nor a quarter apart"


def test_an_hour_apart_is_far_enough():
    assert planned("2026-12-08T14:00", offsets=(3 * HOUR, 2 * HOUR)) == ["12-08 11:00", "12-08 12:00"]


def test_what_has_passed_is_not_made_up_for():
    assert planned("2026-12-08T14:00", now=at("2026-12-07T14:00")) == ["12-08 12:00"]
    assert planned("2026-12-08T14:00", now=at("2026-12-08T12:00")) == []
    assert planned("2026-12-08T08:00", now=at("2026-12-07T19:50")) == [], "it would have to be in the night"


def test_a_day_before_is_twenty_four_hours_even_over_a_clock_change():
    assert planned("2027-03-14T14:00") == ["03-13 13:00", "03-14 12:00"]
    assert planned("2027-11-07T14:00") == ["11-06 15:00", "11-07 12:00"]


def test_a_day_that_a_zone_skipped_has_no_reminder():
    """Samoa had no 30 December 2011."""
    assert planned("2011-12-31T08:00", zone="Pacific/Apia") == ["12-28 19:45", "12-29 19:45"]


def test_no_offsets_are_no_reminders_and_a_third_is_none():
    assert planned("2026-12-08T14:00", offsets=()) == []
    assert len(planned("2026-12-08T14:00", offsets=(48 * HOUR, 24 * HOUR, 2 * HOUR))) == 2


# Over every zone with odd clocks, near their changes.

ZONES = [NEW_YORK, "UTC", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu"]
instants = st.integers(1_300_000_000, 1_930_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CHANGES = [
    datetime(2027, 3, 14, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
]
near_changes = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-3000, 3000)
)
offsets = st.lists(st.integers(1, 200).map(lambda hours: hours * HOUR), max_size=3)
windows = st.tuples(st.integers(0, 1380), st.integers(60, 1440)).map(lambda w: Window(w[0], min(1440, w[0] + w[1])))


@given(instants | near_changes, st.sampled_from(ZONES), offsets, windows, st.integers(-9000, 9000))
@example(CHANGES[0] + 24 * HOUR, NEW_YORK, [24 * HOUR], Window(120, 180), -9000)  # awake only in the hour skipped
@example(CHANGES[1] + 24 * HOUR, NEW_YORK, [24 * HOUR], Window(60, 120), -9000)  # awake only in the hour repeated
def test_never_more_than_two_never_in_the_night_never_later_never_past(starts, zone, before, awake, minutes):
    now = starts + timedelta(minutes=minutes)

    told = plan(starts, zone, before, awake, now)

    assert len(told) <= min(2, len(before))
    assert told == sorted(told)
    wanted = sorted(starts - offset for offset in before[:2])
    for one in told:
        local = one.astimezone(ZoneInfo(zone))
        assert awake.opens <= local.hour * 60 + local.minute < awake.closes, local
        assert one > now
        assert any(one <= at for at in wanted)
        assert one < starts
    if len(told) == 2:
        assert told[0] <= wanted[0]
        assert told[1] <= wanted[1]
        assert told[1] - told[0] >= HOUR


def shows(moment: datetime, zone: str, awake: Window) -> bool:
    local = moment.astimezone(ZoneInfo(zone))
    return awake.opens <= local.hour * 60 + local.minute < awake.closes


@given(instants | near_changes, st.sampled_from(ZONES), windows)
@example(CHANGES[0] - HOUR, NEW_YORK, Window(120, 180))  # awake only in the hour skipped
@example(CHANGES[1] - 2 * HOUR, NEW_YORK, Window(60, 120))  # awake only in the hour repeated
def test_what_is_late_waits_for_the_first_moment_at_which_people_are_awake(moment, zone, awake):
    later = next_awake(moment, zone, awake)

    assert shows(later, zone, awake)
    assert timedelta(0) <= later - moment < timedelta(days=3)
    quarters = range(0, int((later - moment).total_seconds()), 900)
    assert not any(shows(moment + timedelta(seconds=n), zone, awake) for n in quarters)
    assert later == moment or not shows(later - timedelta(seconds=1), zone, awake)


@pytest.mark.parametrize(
    ("late", "told"),
    [
        ("2026-12-07T08:59", "12-07 09:00"),
        ("2026-12-07T09:00", "12-07 09:00"),
        ("2026-12-07T19:59", "12-07 19:59"),
        ("2026-12-07T20:00", "12-08 09:00"),
        ("2026-12-07T20:15", "12-08 09:00"),
        ("2026-12-07T23:59", "12-08 09:00"),
    ],
)
def test_what_is_late_in_the_evening_waits_for_the_next_morning(late, told):
    assert f"{next_awake(at(late), NEW_YORK, AWAKE).astimezone(ZoneInfo(NEW_YORK)):%m-%d %H:%M}" == told
