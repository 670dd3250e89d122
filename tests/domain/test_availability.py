"""Open windows minus taken time, cut by the type's rules: slots, earliest first."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from portal_plugin.domain.availability import Diary, Slot, find_slots
from portal_plugin.domain.practice import AppointmentType, Closure, Hours, Interval, Wish
from tests.domain.build import (
    ANNEX,
    IN_PERSON,
    MAIN,
    NEW_YORK,
    PHONE,
    every_day,
    local,
    on,
    practice,
    provider,
    slots,
    taken,
    times,
    visit,
    windows,
)

TUESDAY = date(2026, 12, 8)
WEDNESDAY = date(2026, 12, 9)
HOUR = timedelta(hours=1)


def test_hours_are_cut_into_slots_of_the_types_length():
    found = slots(provider(every_day("9:00-12:00")), day=TUESDAY)

    assert times(found) == ["9:00", "10:00", "11:00"]
    assert found[0] == Slot(local(TUESDAY, "9:00"), local(TUESDAY, "10:00"), ("ada",))
    assert found[0].starts.tzinfo is UTC


def test_a_break_is_not_offered():
    found = slots(provider(every_day("9:00-11:00", "13:00-15:00")), day=TUESDAY)

    assert times(found) == ["9:00", "10:00", "13:00", "14:00"]


def test_an_appointment_ends_before_closing():
    found = slots(provider(every_day("9:00-11:30")), day=TUESDAY, kind=visit(60, increment=15))

    assert times(found)[-1] == "10:30"


def test_an_appointment_does_not_reach_over_a_break():
    found = slots(provider(every_day("9:00-10:00", "10:30-12:00")), day=TUESDAY, kind=visit(60, increment=30))

    assert times(found) == ["9:00", "10:30", "11:00"]


def test_windows_that_touch_are_one():
    found = slots(provider(every_day("9:00-9:30"), every_day("9:30-10:30")), day=TUESDAY, kind=visit(90))

    assert times(found) == ["9:00"]


def test_the_increment_counts_from_opening():
    found = slots(provider(every_day("9:10-11:00")), day=TUESDAY, kind=visit(45, increment=20))

    assert times(found) == ["9:10", "9:30", "9:50", "10:10"]


def test_an_appointment_may_end_at_midnight():
    found = slots(provider(every_day("22:00-24:00")), day=TUESDAY)

    assert times(found) == ["22:00", "23:00"]


def test_weekly_hours_hold_on_their_weekday_alone():
    tuesdays = Hours(((), windows("9:00-10:00"), (), (), (), (), ()), NEW_YORK)

    found = slots(provider(tuesdays), day=TUESDAY, days=8)

    assert [slot.starts for slot in found] == [
        local(TUESDAY, "9:00"),
        local(TUESDAY + timedelta(days=7), "9:00"),
    ]


def test_hours_hold_from_their_first_through_their_last_day():
    summer = every_day("9:00-10:00", valid_from=WEDNESDAY, valid_until=WEDNESDAY + timedelta(days=1))

    found = slots(provider(summer), day=TUESDAY, days=5)

    assert [slot.starts.date() for slot in found] == [WEDNESDAY, WEDNESDAY + timedelta(days=1)]


def test_an_override_replaces_the_hours_of_its_day():
    ada = provider(every_day("9:00-11:00"), overrides=[on(TUESDAY, "14:00-15:00")])

    assert times(slots(ada, day=TUESDAY, days=2)) == ["14:00", "9:00", "10:00"]


def test_an_override_without_hours_is_a_day_off():
    ada = provider(every_day("9:00-11:00"), overrides=[on(TUESDAY)])

    assert slots(ada, day=TUESDAY) == []


def test_an_override_opens_a_day_that_is_otherwise_free():
    weekdays = Hours((windows("9:00-10:00"),) * 5 + ((), ()), NEW_YORK)
    saturday = date(2026, 12, 12)
    ada = provider(weekdays, overrides=[on(saturday, "10:00-11:00")])

    assert times(slots(ada, day=saturday)) == ["10:00"]


def test_an_override_at_one_location_leaves_the_others_alone():
    ada = provider(
        every_day("9:00-10:00", location="main"),
        every_day("13:00-14:00", location="annex"),
        locations=("main", "annex"),
        overrides=[on(TUESDAY, "11:00-12:00", location="main")],
    )

    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON, location=MAIN)) == ["11:00"]
    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON, location=ANNEX)) == ["13:00"]


def test_two_overrides_of_one_day_add_up():
    ada = provider(every_day("9:00-10:00"), overrides=[on(TUESDAY, "11:00-12:00"), on(TUESDAY, "15:00-16:00")])

    assert times(slots(ada, day=TUESDAY)) == ["11:00", "15:00"]


def test_an_override_opens_a_location_where_the_provider_has_no_weekly_hours():
    ada = provider(
        every_day("9:00-10:00", location="main"),
        locations=("main", "annex"),
        overrides=[on(TUESDAY, "11:00-12:00", location="annex")],
    )

    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON, location=ANNEX)) == ["11:00"]


def test_an_override_opens_a_day_for_a_provider_without_weekly_hours():
    ada = provider(overrides=[on(TUESDAY, "11:00-12:00")])

    assert times(slots(ada, day=TUESDAY)) == ["11:00"]


def test_an_override_kept_for_one_contact_type_is_not_offered_for_another():
    ada = provider(every_day("9:00-10:00"), overrides=[on(TUESDAY, "20:00-21:00", contact_types=("phone",))])

    assert times(slots(ada, day=TUESDAY, contact=PHONE)) == ["20:00"]
    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON)) == []


def test_an_override_may_be_meant_in_a_zone_of_its_own():
    ada = provider(every_day("9:00-10:00"), overrides=[on(TUESDAY, "15:00-16:00", zone="Europe/London")])

    assert times(slots(ada, day=TUESDAY)) == ["10:00"]


def test_in_person_slots_are_at_the_chosen_location():
    ada = provider(
        every_day("9:00-10:00", location="main"),
        every_day("13:00-14:00", location="annex"),
        locations=("main", "annex"),
    )

    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON, location=MAIN)) == ["9:00"]
    assert times(slots(ada, day=TUESDAY)) == ["9:00", "13:00"], "a call can be taken at either"


def test_hours_kept_for_one_contact_type_are_not_offered_for_another():
    ada = provider(every_day("9:00-10:00"), every_day("20:00-21:00", contact_types=("phone",)))

    assert times(slots(ada, day=TUESDAY, contact=PHONE)) == ["9:00", "20:00"]
    assert times(slots(ada, day=TUESDAY, contact=IN_PERSON)) == ["9:00"]


def test_a_closure_closes_its_first_through_its_last_day():
    holidays = Closure(TUESDAY, WEDNESDAY, "Holidays")

    found = slots(provider(every_day("9:00-10:00")), day=TUESDAY - timedelta(days=1), days=4, closures=[holidays])

    assert [slot.starts.date() for slot in found] == [date(2026, 12, 7), date(2026, 12, 10)]


def test_a_closure_beats_an_override():
    ada = provider(every_day("9:00-10:00"), overrides=[on(TUESDAY, "11:00-12:00")])

    assert slots(ada, day=TUESDAY, closures=[Closure(TUESDAY, TUESDAY, "Inventory")]) == []


# Notice and horizon.


def test_nothing_earlier_than_the_notice_is_offered():
    now = local(TUESDAY, "9:30")

    found = slots(provider(every_day("9:00-14:00")), day=TUESDAY, kind=visit(notice_hours=2), now=now)

    assert times(found) == ["12:00", "13:00"]


def test_a_slot_exactly_at_the_end_of_the_notice_is_offered():
    now = local(TUESDAY, "9:00")

    found = slots(provider(every_day("9:00-14:00")), day=TUESDAY, kind=visit(notice_hours=2), now=now)

    assert times(found)[0] == "11:00"


def test_a_slot_a_split_second_inside_the_notice_is_not_offered():
    now = local(TUESDAY, "9:00") + timedelta(microseconds=1)

    found = slots(provider(every_day("9:00-14:00")), day=TUESDAY, kind=visit(notice_hours=2), now=now)

    assert times(found)[0] == "12:00"


def test_what_begins_this_very_second_has_begun_and_what_begins_in_the_next_has_not():
    ada, nine = provider(every_day("9:00-11:00")), local(TUESDAY, "9:00")

    for before, first in ((timedelta(0), "10:00"), (timedelta(microseconds=1), "9:00"), (timedelta(seconds=1), "9:00")):
        assert times(slots(ada, day=TUESDAY, now=nine - before))[0] == first


@pytest.mark.parametrize("asked_at", ["0:00", "23:59"])
def test_the_horizon_counts_whole_local_days(asked_at):
    """Asked at one minute past midnight or one before, the last day is the same, and whole."""
    now = local(TUESDAY, asked_at)

    found = slots(
        provider(every_day("0:00-24:00")), day=WEDNESDAY, days=5, kind=visit(horizon_days=2, increment=1380), now=now
    )

    assert [slot.starts.astimezone(ZoneInfo(NEW_YORK)).strftime("%d %H") for slot in found] == [
        "09 00",
        "09 23",
        "10 00",
        "10 23",
    ]


def test_a_horizon_of_no_days_is_today():
    now = local(TUESDAY, "9:00")

    found = slots(provider(every_day("10:00-11:00")), day=TUESDAY, days=3, kind=visit(horizon_days=0), now=now)

    assert [slot.starts for slot in found] == [local(TUESDAY, "10:00")]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("9:00", "11:00", ["9:00", "10:00"]),
        ("10:00", "11:00", ["10:00"]),
        ("10:00", "11:01", ["10:00", "11:00"]),
        ("10:01", "12:00", ["11:00"]),
        ("10:00", "10:00", []),
    ],
)
def test_since_is_included_and_until_is_not(since, until, found):
    ada = provider(every_day("9:00-12:00"))
    wish = Wish(visit(), PHONE, (ada,), None, NEW_YORK)
    asked = {"since": local(TUESDAY, since), "until": local(TUESDAY, until), "now": local(TUESDAY, "0:00")}

    assert times(list(find_slots(practice(ada), wish, Diary(), **asked))) == found


def test_a_range_of_one_second_holds_what_begins_in_it_even_at_midnight():
    ada = provider(every_day("0:00-24:00"))
    wish = Wish(visit(), PHONE, (ada,), None, NEW_YORK)
    midnight = local(TUESDAY, "0:00")

    for since, starts in ((midnight, [midnight]), (midnight - timedelta(seconds=1), [])):
        until, now = since + timedelta(seconds=1), since - timedelta(days=1)
        found = find_slots(practice(ada), wish, Diary(), since=since, until=until, now=now)
        assert [slot.starts for slot in found] == starts


def test_a_naive_range_is_refused():
    ada = provider(every_day("9:00-12:00"))
    wish = Wish(visit(), PHONE, (ada,), None, NEW_YORK)
    naive = datetime(2026, 12, 8)  # noqa: DTZ001

    with pytest.raises(ValueError, match="no time zone"):
        next(find_slots(practice(ada), wish, Diary(), since=naive, until=naive, now=datetime(2026, 12, 1, tzinfo=UTC)))


# Taken time.


def test_taken_time_is_not_offered():
    busy = {"ada": [taken(local(TUESDAY, "10:15"), local(TUESDAY, "10:20"))]}

    assert times(slots(provider(every_day("9:00-13:00")), day=TUESDAY, busy=busy)) == ["9:00", "11:00", "12:00"]


def test_each_of_several_appointments_counts():
    busy = {"ada": [taken(local(TUESDAY, f"{hour}:10"), local(TUESDAY, f"{hour}:20")) for hour in (9, 10, 11)]}

    assert times(slots(provider(every_day("9:00-13:00")), day=TUESDAY, busy=busy)) == ["12:00"]


def test_time_may_be_taken_up_to_the_start_and_from_the_end():
    busy = {
        "ada": [
            taken(local(TUESDAY, "8:00"), local(TUESDAY, "9:00")),
            taken(local(TUESDAY, "10:00"), local(TUESDAY, "12:00")),
        ]
    }

    assert times(slots(provider(every_day("9:00-12:00")), day=TUESDAY, busy=busy)) == ["9:00"]


def test_after_taken_time_the_grid_goes_on_from_opening():
    busy = {"ada": [taken(local(TUESDAY, "9:10"), local(TUESDAY, "9:40"))]}

    found = slots(provider(every_day("9:00-11:00")), day=TUESDAY, kind=visit(30, increment=15), busy=busy)

    assert times(found) == ["9:45", "10:00", "10:15", "10:30"]


def test_the_buffer_before_keeps_its_distance_from_what_went_before():
    busy = {"ada": [taken(local(TUESDAY, "8:00"), local(TUESDAY, "9:10"))]}
    kind = visit(30, increment=5, before=15)

    assert times(slots(provider(every_day("9:00-10:00")), day=TUESDAY, kind=kind, busy=busy)) == ["9:25", "9:30"]


def test_the_buffer_after_keeps_its_distance_from_what_comes_next():
    busy = {"ada": [taken(local(TUESDAY, "10:00"), local(TUESDAY, "11:00"))]}
    kind = visit(30, increment=5, after=20)

    found = slots(provider(every_day("9:00-10:00")), day=TUESDAY, kind=kind, busy=busy)

    assert times(found) == ["9:00", "9:05", "9:10"]


def test_buffers_may_lie_outside_the_hours():
    kind = visit(60, before=60, after=60)

    assert times(slots(provider(every_day("9:00-11:00")), day=TUESDAY, kind=kind)) == ["9:00", "10:00"]


def test_time_taken_since_long_before_the_range_still_counts():
    busy = {"ada": [taken(local(TUESDAY, "0:00") - timedelta(days=30), local(TUESDAY, "10:30"))]}

    assert times(slots(provider(every_day("9:00-13:00")), day=TUESDAY, busy=busy)) == ["11:00", "12:00"]


def test_time_that_was_taken_until_just_before_the_range_still_keeps_its_buffer():
    busy = {"ada": [taken(local(TUESDAY, "8:00"), local(TUESDAY, "8:50"))]}
    ada, kind = provider(every_day("8:00-11:00")), visit(30, increment=5, before=15)
    wish = Wish(kind, PHONE, (ada,), None, NEW_YORK)
    nine = local(TUESDAY, "9:00")

    found = find_slots(practice(ada, kind=kind), wish, Diary(busy), since=nine, until=nine + HOUR, now=nine - HOUR)

    assert times(list(found))[0] == "9:05"


# Any provider.


def test_any_provider_offers_what_either_can_give():
    ada, ben = provider(every_day("9:00-11:00")), provider(every_day("10:00-12:00"), key="ben", number=2)

    found = slots(ada, ben, day=TUESDAY)

    assert times(found) == ["9:00", "10:00", "11:00"]
    assert [slot.providers for slot in found] == [("ada",), ("ada", "ben"), ("ben",)]
    assert all(slot.ends - slot.starts == HOUR for slot in found)


def test_providers_are_listed_in_the_order_of_the_practice_file():
    cleo = provider(every_day("9:00-10:00"), key="cleo", number=1)
    ada = provider(every_day("9:00-10:00"), key="ada", number=2)

    (slot,) = slots(cleo, ada, day=TUESDAY)

    assert slot.providers == ("cleo", "ada")


def test_one_providers_taken_time_is_another_providers_offer():
    ada, ben = provider(every_day("9:00-10:00")), provider(every_day("9:00-10:00"), key="ben", number=2)
    busy = {"ada": [taken(local(TUESDAY, "9:00"), local(TUESDAY, "10:00"))]}

    (slot,) = slots(ada, ben, day=TUESDAY, busy=busy)

    assert slot.providers == ("ben",)


def test_overlapping_hours_in_two_zones_never_offer_taken_time():
    """From home in London or in New York: the two sets of hours overlap, and their grids differ."""
    ada = provider(every_day("9:00-13:00"), every_day("14:45-18:00", zone="Europe/London"))
    busy = {
        "ada": [
            taken(local(TUESDAY, "11:10"), local(TUESDAY, "11:40")),
            taken(local(TUESDAY, "12:10"), local(TUESDAY, "12:20")),
        ]
    }

    for slot in slots(ada, day=TUESDAY, kind=visit(50), busy=busy):
        for interval in busy["ada"]:
            assert slot.ends.timestamp() <= interval.starts or interval.ends <= slot.starts.timestamp(), slot


def test_hours_a_day_apart_on_the_globe_come_in_order():
    """Ten o'clock in Honolulu is ten o'clock of the next day in Kiritimati."""
    ada = provider(
        every_day("10:00-11:00", "20:00-21:00", zone="Pacific/Honolulu"),
        every_day("0:00-1:00", "12:00-13:00", zone="Pacific/Kiritimati"),
    )

    starts = [slot.starts for slot in slots(ada, day=TUESDAY, days=3)]

    assert len(starts) == 3 * 4
    assert starts == sorted(starts)


# Groups, and what a practice keeps a client from.


def group(capacity: int = 5) -> AppointmentType:
    return replace(visit(), capacity=capacity)


def open_session(clock: str, seats: int, hours: int = 1) -> dict[str, object]:
    """Ada's group at that time on Tuesday: the time is taken, the seats are not."""
    starts = local(TUESDAY, clock)
    return {
        "busy": {"ada": [taken(starts, starts + timedelta(hours=hours))]},
        "seats": {"ada": {int(starts.timestamp()): seats}},
    }


