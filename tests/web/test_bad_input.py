"""Whatever arrives, on both databases: a reason, the field named, what was typed still there. Never a fault, a row or
a message."""

import unicodedata
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from portal_plugin import Client
from tests.practices import practice
from tests.support import PEOPLE, STEP_2, Host
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.desk import REVIEW, at
from tests.web.pages import BOOK, HTMX, Page, counted, read, ref_of, send, step_2, stored

__all__ = ["database_url", "host", "lasting_postgres"]

TEN = "2026-12-08T15:00:00Z"
NOTE = "Ünïcode, o'clock & <b>bold</b>"


def refused(host: Host, answer: TestResponse, field: str, status: int = 422) -> Page:
    """The page that says why, once it is sure that nothing was stored and that the summary leads to the field."""
    assert answer.status_code == status, answer.text
    page = read(answer)
    assert page.summary_links == [f"#portal-{field}"]
    assert f"portal-{field}" in page.ids
    assert counted(host) == (0, 0)
    assert not stored(host)["claim"]
    return page


# Choices.


def wrong_choices() -> list[Any]:
    odd = [
        "unknown",
        "-1",
        "12345678901234567890",
        "１",
        "VISIT",
        " visit",
        "visit\0",
        "x" * 5000,
        "' OR 1=1 --",
        "😀",
        "../x",
    ]
    cases: list[tuple[str, dict[str, Any], str]] = []
    for field in ("type", "contact", "provider", "location"):
        cases += [(f"{field} {value[:10]!r}", {field: value}, field) for value in odd]
    for field in ("type", "contact", "location"):
        cases += [(f"{field} missing", {field: None}, field), (f"{field} empty", {field: ""}, field)]
    cases += [
        ("an array of types", {"type": None, "type[]": "visit"}, "type"),
        ("a contact type that the type does not allow", {"type": "call", "location": ""}, "contact"),
        ("a provider of another location", {"provider": "ben"}, "provider"),
        ("a provider who does not offer the type", {"type": "call", "contact": "phone", "provider": "ben"}, "provider"),
    ]
    return [pytest.param(change, field, id=name) for name, change, field in cases]


@pytest.mark.parametrize(("change", "field"), wrong_choices())
def test_a_choice_that_is_none_is_named(host: Host, maya: FlaskClient, change: dict[str, Any], field: str) -> None:
    form = {name: value for name, value in (step_2(maya) | change).items() if value is not None}
    refused(host, send(maya, form), field)
    query = {name: form[name] for name in ("type", "contact", "provider", "location") if name in form}
    refused(host, maya.get(f"{BOOK}/time", query_string=query), field)


@pytest.mark.parametrize("field", ["type", "contact", "provider", "location", "starts"])
def test_a_choice_made_twice_is_none(host: Host, maya: FlaskClient, field: str) -> None:
    form = MultiDict(step_2(maya, provider="ada"))
    form.add(field, {"type": "call", "contact": "phone", "provider": "ben", "location": "annex", "starts": TEN}[field])
    refused(host, send(maya, form), field)


@pytest.mark.parametrize(
    ("retired", "field"),
    [("appointment_types", "type"), ("contact_types", "contact"), ("providers", "provider"), ("locations", "location")],
)
def test_a_choice_that_is_offered_no_more_is_named(host: Host, maya: FlaskClient, retired: str, field: str) -> None:
    """In person with Ada at Main Street, when one of these has gone from the practice file."""
    form = step_2(maya, provider="ada", note=NOTE)
    data = practice()
    gone, left = (one["key"] for one in data[retired][:2])
    del data[retired][0]
    for one in [*data["providers"], *data["appointment_types"]]:
        for listed in ("types", "locations", "contact_types"):
            if gone in one.get(listed, []):
                one[listed] = sorted({*one[listed], left} - {gone})
    data["providers"][-1]["locations"] = [data["locations"][0]["key"]]
    host.apply(data)
    page = refused(host, send(maya, form), field)
    assert NOTE in page.words


