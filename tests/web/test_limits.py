"""Who sends too much waits and loses nothing; who shares an address with them, or only reads, notices nothing."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_plugin.domain.limits import Limit
from portal_plugin.services.tokens import AGAIN, GUEST, link_token
from portal_plugin.testing import Clock
from tests.practices import practice
from tests.redis_server import RedisServer, redis_server
from tests.services.line import fill
from tests.services.steps import act
from tests.support import PEOPLE, TUESDAY_TEN, Host, make_host, offered_times
from tests.web.pages import BOOK, HTMX, STEP_2, UPCOMING, counted, open_page, read, send, step_2, stored
from tests.web.statements import statements
from tests.web.visiting import ask as ask_as_visitor
from tests.web.visiting import became_guest, guest_page_in, link_in, open_practice, press

A = "/portal/appointments"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WAIT = f"{A}/waitlist?type=visit&contact=in-person&location=main"
BUSY = practice(waitlist_hours=4, hold_minutes=10)


@dataclass(frozen=True)
class Sent:
    """A form of a client's: its address, what it says, and what of that they typed or chose themselves."""

    address: str
    form: dict[str, str]
    typed: tuple[str, ...] = ()


def booked(host: Host, action: str = "") -> str:
    """The reference of an appointment of Maya's that `action` has made what it is."""
    if action == "invite":
        chosen = {"type": "visit", "contact": "phone", "provider": "ada"}
        return str(act(host, "invite", PEOPLE["maya"], starts=TUESDAY_TEN, **chosen).ref)
    ref = host.request().ref
    if action:
        act(host, action, ref)
    return ref


def form_at(browser: FlaskClient, page: str, action: str = "", **typed: str) -> Sent:
    action = action or page.partition("?")[0]
    return Sent(action, open_page(browser, page).forms[action][0] | typed, tuple(typed))


def requesting(host: Host, browser: FlaskClient) -> Sent:
    typed = {"note": "Gate code 7", "phone": "(212) 555-0187", "text_reminders": "1"}
    return Sent(BOOK, step_2(browser, **typed), ("starts", *typed))


def rescheduling(host: Host, browser: FlaskClient) -> Sent:
    page = f"{A}/{booked(host, 'confirm')}/reschedule"
    starts = offered_times(browser.get(f"{page}?date=2026-12-10").text)[0]
    return Sent(page, open_page(browser, f"{page}?date=2026-12-10").form | {"starts": starts, "note": "x"}, ("starts",))


def cancelling(host: Host, browser: FlaskClient) -> Sent:
    return form_at(browser, f"{A}/{booked(host, 'confirm')}/cancel", reason="A cold")


def accepting(host: Host, browser: FlaskClient) -> Sent:
    return form_at(browser, UPCOMING, f"{A}/{booked(host, 'invite')}/accept")


def joining(host: Host, browser: FlaskClient) -> Sent:
    fill(host)
    typed = {"earliest": "2026-12-08", "latest": "2026-12-08", "provider": "ada"}
    return form_at(browser, f"{WAIT}&provider=ada", **typed)


def leaving(host: Host, browser: FlaskClient) -> Sent:
    sent = joining(host, browser)
    assert browser.post(sent.address, data=sent.form).status_code == 303
    [action] = [one for one in open_page(browser, UPCOMING).forms if one.endswith("/leave")]
    return form_at(browser, UPCOMING, action)


def texts_on(host: Host, browser: FlaskClient) -> Sent:
    return form_at(browser, f"{A}/reminders", text_reminders="1", phone="(212) 555-0187")


def texts_off(host: Host, browser: FlaskClient) -> Sent:
    sent = texts_on(host, browser)
    assert browser.post(sent.address, data=sent.form).status_code == 303
    return form_at(browser, f"{A}/reminders", f"{A}/reminders/off")


def subscribing(host: Host, browser: FlaskClient) -> Sent:
    return form_at(browser, f"{A}/calendar")


FORMS = [requesting, rescheduling, cancelling, accepting, joining, leaving, texts_on, texts_off, subscribing]