def seats(found: list[Slot]) -> list[tuple[str, int]]:
    return list(zip(times(found), (slot.seats for slot in found), strict=True))


def test_a_session_that_has_begun_to_fill_is_offered_with_the_seats_it_has_left():
    found = slots(provider(every_day("9:00-12:00")), day=TUESDAY, kind=group(), **open_session("10:00", 2))

    assert seats(found) == [("9:00", 5), ("10:00", 2), ("11:00", 5)]


def test_the_seats_of_all_who_could_take_a_slot_add_up():
    ada, ben = provider(every_day("9:00-12:00")), provider(every_day("10:00-13:00"), key="ben", number=2)

    found = slots(ada, ben, day=TUESDAY, kind=group(), **open_session("10:00", 2))

    assert seats(found) == [("9:00", 5), ("10:00", 7), ("11:00", 10), ("12:00", 5)]


def test_on_a_full_day_a_provider_begins_no_session_and_a_begun_one_can_be_joined():
    ada, ben = provider(every_day("9:00-12:00")), provider(every_day("11:00-13:00"), key="ben", number=2)
    full = open_session("10:00", 2) | {"full": {"ada": {TUESDAY}}}

    assert times(slots(ada, day=TUESDAY, days=2, kind=group(), **full)) == ["10:00", "9:00", "10:00", "11:00"]
    assert times(slots(ada, ben, day=TUESDAY, kind=group(), **full)) == ["10:00", "11:00", "12:00"]