def test_a_location_that_closed_meanwhile_is_named_where_only_one_is_left(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    data = practice()
    data["providers"] = data["providers"][1:]
    data["appointment_types"] = data["appointment_types"][:1]
    host.apply(data)
    refused(host, send(maya, form), "location")


def test_what_was_typed_survives_a_provider_who_left_meanwhile(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya, provider="ada", note=NOTE)
    data = practice()
    data["providers"][0]["types"] = ["call"]
    data["providers"][1] |= {"locations": ["main"]}
    host.apply(data)
    page = refused(host, send(maya, form), "provider")
    assert any(NOTE in sent.values() for forms in page.forms.values() for sent in forms)


# Times.


def wrong_times() -> list[Any]:
    return [
        pytest.param(value, id=name)
        for name, value in {
            "none": "",
            "a word": "tomorrow",
            "past": "2026-12-04T15:00:00Z",
            "long past": "1970-01-01T00:00:00Z",
            "inside notice": "2026-12-07T18:00:00Z",
            "beyond the horizon": "2027-02-08T15:00:00Z",
            "off the grid": "2026-12-08T15:10:00Z",
            "off the grid by a second": "2026-12-08T15:00:01Z",
            "before opening": "2026-12-08T13:00:00Z",
            "lunch": "2026-12-08T17:00:00Z",
            "evening": "2026-12-08T23:00:00Z",
            "Sunday": "2026-12-13T15:00:00Z",
            "closure": "2026-12-25T15:00:00Z",
            "ends after closing": "2026-12-08T21:30:00Z",
            "naive": "2026-12-08T10:00:00",
            "a date": "2026-12-08",
            "without seconds or zone": "2026-12-08T10:00",
            "year 0000": "0000-01-01T00:00:00Z",
            "year 0001": "0001-01-01T00:00:00Z",
            "year 0001, east": "0001-01-01T00:00:00+14:00",
            "year 9999": "9999-12-31T23:59:00Z",
            "year 9999, last second": "9999-12-31T23:59:59Z",
            "year 9999, west": "9999-12-31T23:59:59-12:00",
            "year 10000": "10000-01-01T00:00:00Z",
            "second 60": "2026-12-08T15:00:60Z",
            "hour 24": "2026-12-08T24:00:00Z",
            "February 30": "2027-02-30T15:00:00Z",
            "fraction": "2026-12-08T15:00:00.5Z",
            "offset 99": "2026-12-08T15:00:00+99:99",
            "offset in seconds": "2026-12-08T15:00:00+00:00:01",
            "basic format": "20261208T150000Z",
            "week": "2026-W50-2T15:00:00Z",
            "a named zone": "2026-12-08T10:00:00[America/New_York]",
            "other digits": "２０２６-12-08T15:00:00Z",
            "Arabic digits": "٢٠٢٦-١٢-٠٨T15:00:00Z",
            "minus sign": "2026-12-08T15:00:00−05:00",
            "twenty digits": "12345678901234567890",
            "negative": "-1",
            "seconds since 1970": "1796742000",
            "a space": f"{TEN} ",
            "a line break": f"{TEN}\n",
            "NUL": f"{TEN}\0",
            "two": f"{TEN},{TEN}",
            "long": "2" * 50_000,
        }.items()
    ]


@pytest.mark.parametrize("starts", wrong_times())
def test_a_time_that_is_none_is_told_and_what_was_typed_is_still_there(
    host: Host, maya: FlaskClient, starts: str
) -> None:
    host.apply(practice() | {"closures": [{"first": "2026-12-25"}]})
    form = step_2(maya, provider="ada", note=NOTE, text_reminders="1", phone="+1 212 555 0187")
    page = refused(host, send(maya, form | {"starts": starts}), "starts")
    assert {"note": NOTE, "text_reminders": "1", "phone": "+1 212 555 0187"}.items() <= page.form.items()


@pytest.mark.parametrize("starts", ["0001-01-02T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"])
def test_the_ends_of_time_are_none_to_a_host_that_answers_for_busy_times(
    host: Host, maya: FlaskClient, starts: str
) -> None:
    form = step_2(maya, provider="ada")
    host.portal.busy_times(lambda key, since, until: [])
    refused(host, send(maya, form | {"starts": starts}), "starts")


def test_no_time_at_all_is_told(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    del form["starts"]
    assert "Choose a time." in refused(host, send(maya, form), "starts").words


def test_another_provider_s_time_is_none(host: Host, maya: FlaskClient) -> None:
    at_noon = "2026-12-08T17:00:00Z"
    ben = f"{BOOK}/time?type=visit&contact=phone&provider=ben"
    form = step_2(maya, ben, starts=at_noon)
    refused(host, send(maya, form | {"provider": "ada"}), "starts")
    assert ref_of(send(maya, form))


def test_another_duration_s_time_is_none(host: Host, maya: FlaskClient) -> None:
    call = step_2(maya, f"{BOOK}/time?type=call&contact=phone&date=2026-12-08")
    quarter_past = "2026-12-08T14:15:00Z"
    refused(host, send(maya, call | {"type": "visit", "starts": quarter_past}), "starts")
    assert ref_of(send(maya, call | {"starts": quarter_past}))


def test_a_time_whose_buffer_runs_into_the_next_appointment_is_taken(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya, provider="ada", note=NOTE)
    host.request("theo", provider="ada")
    before = stored(host)
    answer = send(maya, form | {"starts": "2026-12-08T14:30:00Z"})
    assert answer.status_code == 409
    assert read(answer).form["note"] == NOTE
    assert stored(host) == before


@pytest.mark.parametrize("offset", ["10:00:00-05:00", "15:00Z", "15:00:00+00:00", "16:00:00+01:00"])
def test_an_offset_is_as_good_as_another(host: Host, maya: FlaskClient, offset: str) -> None:
    assert ref_of(send(maya, step_2(maya, starts=f"2026-12-08T{offset}")))
    with host.app.app_context():
        [appointment] = host.portal.appointments()
    assert appointment.starts.isoformat() == "2026-12-08T15:00:00+00:00"


def open_in_the_night(host: Host, day: str) -> FlaskClient:
    """Ada works from 1 to 5 on the Sunday on which the clocks change; the browser is on the way there."""
    host.clock.now = datetime.fromisoformat(f"{day}T12:00:00+00:00") - timedelta(days=6)
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["1:00-5:00"]}]
    host.apply(data)
    return host.browser("maya")


