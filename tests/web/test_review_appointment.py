"""One appointment: everything about it, and everything that is done to it."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.practices import practice
from tests.support import TUESDAY_TEN, Host
from tests.web.desk import DAY, act, at, decide, invited, listed, now_is
from tests.web.pages import HTMX, open_page, read, standing, stored

HOUR = timedelta(hours=1)


@pytest.fixture
def rosa(host: Host) -> FlaskClient:
    return host.browser("rosa")


def confirmed(host: Host, who: str = "maya", **choices: Any) -> str:
    return str(act(host, "confirm", host.request(who, **choices).ref).ref)


def verbs(rosa: FlaskClient, ref: str) -> list[str]:
    return [tag["value"] for tag in open_page(rosa, at(ref)).named("button") if tag.get("name") == "verb"]


def test_it_says_everything_there_is_to_know(host: Host, rosa: FlaskClient) -> None:
    ref = host.request(note="The <i>ramp</i>", reference="chart 12").ref
    page = open_page(rosa, at(ref))
    for words in (
        "Maya Lindqvist",
        "Requested",
        "Tuesday, December 8, 2026",
        "10:00 AM – 10:50 AM",
        "Main Street",
        "The <i>ramp</i>",
        "+1 212-555-0187",
        "maya@example.org",
        "chart 12",
        "expires in 27 h",
    ):
        assert words in page.words
    assert {"mailto:maya@example.org", "/portal/review/appointments?client=maya"} < set(page.links)
    decide(rosa, ref, "confirm", "Ring <b>twice</b>")
    assert "Ring <b>twice</b>" in open_page(rosa, at(ref)).words


def test_each_state_offers_what_can_be_done_in_it(host: Host, rosa: FlaskClient) -> None:
    asked, sure = host.request().ref, confirmed(host, starts=TUESDAY_TEN + DAY)
    proposed = invited(host, starts=TUESDAY_TEN + 2 * DAY).ref
    assert verbs(rosa, asked) == ["confirm", "decline"]
    assert verbs(rosa, sure) == ["cancel"]
    assert verbs(rosa, proposed) == ["accept", "withdraw"]
    host.clock.now = TUESDAY_TEN + DAY + HOUR
    assert verbs(rosa, sure) == ["complete", "no-show", "cancel"]
    decide(rosa, sure, "complete")
    assert verbs(rosa, sure) == []


@pytest.mark.parametrize(
    ("verb", "status", "message"),
    [
        ("cancel", "cancelled", "Sorry."),
        ("complete", "completed", ""),
        ("no-show", "no_show", ""),
    ],
)
def test_a_confirmed_one_is_cancelled_completed_or_missed(
    host: Host, rosa: FlaskClient, verb: str, status: str, message: str
) -> None:
    ref = confirmed(host)
    host.clock.now = TUESDAY_TEN + HOUR
    answer = decide(rosa, ref, verb, "Sorry.")
    assert (answer.status_code, answer.location) == (303, at(ref))
    assert (now_is(host, ref).status, now_is(host, ref).message) == (status, message)


@pytest.mark.parametrize(("verb", "status"), [("accept", "confirmed"), ("withdraw", "withdrawn")])
def test_an_invitation_is_accepted_for_the_client_or_withdrawn(
    host: Host, rosa: FlaskClient, verb: str, status: str
) -> None:
    ref = invited(host).ref
    assert decide(rosa, ref, verb).status_code == 303
    assert now_is(host, ref).status == status


def test_done_again_it_is_done_once(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    assert decide(rosa, ref, "confirm").status_code == 303
    before = stored(host)
    assert decide(rosa, ref, "confirm").status_code == 303
    assert stored(host) == before


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        ("confirm", "decline", "is confirmed and can no longer be declined"),
        ("decline", "confirm", "is declined and can no longer be confirmed"),
        ("cancel", "confirm", "is cancelled and can no longer be confirmed"),
    ],
)
def test_whoever_is_slower_reads_the_present_state_and_keeps_what_was_typed(
    host: Host, rosa: FlaskClient, first: str, then: str, says: str
) -> None:
    ref = host.request().ref
    act(host, first, ref)
    before = standing(host)
    answer = decide(rosa, ref, then, "Typed", **{"from": "queue"})
    assert answer.status_code == 409
    page = read(answer)
    assert says in page.words
    assert f"portal-status-{now_is(host, ref).status}" in page.html
    assert standing(host) == before
    if first == "confirm":
        assert page.forms[at(ref)][0]["message"] == "Typed"


def test_too_early_and_taken_are_told_politely(host: Host, rosa: FlaskClient) -> None:
    sure = confirmed(host)
    answer = decide(rosa, sure, "complete")
    assert answer.status_code == 409
    assert "has not begun yet" in read(answer).words
    host.apply(practice(requests_hold_time=False))
    one, other = (host.request(who, TUESDAY_TEN + DAY, provider="ada").ref for who in ("maya", "theo"))
    assert decide(rosa, one, "confirm").status_code == 303
    answer = decide(rosa, other, "confirm")
    assert answer.status_code == 409
    assert "was taken a moment ago" in read(answer).words
    assert at(one) in read(answer).links


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"verb": "confirm", "message": "x" * 2001}, "message"),
        ({"verb": "confirm", "message": "a\0b"}, "message"),
        ({"verb": "explode"}, "verb"),
        ({"verb": ["confirm", "decline"]}, "verb"),
        ({"verb": ""}, "verb"),
    ],
)
def test_what_cannot_be_comes_back_with_why(host: Host, rosa: FlaskClient, sent: dict[str, Any], field: str) -> None:
    ref = host.request().ref
    form = open_page(rosa, at(ref)).forms[at(ref)][0]
    answer = rosa.post(at(ref), data=form | sent)
    assert answer.status_code == 422
    assert read(answer).summary_links == [f"#portal-{field}"]
    assert now_is(host, ref).status == "requested"


def test_extra_fields_are_ignored(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    extra = {"status": "completed", "client_id": "theo", "version": "9", "by": "somebody"}
    assert decide(rosa, ref, "decline", **extra).status_code == 303
    assert (now_is(host, ref).status, now_is(host, ref).client.id) == ("declined", "maya")


def test_what_happened_is_told_with_who_when_and_why(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    host.clock.advance(timedelta(hours=1))
    decide(rosa, ref, "decline", "Ada is <away>.")
    words = open_page(rosa, at(ref)).words
    assert "Requested by the practice’s system Monday, December 7, 2026, 7:00 AM" in words
    assert "Declined by Rosa Delgado Monday, December 7, 2026, 8:00 AM Ada is <away>." in words


# Moving.


def send_move(rosa: FlaskClient, ref: str, **typed: str) -> TestResponse:
    address = at(ref, "/move")
    return rosa.post(address, data=open_page(rosa, address).forms[address][0] | typed)


def test_it_is_moved_to_a_free_time_and_the_chain_is_shown(host: Host, rosa: FlaskClient) -> None:
    ref = confirmed(host, provider="ada")
    page = open_page(rosa, at(ref, "/move") + "?date=2026-12-09")
    answer = send_move(rosa, ref, starts=page.times[0], message="Ada is away on Tuesday.")
    assert answer.status_code == 303
    old, new = now_is(host, ref), listed(host, status="confirmed")[0]
    assert answer.location == at(new.ref)
    assert (old.status, new.replaces, new.message) == ("cancelled", ref, "Ada is away on Tuesday.")
    assert (new.provider.key, new.location and new.location.key) == ("ada", "main")
    for shown in (open_page(rosa, at(new.ref)), open_page(rosa, at(ref))):
        assert "How it moved" in shown.words
        assert {at(new.ref), at(ref)} & set(shown.links)


def test_it_is_moved_by_less_than_its_length_and_outside_the_hours(host: Host, rosa: FlaskClient) -> None:
    ref = confirmed(host, provider="ada")
    answer = send_move(rosa, ref, date="2026-12-08", time="10:20")
    assert answer.status_code == 303
    answer = send_move(rosa, answer.location.rsplit("/", 1)[1], date="2026-12-13", time="23:45")
    assert answer.status_code == 303
    [now] = listed(host, status="confirmed")
    assert f"{now.local_starts:%Y-%m-%d %H:%M}" == "2026-12-13 23:45"


def test_it_moves_to_another_provider(host: Host, rosa: FlaskClient) -> None:
    ref = confirmed(host, provider="ada", contact="phone", location=None)
    page = open_page(rosa, at(ref, "/move") + "?provider=ben&date=2026-12-09")
    form = page.forms[at(ref, "/move")][0]
    assert form["provider"] == "ben"
    assert rosa.post(at(ref, "/move"), data=form | {"starts": page.times[0]}).status_code == 303
    assert listed(host, status="confirmed")[0].provider.key == "ben"


@pytest.mark.parametrize(
    ("typed", "status", "field", "says"),
    [
        ({}, 422, "starts", "Choose a time."),
        ({"starts": "tomorrow"}, 422, "starts", "Choose a time from the list"),
        ({"date": "2026-12-09"}, 422, "time", "Enter a time."),
        ({"time": "10:00"}, 422, "date", "Enter a date."),
        ({"date": "2026-13-09", "time": "25:00"}, 422, "date", "Enter a date."),
        ({"date": "9999-12-31", "time": "10:00"}, 422, "date", "Enter a date."),
        ({"date": "2027-03-14", "time": "02:30"}, 422, "time", "The clock skips that time"),
        ({"date": "2020-01-01", "time": "10:00"}, 422, "starts", "lies ahead"),
        ({"date": "2026-12-08", "time": "10:00"}, 422, "starts", "the time it has now"),
        ({"date": "2026-12-09", "time": "10:00"}, 409, "starts", "was taken a moment ago"),
        ({"date": "2026-12-10", "time": "10:00", "provider": "nobody"}, 422, "provider", "Choose a provider"),
        ({"date": "2026-12-10", "time": "10:00", "message": "x" * 2001}, 422, "message", "under 2,000"),
    ],
)
def test_a_move_that_cannot_be_says_why_and_keeps_what_was_typed(
    host: Host, rosa: FlaskClient, typed: dict[str, str], status: int, field: str, says: str
) -> None:
    confirmed(host, "theo", starts=TUESDAY_TEN + DAY, provider="ada")
    ref = confirmed(host, provider="ada")
    before = standing(host)
    answer = send_move(rosa, ref, **({"message": "Kept"} | typed))
    assert answer.status_code == status, answer.text
    page = read(answer)
    assert page.summary_links[0] == f"#portal-{field}"
    assert f"portal-{field}" in page.ids
    assert says in page.words
    assert page.forms[at(ref, "/move")][0]["message"] == ({"message": "Kept"} | typed)["message"]
    assert standing(host) == before


def test_what_ended_or_has_begun_moves_no_more(host: Host, rosa: FlaskClient) -> None:
    ref = confirmed(host)
    form = open_page(rosa, at(ref, "/move")).forms[at(ref, "/move")][0] | {"date": "2026-12-15", "time": "10:00"}
    act(host, "cancel", ref)
    answer = rosa.post(at(ref, "/move"), data=form)
    assert answer.status_code == 409
    assert "can no longer be moved" in read(answer).words
    assert not open_page(rosa, at(ref, "/move")).forms
    begun = confirmed(host, starts=TUESDAY_TEN + DAY)
    host.clock.now = TUESDAY_TEN + DAY + HOUR
    assert not open_page(rosa, at(begun, "/move")).forms
    assert at(begun, "/move") not in open_page(rosa, at(begun)).links


def test_a_type_that_is_no_longer_offered_is_told(host: Host, rosa: FlaskClient) -> None:
    ref = confirmed(host)
    data = practice()
    data["appointment_types"] = data["appointment_types"][1:]
    data["providers"] = [data["providers"][0] | {"types": ["call"]}]
    host.apply(data)
    page = read(rosa.get(at(ref, "/move")))
    assert "This cannot be moved" in page.words
    assert "Choose an appointment type" not in page.words or at(ref) in page.links
    assert rosa.get(at(ref)).status_code == 200


def test_a_decision_comes_as_a_partial_too(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    act(host, "decline", ref)
    form = open_page(rosa, at(ref)).forms
    assert form == {}
    token = open_page(rosa, "/portal/review/invite").forms["/portal/review/invite"][0]["portal_token"]
    answer = rosa.post(at(ref), data={"portal_token": token, "verb": "confirm"}, headers=HTMX)
    assert answer.status_code == 409
    assert answer.headers["HX-Push-Url"] == "false"
    assert read(answer).named("section")[0]["id"] == "portal-panel"