def test_on_a_day_too_close_to_another_of_theirs_a_client_is_offered_nothing():
    found = slots(
        provider(every_day("9:00-11:00")),
        day=TUESDAY,
        days=2,
        kind=group(),
        without={TUESDAY},
        **open_session("10:00", 2),
    )

    assert [slot.starts for slot in found] == [local(WEDNESDAY, "9:00"), local(WEDNESDAY, "10:00")]


# Clock changes.

CHANGES = [
    (NEW_YORK, date(2027, 3, 14)),
    (NEW_YORK, date(2026, 11, 1)),
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Sydney", date(2026, 10, 4)),
    ("Australia/Sydney", date(2027, 4, 4)),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_nine_is_nine_on_both_sides_of_a_clock_change(zone, day):
    ada = provider(every_day("9:00-10:00", zone=zone))

    found = slots(ada, day=day - timedelta(days=1), days=3, zone=zone)

    assert [slot.starts.astimezone(ZoneInfo(zone)).strftime("%d %H:%M") for slot in found] == [
        f"{day + timedelta(days=n):%d} 09:00" for n in (-1, 0, 1)
    ]
    first, second, third = (slot.starts for slot in found)
    assert {second - first, third - second} != {timedelta(hours=24)}, "the clock did change"


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        (NEW_YORK, date(2027, 3, 14), ["1:00", "1:30", "3:00", "3:30"]),
        ("Europe/London", date(2027, 3, 28), ["2:00", "2:30", "3:00", "3:30"]),
        ("Australia/Lord_Howe", date(2026, 10, 4), ["1:00", "1:30", "2:30", "3:00", "3:30"]),
    ],
)
def test_times_in_a_gap_are_not_offered(zone, day, expected):
    ada = provider(every_day("1:00-4:00", zone=zone))

    assert times(slots(ada, day=day, zone=zone, kind=visit(30, increment=30)), zone) == expected


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        (NEW_YORK, date(2026, 11, 1), ["0:30", "1:00", "1:30", "1:00", "1:30", "2:00"]),
        ("Europe/London", date(2026, 10, 25), ["0:30", "1:00", "1:30", "1:00", "1:30", "2:00"]),
        ("Australia/Lord_Howe", date(2027, 4, 4), ["0:30", "1:00", "1:30", "1:30", "2:00"]),
    ],
)
def test_times_in_a_fold_are_offered_twice(zone, day, expected):
    ada = provider(every_day("0:30-2:30", zone=zone))

    found = slots(ada, day=day, zone=zone, kind=visit(30, increment=30))

    assert times(found, zone) == expected
    assert all(later.starts - earlier.starts == timedelta(minutes=30) for earlier, later in pairwise(found))


