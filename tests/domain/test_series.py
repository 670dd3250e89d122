"""The same time of the week, week after week."""

from datetime import date, datetime, timedelta

import pytest

from portal_plugin.domain.appointment import Client
from portal_plugin.domain.availability import Diary
from portal_plugin.domain.instants import seconds
from portal_plugin.domain.practice import Wish
from portal_plugin.domain.series import NotEveryWeek, Outcome, Week, dated, look_at
from tests.domain import build

TUESDAY = date(2026, 12, 8)
TEN = datetime(2026, 12, 8, 10)  # noqa: DTZ001 - what the wall shows
LONG_BEFORE = build.local(date(2026, 10, 1), "9:00")
MINUTE = timedelta(minutes=1)


def look(*providers, starts=None, now=LONG_BEFORE, diary=None, kind=None):
    kind = kind or build.visit()
    wish = Wish(kind, build.PHONE, providers, None, build.NEW_YORK)
    diary = diary or Diary({one.key: () for one in providers})
    starts = starts or build.local(TUESDAY, "10:00")
    practice = build.practice(*providers, kind=kind)
    return look_at(practice, wish, Client("maya", "Maya", "maya@example.org"), diary, TEN, starts, now)


def busy(**taken):
    """`busy(ada="9:00-10:00")`."""
    return Diary(
        {
            key: [build.taken(*(build.local(TUESDAY, edge) for edge in written.split("-")))] if written else []
            for key, written in taken.items()
        }
    )


def test_a_week_is_free_with_those_who_are_there_and_have_time():
    nine_to_five = build.every_day("9:00-17:00")
    ada, ben = build.provider(nine_to_five), build.provider(nine_to_five, key="ben", number=2)
    cleo = build.provider(build.every_day("14:00-17:00"), key="cleo", number=3)

    week = look(ada, ben, cleo, diary=busy(ada="", ben="10:30-11:00", cleo=""))

    assert (week.moment, week.starts) == (TEN, build.local(TUESDAY, "10:00"))
    assert (week.outcome, week.why, week.providers) == (Outcome.FREE, "", (ada,))


@pytest.mark.parametrize("taken", ["9:00-10:01", "9:00-12:00", "10:59-12:00", "10:20-10:40"])
def test_a_week_whose_time_is_taken_is_nobody_s(taken):
    week = look(build.provider(build.every_day("9:00-17:00")), diary=busy(ada=taken))

    assert week == Week(TEN, build.local(TUESDAY, "10:00"), Outcome.TAKEN)


@pytest.mark.parametrize("taken", ["9:00-10:00", "11:00-12:00"])
def test_taken_time_may_touch(taken):
    assert look(build.provider(build.every_day("9:00-17:00")), diary=busy(ada=taken)).outcome is Outcome.FREE


@pytest.mark.parametrize(
    ("taken", "outcome"),
    [("9:00-9:45", "free"), ("9:00-9:46", "taken"), ("11:10-12:00", "free"), ("11:09-12:00", "taken")],
)
def test_buffers_keep_their_distance(taken, outcome):
    kind = build.visit(before=15, after=10)

    assert look(build.provider(build.every_day("9:00-17:00")), diary=busy(ada=taken), kind=kind).outcome == outcome


def test_a_session_with_seats_left_is_free_though_its_time_is_taken():
    diary = busy(ada="10:00-11:00")._replace(seats={"ada": {seconds(build.local(TUESDAY, "10:00")): 2}})
    ada = build.provider(build.every_day("9:00-17:00"))

    assert look(ada, diary=diary).outcome is Outcome.FREE
    assert look(ada, diary=diary, starts=build.local(TUESDAY, "10:30")).outcome is Outcome.TAKEN


def test_a_week_outside_the_hours_is_closed_and_says_why():
    week = look(build.provider(build.every_day("10:30-17:00")))

    assert week == Week(TEN, build.local(TUESDAY, "10:00"), Outcome.CLOSED, "outside the hours")


def test_a_week_that_the_clock_skips_is_closed():
    ada = build.provider(build.every_day("9:00-17:00"))
    wish = Wish(build.visit(), build.PHONE, (ada,), None, build.NEW_YORK)
    maya = Client("maya", "Maya", "maya@example.org")

    week = look_at(build.practice(ada), wish, maya, Diary(), TEN, None, LONG_BEFORE)
    assert week == Week(TEN, None, Outcome.CLOSED, "the clock skips that time")


def test_what_begins_this_very_moment_has_passed():
    ada = build.provider(build.every_day("9:00-17:00"))
    ten = build.local(TUESDAY, "10:00")

    assert look(ada, now=ten) == Week(TEN, ten, Outcome.PASSED)
    assert look(ada, now=ten - MINUTE).outcome is Outcome.FREE


def test_the_practice_s_notice_horizon_and_grid_do_not_bind_itself():
    ada = build.provider(build.every_day("9:00-17:00"))
    strict = build.visit(notice_hours=48, horizon_days=1)

    assert look(ada, kind=strict, starts=build.local(TUESDAY, "10:07")).outcome is Outcome.FREE


def test_each_week_shows_the_same_time_on_the_wall():
    """New York springs forward on March 14, 2027."""
    first = datetime(2027, 3, 9, 10)  # noqa: DTZ001

    assert dated(first, 2, build.NEW_YORK) == [
        (first, build.local(date(2027, 3, 9), "10:00")),
        (first + timedelta(weeks=1), build.local(date(2027, 3, 16), "10:00")),
    ]


@pytest.mark.parametrize("fold", [0, 1])
def test_of_two_equal_times_that_is_meant_which_the_first_names(fold):
    """On November 7, 2027, 1:30 comes twice, and once in the weeks around."""
    first = datetime(2027, 10, 31, 1, 30, fold=fold)  # noqa: DTZ001

    assert [starts for _, starts in dated(first, 3, build.NEW_YORK)] == [
        build.local(date(2027, 10, 31), "1:30"),
        build.local(date(2027, 11, 7), "1:30", fold=fold),
        build.local(date(2027, 11, 14), "1:30"),
    ]


def test_a_week_that_the_clock_skips_has_no_instant():
    first = datetime(2027, 3, 7, 2, 30)  # noqa: DTZ001

    assert dated(first, 2, build.NEW_YORK)[1] == (first + timedelta(weeks=1), None)


def test_the_refusal_counts_the_weeks_that_cannot_be():
    weeks = [Week(TEN, None, outcome) for outcome in Outcome]

    refusal = NotEveryWeek(weeks)
    assert str(refusal) == "4 of 6 weeks are not free, so nothing was sent."
    assert refusal.weeks == tuple(weeks)
    assert str(NotEveryWeek(weeks[:2])) == "1 of 2 weeks is not free, so nothing was sent."
