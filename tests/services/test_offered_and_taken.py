"""What is offered can be requested, what is not is refused, and every slot keeps to hours, grid, buffers and limits."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import Client, NotOffered, SlotTaken
from tests.practices import PRACTICE
from tests.support import Host, without_guards

MINUTE = timedelta(minutes=1)
CHANGES = [
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Africa/Cairo", date(2027, 4, 30)),
    ("America/Santiago", date(2027, 9, 5)),
    ("Asia/Kathmandu", date(2027, 6, 1)),
]
WINDOWS = ("0:00-24:00", "9:00-12:00", "13:30-17:00", "1:00-4:00", "22:15-24:00", "0:00-0:45")


@st.composite
def practices(draw: st.DrawFn) -> tuple[dict[str, Any], date]:
    """A practice around a clock change, with one type that Ada and Ben both offer by phone."""
    zone, day = draw(st.sampled_from(CHANGES))
    data = deepcopy(PRACTICE)
    data["practice"] |= {"zone": zone, "phone": "+1 212 555 0100"}
    data["appointment_types"] = [
        {
            "key": "visit",
            "name": "Visit",
            "minutes": draw(st.sampled_from([15, 30, 50, 90])),
            "increment": draw(st.sampled_from([15, 30, 45, 60])),
            "buffer_before": draw(st.sampled_from([0, 0, 10])),
            "buffer_after": draw(st.sampled_from([0, 10, 30])),
            "notice_hours": draw(st.sampled_from([0, 12])),
            "horizon_days": draw(st.integers(1, 4)),
            "capacity": draw(st.sampled_from([1, 1, 2])),
            "daily_cap": draw(st.sampled_from([None, None, 1, 3])),
            "days_between": draw(st.sampled_from([0, 0, 2])),
            "open_requests": draw(st.sampled_from([None, None, 2])),
            "contact_types": ["phone"],
        }
    ]
    data["appointment_types"][0] = {key: v for key, v in data["appointment_types"][0].items() if v is not None}
    weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for provider in data["providers"]:
        provider |= {"types": ["visit"], "contact_types": ["phone"], "locations": []}
        hours = draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3, unique=True))
        provider["hours"] = [dict.fromkeys(weekdays, hours)]
        if draw(st.booleans()):
            provider["zone"] = draw(st.sampled_from(["UTC", "Europe/Berlin", zone]))
        if draw(st.booleans()):
            other = draw(st.lists(st.sampled_from(WINDOWS), max_size=2, unique=True))
            provider["overrides"] = [{"date": day.isoformat(), "hours": other}]
    if draw(st.integers(0, 4)) == 0:
        data["closures"] = [{"first": (day + timedelta(days=1)).isoformat()}]
    return data, day


# Somebody asks for a start, so many quarters of an hour from the first midnight.
attempts = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-8, 4 * 24 * 3), st.sampled_from([None, "ada", "ben"])),
    min_size=1,
    max_size=12,
)


def prepared(host: Host, data: dict[str, Any], day: date) -> datetime:
    """An empty database with that practice; the clock stands at the local midnight before the change."""
    with host.app.app_context(), without_guards(host.state.db):
        for table in ("outbox", "history", "appointment", "claim"):
            host.state.db.execute_sql(f"DELETE FROM portal_{table}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(data["practice"]["zone"])) - timedelta(days=1)
    host.clock.now = midnight.astimezone(UTC)
    host.apply(data)
    return host.clock.now


def check_offers_and_requests(
    host: Host, drawn: tuple[dict[str, Any], date], wanted: list[tuple[int, int, str | None]]
) -> None:
    data, day = drawn
    begin = prepared(host, data, day)
    kind = data["appointment_types"][0]
    with host.app.app_context():
        for who, quarter, provider in wanted:
            client = Client(f"client-{who}", "Somebody", "")
            starts = begin + 15 * MINUTE * quarter
            offered = host.portal.explain_slot(
                type="visit", contact="phone", provider=provider, starts=starts, client=client
            ).offered
            by_hours = {
                slot.starts: slot
                for slot in host.portal.find_slots(
                    type="visit", contact="phone", provider=provider, since=starts, until=starts + MINUTE
                )
            }
            try:
                asked = host.portal.request(client, type="visit", contact="phone", starts=starts, provider=provider)
            except (NotOffered, SlotTaken) as refusal:
                asked, why = None, str(refusal)
            else:
                why = "given"
            assert offered == (asked is not None), f"{starts}: {why}"
            if asked:
                assert asked.starts in by_hours
                assert asked.provider.key in by_hours[starts].providers
        claims = host.state.db.execute_sql("SELECT provider, starts, ends, begins, seats_taken FROM portal_claim")
        taken = [tuple(row) for row in claims]
        numbers = {provider.key: provider.number for provider in host.portal.practice().providers.values()}
        for slot in host.portal.find_slots(type="visit", contact="phone"):
            check_slot(slot, kind, taken, numbers)


def check_slot(slot: Any, kind: dict[str, Any], taken: list[tuple[int, ...]], numbers: dict[str, int]) -> None:
    """Apart from every claim by its buffers, unless it is a session with a seat left."""
    assert slot.ends - slot.starts == timedelta(minutes=kind["minutes"])
    first = int(slot.starts.timestamp()) - 60 * kind["buffer_before"]
    beyond = int(slot.ends.timestamp()) + 60 * kind["buffer_after"]
    seats = 0
    for key in slot.providers:
        near = [row for row in taken if row[0] == numbers[key] and row[1] < beyond and first < row[2]]
        assert all(row[3] == int(slot.starts.timestamp()) and row[4] < kind["capacity"] for row in near)
        seats += kind["capacity"] - sum(row[4] for row in near)
    assert slot.seats == seats


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(practices(), attempts)
def test_what_is_offered_can_be_requested_and_nothing_else(either_host, drawn, wanted):
    check_offers_and_requests(either_host, drawn, wanted)


@pytest.mark.long
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(practices(), attempts)
def test_the_same_in_the_long_run(host, drawn, wanted):
    check_offers_and_requests(host, drawn, wanted)