def test_the_grid_is_read_on_the_clock_also_after_it_went_back_by_half_an_hour():
    zone, day = "Australia/Lord_Howe", date(2027, 4, 4)

    found = slots(provider(every_day("0:30-4:30", zone=zone)), day=day, zone=zone)

    assert times(found, zone) == ["0:30", "1:30", "1:30", "2:30", "3:30"]


def test_an_appointment_lasts_as_long_across_a_clock_change():
    ada = provider(every_day("1:30-5:00"))

    found = slots(ada, day=date(2027, 3, 14), kind=visit(90, increment=30))

    assert times(found)[0] == "1:30"
    assert all(slot.ends - slot.starts == timedelta(minutes=90) for slot in found)


def test_hours_that_end_within_a_fold_close_both_times():
    ada = provider(every_day("0:00-1:30"))

    found = slots(ada, day=date(2026, 11, 1), kind=visit(60, increment=30))

    assert times(found) == ["0:00", "0:30"], "1:00 to 1:30 comes twice, and each time is too short"


def test_a_day_a_zone_skipped_has_no_slots():
    ada = provider(every_day("9:00-10:00", zone="Pacific/Apia"))

    found = slots(ada, day=date(2011, 12, 29), days=3, zone="Pacific/Apia")

    assert [slot.starts.astimezone(ZoneInfo("Pacific/Apia")).day for slot in found] == [29, 31]


