"""The schedule and the list: what is when, with whom, and in what state."""

import re
from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal_plugin.domain.practice import Interval
from portal_plugin.web.review.day_plan import gaps
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.desk import DAY, INVITE, LISTING, SCHEDULE, act, at, invited
from tests.web.pages import Page, open_page
from tests.web.statements import statements

HOUR = timedelta(hours=1)
TUESDAY = f"{SCHEDULE}?day=2026-12-08"


@pytest.fixture
def rosa(host: Host) -> FlaskClient:
    return host.browser("rosa")


def columns(page: Page) -> list[str]:
    """What each column says, in their order: its head, and what stands below it."""
    heads = re.findall(r'<th id="portal-column-(\d+)".*?</th>', page.html, re.DOTALL)
    return [
        Page("".join(re.findall(rf'<t[hd][^>]*"portal-column-{head}".*?</t[hd]>', page.html, re.DOTALL))).words
        for head in heads
    ]


def test_a_day_has_a_column_for_everybody_with_hours_appointments_and_free_time(host: Host, rosa: FlaskClient) -> None:
    sure = act(host, "confirm", host.request(provider="ada").ref)
    invited(host, "theo", TUESDAY_TEN + 4 * HOUR, provider="ben")
    page = open_page(rosa, TUESDAY)
    ada, ben = columns(page)
    assert "Ada Moreau 9:00 AM – 12:00 PM, 1:00 – 5:00 PM" in ada
    assert "10:00 – 10:50 AM Therapy visit Maya Lindqvist Confirmed" in ada
    for free in ("9:00 – 10:00 AM Free", "11:00 AM – 12:00 PM Free", "1:00 – 5:00 PM Free"):
        assert free in ada
    assert "2:00 – 2:50 PM Therapy visit Theo Brandt Invitation" in ben
    assert at(sure.ref) in page.links
    assert f"{INVITE}?provider=ada&date=2026-12-08&time=13:00" in page.links


def test_what_is_over_or_never_was_is_shown_or_not(host: Host, rosa: FlaskClient) -> None:
    came = act(host, "confirm", host.request("maya").ref)
    missed = act(host, "confirm", host.request("theo", TUESDAY_TEN + 3 * HOUR, contact="phone", location=None).ref)
    act(host, "decline", host.request("theo", TUESDAY_TEN + 4 * HOUR, contact="phone", location=None).ref)
    host.clock.now = TUESDAY_TEN + 8 * HOUR
    act(host, "complete", came.ref)
    act(host, "no_show", missed.ref)
    page = open_page(rosa, SCHEDULE)
    assert "Maya Lindqvist Completed" in page.words
    assert "Theo Brandt Missed" in page.words
    assert "Declined" not in page.words
    assert "Free" not in page.words, "what has passed is not free any more"


def test_what_the_host_and_other_calendars_call_busy_is_shown_as_that(host: Host, rosa: FlaskClient) -> None:
    asked = []

    def busy(provider, since, until):
        asked.append(provider)
        return [(TUESDAY_TEN, TUESDAY_TEN + HOUR), (TUESDAY_TEN + HOUR / 2, TUESDAY_TEN + 2 * HOUR)]

    host.portal.busy_times(busy)
    [ada] = columns(open_page(rosa, f"{TUESDAY}&provider=ada"))
    assert asked == ["ada"]
    assert "10:00 AM – 12:00 PM Busy elsewhere" in ada
    assert "9:00 – 10:00 AM Free" in ada


def test_a_closed_day_says_why_and_still_shows_what_there_is(host: Host, rosa: FlaskClient) -> None:
    act(host, "confirm", host.request().ref)
    data = practice()
    data["closures"] = [{"first": "2026-12-08", "last": "2026-12-08", "name": "Staff day"}]
    host.apply(data)
    ada, ben = columns(open_page(rosa, TUESDAY))
    assert "Closed: Staff day" in ada
    assert "Maya Lindqvist" in ada
    assert "Free" not in ada + ben


def test_a_week_has_a_column_for_each_of_its_days(host: Host, rosa: FlaskClient) -> None:
    act(host, "confirm", host.request().ref)
    week = columns(open_page(rosa, f"{TUESDAY}&span=week"))
    assert [day.split()[0] for day in week] == [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]  # fmt: skip
    assert "Maya Lindqvist" in week[2]
    assert "No hours" in week[0]
    ben = columns(open_page(rosa, f"{TUESDAY}&span=week&provider=ben"))
    assert "9:00 AM – 5:00 PM" in ben[3]
    assert "No hours" in ben[4]


def test_a_provider_at_two_places_says_where(host: Host, rosa: FlaskClient) -> None:
    data = practice()
    data["providers"][1] |= {
        "locations": ["main", "annex"],
        "hours": [{"location": "annex", "tuesday": ["9:00-12:00"]}, {"location": "main", "wednesday": ["9:00-12:00"]}],
    }
    host.apply(data)
    assert "The Annex" in columns(open_page(rosa, f"{TUESDAY}&provider=ben"))[0]
    assert "Main Street" in columns(open_page(rosa, f"{SCHEDULE}?day=2026-12-09&provider=ben"))[0]


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-11-01", "9:00 AM – 12:00 PM"), ("2027-03-14", "9:00 AM – 12:00 PM")],
    ids=["clock goes back", "clock goes forward"],
)
def test_hours_are_local_on_both_sides_of_a_clock_change(host: Host, rosa: FlaskClient, day: str, words: str) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["0:00-4:00", "9:00-12:00"]}]
    host.apply(data)
    host.clock.now -= 60 * DAY
    [ada] = columns(open_page(rosa, f"{SCHEDULE}?day={day}&provider=ada"))
    assert f"12:00 – 4:00 AM, {words}" in ada


