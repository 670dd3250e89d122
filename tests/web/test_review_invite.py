"""Inviting and booking, once and every week; the client is found or typed."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_plugin import Client
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.desk import DAY, INVITE, act, at, listed
from tests.web.pages import open_page, read, stored

TYPED = {
    "verb": "invite",
    "id": "n7",
    "name": "Noor Haddad",
    "email": "noor@example.org",
    "phone": "+1 212 555 0131",
    "type": "visit",
    "contact": "phone",
    "provider": "ada",
    "date": "2026-12-08",
    "time": "10:00",
    "weeks": "1",
    "which": "all",
    "message": "Does this suit you?",
}


@pytest.fixture
def rosa(host: Host) -> FlaskClient:
    return host.browser("rosa")


def find(text: str) -> Iterable[Client]:
    return (client for client in PEOPLE.values() if text.casefold() in client.name.casefold())


def blank(rosa: FlaskClient, query: str = "") -> dict[str, str]:
    return open_page(rosa, INVITE + query).forms[INVITE][0]


def send(rosa: FlaskClient, **typed: Any) -> TestResponse:
    return rosa.post(INVITE, data=blank(rosa) | TYPED | typed)


def weeks(answer: TestResponse) -> list[str]:
    """What is said of each week."""
    items = answer.text.split('<ul class="portal-weeks">')[1].split("</ul>")[0].split("<li")[1:]
    return [
        " ".join(item.split("</span>", 1)[1].replace("</", "<").split("<")[1].split(">")[1].split()) for item in items
    ]


def test_a_client_who_is_typed_is_invited_and_told(host: Host, rosa: FlaskClient) -> None:
    answer = send(rosa)
    [made] = listed(host)
    assert (answer.status_code, answer.location) == (303, at(made.ref))
    assert (made.status, made.starts, made.message) == ("invited", TUESDAY_TEN, "Does this suit you?")
    assert made.client == Client("n7", "Noor Haddad", "noor@example.org", "+1 212 555 0131")
    [mail] = host.deliver()
    assert mail.to == ["noor@example.org"]


def test_booking_confirms_at_once_outside_the_hours_too(host: Host, rosa: FlaskClient) -> None:
    assert send(rosa, verb="book", date="2026-12-12", time="20:15").status_code == 303
    [made] = listed(host)
    assert (made.status, f"{made.local_starts:%a %H:%M}") == ("confirmed", "Sat 20:15")


def test_a_client_is_found_by_the_host_and_chosen(host: Host, rosa: FlaskClient) -> None:
    host.portal.find_clients(find)
    page = open_page(rosa, INVITE)
    assert "portal-id" not in page.ids
    answer = rosa.post(INVITE, data=page.forms[INVITE][0] | {"verb": "find", "find": "maya", "date": "2026-12-09"})
    assert answer.status_code == 200
    found = read(answer)
    assert "Which client?" in found.words
    assert "maya@example.org" in found.words
    assert "Theo" not in found.words
    form = found.forms[INVITE][0]
    assert (form["date"], form["client"]) == ("2026-12-09", "maya")
    answer = rosa.post(
        INVITE, data=form | {name: TYPED[name] for name in ("verb", "type", "contact", "time", "provider")}
    )
    assert answer.status_code == 303, answer.text
    assert listed(host)[0].client == PEOPLE["maya"]
    assert "maya" not in answer.location


def test_only_somebody_who_was_found_can_be_chosen(host: Host, rosa: FlaskClient) -> None:
    host.portal.find_clients(find)
    for sent in ({"find": "maya", "client": "theo"}, {"find": "", "client": "maya"}, {"find": "maya"}):
        answer = send(rosa, **sent)
        assert answer.status_code == 422
        assert read(answer).summary_links == ["#portal-find"]
    answer = send(rosa, verb="find", find="nobody of that name")
    assert answer.status_code == 422
    assert "Nobody was found." in read(answer).words
    asked: list[str] = []
    host.portal.find_clients(lambda text: asked.append(text) or [])  # type: ignore[func-returns-value]
    assert send(rosa, verb="find", find="a\0b").status_code == 422
    assert asked == []
    assert listed(host) == []


def test_many_found_are_cut_short(host: Host, rosa: FlaskClient) -> None:
    host.portal.find_clients(lambda text: (Client(str(n), f"Client {n}", "") for n in range(10**6)))
    page = read(send(rosa, verb="find", find="client"))
    assert len([tag for tag in page.named("input") if tag.get("name") == "client"]) == 20


def test_an_appointment_brings_its_client_and_choices(host: Host, rosa: FlaskClient) -> None:
    ref = host.request(provider="ada").ref
    form = blank(rosa, f"?again={ref}")
    assert form["client"] == "maya"
    page = open_page(rosa, f"{INVITE}?again={ref}&date=2026-12-10&time=11:00")
    chosen = [tag["value"] for tag in page.named("option") if "selected" in tag]
    assert chosen == ["visit", "in-person", "ada", "main"]
    sent = form | {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"}
    answer = rosa.post(INVITE, data=sent | {"verb": "book", "date": "2026-12-10", "time": "11:00"})
    assert answer.status_code == 303
    assert listed(host)[1].client == PEOPLE["maya"]
    assert blank(rosa, "?again=x")["again"] == "x"


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"id": ""}, "id", "Enter the client’s id"),
        ({"id": "\0"}, "id", "Enter the client’s id"),
        ({"name": " "}, "name", "Enter the client’s name."),
        ({"name": "x" * 201}, "name", "under 200"),
        ({"email": "a@b, c@d"}, "email", "not one e-mail address"),
        ({"email": "x\r\nBcc: y@z"}, "email", "not one e-mail address"),
        ({"type": "surfing"}, "type", "Choose an appointment type"),
        ({"contact": "by-drum"}, "contact", "Choose how to meet"),
        ({"contact": "in-person"}, "location", "Choose a location"),
        ({"provider": "nobody"}, "provider", "Choose a provider"),
        ({"date": ""}, "date", "Enter a date."),
        ({"date": "0001-01-01"}, "date", "Enter a date."),
        ({"time": "٠٩:٠٠"}, "time", "Enter a time."),
        ({"time": "24:30"}, "time", "Enter a time."),
        ({"date": "2027-03-14", "time": "02:30"}, "time", "The clock skips that time"),
        ({"date": "2020-01-01"}, "date", "lies ahead"),
        ({"date": "2040-01-01"}, "date", "within the next five years"),
        ({"weeks": "0"}, "weeks", "from 1 to 52"),
        ({"weeks": "53"}, "weeks", "from 1 to 52"),
        ({"weeks": "-1"}, "weeks", "from 1 to 52"),
        ({"weeks": "9" * 20}, "weeks", "from 1 to 52"),
        ({"message": "x" * 2001}, "message", "under 2,000"),
        ({"verb": "steal"}, "verb", "Choose whether to invite or to book."),
    ],
)
def test_what_cannot_be_names_the_field_and_loses_nothing(
    host: Host, rosa: FlaskClient, typed: dict[str, str], field: str, says: str
) -> None:
    answer = send(rosa, **typed)
    assert answer.status_code == 422, answer.text
    page = read(answer)
    assert page.summary_links == [f"#portal-{field}"]
    assert f"portal-{field}" in page.ids
    assert says in page.words
    kept = page.forms[INVITE][0]
    for name in {"id", "name", "phone", "message"} - {field}:
        assert kept[name] == TYPED[name]
    assert listed(host) == []


def test_a_time_that_is_taken_is_told(host: Host, rosa: FlaskClient) -> None:
    host.request(provider="ada")
    answer = send(rosa)
    assert answer.status_code == 409
    assert "was taken a moment ago" in read(answer).words


def test_the_same_form_sent_again_is_one_invitation(host: Host, rosa: FlaskClient) -> None:
    form = blank(rosa) | TYPED | {"provider": ""}
    first = rosa.post(INVITE, data=form)
    before = stored(host)
    again = rosa.post(INVITE, data=form)
    assert (again.status_code, again.location) == (first.status_code, first.location)
    assert stored(host) == before


# The hour that is there twice.

TWICE = {"date": "2027-11-07", "time": "01:30"}
EDT, EST = "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"


def test_a_time_that_the_clock_shows_twice_is_asked_about_and_both_can_be_meant(host: Host, rosa: FlaskClient) -> None:
    answer = send(rosa, **TWICE)
    assert answer.status_code == 422
    page = read(answer)
    assert page.summary_links == ["#portal-which-hour"]
    assert "1:30 AM EDT (UTC\N{MINUS SIGN}4) 1:30 AM EST (UTC\N{MINUS SIGN}5)" in page.words
    assert [tag["value"] for tag in page.named("input") if tag.get("name") == "which-hour"] == [EDT, EST]
    assert send(rosa, **TWICE, **{"which-hour": TUESDAY_TEN.isoformat()}).status_code == 422
    assert listed(host) == []
    for chosen in (EDT, EST):
        assert send(rosa, **TWICE, **{"which-hour": chosen}).status_code == 303
    assert [f"{one.starts:%Y-%m-%dT%H:%M:%SZ}" for one in listed(host)] == [EDT, EST]
    assert send(rosa, **{"which-hour": EDT}).status_code == 303, "a choice that is no longer asked for does no harm"


def test_a_move_asks_likewise(host: Host, rosa: FlaskClient) -> None:
    ref = act(host, "confirm", host.request().ref).ref
    form = open_page(rosa, at(ref, "/move")).forms[at(ref, "/move")][0]
    answer = rosa.post(at(ref, "/move"), data=form | TWICE)
    assert answer.status_code == 422
    assert "1:30 AM EST (UTC\N{MINUS SIGN}5)" in read(answer).words
    answer = rosa.post(at(ref, "/move"), data=form | TWICE | {"which-hour": EST})
    assert answer.status_code == 303, answer.text
    assert f"{listed(host, status='confirmed')[0].starts:%H:%M}" == "06:30"


# Series.


def closed_and_taken(host: Host) -> None:
    """December 15 is closed, and on December 22 Ada has somebody else at ten."""
    data = practice()
    data["closures"] = [{"first": "2026-12-15", "last": "2026-12-15", "name": "Staff day"}]
    host.apply(data)
    act(host, "book", PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN + 14 * DAY)


def test_a_series_is_all_or_nothing_unless_told_otherwise(host: Host, rosa: FlaskClient) -> None:
    closed_and_taken(host)
    before = stored(host)
    answer = send(rosa, weeks="4")
    assert answer.status_code == 409
    assert weeks(answer) == ["Free", "Closed: Staff day", "Taken", "Free"]
    assert read(answer).summary_links == ["#portal-which"]
    form = read(answer).forms[INVITE][0]
    assert (form["which"], form["weeks"], form["message"]) == ("free", "4", TYPED["message"])
    assert stored(host) == before


def test_the_free_weeks_of_a_series_are_invited_and_each_week_listed(host: Host, rosa: FlaskClient) -> None:
    closed_and_taken(host)
    answer = send(rosa, weeks="4", which="free")
    assert answer.status_code == 200
    assert "2 of 4 weeks invited" in read(answer).words
    assert weeks(answer) == ["Invited", "Closed: Staff day", "Taken", "Invited"]
    made = listed(host, status="invited")
    assert [f"{one.local_starts:%d %H:%M}" for one in made] == ["08 10:00", "29 10:00"]
    assert {at(one.ref) for one in made} <= set(read(answer).links)


def test_a_whole_series_is_booked_at_the_same_time_on_the_wall(host: Host, rosa: FlaskClient) -> None:
    answer = send(rosa, verb="book", weeks="20", date="2027-01-05")
    assert "20 of 20 weeks booked" in read(answer).words
    made = listed(host, status="confirmed")
    assert {f"{one.local_starts:%a %H:%M}" for one in made} == {"Tue 10:00"}
    assert len({one.local_starts.utcoffset() for one in made}) == 2


@pytest.mark.parametrize("provider", ["", "ada"])
def test_a_series_sent_again_is_one_series(host: Host, rosa: FlaskClient, provider: str) -> None:
    form = blank(rosa) | TYPED | {"weeks": "3", "provider": provider}
    first = rosa.post(INVITE, data=form)
    before = stored(host)
    again = rosa.post(INVITE, data=form)
    assert (again.status_code, weeks(again)) == (200, weeks(first))
    assert stored(host) == before


def test_a_week_of_a_series_that_the_clock_skips_is_listed(host: Host, rosa: FlaskClient) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["0:00-5:00"]}]
    host.apply(data)
    answer = send(rosa, weeks="2", which="free", date="2027-03-07", time="02:30")
    assert weeks(answer) == ["Invited", "The clock skips that time"]


def test_a_series_goes_to_whoever_is_free_in_each_week(host: Host, rosa: FlaskClient) -> None:
    closed_and_taken(host)
    host.apply(practice())
    answer = send(rosa, weeks="3", provider="")
    assert answer.status_code == 200
    assert [one.provider.key for one in listed(host, status="invited")] == ["ada", "ada", "ben"]


def test_what_the_host_calls_busy_is_taken_in_a_series(host: Host, rosa: FlaskClient) -> None:
    week = TUESDAY_TEN + 7 * DAY
    host.portal.busy_times(lambda key, since, until: [(week, week + DAY / 24)])
    assert weeks(send(rosa, weeks="2")) == ["Free", "Taken"]


def test_a_series_of_no_free_week_makes_nothing(host: Host, rosa: FlaskClient) -> None:
    answer = send(rosa, weeks="2", which="free", date="2026-12-12")
    assert answer.status_code == 409
    assert "0 of 2 weeks invited" in read(answer).words
    assert weeks(answer) == ["No hours on that day"] * 2
    assert listed(host) == []
