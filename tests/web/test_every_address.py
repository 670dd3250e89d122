"""Each address keeps what addresses.py says of it: those it is for go there, and everybody else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from portal_plugin.services.tokens import AGAIN, GUEST, VERIFY, form_token, link_token
from portal_plugin.storage import history
from portal_plugin.testing import Clock
from tests.api.support import PROBLEM, make_key
from tests.practices import PRACTICE as NO_NEW_CLIENTS
from tests.web.addresses import ADDRESSES, For, Guard, Keep
from tests.web.house import MISSING, House, each, every_row, open_house
from tests.web.pages import HTMX, open_page
from tests.web.statements import statements
from tests.web.visiting import introduction

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")
STEP_2 = {"type": "visit", "contact": "in-person", "location": "main", "starts": "2026-12-15T20:00:00Z"}


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[House]:
    with open_house(sqlite_url, tmp_path, clock) as house:
        yield house


@pytest.fixture
def either_house(database_url: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """On both engines; every refusal is written down, also the twenty-first."""
    monkeypatch.setattr(history, "REFUSALS_OF_ONE", 10**6)
    monkeypatch.setattr(history, "REFUSALS_OF_ALL", 10**6)
    with open_house(database_url, tmp_path, clock) as house:
        yield house


def own(house: House, audience: For) -> dict[str, str]:
    return {"ref": house.guests[0]} if audience is For.GUEST else {}


def is_refused(answer: TestResponse) -> bool:
    to_sign_in = (answer.location or answer.headers.get("HX-Redirect", "")).startswith("/sign-in")
    return answer.status_code in {401, 403, 404, 405} or to_sign_in


def good_form(house: House, rule: str, endpoint: str, audience: For) -> dict[str, Any]:
    """A form with a good token; what else it needs for that to be what counts."""
    who = {For.STAFF: "staff rosa"}.get(audience, "maya")
    if endpoint == "portal.about_you":
        return introduction(house.browser(None), "2026-12-14T20:00:00Z")
    if audience in {For.GUEST, For.DRAFT}:
        address = house.path(rule, **own(house, audience), token=house.draft)
        shown = address.rpartition("/")[0] + "/cancel" if audience is For.GUEST else address
        return {"portal_token": open_page(house.browser(None), shown).forms[shown][0]["portal_token"]} | STEP_2
    if audience is For.STAFF:
        page = "/portal/review/invite"
        token = open_page(house.browser("rosa"), page).forms[page][0]["portal_token"]
        return {"portal_token": token, "provider": "ada"}
    return {"portal_token": form_token(house.host.state, who)} | STEP_2


# The table and the map.


def test_every_route_has_a_row_and_every_row_a_route(house: House) -> None:
    """Without a row nobody has said whom a new address is for: write one in tests/web/addresses.py."""
    there = {
        (rule.rule, rule.endpoint): " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        for rule in house.host.app.url_map.iter_rules()
        if rule.endpoint.split(".")[0].startswith("portal")
    }
    assert {key: row.methods for key, row in ADDRESSES.items()} == there


def test_what_posts_has_a_guard_and_what_reads_needs_none() -> None:
    for (rule, _), row in ADDRESSES.items():
        assert ("POST" in row.methods) == (row.guard is not Guard.READS), rule


# Methods.


def test_any_other_method_is_405_and_the_answer_to_options_names_those_there_are(house: House) -> None:
    known: dict[str, set[str]] = {}
    for rule, _, method, _ in each():
        known.setdefault(rule, set()).update({method, "HEAD"} if method == "GET" else {method})
    before = every_row(house.host)
    for rule, methods in known.items():
        for method in set(METHODS) - methods:
            answer = house.browser("maya").open(house.path(rule), method=method)
            assert answer.status_code == 405, (method, rule)
        asked = house.browser("maya").options(house.path(rule), headers={"Authorization": "Bearer none"})
        if asked.status_code == 200:
            assert set(asked.headers["Allow"].split(", ")) - {"OPTIONS"} == methods, rule
        else:
            # A signature is asked for first.
            assert rule.startswith("/portal/sms/")
    after = every_row(house.host)
    assert after | {"portal_history": []} == before | {"portal_history": []}


# Whom it is for, and what it says of keeping the answer.


def test_whom_an_address_is_for_is_let_in_and_the_answer_says_who_may_keep_it(house: House) -> None:
    for rule, _, method, row in each():
        data = {"MessageSid": "SM1", "From": "+12125550187", "Body": "x"} if row.audience is For.GATEWAY else {}
        answer = house.right(row, rule, method, names=own(house, row.audience), data=data or None)
        assert not is_refused(answer), (method, rule, answer.status_code)
        if row.keep is not Keep.FOR_GOOD:
            assert answer.headers["Cache-Control"] == row.keep, (method, rule)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", rule
        assert answer.headers["Referrer-Policy"] == "same-origin", rule
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], rule
        assert answer.headers["X-Frame-Options"] == "DENY", rule


def test_every_answer_with_a_body_names_its_type_and_charset(house: House) -> None:
    for rule, _, method, row in each():
        answer = house.right(row, rule, method, names=own(house, row.audience))
        if answer.data:
            told = answer.headers["Content-Type"]
            assert "charset=utf-8" in told or answer.mimetype in {"application/json", PROBLEM}, (rule, told)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing_in_any_table(house: House, method: str) -> None:
    for _, _, _, row in each(For.KEY):
        # When a key was last used is written once an hour.
        house.right(row, "/portal/api/v1/types", "GET")
    before = every_row(house.host)
    for rule, _, _, row in each():
        house.right(row, rule, method, names=own(house, row.audience))
        assert every_row(house.host) == before, (method, rule)


def test_a_visitor_is_sent_to_the_sign_in_and_back_from_whatever_is_for_who_is_signed_in(house: House) -> None:
    house.host.apply(NO_NEW_CLIENTS)
    before = every_row(house.host)
    for rule, _, method, _ in each(For.CLIENT, For.NEW_TOO, For.OWNER, For.LINKED, For.STAFF):
        path = house.path(rule)
        for headers in ({}, HTMX):
            answer = house.browser(None).open(path, method=method, headers=headers)
            if headers:
                assert answer.status_code == 401, (method, rule)
                assert answer.headers["HX-Redirect"].startswith("/sign-in?next=/portal/"), (method, rule)
            elif method == "GET":
                assert answer.status_code == 302, (method, rule)
                assert answer.location.startswith(f"/sign-in?next={path}"), rule
            else:
                assert answer.status_code == 401, (method, rule)
            assert answer.headers["Cache-Control"] == "no-store"
    assert every_row(house.host) == before


def test_where_the_practice_takes_new_clients_a_visitor_is_let_in_to_those_pages_alone(house: House) -> None:
    for rule, _, method, _ in each(For.NEW_TOO):
        answer = house.ask(For.DRAFT, rule, method)
        assert not is_refused(answer), (method, rule)


def test_the_api_opens_for_a_key_with_the_scope_alone(house: House) -> None:
    before = every_row(house.host)
    for rule, _, method, row in each(For.KEY):
        assert row.scope is not None
        path = house.path(rule)
        for who in (None, "maya", "rosa"):
            for bearer in ({}, {"Authorization": "Bearer portal_0123456789ab_" + "A" * 43}):
                assert house.browser(who).open(path, method=method, headers=bearer).status_code == 401, (method, rule)
        for scope, key in house.keys.items():
            if scope != row.scope:
                bearer = {"Authorization": f"Bearer {key}"}
                answer = house.browser(None).open(path, method=method, headers=bearer, json={})
                assert answer.status_code == 403, (method, rule)
    after = every_row(house.host)
    # When a key was last used.
    assert after | {"portal_api_key": []} == before | {"portal_api_key": []}


def test_a_secret_a_signature_and_a_token_open_nothing_when_they_are_wrong(house: House) -> None:
    state = house.host.state
    key = next(iter(house.keys.values()))
    wrong: list[tuple[For, dict[str, str], dict[str, str], int]] = [
        (For.FEED, {"secret": "A" * 43}, {}, 404),
        (For.GUEST, {"guest": "forged"}, {}, 404),
        (For.GUEST, {"guest": link_token(state, AGAIN, house.guests[0])}, {}, 404),
        (For.DRAFT, {"token": "forged"}, {}, 404),
        (For.DRAFT, {"token": link_token(state, GUEST, house.guests[0])}, {}, 404),
        (For.GATEWAY, {}, {}, 403),
        (For.GATEWAY, {}, {"X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 403),
        (For.MONITOR, {}, {}, 404),
        (For.MONITOR, {}, {"Authorization": f"Bearer {key}"}, 404),
    ]
    assert {audience for audience, *_ in wrong} == {For.FEED, For.GUEST, For.DRAFT, For.GATEWAY, For.MONITOR}
    before = every_row(house.host)
    for audience, names, headers, status in wrong:
        for rule, _, method, _ in each(audience):
            path = house.path(rule, **own(house, audience) | names)
            for who in (None, "maya", "rosa"):
                answer = house.browser(who).open(path, method=method, headers=headers)
                assert answer.status_code == status, (method, rule, who)
    after = every_row(house.host)
    assert after | {"portal_history": []} == before | {"portal_history": []}


# What sends a form there.


@pytest.mark.parametrize("token", ["missing", "empty", "made up", "somebody else's", "older than a day"])
def test_without_a_good_token_a_form_does_nothing(house: House, clock: Clock, token: str) -> None:
    forms = [one for one in each() if one[3].guard is Guard.FORM and one[2] == "POST"]
    filled = {(rule, endpoint): good_form(house, rule, endpoint, row.audience) for rule, endpoint, _, row in forms}
    bad = {"empty": "", "made up": "1796644800.00ff", "somebody else's": form_token(house.host.state, "theo")}
    if token == "older than a day":
        clock.advance(timedelta(hours=24, seconds=1))
    before = every_row(house.host)
    for rule, endpoint, method, row in forms:
        form = dict(filled[rule, endpoint])
        form["portal_token"] = bad.get(token, form["portal_token"])
        if token == "missing":
            del form["portal_token"]
        audience = For.DRAFT if endpoint == "portal.about_you" else row.audience
        if audience is For.DRAFT and endpoint == "portal.verify" and token == "older than a day":
            continue  # By then the link is over, too.
        answer = house.ask(audience, rule, method, names=own(house, row.audience), data=form)
        assert answer.status_code == 400, (rule, answer.status_code)
        assert every_row(house.host) == before, rule


def test_with_a_good_token_none_of_them_is_refused_for_it(house: House) -> None:
    """The control of the test above: it is the token that made the difference."""
    changed = 0
    for rule, endpoint, method, row in each():
        if row.guard is Guard.FORM and method == "POST":
            form = good_form(house, rule, endpoint, row.audience)
            audience = For.DRAFT if endpoint == "portal.about_you" else row.audience
            before = every_row(house.host)
            answer = house.ask(audience, rule, method, names=own(house, row.audience), data=form)
            assert answer.status_code in {200, 303, 409, 422}, (rule, answer.status_code)
            changed += every_row(house.host) != before
    assert changed >= 8


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_does_nothing_whatever_its_token(house: House, headers: dict[str, str]) -> None:
    forms = [one for one in each() if one[3].guard is Guard.FORM and one[2] == "POST"]
    filled = {(rule, endpoint): good_form(house, rule, endpoint, row.audience) for rule, endpoint, _, row in forms}
    before = every_row(house.host)
    for rule, endpoint, method, row in forms:
        for htmx in ({}, HTMX):
            names, form = own(house, row.audience), filled[rule, endpoint]
            answer = house.right(row, rule, method, names=names, data=form, headers=headers | htmx)
            assert answer.status_code == 400, (rule, answer.status_code)
    assert every_row(house.host) == before


# Another's, a stranger's, one that was erased, and none.


Told = tuple[int, bytes, tuple[tuple[str, str], ...], tuple[str, ...]]


def told(house: House, who: str | None, path: str, method: str, **sent: Any) -> Told:
    """All that whoever asks can see of the answer, and what the database was asked for it."""
    with statements() as seen:
        answer = house.browser(who).open(path, method=method, **sent)
    headers = tuple(sorted((name, value) for name, value in answer.headers if name != "Date"))
    return answer.status_code, answer.data, headers, tuple(seen)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
def test_what_is_another_client_s_looks_and_costs_like_what_is_not_there(
    either_house: House, headers: dict[str, str]
) -> None:
    house = either_house
    before = every_row(house.host)
    addresses = [one for one in each(For.OWNER, For.CLIENT) if "<ref>" in one[0]]
    assert len(addresses) > 7
    for who in ("maya", "zoe"):
        form = {"portal_token": form_token(house.host.state, who)} | STEP_2
        told(house, who, house.path(addresses[0][0], ref=MISSING), "POST", data=form)
        for rule, endpoint, method, _ in addresses:
            for asked in {method, "HEAD"} if method == "GET" else {method}:
                more = {"data": form} if asked == "POST" else {}
                refs = [*house.foreign, house.guests[0], house.erased, MISSING, "f" * 32]
                seen = {told(house, who, house.path(rule, ref=ref), asked, headers=headers, **more) for ref in refs}
                assert len(seen) == 1, (who, asked, rule, *seen)
                [(status, *_)] = seen
                assert status == (303 if endpoint == "portal.leave" else 404), (asked, rule)
    after = every_row(house.host)
    assert after | {"portal_history": []} == before | {"portal_history": []}


def test_to_a_guest_everybody_else_s_looks_and_costs_like_what_is_not_there(either_house: House) -> None:
    house = either_house
    form = good_form(house, "/portal/guest/<guest>/<ref>/cancel", "portal.cancel", For.GUEST)
    before = every_row(house.host)
    addresses = [one for one in each(For.GUEST) if "<ref>" in one[0]]
    assert len(addresses) > 7
    for rule, _, method, _ in addresses:
        more = {"data": form} if method == "POST" else {}
        refs = [*house.foreign, house.guests[1], house.names["ref"], house.erased, MISSING, "f" * 32]
        seen = {told(house, None, house.path(rule, ref=ref), method, **more) for ref in refs}
        assert len(seen) == 1, (method, rule, *seen)
        assert next(iter(seen))[0] == 404
    after = every_row(house.host)
    assert after | {"portal_history": []} == before | {"portal_history": []}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
def test_to_a_client_every_address_of_staff_looks_like_none_and_costs_the_same_whatever_it_names(
    either_house: House, headers: dict[str, str]
) -> None:
    house = either_house
    before = every_row(house.host)
    for who in ("maya", "zoe"):
        none = told(house, who, f"/portal/appointments/{MISSING}/requested", "GET", headers=headers)
        for rule, _, method, _ in each(For.STAFF):
            refs = [house.names["ref"], *house.foreign, house.erased, MISSING]
            seen = {told(house, who, house.path(rule, ref=ref), method, headers=headers) for ref in refs}
            assert len(seen) == 1, (method, rule)
            [(*answer, _)] = seen
            assert answer == list(none[:3]), (method, rule)
    after = every_row(house.host)
    assert after | {"portal_history": []} == before | {"portal_history": []}


def test_to_staff_and_to_a_key_one_that_was_erased_is_there_and_all_that_are_not_look_the_same(
    either_house: House,
) -> None:
    house = either_house
    bearer = {"Authorization": f"Bearer {make_key(house.host)}"}
    for rule, _, method, row in each(For.STAFF, For.KEY):
        if "<ref>" in rule:
            who = "rosa" if row.audience is For.STAFF else None
            sent = {"headers": bearer, "json": {}} if row.audience is For.KEY and method == "POST" else {}
            seen = {
                told(house, who, house.path(rule, ref=ref), method, **({"headers": bearer} | sent))[:2]
                for ref in (MISSING, "f" * 32, "x")
            }
            assert len(seen) == 1, (method, rule, seen)


def test_a_feed_that_has_ended_looks_and_costs_like_one_that_never_was(either_house: House) -> None:
    house, page = either_house, "/portal/appointments/calendar"
    maya = house.browser("maya")
    secret = house.names["secret"]
    maya.post(page, data=open_page(maya, page).forms[page][0] | {"end": "1"})
    rule = "/portal/calendar/<secret>.ics"
    seen = {told(house, None, house.path(rule, secret=one), "GET") for one in (secret, "A" * 43, "B" * 43, secret)}
    assert len(seen) == 1
    assert next(iter(seen))[0] == 404


def test_a_link_that_was_made_up_looks_and_costs_like_one_to_another_s(either_house: House) -> None:
    house = either_house
    state = house.host.state
    for who in ("maya", "zoe"):
        tokens = [link_token(state, AGAIN, ref) for ref in (*house.foreign, house.erased, MISSING)]
        tokens += ["forged", tokens[0][:-2], link_token(state, VERIFY, house.foreign[0]), house.names["guest"]]
        told(house, who, house.path("/portal/link/<token>", token="x"), "GET")
        seen = {told(house, who, house.path("/portal/link/<token>", token=token), "GET") for token in tokens}
        assert len(seen) == 1, seen
        assert next(iter(seen))[0] == 404


def test_a_guest_s_link_that_was_made_up_looks_and_costs_like_one_whose_guest_was_erased(either_house: House) -> None:
    house = either_house
    tokens = [house.dead_link, "forged", link_token(house.host.state, GUEST, MISSING), house.names["guest"][:-2]]
    for rule, _, method, _ in each(For.GUEST):
        told(house, None, house.path(rule, guest="x"), method)
        seen = {told(house, None, house.path(rule, guest=token), method) for token in tokens}
        assert len(seen) == 1, (method, rule, seen)
        assert next(iter(seen))[0] == 404