@pytest.mark.parametrize("query", [
    "day=0001-01-01", "day=9999-12-31", "day=x", "day=2026-02-30", "day=%00", "span=x", "provider=nobody",
    "provider=%ED%A0%80", "day=9999-12-31&span=week", "day=0001-01-01&span=week&provider=ben",
])  # fmt: skip
def test_an_odd_address_shows_some_schedule(rosa: FlaskClient, query: str) -> None:
    assert rosa.get(f"{SCHEDULE}?{query}").status_code == 200


def test_the_schedule_and_the_list_ask_the_database_as_often_however_much_there_is(
    host: Host, rosa: FlaskClient
) -> None:
    found = set()
    for n in range(4):
        act(host, "book", PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN + n * HOUR)
        counts = []
        for address in (TUESDAY, f"{TUESDAY}&span=week", LISTING):
            open_page(rosa, address)
            with statements() as seen:
                open_page(rosa, address)
            counts.append(len(seen))
        found.add(tuple(counts))
    print(f"\nSQL statements of a day, a week, the list: {found}")
    assert len(found) == 1
    assert max(found.pop()) <= 3


def test_an_appointment_across_midnight_and_one_of_a_provider_who_left_do_no_harm(
    host: Host, rosa: FlaskClient
) -> None:
    act(host, "book", PEOPLE["maya"], type="visit", contact="phone", provider="ben", starts=TUESDAY_TEN + 13.5 * HOUR)
    for day in ("2026-12-08", "2026-12-09"):
        assert "11:30 PM – 12:20 AM Therapy visit Maya Lindqvist Confirmed" in open_page(rosa, f"{SCHEDULE}?day={day}").words
    data = practice()
    data["providers"] = data["providers"][:1]
    host.apply(data)
    assert "Maya" not in open_page(rosa, TUESDAY).words
    assert "Maya" in open_page(rosa, f"{TUESDAY}&provider=ben").words


def test_gaps_are_what_of_the_hours_is_not_taken() -> None:
    hours = [Interval(0, 100), Interval(200, 300)]
    taken = [Interval(90, 210), Interval(20, 30), Interval(25, 40), Interval(300, 400)]
    assert gaps(hours, taken) == [Interval(0, 20), Interval(40, 90), Interval(210, 300)]
    assert gaps(hours, []) == hours
    assert gaps(hours, [Interval(-1, 301)]) == []


# The list.


def refs(page: Page) -> list[str]:
    return [id_.removeprefix("appointment-") for id_ in page.ids if id_.startswith("appointment-")]


def test_the_list_is_filtered_by_its_address(host: Host, rosa: FlaskClient) -> None:
    waiting = host.request("maya", provider="ada").ref
    sure = act(host, "confirm", host.request("theo", TUESDAY_TEN + DAY, provider="ben", location="annex").ref).ref
    proposed = invited(host, "maya", TUESDAY_TEN + 2 * DAY).ref
    for query, expected in {
        "": [waiting, sure, proposed],
        "status=requested": [waiting],
        "status=": [waiting, sure, proposed],
        "status=nonsense": [waiting, sure, proposed],
        "client=maya": [waiting, proposed],
        "client=%00": [waiting, sure, proposed],
        "provider=ben": [sure],
        "since=2026-12-09": [sure, proposed],
        "since=2026-12-09&until=2026-12-09": [sure],
        "until=2026-12-08": [waiting],
        "until=9999-12-31&since=0001-01-01": [waiting, sure, proposed],
        "client=nobody": [],
    }.items():
        assert refs(open_page(rosa, f"{LISTING}?{query}")) == expected, query


def test_the_list_begins_today_unless_told_otherwise(host: Host, rosa: FlaskClient) -> None:
    old = act(host, "confirm", host.request().ref).ref
    host.clock.advance(3 * DAY)
    assert refs(open_page(rosa, LISTING)) == []
    assert refs(open_page(rosa, f"{LISTING}?since=")) == [old]
    assert refs(open_page(rosa, f"{LISTING}?client=maya")) == [old]


def test_a_long_list_is_paged_by_addresses_that_stay_right(host: Host, rosa: FlaskClient) -> None:
    times = act(host, "find_slots", type="visit", contact="phone", provider="ada", since=date(2026, 12, 8))
    booked = [
        act(host, "book", PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=slot.starts).ref
        for slot in [slot for slot in times if slot.starts.minute == 0][:60]
    ]
    seen, address = [], f"{LISTING}?provider=ada&status=confirmed"
    for _ in range(3):
        page = open_page(rosa, address)
        seen += refs(page)
        address = next((link for link in page.links if "after=" in link), "")
    assert seen == booked
    assert address == ""
    assert refs(open_page(rosa, f"{LISTING}?after=nothing")) == []