def rates(host: Host) -> list[tuple[str, int]]:
    """What is counted: names and numbers."""
    found = host.state.db.execute_sql("SELECT name, hits FROM portal_rate ORDER BY name").fetchall()
    return [(name, int(hits)) for name, hits in found]


def everything(host: Host) -> Any:
    tables = ("waitlist", "feed", "api_answer", "guest_request")
    more = {one: list(host.state.db.execute_sql(f"SELECT * FROM portal_{one}").fetchall()) for one in tables}
    return stored(host), more


def use_up(host: Host, limit: str = "client_forms") -> None:
    """Let the next form be one too many, whatever was sent before."""
    host.state.windows.storage.reset()
    host.limit(**{limit: "1/hour"})
    browser = host.browser()
    token = open_page(browser, f"{A}/calendar").forms[f"{A}/calendar"][0]["portal_token"]
    assert browser.post(f"{A}/waitlist/none/leave", data={"portal_token": token}).status_code == 303


# What a client sends.


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "panel"])
@pytest.mark.parametrize("prepare", FORMS, ids=lambda one: one.__name__)
def test_a_form_beyond_the_limit_changes_nothing_and_comes_back_as_it_was(
    host: Host, maya: FlaskClient, prepare: Callable[[Host, FlaskClient], Sent], headers: dict[str, str]
) -> None:
    host.apply(BUSY)
    sent = prepare(host, maya)
    use_up(host)
    before = everything(host)
    host.clock.advance(timedelta(minutes=35))
    answer = maya.post(sent.address, data=sent.form, headers=headers)

    assert answer.status_code == 429
    assert (answer.headers["Retry-After"], answer.headers["RateLimit"]) == ("1500", '"client_forms";r=0;t=1500')
    assert answer.headers["RateLimit-Policy"] == '"client_forms";q=1;w=3600'
    assert ("<html" in answer.text) == (not headers)
    page = read(answer)
    assert "try again in 25 minutes, or call Elm Row Practice at +1 212 555 0100." in page.words
    assert everything(host) == before
    if sent.typed:
        [kept] = [form for form in page.forms.get(sent.address, []) if sent.typed[0] in form]
        assert {name: kept[name] for name in sent.typed} == {name: sent.form[name] for name in sent.typed}
        sent = Sent(sent.address, kept)

    host.clock.advance(timedelta(minutes=25))
    assert maya.post(sent.address, data=sent.form, headers=headers).status_code == 303
    assert everything(host) != before


def test_the_last_minute_is_one_minute(host: Host, maya: FlaskClient) -> None:
    use_up(host)
    host.clock.advance(timedelta(minutes=59, seconds=1))
    assert "try again in 1 minute, or call" in read(send(maya, step_2(maya))).words


def test_a_hold_beyond_the_limit_keeps_nothing_and_leaves_the_form_alone(host: Host, maya: FlaskClient) -> None:
    host.apply(BUSY)
    host.limit(client_holds="1/hour")
    form = step_2(maya)
    assert "Kept for you" in maya.post(f"{BOOK}/hold", data=form, headers=HTMX).text
    before = stored(host)
    answer = maya.post(f"{BOOK}/hold", data=form, headers=HTMX)
    assert (answer.status_code, read(answer).words) == (429, "")
    assert stored(host) == before
    assert send(maya, form).status_code == 303


def test_mistakes_are_not_counted(host: Host, maya: FlaskClient) -> None:
    host.limit(client_forms="1/hour")
    form = step_2(maya)
    for wrong in ({"starts": ""}, {"note": "x" * 1001}, {"portal_token": "old"}) * 2:
        assert send(maya, form | wrong).status_code in {400, 422}
    assert rates(host) == []
    assert send(maya, form).status_code == 303


def test_what_fails_counts_all_the_same(either_host: Host) -> None:
    """Counting is no part of the transaction that is given up."""
    either_host.limit(client_forms="3/hour")
    maya = either_host.browser()
    form = step_2(maya)
    either_host.request("theo", TUESDAY_TEN - HOUR)
    taken = form | {"starts": "2026-12-08T14:00:00Z"}
    answers = [send(maya, taken | {"key": f"{n}"}).status_code for n in range(5)]
    assert answers == [409, 409, 409, 429, 429]
    assert counted(either_host)[0] == 1


