"""Which times suit who waits, on the clock of the place."""

from datetime import date, datetime, timedelta

import pytest

from portal_plugin.domain.waitlist import PartOfDay, Preferences

TUESDAY = date(2026, 12, 8)
MORNING, AFTERNOON, EVENING = PartOfDay


def at(clock: str, days: int = 0) -> datetime:
    return datetime.fromisoformat(f"{TUESDAY + timedelta(days=days)}T{clock}")


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        ("00:00", MORNING),
        ("11:59", MORNING),
        ("12:00", AFTERNOON),
        ("16:59", AFTERNOON),
        ("17:00", EVENING),
        ("23:59", EVENING),
    ],
)
def test_the_afternoon_is_from_noon_to_five(clock, part):
    assert PartOfDay.of(at(clock)) is part


def test_both_the_first_and_the_last_day_count_and_no_day_outside():
    week = Preferences(TUESDAY, TUESDAY + timedelta(days=6))

    for clock in ("00:00", "23:59"):
        assert [days for days in range(-2, 10) if week.suit(at(clock, days))] == [*range(7)]


def test_who_names_weekdays_or_parts_of_day_waits_for_those_alone():
    def suiting(**wanted):
        waits = Preferences(TUESDAY, TUESDAY + timedelta(days=2), **wanted)
        clocks = ("10:00", "14:00", "18:00")
        return [(days, clock) for days in range(3) for clock in clocks if waits.suit(at(clock, days))]

    assert len(suiting()) == 9
    assert suiting(weekdays=frozenset({2})) == [(1, "10:00"), (1, "14:00"), (1, "18:00")]
    assert suiting(parts=frozenset({MORNING})) == [(0, "10:00"), (1, "10:00"), (2, "10:00")]
    assert suiting(weekdays=frozenset({1, 3}), parts=frozenset({EVENING})) == [(0, "18:00"), (2, "18:00")]
