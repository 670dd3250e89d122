"""Why a time is offered, or is not, in one sentence that names what stands in the way."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import Client, NotOffered
from tests.practices import PRACTICE
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host

ADA = {"type": "visit", "contact": "in-person", "location": "main"}


def why(host: Host, local: str, client: Client | None = None, **choices: str | None) -> str:
    """The explanation of a New York winter time such as `12-08 10:00`."""
    year = 2027 if local.startswith("0") else 2026
    starts = datetime.fromisoformat(f"{year}-{local}").replace(tzinfo=UTC) + timedelta(hours=5)
    with host.app.app_context():
        told = host.portal.explain_slot(starts=starts, client=client, **(ADA | choices))
    return f"{'yes' if told.offered else 'no'}: {told}"


@pytest.fixture
def told(host: Host) -> Host:
    data = deepcopy(PRACTICE)
    data["appointment_types"][0] |= {"buffer_before": 10, "daily_cap": 3, "days_between": 2}
    data["closures"] = [{"first": "2026-12-24", "last": "2026-12-26", "name": "Winter break"}]
    data["holidays"] = {"country": "US"}
    data["providers"][0]["overrides"] = [{"date": "2026-12-10", "hours": []}]
    host.apply(data)
    host.request("theo", TUESDAY_TEN)
    return host


@pytest.mark.parametrize(
    ("local", "sentence"),
    [
        ("12-09 10:00", "yes: Ada Moreau is free from 10:00 to 10:50."),
        ("12-07 06:00", "no: That time has passed."),
        (
            "12-08 06:30",
            "no: It is inside the 24 h notice of Therapy visit: the earliest start is 2026-12-08 07:00 EST.",
        ),
        ("02-08 10:00", "no: It is beyond the horizon of Therapy visit, 60 days: the last day is 2027-02-05."),
        ("12-25 10:00", "no: The practice is closed on 2026-12-25: Winter break."),
        ("01-01 10:00", "no: The practice is closed on 2027-01-01: New Year's Day."),
        ("12-12 10:00", "no: Ada Moreau has no hours on Saturday, 2026-12-12 (In person at Main Street)."),
        ("12-10 10:00", "no: Ada Moreau has a day off on Thursday, 2026-12-10 (In person at Main Street)."),
        (
            "12-09 08:00",
            "no: Ada Moreau's hours on 2026-12-09 are 9:00–12:00 and 13:00–17:00 (In person at Main Street).",
        ),
        ("12-09 11:30", "no: It would end at 12:20, and Ada Moreau's hours end at 12:00."),
        (
            "12-09 10:10",
            "no: Ada Moreau's starts are 30 min apart, counted from when the hours open: "
            "the nearest are 10:00 and 10:30.",
        ),
        ("12-08 10:00", "no: Ada Moreau is taken from 9:50 until 11:00."),
        ("12-08 11:00", "no: Ada Moreau is taken from 9:50 until 11:00, and Therapy visit needs 10 min before it."),
        ("12-08 09:00", "no: Ada Moreau is taken from 9:50 until 11:00, and Therapy visit needs 10 min after it."),
    ],
)
def test_a_time_is_explained(told, local, sentence):
    assert why(told, local) == sentence


def test_a_day_that_is_full_or_too_close_says_so(told):
    assert "less than 2 days" in why(told, "12-09 10:00", PEOPLE["theo"])
    told.request("maya", TUESDAY_TEN + timedelta(hours=3))
    told.clock.advance(timedelta(minutes=1))
    with told.app.app_context():
        told.portal.request(Client("ann", "Ann", "a@example.org"), starts=TUESDAY_TEN + timedelta(hours=6), **ADA)
    assert why(told, "12-08 14:30") == "no: Ada Moreau gives no more than 3 sessions of Therapy visit on one day."


def test_each_provider_who_could_be_asked_is_told_of(host):
    anybody = {"contact": "phone", "location": None}
    host.request("maya", TUESDAY_TEN, contact="phone", location=None, provider="ada")
    host.request("theo", TUESDAY_TEN, contact="phone", location=None, provider="ben")
    assert why(host, "12-08 10:00", **anybody) == (
        "no: Ada Moreau is taken from 10:00 until 11:00. Ben Ito is taken from 10:00 until 11:00."
    )
    assert why(host, "12-10 10:00", **anybody) == "yes: Ada Moreau is free from 10:00 to 10:50."


def test_a_group_says_how_many_seats_are_left(host):
    data = deepcopy(PRACTICE)
    data["appointment_types"][0]["capacity"] = 3
    host.apply(data)
    host.request()
    assert why(host, "12-08 10:00") == "yes: Ada Moreau's session at 10:00 has 2 seats left."


def test_a_choice_that_the_practice_does_not_have_is_refused(host):
    with pytest.raises(NotOffered):
        why(host, "12-08 10:00", type="massage")


def test_times_at_the_ends_of_the_calendar_are_explained_too(host):
    with host.app.app_context():
        for starts in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
            assert not host.portal.explain_slot(starts=starts, **ADA).offered
        with pytest.raises(ValueError, match="time zone"):
            host.portal.explain_slot(starts=TUESDAY_TEN.replace(tzinfo=None), **ADA)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 70 * 24 * 4))
def test_what_is_explained_as_offered_is_what_is_offered(told, quarter):
    starts = MONDAY + timedelta(minutes=15 * quarter)
    with told.app.app_context():
        found = list(told.portal.find_slots(**ADA, since=starts, until=starts + timedelta(seconds=1)))
        explained = told.portal.explain_slot(starts=starts, **ADA)
    assert explained.offered == bool(found), str(explained)
    assert len(explained.reasons) == 1
