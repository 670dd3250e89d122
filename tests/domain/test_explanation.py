"""Why a time is offered or not, where clocks change, hours lie in other zones, and sessions are shared."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from portal_plugin.domain.availability import Diary
from portal_plugin.domain.explanation import explain_slot
from portal_plugin.domain.practice import AppointmentType, ContactType, Location, Provider, Wish
from tests.domain import build
from tests.domain.build import NEW_YORK, every_day, local, on, provider, taken, visit

TUESDAY = date(2026, 12, 8)
SPRING, AUTUMN = date(2027, 3, 14), date(2026, 11, 1)
"""New York's clocks go from 2:00 to 3:00 on the one, and from 2:00 back to 1:00 on the other."""


def why(
    *providers: Provider,
    clock: str,
    day: date = TUESDAY,
    fold: int = 0,
    kind: AppointmentType | None = None,
    contact: ContactType = build.PHONE,
    location: Location | None = None,
    now: datetime | None = None,
    **diary: Any,
) -> str:
    kind = kind or visit()
    starts = local(day, clock, fold=fold)
    practice = build.practice(*providers, kind=kind)
    wish = Wish(kind, contact, providers, location, NEW_YORK)
    told = explain_slot(practice, wish, Diary(**diary), starts, now or starts - timedelta(days=3))
    return f"{'yes' if told.offered else 'no'}: {told}"


@pytest.mark.parametrize(
    ("clock", "nearest"),
    [
        ("9:10", "are 9:00 and 9:30"),
        ("10:31", "are 10:30 and 13:00"),
        ("13:01", "are 13:00 and 13:30"),
        ("16:05", "is 16:00"),
    ],
)
def test_the_nearest_starts_are_the_one_before_and_the_one_after(clock, nearest):
    ada = provider(every_day("9:00-11:45", "13:00-17:15"))

    assert why(ada, clock=clock, kind=visit(increment=30)).endswith(f": the nearest {nearest}.")


def test_whole_hours_are_told_as_hours():
    ada = provider(every_day("9:00-17:00"))

    assert "starts are 1 h apart" in why(ada, clock="9:10", kind=visit(increment=60))
    assert "starts are 90 min apart" in why(ada, clock="9:10", kind=visit(increment=90))
    assert "starts are 2 h apart" in why(ada, clock="9:10", kind=visit(increment=120))


def test_hours_may_end_with_the_day():
    ada = provider(every_day("20:00-24:00"))

    assert why(ada, clock="23:30") == "no: It would end at 0:30, and Ada's hours end at 0:00."
    assert why(ada, clock="23:00") == "yes: Ada is free from 23:00 to 0:00."
    assert why(ada, clock="19:00") == "no: Ada's hours on 2026-12-08 are 20:00–24:00 (Phone call)."


def test_what_ends_with_the_hours_is_not_told_to_end_after_them():
    ada = provider(every_day("9:10-12:00"))

    assert "the nearest is 10:10" in why(ada, clock="11:00")
    assert why(ada, clock="11:01") == "no: It would end at 12:01, and Ada's hours end at 12:00."
    assert "hours on 2026-12-08 are 9:10–12:00" in why(ada, clock="9:09")
    assert "hours on 2026-12-08 are 9:10–12:00" in why(ada, clock="12:00")


def test_times_are_told_in_the_zone_of_who_asks_and_hours_of_another_with_its_name():
    """Nine in Tokyo is seven in the evening in New York, the day before."""
    ada = provider(every_day("9:00-12:00", zone="Asia/Tokyo"))

    assert why(ada, clock="19:00") == "yes: Ada is free from 19:00 to 20:00."
    assert why(ada, clock="19:10").startswith("no: Ada's starts are 1 h apart")
    assert why(ada, clock="21:30") == "no: It would end at 22:30, and Ada's hours end at 22:00."
    assert why(ada, clock="10:00") == "no: Ada's hours on 2026-12-08 are 9:00–12:00 Asia/Tokyo (Phone call)."


def test_hours_of_several_zones_are_all_told():
    """At noon in New York it is evening in London, and the next day in Tokyo."""
    ada = provider(
        every_day("7:00-9:00", zone="Asia/Tokyo"),
        every_day("9:00-10:00"),
        every_day("18:00-19:00", zone="Europe/London"),
    )

    assert why(ada, clock="12:00") == (
        "no: Ada's hours on 2026-12-08 are 9:00–10:00 and 18:00–19:00 Europe/London and 7:00–9:00 Asia/Tokyo "
        "(Phone call)."
    )


def test_hours_of_another_place_or_way_to_meet_are_not_told():
    ada = provider(
        every_day("9:00-10:00", location="main"),
        every_day("13:00-14:00", location="annex"),
        every_day("18:00-19:00", contact_types=("phone",)),
        locations=("main", "annex"),
    )

    assert why(ada, clock="13:00", contact=build.IN_PERSON, location=build.MAIN) == (
        "no: Ada's hours on 2026-12-08 are 9:00–10:00 (In person at Main Street)."
    )
    assert why(ada, clock="18:00", contact=build.IN_PERSON) == (
        "no: Ada's hours on 2026-12-08 are 9:00–10:00 and 13:00–14:00 (In person)."
    )


def test_hours_that_are_shorter_than_the_appointment_are_told_to_end_too_soon():
    ada = provider(every_day("9:00-9:30"))

    assert why(ada, clock="9:00") == "no: It would end at 10:00, and Ada's hours end at 9:30."


