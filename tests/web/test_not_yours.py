"""What is not yours looks like what is not there, looking changes nothing, and links come from one place."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from portal_plugin.services.tokens import link_token
from portal_plugin.storage.history import REFUSALS_OF_ONE
from tests.practices import practice
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.pages import BOOK, HTMX, UPCOMING, again_link, counted, open_page, read, send, step_2, stored

__all__ = ["database_url", "host", "lasting_postgres"]

MISSING = "0" * 32


# Addresses that name one appointment.


@pytest.mark.parametrize("status", ["requested", "confirmed", "invited"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
def test_another_s_appointment_answers_byte_for_byte_like_a_missing_one(
    host: Host, maya: FlaskClient, headers: dict[str, str], status: str
) -> None:
    token = open_page(maya).form["portal_token"]
    with host.app.app_context():
        if status == "invited":
            theo_s = host.portal.invite(PEOPLE["theo"], type="visit", contact="phone", starts=TUESDAY_TEN).ref
        else:
            theo_s = host.request("theo").ref
            if status == "confirmed":
                host.portal.confirm(theo_s)
    before = stored(host)
    addresses = [
        (method, rule.rule)
        for rule in host.app.url_map.iter_rules()
        if rule.endpoint.startswith("portal.") and "portal/appointments/<ref>" in rule.rule
        for method in (rule.methods or set()) - {"OPTIONS"}
    ]
    addresses += [("GET", "link"), ("HEAD", "link")]
    assert len(addresses) == 13

    def ask(method: str, address: str, ref: str) -> TestResponse:
        where = again_link(host, ref) if address == "link" else address.replace("<ref>", ref)
        data = {"portal_token": token} if method == "POST" else None
        return maya.open(where, method=method, data=data, headers=headers)

    for method, address in addresses:
        other, missing = ask(method, address, theo_s), ask(method, address, MISSING)
        assert other.status_code == 404
        assert (other.data, sorted(other.headers)) == (missing.data, sorted(missing.headers)), (method, address)
    after = stored(host)
    # That somebody tried is all that is written, see test_recorded.py.
    tried = min(2 * len(addresses), REFUSALS_OF_ONE)
    assert len(after.pop("history")) == len(before.pop("history")) + tried
    assert after == before


@pytest.mark.parametrize("ref", ["%00", "%ED%A0%80", "1", "-1", "x" * 5000, "'%20OR%201=1--", "%F0%9F%98%80", "../1"])
def test_a_reference_of_any_shape_is_one_that_is_not_there(maya: FlaskClient, ref: str) -> None:
    for what in ("requested", "cancel", "calendar.ics"):
        assert maya.get(f"/portal/appointments/{ref}/{what}").status_code == 404


def test_a_reference_that_postgresql_cannot_hold_is_not_there_either(either_host: Host) -> None:
    browser = either_host.browser("maya")
    assert browser.get("/portal/appointments/%00/requested").status_code == 404
    assert browser.get(f"/portal/appointments/{'x' * 5000}/requested").status_code == 404


def test_another_s_appointment_is_nowhere_in_one_s_list(host: Host) -> None:
    ref = host.request("maya").ref
    assert ref in host.browser("maya").get(UPCOMING).text
    assert ref not in host.browser("theo").get(UPCOMING).text


def test_step_3_does_not_exist_before_step_2(maya: FlaskClient) -> None:
    assert maya.get(f"/portal/appointments/{MISSING}/requested").status_code == 404


# Mailed links.


def test_the_reschedule_link_opens_step_2_with_the_same_details(host: Host, maya: FlaskClient) -> None:
    ref = host.request(provider="ada").ref
    with host.app.app_context():
        host.portal.decline(ref)
    answer = maya.get(again_link(host, ref))
    assert answer.status_code == 303
    page = open_page(maya, answer.location)
    chosen = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"}
    assert chosen.items() <= page.form.items()
    assert send(maya, page.form | {"starts": "2026-12-09T15:00:00Z"}).status_code == 303
    assert counted(host)[0] == 2


def test_a_visitor_with_a_link_signs_in_and_comes_back_to_it(host: Host) -> None:
    link = again_link(host, host.request().ref)
    answer = host.browser(None).get(link)
    assert answer.status_code == 302
    assert answer.location == f"/sign-in?next={link}"


def test_a_forged_link_is_not_there(host: Host, maya: FlaskClient) -> None:
    genuine = again_link(host, host.request().ref)
    for forged in (
        genuine[:-1],
        genuine + "A",
        genuine.swapcase(),
        *(f"/portal/link/{x}" for x in ("x", "%00", "a.b")),
    ):
        assert maya.get(forged).status_code == 404


@pytest.mark.parametrize("purpose", ["accept", "cancel", "form", ""])
def test_a_link_made_for_something_else_opens_nothing(host: Host, maya: FlaskClient, purpose: str) -> None:
    token = link_token(host.state, purpose, host.request().ref)
    assert maya.get(f"/portal/link/{token}").status_code == 404


def test_a_form_token_is_no_link_and_a_link_no_form_token(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    assert maya.get(f"/portal/link/{form['portal_token']}").status_code == 404
    token = link_token(host.state, "again", host.request().ref)
    assert send(maya, form | {"portal_token": token}).status_code == 400


def test_what_the_site_signs_for_itself_with_the_same_key_is_no_link(host: Host, maya: FlaskClient) -> None:
    said = ["again", host.request().ref, int(host.clock().timestamp())]
    token = URLSafeSerializer(str(host.app.secret_key)).dumps(said)
    assert maya.get(f"/portal/link/{token}").status_code == 404


def test_an_expired_link_says_so_and_offers_a_way_on(host: Host, maya: FlaskClient) -> None:
    link = again_link(host, host.request().ref)
    host.clock.advance(timedelta(days=90, seconds=-1))
    assert maya.get(link).status_code == 303
    host.clock.advance(timedelta(seconds=1))
    answer = maya.get(link)
    assert answer.status_code == 410
    assert BOOK in read(answer).links


def test_a_link_to_what_is_no_longer_offered_leads_to_step_1_with_a_reason(host: Host, maya: FlaskClient) -> None:
    ref = host.request(provider="ada").ref
    link = again_link(host, ref)
    with host.app.app_context():
        host.portal.decline(ref)
    data = practice()
    data["providers"] = data["providers"][1:]
    data["appointment_types"] = data["appointment_types"][:1]
    host.apply(data)
    page = open_page(maya, maya.get(link).location, status=422)
    assert page.summary_links


# Looking changes nothing.


@pytest.mark.parametrize("headers", [{}, HTMX, {"Purpose": "prefetch", "User-Agent": "SafeLinks"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_every_address_changes_nothing(
    host: Host, maya: FlaskClient, method: str, headers: dict[str, str]
) -> None:
    with host.app.app_context():
        refs = [host.request().ref, host.request(starts=TUESDAY_TEN + timedelta(days=1)).ref]
        host.portal.confirm(refs[1])
        refs.append(
            host.portal.invite(
                PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN + timedelta(days=2)
            ).ref
        )
    before = stored(host)
    addresses = ["/portal/", BOOK, STEP_2, UPCOMING]
    for rule in host.app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and "portal/appointments/<ref>" in rule.rule:
            addresses += [rule.rule.replace("<ref>", ref) for ref in refs]
    addresses += [again_link(host, ref) for ref in refs]
    assert len(addresses) == 4 + 5 * 3 + 3
    for who in (maya, host.browser(None)):
        for address in addresses:
            assert who.open(address, method=method, headers=headers).status_code < 500
    assert stored(host) == before


def test_after_a_scanner_opened_every_link_the_person_s_own_click_still_works(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    with host.app.app_context():
        host.portal.decline(ref)
    mail = host.deliver()[-1]
    [link] = re.findall(r"https://www\.elmrow\.example(/portal/link/\S+)", mail.text)
    for _ in range(3):
        host.browser(None).get(link)
        host.browser(None).head(link)
    assert open_page(maya, maya.get(link).location).times


# Links come from the configured address, whatever the request says.


FOREIGN = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"}


@pytest.mark.parametrize("headers", [FOREIGN, {"Host": "evil.example"}])
def test_a_made_up_host_turns_up_in_no_page_and_no_mail(host: Host, maya: FlaskClient, headers: dict[str, str]) -> None:
    if "Host" in headers:
        # A browser keeps its cookie to itself, so sign in there.
        maya.get("/sign-in?as=maya", headers=headers, base_url="http://evil.example")
    base = "http://evil.example" if "Host" in headers else "http://localhost"

    def get(address: str) -> str:
        answer = maya.get(address, headers=headers, base_url=base)
        assert answer.status_code == 200
        return answer.text

    page = get(STEP_2)
    form = read(maya.get(STEP_2, headers=headers, base_url=base)).form
    sent = maya.post(BOOK, data=form | {"starts": "2026-12-08T15:00:00Z"}, headers=headers, base_url=base)
    assert sent.status_code == 303
    ref = sent.location.split("/")[-2]
    with host.app.app_context():
        host.portal.confirm(ref)
    texts = [page, sent.location, get(sent.location), get(UPCOMING), get(f"/portal/appointments/{ref}/calendar.ics")]
    texts += [mail.text + mail.html for mail in host.deliver()]
    for text in texts:
        assert "evil.example" not in text
        assert "gopher" not in text
    assert texts[-1].count("https://www.elmrow.example/portal/") >= 2