@pytest.mark.parametrize("starts", ["2027-03-14T02:00:00", "2027-03-14T02:30:00", "2027-03-14 02:30"])
def test_a_time_in_a_gap_is_none(host: Host, starts: str) -> None:
    """On March 14 the clocks of New York go from 2:00 to 3:00. With an offset it is another hour's name."""
    maya = open_in_the_night(host, "2027-03-14")
    form = step_2(maya, f"{BOOK}/time?type=visit&contact=phone&provider=ada&date=2027-03-14", note=NOTE)
    page = refused(host, send(maya, form | {"starts": starts}), "starts")
    assert page.form["note"] == NOTE
    assert "2027-03-14T07:00:00Z" in page.times
    assert ref_of(send(maya, form | {"starts": "2027-03-14T02:00:00-05:00"}))
    with host.app.app_context():
        [asked] = host.portal.appointments()
    assert asked.starts.isoformat() == "2027-03-14T07:00:00+00:00"


def test_a_time_in_a_fold_is_two_with_an_offset_and_none_without(host: Host) -> None:
    maya = open_in_the_night(host, "2027-11-07")
    form = step_2(maya, f"{BOOK}/time?type=visit&contact=phone&provider=ada&date=2027-11-07", note=NOTE)
    page = refused(host, send(maya, form | {"starts": "2027-11-07T01:00:00"}), "starts")
    assert page.form["note"] == NOTE
    for offset in ("-04:00", "-05:00"):
        fresh = step_2(maya, f"{BOOK}/time?type=visit&contact=phone&provider=ada&date=2027-11-07")
        assert ref_of(send(maya, fresh | {"starts": f"2027-11-07T01:00:00{offset}"}))
    with host.app.app_context():
        asked = sorted(one.starts.isoformat() for one in host.portal.appointments())
    assert asked == ["2027-11-07T05:00:00+00:00", "2027-11-07T06:00:00+00:00"]


# Phones.


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "   ",
        "212",
        "555 0187",
        "+1 212 555 018",
        "+1 000 000 0000",
        "+999 123456789",
        "+1 900 555 1234",
        "+44 20 7946 0018",
        "not a number",
        "+1 212 555 0187, +1 212 555 0188",
        "+1 212 555 0187\r\nBcc: x",
        "1" * 20,
        "+" * 40,
        "9" * 10_000,
        "😀",
        "\0",
    ],
)
def test_text_reminders_need_a_number_that_texts_can_reach(host: Host, maya: FlaskClient, phone: str) -> None:
    page = refused(host, send(maya, step_2(maya, text_reminders="1", phone=phone, note=NOTE)), "phone")
    assert page.form["note"] == NOTE
    assert page.form["text_reminders"] == "1"
    assert page.form["starts"]
    field = next(tag for tag in page.named("input") if tag.get("id") == "portal-phone")
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] in page.ids


@pytest.mark.parametrize(
    "phone",
    ["(212) 555-0187", "+1 212 555 0187", "１２１２５５５０１８７", "＋１ ２１２ ５５５ ０１８７", " 2125550187 "],
)
def test_a_number_is_kept_in_one_way_however_it_is_written(host: Host, maya: FlaskClient, phone: str) -> None:
    ref = ref_of(send(maya, step_2(maya, text_reminders="1", phone=phone)))
    with host.app.app_context():
        appointment = host.portal.appointment(ref)
    assert appointment.client.phone == "+12125550187"
    assert appointment.text_reminders


