"""What a client was refused stands in the history, and so does the request by which anything was done."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_plugin.services.tokens import link_token
from portal_plugin.storage import history
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import UPCOMING, open_page, ref_of, send, step_2
from tests.web.statements import statements

MISSING = "0" * 32


def recorded(host: Host) -> list[tuple[Any, ...]]:
    query = """SELECT actor_kind, actor, action, result, appointment, from_status, to_status, reason
        FROM portal_history WHERE result = 'refused' ORDER BY id"""
    return [tuple(row) for row in host.state.db.execute_sql(query)]


def page_of(ref: str) -> str:
    return f"/portal/appointments/{ref}/requested"


def test_a_look_at_another_s_appointment_is_recorded_with_who_looked_at_which(either_host: Host) -> None:
    theo_s = either_host.request("theo")
    either_host.browser("maya").get(page_of(theo_s.ref))
    assert recorded(either_host) == [("client", "maya", "access", "refused", theo_s.id, None, None, "")]
    with either_host.app.app_context():
        last = either_host.portal.history(theo_s.ref)[-1]
    assert (last.actor, last.action, last.result, last.to_status) == ("maya", "access", "refused", None)


@pytest.mark.parametrize("ref", [MISSING, "x", "%00", "x" * 5000, "Maya%20Lindqvist"])
def test_a_look_at_what_is_not_there_is_recorded_without_what_was_typed(either_host: Host, ref: str) -> None:
    assert either_host.browser("maya").get(page_of(ref)).status_code == 404
    assert recorded(either_host) == [("client", "maya", "access", "refused", None, None, None, "")]


def test_both_ask_the_database_for_the_same(either_host: Host) -> None:
    """One inserts what the other inserts, so it takes as long."""
    browser = either_host.browser("maya")
    asked = []
    for ref in (MISSING, either_host.request("theo").ref) * 2:
        with statements() as seen:
            assert browser.get(page_of(ref)).status_code == 404
        asked.append(seen)
    assert asked[1] == asked[2] == asked[3]
    verbs = [one.split()[0] for one in asked[1][:5]]
    assert verbs == ["SELECT", "SELECT", "INSERT", "SELECT", "INSERT"], "a guess is counted, then recorded"


def test_a_post_that_was_refused_is_recorded_and_changes_nothing_else(host: Host, maya: FlaskClient) -> None:
    token = open_page(maya).form["portal_token"]
    theo_s = host.request("theo")
    assert maya.post(f"/portal/appointments/{theo_s.ref}/cancel", data={"portal_token": token}).status_code == 404
    with host.app.app_context():
        assert host.portal.appointment(theo_s.ref) == theo_s
    assert len(recorded(host)) == 1


def test_a_visitor_who_is_not_signed_in_is_asked_to_and_not_recorded(host: Host) -> None:
    assert host.browser(None).get(page_of(host.request("theo").ref)).status_code == 302
    assert host.browser(None).get("/portal/link/x").status_code == 302
    assert recorded(host) == []


def test_one_s_own_appointment_is_no_refusal(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    maya.get(page_of(ref))
    maya.get(UPCOMING)
    assert maya.get(f"/portal/appointments/{ref}/calendar.ics").status_code == 404
    assert recorded(host) == []


# Mailed links.


def test_a_link_that_is_not_genuine_is_recorded(host: Host, maya: FlaskClient) -> None:
    for token in ("x", link_token(host.state, "cancel", host.request().ref)):
        assert maya.get(f"/portal/link/{token}").status_code == 404
    assert recorded(host) == [("link", "maya", "link", "refused", None, None, None, "not genuine")] * 2


def test_a_link_that_has_expired_is_recorded(host: Host, maya: FlaskClient) -> None:
    link = f"/portal/link/{link_token(host.state, 'again', host.request().ref)}"
    assert maya.get(link).status_code == 303
    host.clock.advance(timedelta(days=90))
    assert maya.get(link).status_code == 410
    assert recorded(host) == [("link", "maya", "link", "refused", None, None, None, "expired")]


def test_a_forwarded_link_is_recorded_as_a_look_at_another_s(host: Host, maya: FlaskClient) -> None:
    theo_s = host.request("theo")
    assert maya.get(f"/portal/link/{link_token(host.state, 'again', theo_s.ref)}").status_code == 404
    assert recorded(host) == [("client", "maya", "access", "refused", theo_s.id, None, None, "")]


# It cannot fill the disk.


def test_a_scanner_is_recorded_so_often_within_an_hour_and_answered_all_the_same(either_host: Host) -> None:
    browser = either_host.browser("maya")
    answers = {browser.get(page_of(f"{n:032x}")).data for n in range(history.REFUSALS_OF_ONE + 5)}
    answers.add(browser.get(page_of(either_host.request("theo").ref)).data)
    assert len(answers) == 1
    assert len(recorded(either_host)) == history.REFUSALS_OF_ONE

    either_host.browser("theo").get(page_of(MISSING))
    assert recorded(either_host)[-1][1] == "theo", "one scanner hides nobody else"
    either_host.clock.advance(timedelta(hours=1))
    browser.get(page_of(MISSING))
    assert [row[1] for row in recorded(either_host)][-2:] == ["theo", "maya"]


def test_neither_do_many(either_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "REFUSALS_OF_ALL", 3)
    for who in ("maya", "theo", "maya", "theo", "maya"):
        either_host.browser(who).get(page_of(MISSING))
    assert len(recorded(either_host)) == 3


# By which request.


def request_ids(host: Host) -> list[str | None]:
    return [value for (value,) in host.state.db.execute_sql("SELECT request_id FROM portal_history ORDER BY id")]


def test_the_proxy_s_request_id_stands_in_the_history(host: Host, maya: FlaskClient) -> None:
    given = "5f1c9b0e-8a2d-4c6f-9e3b-7d0a1b2c3d4e"
    form = step_2(maya)
    ref = ref_of(maya.post("/portal/appointments/book", data=form, headers={"X-Request-ID": given}))
    maya.get(page_of(MISSING), headers={"X-Request-ID": "0123456789abcdef"})
    assert request_ids(host) == [given, "0123456789abcdef"]
    with host.app.app_context():
        assert host.portal.history(ref)[0].request_id == given


@pytest.mark.parametrize(
    "given", [None, "", "Maya Lindqvist", "abc", "a" * 65, "maya@example.org", "12125550187", "0123456789abcde\x00"]
)
def test_one_that_is_none_is_made_up(host: Host, maya: FlaskClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}
    assert maya.get(page_of(MISSING), headers=headers).status_code == 404
    [kept] = request_ids(host)
    assert kept is not None
    assert len(kept) == 32
    assert kept != given


def test_all_that_a_request_does_carries_one_id(host: Host, maya: FlaskClient) -> None:
    """Also what the host's own view does in it, through the Portal."""

    def confirm() -> str:
        for starts in (TUESDAY_TEN, TUESDAY_TEN + timedelta(days=1)):
            made = host.portal.request(PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=starts)
            host.portal.confirm(made.ref, by="front desk")
        return "done"

    host.app.view_functions["sign_in"] = confirm
    host.app.test_client().get("/sign-in")
    first = set(request_ids(host))
    assert len(first) == 1
    assert None not in first


def test_what_no_request_did_has_none(host: Host) -> None:
    host.request()
    assert request_ids(host) == [None]


def test_text_reminders_that_a_client_agreed_to_are_recorded(host: Host, maya: FlaskClient) -> None:
    ref = ref_of(send(maya, step_2(maya, text_reminders="1", phone="+1 212 555 0187")))
    with host.app.app_context():
        told = host.portal.history(ref)
    assert [entry.action for entry in told] == ["request", "opt_in"]
    assert told[1].actor == "maya"
    assert told[0].request_id == told[1].request_id is not None
