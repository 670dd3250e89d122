"""When clocks change, and which of the times offered that touches."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from portal_plugin.domain.availability import Diary, find_slots
from portal_plugin.domain.clock_changes import ClockChange, affected_starts, clock_changes
from portal_plugin.domain.instants import instant
from portal_plugin.domain.practice import Location, Wish
from tests.domain import build

NIGHT = build.every_day("0:00-6:00")


@pytest.mark.parametrize(
    ("zone", "year", "changes"),
    [
        ("America/New_York", 2027, ["skips 03-14 02:00 to 03-14 03:00", "repeats 11-07 01:00 to 11-07 02:00"]),
        ("Europe/London", 2027, ["skips 03-28 01:00 to 03-28 02:00", "repeats 10-31 01:00 to 10-31 02:00"]),
        ("Australia/Lord_Howe", 2027, ["repeats 04-04 01:30 to 04-04 02:00", "skips 10-03 02:00 to 10-03 02:30"]),
        ("America/St_Johns", 2010, ["skips 03-14 00:01 to 03-14 01:01", "repeats 11-06 23:01 to 11-07 00:01"]),
        ("Pacific/Apia", 2011, ["repeats 04-02 03:00 to 04-02 04:00", "skips 09-24 03:00 to 09-24 04:00",
                                "skips 12-30 00:00 to 12-31 00:00"]),
        ("UTC", 2027, []),
    ],
)  # fmt: skip
def test_changes_are_found_in_order_with_the_local_times_they_skip_or_repeat(zone, year, changes):
    found = clock_changes(zone, date(year, 1, 1), date(year + 1, 1, 2))

    assert [
        f"{'skips' if change.skips else 'repeats'} {change.since:%m-%d %H:%M} to {change.until:%m-%d %H:%M}"
        for change in found
    ] == changes


def test_before_and_after_a_change_the_offset_is_what_the_zone_says():
    for change in clock_changes("Africa/Casablanca", date(2026, 1, 1), date(2028, 1, 1)):
        zone = ZoneInfo("Africa/Casablanca")
        around = [instant(change.at + seconds).astimezone(zone).utcoffset() for seconds in (-1, 0)]
        assert around == [timedelta(seconds=change.before), timedelta(seconds=change.after)]


def spring_and_autumn(zone=build.NEW_YORK) -> list[ClockChange]:
    return list(islice(clock_changes(zone, date(2027, 1, 1), date(2028, 1, 1)), 2))


def affected(practice, zone=build.NEW_YORK):
    return [affected_starts(practice, zone, change) for change in spring_and_autumn(zone)]


def test_hours_by_day_are_not_touched():
    assert affected(build.practice(build.provider(build.every_day("9:00-17:00")))) == [0, 0]


def test_times_in_the_skipped_hour_are_counted_and_those_in_the_repeated_one_by_their_second_pass():
    """Every half hour from midnight: 2:00 and 2:30 fall out in spring, 1:00 and 1:30 come twice in autumn."""
    kind = build.visit(30, increment=30)
    assert affected(build.practice(build.provider(NIGHT), kind=kind)) == [2, 2]
    long = build.visit(300, increment=30)
    assert affected(build.practice(build.provider(NIGHT), kind=long)) == [0, 1], "from 1:30 it would end at 6:30"


def test_a_time_that_ends_at_closing_counts():
    until_three = build.provider(build.every_day("0:00-3:00"))
    assert affected(build.practice(until_three, kind=build.visit(30, increment=30))) == [2, 2]


@pytest.mark.parametrize("horizon_days", [0, 1, 700])
def test_notice_and_horizon_say_nothing_of_a_day_so_far_away(horizon_days):
    kind = build.visit(30, increment=30, notice_hours=48, horizon_days=horizon_days)
    assert affected(build.practice(build.provider(NIGHT), kind=kind)) == [2, 2]


def test_a_skipped_hour_may_reach_over_midnight():
    """In Toronto in 1919 the clock went from half past eleven to half past midnight."""
    (change, *_) = clock_changes("America/Toronto", date(1919, 1, 1), date(1920, 1, 1))
    hours = build.every_day("0:00-24:00", zone="America/Toronto")
    practice = build.practice(build.provider(hours), kind=build.visit(30, increment=30))

    assert (change.since, change.until) == (datetime(1919, 3, 30, 23, 30), datetime(1919, 3, 31, 0, 30))  # noqa: DTZ001
    assert affected_starts(practice, "America/Toronto", change) == 2


def test_hours_kept_for_what_is_not_offered_do_not_count():
    """In person at a place that is closed for good, and by phone for a type that needs the client there."""
    at_main = build.every_day("6:00-12:00", location="main")
    at_annex = build.every_day("0:00-6:00", location="annex")
    by_phone = build.every_day("0:00-6:00", location="main", contact_types=("phone",))
    ada = build.provider(at_main, at_annex, by_phone, locations=("main", "annex"))
    in_person = replace(build.visit(30, increment=30), contact_types=("in-person",))
    practice = build.practice(ada, kind=in_person)
    practice = replace(practice, locations={"main": build.MAIN, "annex": replace(build.ANNEX, retired=True)})

    assert affected(practice) == [0, 0]


def test_each_provider_counts_and_each_time_once_whatever_it_is_for():
    ada = build.provider(NIGHT)
    ben = build.provider(NIGHT, key="ben", number=2)
    practice = build.practice(ada, ben, kind=build.visit(30, increment=60))
    also = replace(practice.types["visit"], key="call", contact_types=("phone",))
    both = replace(ada, types=("visit", "call"))
    practice = replace(practice, types=practice.types | {"call": also}, providers={"ada": both, "ben": ben})

    assert affected(practice) == [2, 2]


def test_a_day_off_is_not_touched():
    changes = spring_and_autumn()
    off = [build.on(change.since.date()) for change in changes]

    assert affected(build.practice(build.provider(NIGHT, overrides=off))) == [0, 0]


def test_only_hours_on_that_clock_count():
    """Seven in the morning in London is the hour that New York repeats; nothing happens to it there."""
    london = build.practice(build.provider(build.every_day("0:00-24:00", zone="Europe/London")))
    assert affected(london) == [0, 0]
    assert affected(london, "Europe/London") == [1, 1]


def test_hours_at_a_location_count_on_its_clock():
    annex = Location("annex", "The Annex", "", "Europe/London")
    hours = build.every_day("0:00-6:00", zone="Europe/London", location="annex")
    practice = build.practice(build.provider(hours, locations=("annex",)))
    practice = replace(practice, locations={"annex": annex})

    assert affected(practice, "Europe/London") == [1, 1]


@pytest.mark.parametrize("zone", [build.NEW_YORK, "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca"])
def test_the_count_is_what_the_search_offers_less_or_twice(zone):
    """Against the same hours on the day a week later, wall time by wall time."""
    kind = build.visit(20, increment=15, horizon_days=700)
    practice = build.practice(build.provider(build.every_day("0:00-24:00", zone=zone)), kind=kind, zone=zone)
    wish = Wish(kind, build.PHONE, tuple(practice.providers.values()), None, zone)

    def shown(day):
        since = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        until = (since + timedelta(days=1)).astimezone(UTC)
        found = find_slots(practice, wish, Diary(), since=since, until=until, now=since - timedelta(days=9))
        return [slot.starts.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0).time() for slot in found]

    for change in spring_and_autumn(zone):
        day = change.since.date()
        then, usually = shown(day), shown(day + timedelta(days=7))
        missing = set(usually) - set(then)
        twice = {time for time in then if then.count(time) == 2}

        assert affected_starts(practice, zone, change) == len(missing if change.skips else twice) > 0
