"""The queue: who waits for what, and decisions about one or many."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.desk import DAY, DECIDE, REVIEW, act, at, cards, decide, invited, now_is, token
from tests.web.pages import HTMX, open_page, read, stored
from tests.web.statements import statements


@pytest.fixture
def rosa(host: Host) -> FlaskClient:
    return host.browser("rosa")


def test_the_one_that_has_waited_longest_comes_first(host: Host, rosa: FlaskClient) -> None:
    first = host.request("theo", TUESDAY_TEN + 3 * DAY).ref
    host.clock.advance(timedelta(hours=2))
    second = host.request("maya").ref
    page = open_page(rosa, REVIEW)
    assert cards(page) == [first, second]
    assert page.words.index("asked 2 h ago") < page.words.index("asked 1 min ago")


def test_each_says_who_wants_what_when_and_what_they_wrote(host: Host, rosa: FlaskClient) -> None:
    ref = host.request(note="The <b>ramp</b>, please.").ref
    page = open_page(rosa, REVIEW)
    for words in (
        "Maya Lindqvist",
        "Tuesday, December 8, 2026, 10:00 AM – 10:50 AM",
        "Therapy visit, In person · Main Street · Ada Moreau",
        "The <b>ramp</b>, please.",
    ):
        assert words in page.words
    assert at(ref) in page.links


def test_a_request_near_its_expiry_is_marked(host: Host, rosa: FlaskClient) -> None:
    host.request()
    page = open_page(rosa, REVIEW)
    assert "expires in 27 h" in page.words
    assert "portal-hurry" not in page.html
    host.clock.advance(timedelta(hours=22))
    page = open_page(rosa, REVIEW)
    assert "expires in 5 h" in page.words
    assert "portal-hurry" in page.html
    host.clock.advance(timedelta(hours=6))
    assert "about to expire" in open_page(rosa, REVIEW).words


def test_what_overlaps_is_told_of_the_provider_and_of_the_client(host: Host, rosa: FlaskClient) -> None:
    host.apply(practice(requests_hold_time=False))
    host.request("maya", TUESDAY_TEN, provider="ada")
    other = host.request("theo", TUESDAY_TEN, provider="ada").ref
    own = invited(host, "maya", provider="ben", starts=TUESDAY_TEN + timedelta(minutes=20)).ref
    host.request("theo", TUESDAY_TEN + 2 * DAY)
    page = open_page(rosa, REVIEW)
    first, second, far = page.html.split('<li id="request-')[1:4]
    assert at(other) in first
    assert at(own) in first
    assert "Ben Ito" in first
    assert "Overlaps" in second
    assert at(own) not in second
    assert "Overlaps" not in far


def test_a_group_s_session_and_what_it_replaces_are_no_conflict(host: Host, rosa: FlaskClient) -> None:
    data = practice(requests_hold_time=False)
    host.apply(data)
    sure = act(host, "confirm", host.request("maya", TUESDAY_TEN + DAY, provider="ada").ref)
    host.request("maya", sure.starts + timedelta(minutes=30), provider="ada", replaces=sure.ref)
    page = open_page(rosa, REVIEW)
    assert "Overlaps" not in page.words
    assert "instead of Wednesday, December 9, 2026, 10:00 AM" in page.words
    data["appointment_types"][0]["capacity"] = 4
    host.apply(data)
    host.request("maya")
    host.request("theo")
    assert "Overlaps" not in open_page(rosa, REVIEW).words


def test_what_can_no_longer_be_confirmed_is_not_offered_to_be(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    pages = (REVIEW, at(ref))
    assert all('value="confirm"' in rosa.get(page).text for page in pages)
    host.clock.now = TUESDAY_TEN
    for page in pages:
        assert 'value="confirm"' not in rosa.get(page).text
        assert 'value="decline"' in rosa.get(page).text


def test_one_click_confirms_with_a_message_and_leads_back_to_the_queue(host: Host, rosa: FlaskClient) -> None:
    ref, other = host.request().ref, host.request("theo", TUESDAY_TEN + DAY).ref
    form = open_page(rosa, REVIEW).forms[at(ref)][0]
    answer = rosa.post(at(ref), data=form | {"verb": "confirm", "message": "Ring twice"})
    assert answer.status_code == 303
    assert answer.location == f"{REVIEW}?done={ref}"
    page = open_page(rosa, answer.location)
    assert "Maya Lindqvist, Tuesday, December 8, 2026, 10:00 AM: Confirmed" in page.words
    assert cards(page) == [other]
    assert (now_is(host, ref).status, now_is(host, ref).message) == ("confirmed", "Ring twice")
    with host.app.app_context():
        assert host.state.db.execute_sql(
            "SELECT actor_kind, actor FROM portal_history ORDER BY id DESC LIMIT 1"
        ).fetchone() == ("staff", "Rosa Delgado")
    assert "Ring twice" in host.deliver()[-1].text


def test_a_request_whose_time_has_come_cannot_be_confirmed(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    host.clock.now = TUESDAY_TEN
    answer = decide(rosa, ref, "confirm", "Ring twice")
    assert answer.status_code == 409
    page = read(answer)
    assert "The time of this request has passed, so it can no longer be confirmed." in page.words
    assert "Ring twice" in page.html
    assert now_is(host, ref).status == "requested"
    assert decide(rosa, ref, "decline", **{"from": "queue"}).status_code == 303


def test_one_click_declines(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    assert decide(rosa, ref, "decline", "Ada is away.", **{"from": "queue"}).status_code == 303
    assert (now_is(host, ref).status, now_is(host, ref).message) == ("declined", "Ada is away.")
    assert "Everybody has an answer." in open_page(rosa, REVIEW).words


def test_many_are_decided_at_once_and_each_is_listed(host: Host, rosa: FlaskClient) -> None:
    refs = [host.request("maya", TUESDAY_TEN + n * DAY).ref for n in range(3)]
    form = open_page(rosa, REVIEW).forms[DECIDE][0]
    answer = rosa.post(DECIDE, data=form | {"verb": "decline", "message": "Closed.", "ref": refs[:2]})
    assert answer.status_code == 303
    page = open_page(rosa, answer.location)
    assert page.words.count(": Declined") == 2
    assert cards(page) == refs[2:]
    assert [now_is(host, ref).message for ref in refs] == ["Closed.", "Closed.", ""]


def test_of_many_those_that_cannot_be_are_told_and_the_others_done(host: Host, rosa: FlaskClient) -> None:
    refs = [host.request("maya", TUESDAY_TEN + n * DAY).ref for n in range(3)]
    form = open_page(rosa, REVIEW).forms[DECIDE][0]
    act(host, "decline", refs[0])
    sent = form | {"verb": "confirm", "message": "See you.", "ref": [*refs[:2], "0" * 32, refs[1]]}
    answer = rosa.post(DECIDE, data=sent)
    assert answer.status_code == 409
    page = read(answer)
    assert "This appointment is declined and can no longer be confirmed." in page.words
    assert "There is no such appointment." in page.words
    assert ": Confirmed" in page.words
    assert [now_is(host, ref).status for ref in refs] == ["declined", "confirmed", "requested"]
    assert "data-hx-trigger" not in page.html.split("portal-title")[0]
    assert page.named("textarea")[-1]["name"] == "message"
    assert "See you." in page.html


def test_nothing_ticked_says_so_and_keeps_the_message(host: Host, rosa: FlaskClient) -> None:
    host.request("maya")
    host.request("theo", TUESDAY_TEN + DAY)
    before = stored(host)
    form = open_page(rosa, REVIEW).forms[DECIDE][0] | {"verb": "confirm", "message": "Hello"}
    answer = rosa.post(DECIDE, data=form)
    assert answer.status_code == 422
    assert read(answer).summary_links == ["#portal-ref"]
    assert read(answer).forms[DECIDE][0]["message"] == "Hello"
    assert rosa.post(DECIDE, data=form | {"verb": "accept", "ref": "x"}).status_code == 422
    assert stored(host) == before


def test_the_queue_follows_what_others_decide(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    panel = open_page(rosa, REVIEW).named("section")[0]
    assert panel["data-hx-trigger"].startswith("every ")
    act(host, "confirm", ref)
    assert cards(open_page(rosa, panel["data-hx-get"], **HTMX)) == []


def test_the_very_first_request_reaches_an_empty_queue(host: Host, rosa: FlaskClient) -> None:
    panel = open_page(rosa, REVIEW).named("section")[0]
    ref = host.request().ref
    assert cards(open_page(rosa, panel["data-hx-get"], **HTMX)) == [ref]


def test_what_was_just_decided_stays_listed_while_the_queue_polls(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    answer = decide(rosa, ref, "confirm", **{"from": "queue"})
    panel = open_page(rosa, answer.location).named("section")[0]
    assert rosa.get(panel["data-hx-get"], headers=HTMX).status_code == 204
    host.request("theo", TUESDAY_TEN + DAY)
    assert ": Confirmed" in open_page(rosa, panel["data-hx-get"], **HTMX).words


def test_a_queue_that_asks_again_is_told_cheaply_that_nothing_is_new(host: Host, rosa: FlaskClient) -> None:
    host.apply(practice(hold_minutes=10))
    ref = host.request().ref

    def polls() -> str:
        return open_page(rosa, REVIEW).named("section")[0]["data-hx-get"]

    poll = polls()
    host.clock.advance(timedelta(seconds=30))
    with statements() as seen:
        answer = rosa.get(poll, headers=HTMX)
    assert (answer.status_code, answer.data) == (204, b"")
    assert len(seen) <= 2
    changes = (
        lambda: host.clock.advance(timedelta(minutes=1)),
        lambda: host.request("theo", TUESDAY_TEN + DAY),
        lambda: act(host, "decline", ref),
        lambda: host.apply(practice(hold_minutes=5)),
    )
    for change in changes:
        change()
        assert rosa.get(poll, headers=HTMX).status_code == 200
        poll = polls()
        assert rosa.get(poll, headers=HTMX).status_code == 204
    assert host.browser("maya").get(poll, headers=HTMX).status_code == 404


def test_all_can_be_ticked_by_an_address(host: Host, rosa: FlaskClient) -> None:
    for n in range(3):
        host.request("maya", TUESDAY_TEN + n * DAY)
    page = open_page(rosa, REVIEW)
    assert f"{REVIEW}?tick=all" in page.links
    ticked = [tag for tag in open_page(rosa, f"{REVIEW}?tick=all").named("input") if "checked" in tag]
    assert [tag["value"] for tag in ticked] == cards(page)


def test_an_empty_queue_says_so(rosa: FlaskClient) -> None:
    page = open_page(rosa, REVIEW)
    assert "Everybody has an answer." in page.words
    assert "/portal/review/schedule" in page.links


def test_the_queue_asks_the_database_as_often_however_long_it_is(host: Host, rosa: FlaskClient) -> None:
    counts = set()
    for n in range(6):
        host.request("maya", TUESDAY_TEN + n * DAY if n < 4 else TUESDAY_TEN + (n + 2) * DAY)
        open_page(rosa, REVIEW)
        with statements() as seen:
            open_page(rosa, REVIEW)
        counts.add(len(seen))
    print(f"\nSQL statements of the queue: {counts}")
    assert len(counts) == 1
    assert counts.pop() <= 4


def test_a_queue_of_hundreds_is_shown_in_parts(host: Host, rosa: FlaskClient) -> None:
    data = practice(requests_hold_time=False)
    data["appointment_types"][0]["horizon_days"] = 365
    host.apply(data)
    times = iter(act(host, "find_slots", type="visit", contact="phone"))
    for _ in range(52):
        act(host, "request", PEOPLE["maya"], type="visit", contact="phone", starts=next(times).starts)
    page = open_page(rosa, REVIEW)
    assert len(cards(page)) == 50
    assert "The 50 that have waited longest" in page.words


def test_a_form_without_token_of_another_person_or_too_old_does_nothing(host: Host, rosa: FlaskClient) -> None:
    ref = host.request().ref
    maya_s = open_page(host.browser("maya"), "/portal/appointments/book/time?type=visit&contact=phone").form
    good = token(rosa)
    for bad in ({}, {"portal_token": maya_s["portal_token"]}, {"portal_token": "x" * 500}):
        answer = rosa.post(at(ref), data=bad | {"verb": "confirm", "message": "Typed"})
        assert answer.status_code == 400
        assert "Typed" in answer.text
        assert rosa.post(DECIDE, data=bad | {"verb": "confirm", "ref": ref}).status_code == 400
    assert (
        rosa.post(at(ref), data=good | {"verb": "confirm"}, headers={"Origin": "https://evil.example"}).status_code
        == 400
    )
    host.clock.advance(timedelta(hours=24))
    assert rosa.post(at(ref), data=good | {"verb": "confirm"}).status_code == 400
    assert now_is(host, ref).status == "requested"