def test_a_day_off_is_the_providers_own():
    ada, ben = provider(overrides=[on(TUESDAY)]), provider(key="ben")

    assert why(ada, ben, clock="9:00") == (
        "no: Ada has a day off on Tuesday, 2026-12-08 (Phone call). "
        "Ben has no hours on Tuesday, 2026-12-08 (Phone call)."
    )


def test_a_start_that_a_clock_change_repeats_is_free_both_times():
    ada = provider(every_day("0:00-3:00"))

    for fold in (0, 1):
        assert why(ada, clock="1:30", day=AUTUMN, fold=fold, kind=visit(30, increment=30)) == (
            "yes: Ada is free from 1:30 to " + ("1:00." if fold == 0 else "2:00.")
        )


def test_no_start_fits_into_hours_that_a_clock_change_cuts():
    """Each half hour from 1:00 comes twice, an hour apart: nothing longer fits."""
    ada = provider(every_day("1:00-1:30"))

    assert why(ada, clock="1:00", day=AUTUMN) == (
        "no: Ada's starts are 1 h apart, counted from when the hours open, and none fits that day."
    )


def test_hours_whose_beginning_or_end_a_clock_change_skips_are_those_that_are_left():
    half = visit(30, increment=30)

    late = provider(every_day("2:30-4:00"))
    assert why(late, clock="3:15", day=SPRING, kind=half).endswith(": the nearest are 3:00 and 3:30.")
    assert why(late, clock="3:30", day=SPRING) == "no: It would end at 4:30, and Ada's hours end at 4:00."
    assert why(late, clock="1:30", day=SPRING).endswith("hours on 2027-03-14 are 2:30–4:00 (Phone call).")

    early = provider(every_day("1:00-2:30"))
    assert why(early, clock="1:30", day=SPRING, kind=half) == "yes: Ada is free from 1:30 to 3:00."
    assert why(early, clock="1:45", day=SPRING, kind=half) == "no: It would end at 3:15, and Ada's hours end at 3:00."

    never = provider(every_day("2:00-3:00"))
    assert why(never, clock="3:00", day=SPRING).endswith("hours on 2027-03-14 are 2:00–3:00 (Phone call).")


@pytest.mark.parametrize(("left", "told"), [(1, "1 seat"), (2, "2 seats")])
def test_a_session_says_how_many_seats_it_has_left_even_on_a_full_day(left, told):
    start = int(local(TUESDAY, "9:00").timestamp())
    ada = provider(every_day("9:00-12:00"))
    diary = {
        "busy": {"ada": [taken(local(TUESDAY, "9:00"), local(TUESDAY, "10:00"))]},
        "seats": {"ada": {start: left}},
        "full": {"ada": {TUESDAY}},
    }
    kind = replace(visit(), capacity=3, daily_cap=left)

    assert why(ada, clock="9:00", kind=kind, **diary) == f"yes: Ada's session at 9:00 has {told} left."
    assert why(ada, clock="10:00", kind=kind, **diary) == (
        f"no: Ada gives no more than {left} session{'s' * (left > 1)} of Therapy visit on one day."
    )


def test_taken_time_and_buffers_may_touch():
    ada = provider(every_day("8:00-14:00"))
    busy = {"busy": {"ada": [taken(local(TUESDAY, "10:00"), local(TUESDAY, "11:00"))]}}
    kind = visit(increment=15, before=15, after=30)

    assert why(ada, clock="11:15", kind=kind, **busy).startswith("yes")
    assert why(ada, clock="8:30", kind=kind, **busy).startswith("yes")
    assert why(ada, clock="11:00", kind=kind, **busy) == (
        "no: Ada is taken from 10:00 until 11:00, and Therapy visit needs 15 min before it."
    )
    assert why(ada, clock="9:00", kind=kind, **busy) == (
        "no: Ada is taken from 10:00 until 11:00, and Therapy visit needs 30 min after it."
    )
    assert why(ada, clock="9:15", kind=kind, **busy) == "no: Ada is taken from 10:00 until 11:00."
    assert why(ada, clock="10:45", kind=kind, **busy) == "no: Ada is taken from 10:00 until 11:00."


def test_what_begins_now_has_begun_and_what_begins_with_the_notice_has_not():
    ada, now = provider(every_day("0:00-24:00")), local(TUESDAY, "9:00")
    kind = visit(notice_hours=2)

    assert why(ada, clock="9:00", now=now, kind=kind) == "no: That time has passed."
    assert why(ada, clock="11:00", now=now, kind=kind).startswith("yes")
    assert why(ada, clock="10:00", now=now, kind=kind) == (
        "no: It is inside the 2 h notice of Therapy visit: the earliest start is 2026-12-08 11:00 EST."
    )


def test_the_horizon_ends_with_its_last_day():
    ada, now, kind = provider(every_day("0:00-24:00")), local(TUESDAY, "9:00"), visit(horizon_days=2)

    assert why(ada, clock="23:00", day=date(2026, 12, 10), now=now, kind=kind).startswith("yes")
    assert why(ada, clock="0:00", day=date(2026, 12, 11), now=now, kind=kind) == (
        "no: It is beyond the horizon of Therapy visit, 2 days: the last day is 2026-12-10."
    )
