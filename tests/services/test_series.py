"""A series through the public calls: every week or the free ones, each told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal_plugin import Appointment, NotEveryWeek, NotOffered, Week, appointment_invited
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host

WEEK = timedelta(weeks=1)


def series(host: Host, verb: str = "invite_series", **more: Any) -> list[Week]:
    asked = {"type": "visit", "contact": "phone", "provider": "ada", "starts": TUESDAY_TEN, "weeks": 4} | more
    with host.app.app_context():
        made: list[Week] = getattr(host.portal, verb)(PEOPLE["maya"], **asked)
        return made


def all_of(host: Host) -> list[Any]:
    with host.app.app_context():
        return list(host.portal.appointments())


@pytest.fixture
def busy_host(host: Host) -> Host:
    """The second week is closed, the third taken."""
    data = practice()
    data["closures"] = [{"first": "2026-12-15", "last": "2026-12-15", "name": "Staff day"}]
    host.apply(data)
    with host.app.app_context():
        taken = TUESDAY_TEN + 2 * WEEK
        host.portal.book(PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=taken)
    return host


def test_every_week_or_none(busy_host: Host) -> None:
    with pytest.raises(NotEveryWeek, match="2 of 4 weeks are not free, so nothing was sent") as refusal:
        series(busy_host)
    assert [(week.outcome, week.why) for week in refusal.value.weeks] == [
        ("free", ""),
        ("closed", "closed: Staff day"),
        ("taken", ""),
        ("free", ""),
    ]
    assert len(all_of(busy_host)) == 1


@pytest.mark.parametrize(("verb", "status"), [("invite_series", "invited"), ("book_series", "confirmed")])
def test_the_free_weeks_are_made_and_the_others_told(busy_host: Host, verb: str, status: str) -> None:
    weeks = series(busy_host, verb, free_only=True, message="See you.", by="Rosa")
    assert [week.outcome for week in weeks] == ["made", "closed", "taken", "made"]
    made = [week.appointment for week in weeks if week.appointment]
    assert [(one.status, one.message, one.starts) for one in made] == [
        (status, "See you.", TUESDAY_TEN),
        (status, "See you.", TUESDAY_TEN + 3 * WEEK),
    ]
    with busy_host.app.app_context():
        assert {entry.actor for one in made for entry in busy_host.portal.history(one.ref)} == {"Rosa"}
    assert len(busy_host.deliver()) == 3


def test_a_series_keeps_its_wall_time_over_a_clock_change(host: Host) -> None:
    weeks = series(host, starts=datetime(2027, 3, 9, 15, tzinfo=UTC), weeks=2)
    assert [week.starts for week in weeks] == [
        datetime(2027, 3, 9, 15, tzinfo=UTC),
        datetime(2027, 3, 16, 14, tzinfo=UTC),
    ]


def test_the_second_of_two_equal_times_is_meant_where_it_is_given(host: Host) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["0:00-5:00"]}]
    host.apply(data)
    second = datetime(2027, 11, 7, 6, 30, tzinfo=UTC)
    assert [week.starts for week in series(host, starts=second, weeks=2)] == [second, second + WEEK]


def test_a_week_that_the_clock_skips_is_told(host: Host) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["0:00-5:00"]}]
    host.apply(data)
    weeks = series(host, starts=datetime(2027, 3, 7, 7, 30, tzinfo=UTC), weeks=2, free_only=True)
    assert [(week.outcome, week.why) for week in weeks] == [("made", ""), ("closed", "the clock skips that time")]


@pytest.mark.parametrize("weeks", [0, -1, 53])
def test_a_number_of_weeks_that_cannot_be_is_refused(host: Host, weeks: int) -> None:
    with pytest.raises(NotOffered, match=r"^Enter a number of weeks from 1 to 52\.$") as refusal:
        series(host, weeks=weeks)
    assert refusal.value.field == "weeks"


@pytest.mark.parametrize("weeks", [1, 52])
def test_a_series_has_one_week_to_a_year_of_them(host: Host, weeks: int) -> None:
    assert [week.outcome for week in series(host, weeks=weeks)] == ["made"] * weeks


def test_two_series_for_one_client_are_two(host: Host) -> None:
    series(host, weeks=2)
    with pytest.raises(NotEveryWeek):
        series(host, weeks=2)
    assert [week.outcome for week in series(host, weeks=2, free_only=True)] == ["taken", "taken"]


def test_a_week_goes_to_somebody_who_has_hours_then(host: Host) -> None:
    """The practice may invite outside the hours of a provider whom it names; here it names none."""
    data = practice()
    data["providers"][0]["overrides"] = [{"date": "2026-12-15", "hours": []}]
    host.apply(data)
    weeks = series(host, provider=None, weeks=3)
    assert [week.appointment and week.appointment.provider.key for week in weeks] == ["ada", "ben", "ada"]


def test_a_week_that_somebody_takes_while_the_series_is_made_is_told_as_taken(host: Host) -> None:
    def quicker(app: object, appointment: Appointment) -> None:
        if appointment.starts == TUESDAY_TEN:
            taken = TUESDAY_TEN + WEEK
            host.portal.book(PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=taken)

    with appointment_invited.connected_to(quicker, sender=host.app):
        weeks = series(host, weeks=3)
    assert [week.outcome for week in weeks] == ["made", "taken", "made"]


def test_a_week_too_far_ahead_is_refused_and_says_why(host: Host) -> None:
    """Five years from Monday, December 7, 2026, end on a Saturday."""
    weeks = series(host, starts=datetime(2031, 12, 2, 15, tzinfo=UTC), weeks=2)
    assert [(week.outcome, week.why) for week in weeks] == [
        ("made", ""),
        ("refused", "Choose a time within the next five years."),
    ]