def test_without_text_reminders_the_number_does_not_matter(host: Host, maya: FlaskClient) -> None:
    ref = ref_of(send(maya, step_2(maya, phone="nonsense")))
    with host.app.app_context():
        appointment = host.portal.appointment(ref)
    assert not appointment.text_reminders
    assert appointment.client.phone == "+1 212 555 0187"
    assert not stored(host)["consent"]


def test_a_browser_that_says_odd_things_of_itself_is_written_down_without_them(either_host: Host) -> None:
    browser = either_host.browser("maya")
    form = step_2(browser, text_reminders="1", phone="+1 212 555 0187")
    assert ref_of(send(browser, form, {"User-Agent": "Odd\0 \x1b[31mbrowser \xff"}))
    [agreement] = stored(either_host)["consent"]
    assert "Odd [31mbrowser ÿ" in agreement


# Notes.


@pytest.mark.parametrize("note", ["a\0b", "a\x1b[31mb", "a\x7fb", "a\x85b", "\x08", "x" * 1001, "\ufdd0" * 1001])
def test_a_note_that_cannot_be_stored_comes_back_with_why(host: Host, maya: FlaskClient, note: str) -> None:
    page = refused(host, send(maya, step_2(maya, note=note)), "note")
    assert page.form["starts"]
    assert page.form["note"] == note.replace("\0", "\ufffd") or page.form["note"] == note


@pytest.mark.parametrize(
    "note",
    [
        "O'Brien & Søn, “quoted”",
        "مرحبا، أحتاج موعدًا",
        "שלום, אני צריך תור",
        "👩\u200d👩\u200d👧 and می\u200cخواهم",
        "first line\nsecond line",
        "<script>alert(1)</script> {{ 7 * 7 }} {% raw %} %s %(x)s ${x} <b hx-get='/'>",
        "ﷺ" * 1000,
    ],
)
def test_a_note_in_any_language_is_kept_as_it_is_and_shown_as_text(host: Host, maya: FlaskClient, note: str) -> None:
    ref = ref_of(send(maya, step_2(maya, note=note)))
    with host.app.app_context():
        assert host.portal.appointment(ref).note == note
    for address in (at(ref), REVIEW):
        shown = host.browser("rosa").get(address)
        assert " ".join(note.split()) in read(shown).words
        only_text(shown)


@pytest.mark.parametrize(
    "unwelcome", ["\u202e", "\u202a", "\u2066", "\u2069", "\u2028", "\u2029"], ids=lambda char: f"U+{ord(char):04X}"
)
def test_direction_overrides_and_line_separators_never_reach_whoever_reads_the_note(
    host: Host, maya: FlaskClient, unwelcome: str
) -> None:
    answer = send(maya, step_2(maya, note=f"pay{unwelcome}lap"))
    assert answer.status_code in {303, 422}
    assert all(unwelcome not in str(row) for rows in stored(host).values() for row in rows)


def test_a_note_of_nothing_visible_is_no_note(host: Host, maya: FlaskClient) -> None:
    answer = send(maya, step_2(maya, note="\u200b\u200d\ufeff \u2060"))
    assert answer.status_code in {303, 422}
    with host.app.app_context():
        assert [appointment.note for appointment in host.portal.appointments()] in ([], [""])


# Fields nobody asked for.


def test_fields_that_are_not_the_form_s_change_nothing(host: Host, maya: FlaskClient) -> None:
    extra = {
        "status": "confirmed",
        "client_id": "theo",
        "client": "theo",
        "ref": "0" * 32,
        "version": "9",
        "zone": "Asia/Tokyo",
        "minutes": "5",
        "ends": "2026-12-08T15:05:00Z",
        "instant": "2027-01-01T00:00:00Z",
        "e164": "+19005551234",
        "state": "x",
        "meta": "x",
        "id": "1",
        "message": "PLANTED",
        "actor": "staff",
        "_method": "DELETE",
    }
    ref = ref_of(send(maya, step_2(maya, starts=TEN) | extra))
    with host.app.app_context():
        made = host.portal.appointment(ref)
    assert (made.status, made.client.id, made.zone, made.version) == ("requested", "maya", "America/New_York", 1)
    assert (made.ends - made.starts).total_seconds() == 3000
    assert "PLANTED" not in str(stored(host))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc", "A\0B", "x" * 9000, "localtime"])
