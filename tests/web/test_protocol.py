"""Tokens, methods, sizes, sessions, and people who click twice."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_plugin import Refused, appointment_requested
from portal_plugin.services.tokens import form_token
from portal_plugin.testing import Clock
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host, filled_form
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.pages import BOOK, HTMX, UPCOMING, counted, open_page, read, ref_of, send, step_2, stored

__all__ = ["database_url", "host", "lasting_postgres"]

TYPED = {"note": "Third floor, please", "phone": "212 555 0187", "text_reminders": "1"}


# The form's token.


@pytest.fixture(params=["missing", "empty", "garbage", "somebody else's", "older than a day", "cut", "NUL", "array"])
def bad_token(request: pytest.FixtureRequest, host: Host, maya: FlaskClient) -> dict[str, Any]:
    """A form with everything right but its token."""
    form = step_2(maya, **TYPED)
    token = form.pop("portal_token")
    if request.param == "older than a day":
        host.clock.advance(timedelta(days=1))
    bad: dict[str, Any] = {
        "missing": {},
        "empty": {"portal_token": ""},
        "garbage": {"portal_token": "garbage.é😀"},
        "somebody else's": {"portal_token": form_token(host.state, "theo")},
        "older than a day": {"portal_token": token},
        "cut": {"portal_token": token[:-1]},
        "NUL": {"portal_token": token + "\0"},
        "array": {"portal_token[]": token},
    }
    return form | bad[str(request.param)]


def test_without_a_good_token_nothing_is_sent_and_the_form_comes_back_filled(
    host: Host, maya: FlaskClient, bad_token: dict[str, Any]
) -> None:
    answer = send(maya, bad_token)
    assert answer.status_code == 400
    page = read(answer)
    assert "Nothing was sent: please send it again." in page.words
    assert counted(host) == (0, 0)
    assert TYPED.items() <= page.form.items()
    assert page.form.get("starts") == bad_token["starts"] or bad_token["starts"] not in page.times


def test_a_form_that_was_open_too_long_can_be_sent_from_the_page_that_says_so(
    host: Host, maya: FlaskClient, clock: Clock
) -> None:
    form = step_2(maya, starts="2026-12-10T15:00:00Z", **TYPED)
    clock.advance(timedelta(hours=24))
    page = read(send(maya, form))
    assert page.form["starts"] == "2026-12-10T15:00:00Z"
    assert ref_of(send(maya, page.form))
    assert counted(host) == (1, 1)


def test_a_form_is_good_for_a_day(host: Host, maya: FlaskClient, clock: Clock) -> None:
    form = step_2(maya, starts="2026-12-10T15:00:00Z")
    clock.advance(timedelta(hours=24, seconds=-1))
    assert ref_of(send(maya, form))


def test_no_link_in_the_summary_of_a_stale_form_leads_nowhere(host: Host, maya: FlaskClient) -> None:
    ref = host.request(starts=TUESDAY_TEN + timedelta(days=1)).ref
    for page in (
        read(send(maya, step_2(maya) | {"portal_token": ""})),
        read(maya.post(f"/portal/appointments/{ref}/cancel")),
    ):
        assert [link for link in page.summary_links if link.removeprefix("#") not in page.ids] == []


@pytest.mark.parametrize("what", ["accept", "cancel"])
def test_accept_and_cancel_need_the_token_too(host: Host, maya: FlaskClient, what: str) -> None:
    with host.app.app_context():
        ref = host.portal.invite(PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN).ref
    before = stored(host)
    for form in ({}, {"portal_token": form_token(host.state, "theo")}, {"portal_token": "x", "reason": "Kept"}):
        answer = maya.post(f"/portal/appointments/{ref}/{what}", data=form)
        assert answer.status_code == 400
        assert "please send it again" in read(answer).words
    assert stored(host) == before
    if what == "cancel":
        assert read(answer).forms[f"/portal/appointments/{ref}/cancel"][0]["reason"] == "Kept"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_a_form_sent_from_another_site_is_refused(
    host: Host, maya: FlaskClient, headers: dict[str, str], htmx: dict[str, str]
) -> None:
    assert send(maya, step_2(maya), headers | htmx).status_code == 400
    assert counted(host) == (0, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://www.elmrow.example"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_sent_from_the_site_itself_is_taken(maya: FlaskClient, headers: dict[str, str]) -> None:
    assert ref_of(send(maya, step_2(maya), headers))


@pytest.mark.parametrize(
    "address", [STEP_2, f"{BOOK}/you?", f"{UPCOMING}?", "/portal/review/?", "/portal/api/v1/types?"]
)
def test_an_address_whose_query_is_no_text_is_refused(host: Host, maya: FlaskClient, address: str) -> None:
    path, _, query = address.partition("?")
    for odd in ("\xff", "a=\xc3"):
        assert maya.get(path, environ_overrides={"QUERY_STRING": f"{query}&{odd}"}).status_code == 400
    assert maya.get(f"{STEP_2}&note=%FF%C3").status_code == 200


# Visitors, and sessions that end.


@pytest.mark.parametrize("address", [BOOK, STEP_2, UPCOMING, f"/portal/appointments/{'0' * 32}/requested"])
def test_a_visitor_goes_to_the_sign_in_and_comes_back_to_where_they_were(host: Host, address: str) -> None:
    answer = host.browser(None).get(address)
    assert answer.status_code == 302
    path, _, next_ = answer.location.partition("?next=")
    assert path == "/sign-in"
    assert next_.replace("%3D", "=").replace("%26", "&").replace("%3F", "?") == address
    assert answer.headers["Cache-Control"] == "no-store"


def test_htmx_is_sent_to_the_sign_in_as_a_whole_page_and_back_to_the_page_it_was_on(host: Host) -> None:
    poll = HTMX | {"HX-Current-URL": f"http://localhost{STEP_2}"}
    answer = host.browser(None).get(UPCOMING, headers=poll)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=/portal/appointments/book/time")
    assert "Please sign in" not in answer.text
    assert not answer.data


@pytest.mark.parametrize("current", ["https://evil.example/x", "javascript:alert(1)", "//evil.example", "", "http://["])
def test_htmx_from_an_address_that_is_not_ours_comes_back_to_what_it_asked_for(host: Host, current: str) -> None:
    answer = host.browser(None).get(UPCOMING, headers=HTMX | {"HX-Current-URL": current})
    assert answer.headers["HX-Redirect"] == f"/sign-in?next={UPCOMING}"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_session_that_ended_sends_nothing(host: Host, maya: FlaskClient, headers: dict[str, str]) -> None:
    form = step_2(maya)
    answer = send(host.browser(None), form, headers)
    assert answer.status_code == 401
    assert "/sign-in?next=" in (answer.headers.get("HX-Redirect") or answer.text)
    assert counted(host) == (0, 0)


def test_a_form_whose_session_ended_comes_back_with_everything_in_it_and_is_sent_after_the_sign_in(
    host: Host, maya: FlaskClient
) -> None:
    form = step_2(maya, note='"The ramp",\r\n<please>.', text_reminders="1", phone="+1 212 555 0187")
    maya.delete_cookie("session")
    for _ in range(2):
        answer = send(maya, form)
        page = read(answer)
        assert answer.status_code == 401
        assert answer.headers["Cache-Control"] == "no-store"
        assert "/sign-in?next=/portal/appointments/upcoming" in page.links
        [form] = page.forms[BOOK]
    maya.get("/sign-in?as=maya")
    assert ref_of(send(maya, form))
    with host.app.app_context():
        [asked] = host.portal.appointments()
    assert (asked.note, asked.text_reminders) == ('"The ramp",\n<please>.', True)


def test_what_is_kept_for_who_was_signed_out_is_of_no_use_to_somebody_else(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    maya.delete_cookie("session")
    [kept] = read(send(maya, form)).forms[BOOK]
    maya.get("/sign-in?as=theo")
    assert send(maya, kept).status_code == 400
    assert counted(host) == (0, 0)


def test_a_form_from_another_site_is_not_kept_for_anybody(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    maya.delete_cookie("session")
    answer = send(maya, form, {"Origin": "https://evil.example"})
    assert answer.status_code == 400
    assert "portal_token" not in answer.text


def test_a_form_of_somebody_who_was_signed_in_before_is_refused(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    maya.get("/sign-in?as=theo")
    assert send(maya, form).status_code == 400
    assert counted(host) == (0, 0)


def test_without_a_client_loader_every_page_says_so(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.portal._questions.current_client = None
    for debug, told in ((False, "Appointments are not available online"), (True, "@portal.current_client")):
        host.app.debug = debug
        for headers in ({}, HTMX):
            answer = host.browser(None).get(BOOK, headers=headers)
            assert answer.status_code == 503
            assert told in read(answer).words
    assert "@portal.current_client" in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_form_that_the_database_could_not_take_is_kept_and_one_press_sends_it(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya, **TYPED)
    host.state.db.pragma("busy_timeout", 0)
    with closing(sqlite3.connect(host.state.db.database, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        answers = [send(maya, form, headers) for headers in (HTMX, {})]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 2
    assert counted(host) == (0, 0)
    assert "What you typed is kept." in read(answers[1]).words
    assert send(maya, filled_form(answers[1].text)).status_code == 303
    assert counted(host) == (1, 1)
    assert TYPED["note"] in stored(host)["appointment"][0]


# Methods and sizes.


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", BOOK),
        ("DELETE", BOOK),
        ("POST", STEP_2),
        ("POST", UPCOMING),
        ("GET", f"/portal/appointments/{'0' * 32}/accept"),
        ("HEAD", f"/portal/appointments/{'0' * 32}/accept"),
        ("POST", f"/portal/appointments/{'0' * 32}/requested"),
        ("DELETE", f"/portal/appointments/{'0' * 32}/cancel"),
        ("POST", "/portal/link/x"),
        ("POST", f"/portal/appointments/{'0' * 32}/calendar.ics"),
    ],
)
def test_a_method_that_an_address_does_not_know_is_405(maya: FlaskClient, method: str, address: str) -> None:
    assert maya.open(address, method=method).status_code == 405


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_megabyte_is_too_much(host: Host, maya: FlaskClient, headers: dict[str, str]) -> None:
    form = step_2(maya, note="x" * 1_000_000)
    ref = host.request("maya", starts=TUESDAY_TEN + timedelta(days=1)).ref
    for address in (BOOK, f"/portal/appointments/{ref}/cancel", f"/portal/appointments/{ref}/accept"):
        answer = maya.post(address, data=form, headers=headers)
        assert answer.status_code == 413
        assert "too much text" in read(answer).words
    assert counted(host) == (1, 1)


def test_a_megabyte_sent_in_pieces_is_too_much(host: Host, maya: FlaskClient) -> None:
    answer = maya.post(
        BOOK, data=step_2(maya, note="x" * 1_000_000), content_type="multipart/form-data; boundary=b", buffered=True
    )
    assert answer.status_code == 413
    assert counted(host) == (0, 0)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data", "x/y; charset=\udc80"]
)
def test_a_body_that_is_no_form_is_an_empty_form(host: Host, maya: FlaskClient, content_type: str) -> None:
    answer = maya.post(BOOK, data=b'{"type": ["visit"]}', content_type=content_type.encode("ascii", "replace").decode())
    assert answer.status_code == 422
    assert counted(host) == (0, 0)


# Clicking twice, and a host that says no.


def test_twenty_clicks_at_once_are_one_request(either_host: Host) -> None:
    form = step_2(either_host.browser("maya"))
    browsers = [either_host.browser("maya") for _ in range(20)]
    together = Barrier(20)

    def click(browser: FlaskClient) -> str:
        together.wait()
        return ref_of(send(browser, form))

    with ThreadPoolExecutor(20) as pool:
        refs = set(pool.map(click, browsers))
    assert len(refs) == 1
    assert counted(either_host) == (1, 1)
    assert len(stored(either_host)["claim"]) == 1


def test_a_host_s_veto_is_read_by_the_client(host: Host, maya: FlaskClient) -> None:
    @host.portal.veto_request
    def unpaid(proposal: Any) -> None:
        raise Refused("Please settle your <b>last invoice</b> first.")

    answer = send(maya, step_2(maya, **TYPED))
    assert answer.status_code == 422
    page = read(answer)
    assert "Please settle your <b>last invoice</b> first." in page.words
    assert page.summary_links == ["#portal-starts"]
    assert TYPED.items() <= page.form.items()
    assert counted(host) == (0, 0)


def test_a_receiver_that_raises_does_not_cost_the_client_their_request(host: Host, maya: FlaskClient) -> None:
    def broken(_: Any, appointment: Any) -> None:
        raise RuntimeError("the host's own trouble")

    with appointment_requested.connected_to(broken, sender=host.app):
        assert ref_of(send(maya, step_2(maya)))
    assert counted(host) == (1, 1)
    assert open_page(maya, UPCOMING).named("time")
