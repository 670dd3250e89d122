"""The schedule and the list: what is when, with whom, and in what state."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.domain.practice import Interval
from portal_plugin.services.requests import Asking, hold_time
from portal_plugin.web.review.day_plan import gaps
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.desk import DAY, INVITE, LISTING, SCHEDULE, act, at, invited
from tests.web.pages import HTMX, Page, open_page
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


def test_a_week_begins_and_a_clock_counts_as_in_the_country_of_who_reads(host: Host, rosa: FlaskClient) -> None:
    page = open_page(rosa, f"{TUESDAY}&span=week", **{"Accept-Language": "en-GB"})
    assert [day[:3] for day in columns(page)] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert "13:00" in page.words
    assert "1 PM" not in page.words


def test_a_week_has_a_column_for_each_of_its_days(host: Host, rosa: FlaskClient) -> None:
    act(host, "confirm", host.request().ref)
    week = columns(open_page(rosa, f"{TUESDAY}&span=week"))
    assert [day[:3] for day in week] == ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
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
        assert (
            "11:30 PM – 12:20 AM Therapy visit Maya Lindqvist Confirmed"
            in open_page(rosa, f"{SCHEDULE}?day={day}").words
        )
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


# On one axis.


def placed(page: Page) -> dict[str, tuple[int, int]]:
    """By what they say, the rows that the cells of all columns cover: first, and first one after it."""
    found = {}
    for number, row in enumerate(page.html.split("<tr")[2:]):
        for rows, html in re.findall(r'<td[^>]*rowspan="(\d+)"[^>]*>(.*?)</td>', row, re.DOTALL):
            found[Page(html).words] = (number, number + int(rows))
    return found


def test_what_is_at_one_time_stands_in_one_row_in_every_column(host: Host, rosa: FlaskClient) -> None:
    for who, key in (("maya", "ada"), ("theo", "ben")):
        act(host, "book", PEOPLE[who], type="visit", contact="phone", provider=key, starts=TUESDAY_TEN)
    act(host, "book", PEOPLE["theo"], type="call", contact="phone", provider="ada", starts=TUESDAY_TEN + 3.5 * HOUR)
    rows = placed(open_page(rosa, TUESDAY))
    at_ten = [where for words, where in rows.items() if words.startswith("10:00 – 10:50 AM")]
    assert len(at_ten) == 2
    assert at_ten[0] == at_ten[1]
    free = {words.split(" Free")[0]: where for words, where in rows.items() if "Free" in words}
    assert free["9:00 – 10:00 AM"][1] == at_ten[0][0]
    [break_] = [where for words, where in rows.items() if words == "Break"]
    assert break_[0] == free["11:00 AM – 12:00 PM"][1]
    assert break_[1] == free["1:00 – 1:30 PM"][0]
    assert free["11:00 AM – 5:00 PM"][1] == free["1:50 – 5:00 PM"][1]


@pytest.mark.parametrize("query", ["day=2026-12-08", "day=2026-12-08&span=week", "day=2026-11-01&span=week",
    "day=2026-11-01", "day=2027-03-14", "day=2026-12-08&provider=ben&span=week"])  # fmt: skip
def test_every_row_of_the_table_is_covered_once_by_every_column(host: Host, rosa: FlaskClient, query: str) -> None:
    data = practice(requests_hold_time=False)
    data["providers"][0]["hours"] = [{"sunday": ["0:30-1:30", "1:45-4:00"], "tuesday": ["9:00-12:00", "13:10-24:00"]}]
    host.apply(data)
    for who in ("maya", "theo"):
        act(host, "request", PEOPLE[who], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN)
    act(host, "book", PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN + 13.5 * HOUR)
    host.clock.now -= 60 * DAY
    host.portal.busy_times(
        lambda key, since, until: [
            (datetime(2026, 11, 1, hour, 10, tzinfo=UTC), datetime(2026, 11, 1, hour, 40, tzinfo=UTC))
            for hour in (5, 6)
        ]
    )
    page = open_page(rosa, f"{SCHEDULE}?{query}")
    rows = page.html.split("<tr")[2:]
    for column in range(1, len(columns(page)) + 1):
        covered = []
        for number, row in enumerate(rows):
            for rowspan in re.findall(rf'rowspan="(\d+)" headers="portal-column-{column}"', row):
                covered += range(number, number + int(rowspan))
        assert covered == list(range(len(rows))), column


def test_a_group_s_session_is_one_with_all_who_come(host: Host, rosa: FlaskClient) -> None:
    data = practice()
    data["appointment_types"][0]["capacity"] = 4
    host.apply(data)
    for who in ("maya", "theo"):
        act(host, "book", PEOPLE[who], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN)
    [ada] = columns(open_page(rosa, f"{TUESDAY}&provider=ada"))
    assert "10:00 – 10:50 AM Therapy visit, 2 of 4 places Maya Lindqvist Confirmed Theo Brandt Confirmed" in ada
    assert ada.count("10:00 – 10:50 AM") == 1


def test_a_time_that_a_client_is_about_to_ask_for_is_shown_without_a_name(host: Host, rosa: FlaskClient) -> None:
    host.apply(practice(hold_minutes=10))
    with host.app.app_context():
        home = host.state.practice()
        wish = home.wish("visit", "phone", "ada", None)
        until = hold_time(host.state, home, Asking(wish, PEOPLE["maya"], TUESDAY_TEN, Actor(ActorKind.CLIENT, "maya")))
    assert until == host.clock.now + 10 * HOUR / 60
    page = open_page(rosa, TUESDAY)
    ada, ben = columns(page)
    assert "10:00 – 11:00 AM Being booked" in ada
    assert "Maya" not in page.words
    assert "Being booked" not in ben
    host.clock.advance(10 * HOUR / 60)
    assert "Being booked" not in open_page(rosa, TUESDAY).words


def test_the_time_it_is_stands_on_the_axis_of_today(host: Host, rosa: FlaskClient) -> None:
    host.clock.now = TUESDAY_TEN + 2.75 * HOUR
    page = open_page(rosa, TUESDAY)
    assert "12:45 PM, now" in page.words
    assert ", now" in open_page(rosa, f"{TUESDAY}&span=week").words
    assert ", now" not in open_page(rosa, f"{SCHEDULE}?day=2026-12-09").words


def test_a_day_and_a_practice_without_anything_say_so(host: Host, rosa: FlaskClient) -> None:
    assert "Nobody works on this day." in open_page(rosa, f"{SCHEDULE}?day=2026-12-12").words
    assert "Ben Ito does not work on this day." in open_page(rosa, f"{SCHEDULE}?day=2026-12-12&provider=ben").words
    data = practice()
    data["closures"] = [{"first": "2026-12-06", "last": "2026-12-12", "name": "Winter break"}]
    host.apply(data)
    assert "Closed: Winter break" in open_page(rosa, TUESDAY).words
    assert "Ada Moreau does not work in this week." in open_page(rosa, f"{TUESDAY}&span=week").words


def test_the_schedule_that_asks_again_is_told_of_changes_alone(host: Host, rosa: FlaskClient) -> None:
    poll = open_page(rosa, TUESDAY).named("section")[0]["data-hx-get"]
    assert rosa.get(poll, headers=HTMX).status_code == 204
    host.request(provider="ada")
    assert "Maya Lindqvist Requested" in open_page(rosa, poll, **HTMX).words