def test_a_zone_sent_along_is_not_looked_at(host: Host, maya: FlaskClient, zone: str) -> None:
    assert maya.get(f"{STEP_2}&zone={quote(zone)}&tz={quote(zone)}").status_code == 200
    assert ref_of(send(maya, step_2(maya) | {"zone": zone, "tz": zone}))


def test_a_form_key_of_any_shape_makes_one_request_or_none(either_host: Host) -> None:
    browser = either_host.browser("maya")
    for key in ("x" * 41, "x" * 50_000, "é" * 40, "😀" * 40, "\u202e", "a\0b"):
        before = counted(either_host)[0]
        form = step_2(browser, key=key)
        answers = [send(browser, form).status_code for _ in range(2)]
        assert answers in ([303, 303], [422, 422])
        assert counted(either_host)[0] - before == (1 if answers[0] == 303 else 0)


# Everything at once.

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "'-alert(1)-'",
            "</textarea><b hx-get='/evil' data-hx-trigger='load'>x</b>",
            "{{ 7 * 7 }}{{ config }}",
            "{% include '/etc/passwd' %}",
            "%s%n%(x)s",
            "javascript:alert(1)",
            "\0",
            "\u202eabc\u202c",
            "\ud800",
            "a\r\nBcc: eve@evil.example",
            "12345678901234567890",
            "-1",
            "１２３",
            "' OR '1'='1",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:00Z",
            TEN,
            "visit",
            "ada",
            "1",
        ]
    ),
)
FIELDS = ("type", "contact", "provider", "location", "starts", "key", "date", "note", "phone", "text_reminders")


def encoded(fields: list[tuple[str, str]]) -> str:
    """As a form, a lone surrogate as its percent-encoded bytes."""
    return "&".join("=".join(quote_plus(text.encode("utf-8", "surrogatepass")) for text in pair) for pair in fields)


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(FIELDS), st.lists(HOSTILE, min_size=0, max_size=2), max_size=4),
    extra=st.lists(st.tuples(HOSTILE, HOSTILE), max_size=2),
    partial=st.booleans(),
)
@example(changes={"starts": ["9999-12-31T23:59:00Z"]}, extra=[], partial=False)
@example(changes={"starts": ["0001-01-01T00:00:00Z"]}, extra=[], partial=True)
def test_no_text_in_any_field_is_a_fault_or_becomes_markup(
    host: Host, maya: FlaskClient, changes: dict[str, list[str]], extra: list[tuple[str, str]], partial: bool
) -> None:
    form = step_2(maya)
    fields = [(name, value) for name in form for value in changes.get(name, [form[name]])]
    fields += [(name, value) for name in changes if name not in form for value in changes[name]]
    before = counted(host)[0]
    answer = maya.post(
        BOOK,
        data=encoded(fields + extra),
        content_type="application/x-www-form-urlencoded",
        headers=HTMX if partial else {},
    )
    assert answer.status_code in {303, 400, 404, 409, 413, 422}
    assert counted(host)[0] - before <= (1 if answer.status_code == 303 else 0)
    only_text(answer)
    query = encoded([(name, value) for name, value in fields + extra if name != "portal_token"])
    for address in (BOOK, f"{BOOK}/time"):
        looked = maya.get(f"{address}?{query}", headers=HTMX if partial else {})
        assert looked.status_code in {200, 422}
        only_text(looked)


def only_text(answer: TestResponse) -> None:
    page = read(answer)
    assert not page.named("img")
    assert not page.named("b")
    assert "alert(1)" not in "".join(page.scripts_and_styles)
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith(("on", "hx-"))]
        assert attrs.get("data-hx-trigger") != "load"
        assert not attrs.get("href", "").startswith("javascript:")


NAMES = (
    *(
        "<script>alert(1)</script>",
        "O'Brien",
        "{{ 7 * 7 }}",
        "\u202eevil",
        "a\r\nBcc: b",
        "\0",
        "\u200b",
        "\ud800",
        "😀",
    ),
    "x" * 5000,
)


def test_a_client_may_be_called_anything(either_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = either_host.browser("maya")
    for name in NAMES:
        monkeypatch.setitem(PEOPLE, "maya", Client("maya", name, "maya@example.org", name))
        ref = ref_of(send(browser, step_2(browser)))
        only_text(browser.get(f"/portal/appointments/{ref}/requested"))
        with either_host.app.app_context():
            kept = either_host.portal.appointment(ref).client.name
        assert not [c for c in kept if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c == "\u202e"]
        [mail] = either_host.deliver()
        assert escape(kept, quote=False).replace("\xa0", "&nbsp;") in mail.html
        assert kept in mail.text