def test_four_hundred_requests_of_one_client_are_sixty(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    taken = host.request("theo").starts.isoformat().replace("+00:00", "Z")
    answers = [send(maya, form | {"starts": taken, "key": f"{n}"}).status_code for n in range(400)]
    assert (answers.count(409), answers.count(429)) == (60, 340)


def test_a_form_sent_again_and_again_is_one_request_and_no_abuse(either_host: Host) -> None:
    maya = either_host.browser()
    form = step_2(maya)
    answers = [send(maya, form) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert counted(either_host)[0] == 1


def test_whoever_lost_the_answer_gets_it_although_the_limit_is_used_up(host: Host, maya: FlaskClient) -> None:
    host.limit(client_forms="1/hour")
    form = step_2(maya)
    first = send(maya, form)
    for _ in range(3):
        again = send(maya, form)
        assert (again.status_code, again.location) == (303, first.location)
        assert "Retry-After" not in again.headers
    assert send(maya, form | {"key": "another"}).status_code == 429


def test_a_lifted_limit_asks_the_database_for_nothing(host: Host, maya: FlaskClient) -> None:
    host.limit(client_forms=None, network_forms=None)
    form = step_2(maya)
    with statements() as seen:
        assert send(maya, form).status_code == 303
    assert not [one for one in seen if "portal_rate" in one]
    assert rates(host) == []


# Who is counted.


def from_address(browser: FlaskClient, address: str, form: dict[str, str]) -> int:
    return browser.post(BOOK, data=form, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:1:2", "2001:db8:0:1::1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("::ffff:192.0.2.1", "::ffff:c000:201", "::ffff:192.0.2.2"),
        ("fe80::1%eth0", "fe80::2%eth1", "fe80:0:0:1::1"),
        ("", "", "192.0.2.1"),
    ],
)
def test_clients_of_one_network_are_counted_together(host: Host, one: str, same: str, another: str) -> None:
    host.limit(network_forms="1/hour")
    forms = {who: step_2(host.browser(who)) for who in PEOPLE}
    taken = {"starts": "2026-12-08T14:00:00Z"}
    host.request("theo", TUESDAY_TEN - HOUR)
    assert from_address(host.browser("maya"), one, forms["maya"] | taken) == 409
    assert from_address(host.browser("theo"), same, forms["theo"] | taken) == 429
    assert from_address(host.browser("theo"), another, forms["theo"] | taken) == 409


def test_a_client_is_counted_wherever_they_are_and_another_is_not(host: Host) -> None:
    host.limit(client_forms="1/hour")
    forms = {who: step_2(host.browser(who)) | {"starts": "2026-12-08T14:00:00Z"} for who in PEOPLE}
    host.request("theo", TUESDAY_TEN - HOUR)
    assert from_address(host.browser("maya"), "192.0.2.1", forms["maya"]) == 409
    assert from_address(host.browser("maya"), "198.51.100.7", forms["maya"]) == 429
    assert from_address(host.browser("theo"), "192.0.2.1", forms["theo"]) == 409


def test_a_waiting_room_behind_one_address_meets_no_limit(host: Host) -> None:
    """120 clients in an hour, each with a time held three times, a request and a second thought."""
    per_client = {Limit.CLIENT_FORMS: 2, Limit.CLIENT_HOLDS: 3}
    for limit, together in ((Limit.CLIENT_FORMS, Limit.NETWORK_FORMS), (Limit.CLIENT_HOLDS, Limit.NETWORK_HOLDS)):
        assert host.state.settings.limits[together].amount >= 120 * per_client[limit]
        assert host.state.settings.limits[limit].amount >= 10 * per_client[limit]


def test_nobody_s_name_or_address_is_written_down(either_host: Host) -> None:
    maya = either_host.browser()
    send(maya, step_2(maya))
    maya.get(f"{A}/{'0' * 32}/cancel")
    [*names] = [name for name, _ in rates(either_host)]
    assert len(names) == 3
    assert not [name for name in names if "maya" in name or "127.0.0" in name]
    assert all("/" in name and len(name) < 120 for name in names)


# What it costs.


def test_reading_counts_nothing(host: Host) -> None:
    host.apply(open_practice(waitlist_hours=4))
    visitor, _ = became_guest(host)
    maya, ref = host.browser(), host.request(starts=TUESDAY_TEN + HOUR).ref
    home = guest_page_in(host.deliver()[0])
    feed = form_at(maya, f"{A}/calendar")
    maya.post(feed.address, data=feed.form)
    [address] = [tag["value"] for tag in open_page(maya, f"{A}/calendar").named("input") if "readonly" in tag]
    before = rates(host)
    with statements() as seen:
        for browser, path in (
            *((maya, path) for path in (BOOK, STEP_2, UPCOMING, WAIT, f"{A}/past", f"{A}/calendar", f"{A}/reminders")),
            *((maya, f"{A}/{ref}/{page}") for page in ("requested", "cancel", "reschedule")),
            (maya, f"/portal/link/{link_token(host.state, AGAIN, ref)}"),
            (visitor, home),
            (visitor, address.removeprefix("https://www.elmrow.example")),
        ):
            assert browser.get(path).status_code in {200, 303}, path
    assert len(seen) > 10
    assert not [one for one in seen if "portal_rate" in one]
    assert rates(host) == before


def test_all_limits_of_a_request_are_one_statement_and_a_flood_is_none(host: Host, maya: FlaskClient) -> None:
    host.limit(client_forms="2/hour")
    form = step_2(maya)
    host.request("theo", TUESDAY_TEN - HOUR)

    def counting(key: str) -> tuple[int, int]:
        with statements() as seen:
            status = send(maya, form | {"key": key, "starts": "2026-12-08T14:00:00Z"}).status_code
        return status, len([one for one in seen if "portal_rate" in one])

    assert [counting(f"{n}") for n in range(5)] == [(409, 1), (409, 1), (429, 1), (429, 0), (429, 0)]


def test_rows_of_windows_that_are_over_vanish_with_the_worker_s_rounds(either_host: Host) -> None:
    maya = either_host.browser()
    send(maya, step_2(maya))
    either_host.clock.advance(timedelta(minutes=59))
    either_host.deliver()
    assert len(rates(either_host)) == 2
    either_host.clock.advance(HOUR)
    either_host.deliver()
    assert rates(either_host) == []


def test_the_log_says_once_which_limit_was_met_and_by_whom_not(
    host: Host, maya: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    host.limit(client_forms="1/hour")
    with caplog.at_level(logging.WARNING, "portal_plugin"):
        for _ in range(4):
            send(maya, step_2(maya))
    assert caplog.messages == ["The limit client_forms is used up by one client, for 3600 seconds."]


# What is guessed.


def forged(host: Host) -> dict[str, str]:
    """Addresses that somebody made up, and what is somebody else's."""
    theirs = host.request("theo", TUESDAY_TEN + HOUR).ref
    return {
        "link": "/portal/link/made-up",
        "another purpose": f"/portal/link/{link_token(host.state, GUEST, theirs)}",
        "verify": "/portal/verify/made-up",
        "verify by a link": f"/portal/verify/{link_token(host.state, AGAIN, theirs)}",
        "guest": "/portal/guest/made-up",
        "no appointment": f"{A}/{'0' * 32}/cancel",
        "somebody else's": f"{A}/{theirs}/cancel",
    }


@pytest.mark.parametrize(
    "kind", ["link", "another purpose", "verify", "verify by a link", "guest", "no appointment", "somebody else's"]
)
def test_guesses_end_and_what_is_genuine_opens_all_the_same(host: Host, kind: str) -> None:
    host.apply(open_practice())
    visitor, _ = became_guest(host)
    home, address = guest_page_in(host.deliver()[0]), forged(host)[kind]
    own = host.request(starts=TUESDAY_TEN + 4 * HOUR).ref
    host.limit(wrong_links="3/hour")
    maya = host.browser()
    assert [maya.get(address).status_code for _ in range(3)] == [404] * 3
    refused = maya.get(address)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "Please wait a little" in read(refused).words
    assert "+1 212 555 0100" in read(refused).words
    assert maya.get(address, headers=HTMX).status_code == 429
    assert maya.get(f"{A}/{own}/cancel").status_code == 200
    assert maya.get(f"/portal/link/{link_token(host.state, AGAIN, own)}").status_code == 303
    assert visitor.get(home).status_code == 200
    host.clock.advance(HOUR)
    assert maya.get(address).status_code == 404


def test_the_limit_tells_none_from_somebody_else_s_no_more_than_the_answer_did(host: Host) -> None:
    addresses = forged(host)
    host.limit(wrong_links="1/hour")
    told = []
    for kind in ("no appointment", "somebody else's"):
        host.clock.advance(2 * HOUR)
        answers = [host.browser().get(addresses[kind]) for _ in range(3)]
        told.append([(answer.status_code, answer.data, dict(answer.headers)) for answer in answers])
    assert told[0] == told[1]


def test_a_link_that_is_over_counts_as_no_guess(host: Host) -> None:
    """A guest's page that is open somewhere asks again every few seconds."""
    host.apply(open_practice())
    visitor, _ = became_guest(host)
    home = guest_page_in(host.deliver()[0])
    host.limit(wrong_links="1/hour")
    host.clock.advance(3 * DAY)
    assert [visitor.get(home, headers=HTMX).status_code for _ in range(4)] == [410] * 4


def test_what_follows_a_mailed_link_is_limited_too(host: Host) -> None:
    host.apply(open_practice())
    visitor = host.browser(None)
    ask_as_visitor(visitor)
    [mail] = host.deliver()
    path = link_in(mail)
    host.limit(network_forms="1/hour")
    taken = {"starts": "2026-12-08T03:00:00Z"}
    assert press(visitor, path, **taken).status_code == 422
    refused = press(visitor, path)
    assert refused.status_code == 429
    assert "Nina Okeke" in read(refused).words
    assert counted(host)[0] == 0


def test_calendar_addresses_that_are_none_end_and_a_right_one_is_answered(host: Host, maya: FlaskClient) -> None:
    sent = form_at(maya, f"{A}/calendar")
    maya.post(sent.address, data=sent.form)
    shown = [tag["value"] for tag in open_page(maya, f"{A}/calendar").named("input") if "readonly" in tag]
    right = shown[0].removeprefix("https://www.elmrow.example")
    host.limit(wrong_feeds="2/hour")
    program = host.browser(None)
    assert [program.get("/portal/calendar/made-up.ics").status_code for _ in range(4)] == [404, 404, 429, 429]
    assert program.get(right).status_code == 200
    maya.post(sent.address, data=sent.form)
    ended, never = program.get(right), program.get("/portal/calendar/made-up.ics")
    assert (ended.status_code, ended.data) == (never.status_code, never.data)


# On Redis.


@pytest.fixture
def counted_on(tmp_path: Path, sqlite_url: str, clock: Clock) -> Iterator[tuple[Host, RedisServer]]:
    with redis_server(tmp_path) as server:
        host = make_host(sqlite_url, tmp_path, clock, PORTAL_LIMITS_STORAGE=server.url)
        host.apply(practice())
        yield host, server
        host.state.db.close_all()


def test_redis_counts_and_knows_nobody(counted_on: tuple[Host, RedisServer]) -> None:
    host, server = counted_on
    host.limit(client_forms="1/hour")
    maya = host.browser()
    form = step_2(maya)
    assert send(maya, form).status_code == 303
    refused = send(maya, form | {"key": "another"})
    assert refused.status_code == 429
    assert 3590 <= int(refused.headers["Retry-After"]) <= 3600
    assert rates(host) == []
    assert len(server.names()) == 2
    assert not [key for key in server.names() if "maya" in key or "127.0.0" in key]


def test_a_redis_that_is_away_keeps_nobody_from_asking(counted_on: tuple[Host, RedisServer]) -> None:
    host, server = counted_on
    host.limit(client_forms="1/hour")
    maya = host.browser()
    form = step_2(maya)
    server.stop()
    taken = {"starts": host.request("theo").starts.isoformat().replace("+00:00", "Z")}
    assert [send(maya, form | taken | {"key": f"{n}"}).status_code for n in range(3)] == [409] * 3