# Cost.


class CountedDays(dict):
    """Overrides that remember which days were looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: set[date] = set()

    def get(self, day, default=None):
        self.looked.add(day)
        return super().get(day, default)


def test_the_first_slot_is_found_without_looking_at_the_rest():
    days = CountedDays()
    ada = replace(provider(every_day("9:00-17:00")), overrides=days)
    wish = Wish(visit(), PHONE, (ada,), None, NEW_YORK)
    now = local(TUESDAY, "0:00")

    found = find_slots(practice(ada), wish, Diary(), since=now, until=now + timedelta(days=700), now=now)
    next(found)
    at_first = len(days.looked)

    assert at_first <= 4
    assert len(list(found)) > 5_000
    assert len(days.looked) > 600, "the range is that long"


def test_a_day_that_was_worked_out_is_not_worked_out_again():
    days = CountedDays()
    ada = replace(provider(every_day("9:00-17:00")), overrides=days)
    asked, wish, now = practice(ada), Wish(visit(), PHONE, (ada,), None, NEW_YORK), local(TUESDAY, "0:00")

    def found() -> list[Slot]:
        return list(find_slots(asked, wish, Diary(), since=now, until=now + timedelta(days=30), now=now))

    first = found()
    days.looked.clear()

    assert found() == first
    assert days.looked == set()


def test_a_slot_that_a_busy_provider_has_in_a_year_is_found():
    now = local(TUESDAY, "0:00")
    busy = {"ada": [Interval(int(now.timestamp()), int((now + timedelta(days=365)).timestamp()))]}
    ada = provider(every_day("9:00-10:00"))

    found = slots(ada, day=TUESDAY, days=400, busy=busy, now=now)

    assert found[0].starts == local(TUESDAY + timedelta(days=365), "9:00")
