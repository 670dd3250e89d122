"""Whatever a visitor sends: a reason, the field named, what was typed still there. Never a fault, a row or a mail."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.support import STEP_2, Host
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.pages import BOOK, Page, counted, open_page, read, stored
from tests.web.visiting import NINA, TEN, YOU, introduction, link_in, open_practice, press, rows

__all__ = ["database_url", "host", "lasting_postgres"]

NOTE = "Ünïcode, o'clock & <b>bold</b>"
OVERRIDE = "\u202egpj.exe"


@pytest.fixture
def visitor(host: Host) -> FlaskClient:
    host.apply(open_practice())
    return host.browser(None)


def refused(host: Host, answer: TestResponse, *fields: str, status: int = 422) -> Page:
    assert answer.status_code == status, answer.text
    page = read(answer)
    assert page.summary_links == [f"#portal-{field}" for field in fields]
    assert {f"portal-{field}" for field in fields} <= set(page.ids)
    nothing_is_kept(host)
    return page


def nothing_is_kept(host: Host) -> None:
    assert counted(host) == (0, 0)
    assert not stored(host)["claim"]
    assert rows(host, "guest_request") == []


ADDRESSES = {
    "none": "",
    "white space": "   ",
    "a word": "nina",
    "no domain": "nina@",
    "no name": "@example.org",
    "no dot": "nina@localhost",
    "two": "nina@example.org, omar@example.org",
    "two with a semicolon": "nina@example.org;omar@example.org",
    "two with a space": "nina@example.org omar@example.org",
    "two at signs": "nina@omar@example.org",
    "a name around it": "Nina <nina@example.org>",
    "a header": "nina@example.org\r\nBcc: omar@example.org",
    "a line break at the end": "nina@example.org\n",
    "an encoded line break": "nina@example.org%0aBcc:x@y.zz",
    "NUL": "nina\0@example.org",
    "a direction override": f"nina@{OVERRIDE}.org",
    "a zero-width space": "nina\u200b@example.org",
    "accents before the at sign": "ñina@example.org",
    "full width": "nina＠example.org",
    "quoted": '"nina okeke"@example.org',
    "a comment": "nina(x)@example.org",
    "an address literal": "nina@[127.0.0.1]",
    "a hyphen first": "nina@-example.org",
    "two dots": "nina@example..org",
    "a long name": f"{'n' * 65}@example.org",
    "a long domain": f"nina@{'e.' * 130}org",
    "long": "n" * 50_000 + "@example.org",
}


@pytest.mark.parametrize("email", [pytest.param(value, id=name) for name, value in ADDRESSES.items()])
def test_an_address_that_is_none_or_several_is_told(host: Host, visitor: FlaskClient, email: str) -> None:
    form = introduction(visitor, note=NOTE) | {"email": email.encode(errors="surrogatepass")}
    page = refused(host, visitor.post(YOU, data=form), "email")
    assert page.forms[YOU][0]["note"] == NOTE
    field = next(tag for tag in page.named("input") if tag.get("id") == "portal-email")
    assert field["aria-invalid"] == "true"
    assert set(field["aria-describedby"].split()) <= set(page.ids)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "\u200b\u200b",
        "\u2060",
        "Nina\r\nBcc: x",
        "Nina\nOkeke",
        "Nina\u2028Okeke",
        "Nina\0",
        OVERRIDE,
        "N" * 121,
        "N" * 50_000,
    ],
)
def test_a_name_that_is_none_is_told(host: Host, visitor: FlaskClient, name: str) -> None:
    page = refused(host, visitor.post(YOU, data=introduction(visitor, note=NOTE, name=name)), "name")
    assert page.forms[YOU][0]["note"] == NOTE


@pytest.mark.parametrize(
    "name",
    [
        "O'Neill-Ünsal",
        "عمر الفاروق",
        "נינה",
        "李小龙",
        "Nina 🌊",
        "<b>Nina</b>",
        "{{ 7 * 7 }}",
        "%s",
        "Nina\u00a0Okeke",
    ],
)
def test_every_name_that_people_have_is_welcome_and_shown_as_text(host: Host, visitor: FlaskClient, name: str) -> None:
    assert visitor.post(YOU, data=introduction(visitor, name=name)).status_code == 200
    [mail] = host.deliver()
    answer = press(visitor, link_in(mail))
    assert answer.status_code == 303
    with host.app.app_context():
        [asked] = host.portal.appointments()
    assert asked.client.name == " ".join(name.split())
    assert "49" not in asked.client.name
    # What somebody typed goes to no address that is not theirs.
    assert name not in mail.text
    assert name not in mail.html


@pytest.mark.parametrize(
    "phone", ["212", "+1 000 000 0000", "not a number", "+1 212 555 0187\r\nBcc: x", "9" * 10_000, "\0", "😀"]
)
def test_a_phone_that_is_none_is_told(host: Host, visitor: FlaskClient, phone: str) -> None:
    refused(host, visitor.post(YOU, data=introduction(visitor, phone=phone)), "phone")


def test_a_phone_is_not_needed_but_for_text_reminders(host: Host, visitor: FlaskClient) -> None:
    refused(host, visitor.post(YOU, data=introduction(visitor, phone="", text_reminders="1")), "phone")
    assert visitor.post(YOU, data=introduction(visitor, phone="")).status_code == 200


ANSWERS: dict[str, tuple[str, str]] = {
    "a needed answer left out": ("q-brings", ""),
    "a needed answer of white space": ("q-brings", " \n "),
    "a long answer": ("q-brings", "x" * 1001),
    "an answer with NUL": ("q-brings", "a\0b"),
    "an option that is none": ("q-heard", "a friend"),
    "an option with markup": ("q-heard", "<b>A friend</b>"),
    "neither yes nor no": ("q-before", "maybe"),
    "a word for a date": ("q-born", "yesterday"),
    "another way to write dates": ("q-born", "05/17/1990"),
    "February 30": ("q-born", "1990-02-30"),
    "year 0000": ("q-born", "0000-01-01"),
    "year 9999": ("q-born", "9999-12-31"),
    "other digits": ("q-born", "１９９０-05-17"),
}


@pytest.mark.parametrize(("field", "answer"), [pytest.param(*value, id=name) for name, value in ANSWERS.items()])
def test_an_answer_that_is_none_is_told(host: Host, visitor: FlaskClient, field: str, answer: str) -> None:
    page = refused(host, visitor.post(YOU, data=introduction(visitor, note=NOTE) | {field: answer}), field)
    assert page.forms[YOU][0]["note"] == NOTE
    assert (
        page.forms[YOU][0]["q-born" if field != "q-born" else "q-brings"]
        == NINA["q-born" if field != "q-born" else "q-brings"]
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_page(host: Host, visitor: FlaskClient) -> None:
    form = introduction(visitor, name="", email="x", phone="1", note="a\0b") | {"q-brings": "", "q-born": "x"}
    refused(host, visitor.post(YOU, data=form), "name", "email", "phone", "q-brings", "q-born", "note")


@pytest.mark.parametrize("field", ["name", "email", "q-brings", "q-heard", "starts", "type", "key"])
def test_what_is_sent_twice_is_not_guessed_at(host: Host, visitor: FlaskClient, field: str) -> None:
    form = MultiDict(introduction(visitor))
    form.add(field, form[field])
    answer = visitor.post(YOU, data=form)
    if field == "q-heard":
        assert answer.status_code == 200
        return
    assert answer.status_code in {400, 422}
    nothing_is_kept(host)


def test_a_field_that_is_none_of_the_form_s_is_ignored(host: Host, visitor: FlaskClient) -> None:
    form = introduction(visitor) | {
        "status": "confirmed",
        "client_id": "maya",
        "q-other": "x",
        "agreed": "yes",
        "held": "1",
    }
    assert visitor.post(YOU, data=form).status_code == 200
    [mail] = host.deliver()
    press(visitor, link_in(mail), status="confirmed", client_id="maya", ref="0" * 32)
    with host.app.app_context():
        [asked] = host.portal.appointments()
    assert (asked.status, asked.text_reminders) == ("requested", False)
    assert asked.client.id.startswith("guest-")


@pytest.mark.parametrize(
    "starts",
    [
        "",
        "tomorrow",
        "2026-12-04T15:00:00Z",
        "2026-12-08T15:10:00Z",
        "9999-12-31T23:59:00Z",
        "2026-12-08T10:00:00",
        "\0",
    ],
)
def test_a_time_that_is_none_is_told_with_others_to_choose(host: Host, visitor: FlaskClient, starts: str) -> None:
    page = refused(host, visitor.post(YOU, data=introduction(visitor, note=NOTE) | {"starts": starts}), "starts")
    assert page.times
    assert page.forms[YOU][0]["note"] == NOTE


@pytest.mark.parametrize(
    "starts", ["", "tomorrow", "9999-12-31T23:59:00Z", "2999-12-31T23:59:00Z", "2026-12-08T15:00:00Z"]
)
def test_a_link_to_the_page_is_read_and_keeps_nothing(host: Host, visitor: FlaskClient, starts: str) -> None:
    answer = visitor.get(f"{STEP_2.replace('/time?', '/you?')}&starts={starts}")
    assert answer.status_code == (200 if starts.startswith("2") else 422)
    nothing_is_kept(host)


@pytest.mark.parametrize("token", ["", "x", "1796644800.0", "\ud800"])
def test_a_form_without_its_token_comes_back_filled_in(host: Host, visitor: FlaskClient, token: str) -> None:
    form = introduction(visitor, note=NOTE) | {"portal_token": token.encode(errors="surrogatepass")}
    answer = visitor.post(YOU, data=form)
    assert answer.status_code == 400
    nothing_is_kept(host)
    [again] = read(answer).forms[YOU]
    assert again["note"] == NOTE
    assert visitor.post(YOU, data=again).status_code == 200


def test_a_token_is_good_for_its_own_form_alone(host: Host, visitor: FlaskClient) -> None:
    form, other = introduction(visitor), introduction(visitor)
    assert visitor.post(YOU, data=form | {"key": other["key"]}).status_code == 400
    nothing_is_kept(host)


def test_a_megabyte_is_too_much(host: Host, visitor: FlaskClient) -> None:
    assert visitor.post(YOU, data=introduction(visitor, note="x" * 1_000_000)).status_code == 413
    nothing_is_kept(host)


def test_a_form_from_another_site_is_refused(host: Host, visitor: FlaskClient) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert visitor.post(YOU, data=introduction(visitor), headers=headers).status_code == 400
    nothing_is_kept(host)


def test_step_2_s_own_address_is_none_for_a_visitor(host: Host, visitor: FlaskClient) -> None:
    form = introduction(visitor)
    for address in (BOOK, f"{BOOK}/hold"):
        answer = visitor.post(address, data=form)
        assert answer.status_code == 401
        assert any(link.startswith("/sign-in") for link in read(answer).links)
    nothing_is_kept(host)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "email", "phone", "note", "starts", "key", "q-brings", "q-heard", "q-before", "q-born"]
        ),
        st.one_of(st.text(max_size=80), st.sampled_from(list(ADDRESSES.values())), st.just(TEN)),
    )
)
def test_no_form_is_a_fault(host: Host, visitor: FlaskClient, typed: dict[str, Any]) -> None:
    sent = {name: value.encode(errors="surrogatepass") for name, value in typed.items()}
    answer = visitor.post(YOU, data=introduction(visitor) | sent)
    assert answer.status_code in {200, 400, 409, 413, 422, 429}
    open_page(visitor, BOOK)
