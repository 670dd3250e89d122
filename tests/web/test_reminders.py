"""The client's own page for text reminders: what was agreed and when, off and on, with and without JavaScript."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.practices import practice
from tests.support import PEOPLE, Host
from tests.web.pages import HTMX, UPCOMING, open_page, read, ref_of, send, step_2, stored
from tests.web.statements import statements

PAGE = "/portal/appointments/reminders"
OFF = f"{PAGE}/off"
PHONE = "+12125550187"


def agree(host: Host, who: str = "maya", phone: str = "(212) 555-0187") -> str:
    browser = host.browser(who)
    ref = ref_of(send(browser, step_2(browser, text_reminders="1", phone=phone)))
    with host.app.app_context():
        host.portal.confirm(ref)
    return ref


def waiting(host: Host) -> int:
    query = "SELECT COUNT(*) FROM portal_outbox WHERE channel = 'sms' AND sent IS NULL AND failed IS NULL"
    return int(host.state.db.execute_sql(query).fetchone()[0])


def ledger(host: Host) -> list[tuple[Any, ...]]:
    query = "SELECT kind, way, client_id, phone, page, unticked FROM portal_consent ORDER BY id"
    return [(*values, bool(unticked)) for *values, unticked in host.state.db.execute_sql(query)]


def recorded(host: Host) -> list[tuple[Any, ...]]:
    query = """SELECT actor_kind, actor, action, reason FROM portal_history
        WHERE action IN ('opt_in', 'opt_out') ORDER BY id"""
    return [tuple(row) for row in host.state.db.execute_sql(query)]


def form_of(browser: FlaskClient, action: str, **typed: str) -> dict[str, str]:
    return open_page(browser, PAGE).forms[action][0] | typed


def turn_off(browser: FlaskClient) -> None:
    answer = browser.post(OFF, data=form_of(browser, OFF))
    assert (answer.status_code, answer.location) == (303, PAGE)


def turn_on(browser: FlaskClient, **typed: str) -> None:
    answer = browser.post(PAGE, data=form_of(browser, PAGE, **{"text_reminders": "1"} | typed))
    assert (answer.status_code, answer.location) == (303, PAGE)


def test_the_list_leads_there_and_the_two_tabs_stay_two(maya: FlaskClient) -> None:
    assert PAGE in open_page(maya, UPCOMING).links
    page = open_page(maya, PAGE)
    tabs = [tag for tag in page.named("a") if tag.get("aria-current") == "page"]
    assert [tab["href"] for tab in tabs] == [UPCOMING]


def test_what_was_agreed_is_shown_with_the_number_s_last_digits_and_when(host: Host, maya: FlaskClient) -> None:
    agree(host)

    page = open_page(maya, PAGE)

    assert "Text reminders are on" in page.words
    assert "ending in 87" in page.words
    assert "555" not in page.words.replace("+1 212 555 0100", "")
    assert "Monday, December 7, 2026, 7:00 AM" in page.words
    assert "Yes, send me text reminders. Text reminders from Elm Row Practice: up to 2 SMS reminders" in page.words


def test_turned_off_what_waits_is_dropped_and_it_stands_in_ledger_and_history(either_host: Host) -> None:
    agree(either_host)
    maya = either_host.browser()
    assert waiting(either_host) > 0

    turn_off(maya)

    assert waiting(either_host) == 0
    assert ledger(either_host)[-1] == ("out", "page", "maya", PHONE, OFF, False)
    assert recorded(either_host)[-1] == ("client", "maya", "opt_out", "page")
    assert "Text reminders are off" in open_page(maya, PAGE).words


def test_turned_on_again_they_come_for_all_that_is_ahead(either_host: Host) -> None:
    agree(either_host)
    maya = either_host.browser()
    plain = ref_of(send(maya, step_2(maya)))
    with either_host.app.app_context():
        either_host.portal.confirm(plain)
    before = waiting(either_host)
    turn_off(maya)

    turn_on(maya, phone="(212) 555-0187")

    assert waiting(either_host) == 2 * before
    assert ledger(either_host)[-1] == ("in", "page", "maya", PHONE, PAGE, True)
    assert recorded(either_host)[-1] == ("client", "maya", "opt_in", "page")


def test_what_the_practice_confirms_later_is_reminded_of_too(either_host: Host) -> None:
    maya = either_host.browser()
    ref = ref_of(send(maya, step_2(maya)))
    turn_on(maya)
    assert waiting(either_host) == 0

    with either_host.app.app_context():
        either_host.portal.confirm(ref)

    assert waiting(either_host) > 0


def test_the_box_is_unticked_at_first_here_and_in_step_2_whatever_was_agreed(host: Host, maya: FlaskClient) -> None:
    def boxes(address: str) -> list[bool]:
        tags = open_page(maya, address).named("input")
        return ["checked" in tag for tag in tags if tag.get("type") == "checkbox"]

    step = "/portal/appointments/book/time?type=visit&contact=in-person&location=main"
    assert boxes(PAGE) == boxes(step) == [False]
    agree(host)
    assert boxes(step) == [False]
    turn_off(maya)
    assert boxes(PAGE) == [False]


def test_the_number_agreed_to_last_is_remembered(host: Host) -> None:
    agree(host, "theo", "+1 212 555 0199")

    assert open_page(host.browser("theo")).form["phone"] == "+12125550199"


def test_a_move_keeps_the_number_that_was_agreed_to(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = agree(host, "theo", "+1 212 555 0199")
    theo = host.browser("theo")
    address = f"/portal/appointments/{ref}/reschedule"
    page = open_page(theo, address)
    moved = ref_of(theo.post(address, data=page.form | {"starts": page.times[-1], "text_reminders": "", "phone": ""}))

    with host.app.app_context():
        appointment = host.portal.appointment(moved)
    assert (appointment.text_reminders, appointment.client.phone) == (True, "+12125550199")


def test_the_version_of_the_text_is_kept_and_is_another_for_other_words(host: Host, maya: FlaskClient) -> None:
    agree(host)
    host.apply(practice(reminder_programme="Up to 2 SMS per appointment. Rates may apply. STOP ends them."))
    agree(host)
    host.apply(practice())
    agree(host)

    rows = host.state.db.execute_sql("SELECT version, text FROM portal_consent ORDER BY id").fetchall()
    (first, text), (second, other), (third, again) = rows
    assert (first, text) == (third, again)
    assert first != second
    assert text != other
    assert len(first) == 12


# Forms.


def test_an_unticked_box_or_a_number_of_no_use_is_named_and_what_was_typed_stays(host: Host, maya: FlaskClient) -> None:
    blank = form_of(maya, PAGE, phone="12")
    before = stored(host)
    answer = maya.post(PAGE, data=blank)
    assert answer.status_code == 422
    assert read(answer).summary_links == ["#portal-text_reminders"]

    for phone in ("", "12", "+1 900 555 0100", "+1 212 555 0187, +1 212 555 0188", "x" * 5_000, "٣" * 7):
        answer = maya.post(PAGE, data=blank | {"text_reminders": "1", "phone": phone})
        page = read(answer)
        assert answer.status_code == 422, phone
        assert page.summary_links == ["#portal-phone"]
        assert page.forms[PAGE][0]["text_reminders"] == "1"
        assert page.forms[PAGE][0]["phone"] == phone
    assert stored(host) == before


def test_full_width_digits_are_digits(host: Host, maya: FlaskClient) -> None:
    turn_on(maya, phone="２１２ ５５５ ０１８７")

    assert ledger(host)[-1][3] == PHONE


@pytest.mark.parametrize("address", [PAGE, OFF])
def test_a_form_without_our_token_does_nothing(host: Host, maya: FlaskClient, address: str) -> None:
    agree(host)
    before = stored(host)

    for token in ("", "x", "1.2"):
        answer = maya.post(address, data={"text_reminders": "1", "phone": PHONE, "portal_token": token})
        assert answer.status_code == 400
    theirs = form_of(host.browser("theo"), PAGE)["portal_token"]
    assert maya.post(address, data={"text_reminders": "1", "phone": PHONE, "portal_token": theirs}).status_code == 400
    assert stored(host) == before


def test_twice_off_and_twice_on_are_once(host: Host, maya: FlaskClient) -> None:
    agree(host)
    off = form_of(maya, OFF)
    for _ in range(2):
        assert maya.post(OFF, data=off).status_code == 303
    on = form_of(maya, PAGE, text_reminders="1")
    for _ in range(2):
        assert maya.post(PAGE, data=on).status_code == 303

    assert [kind for kind, *_ in ledger(host)] == ["in", "out", "in"]


def test_nobody_turns_off_another_s(host: Host, maya: FlaskClient) -> None:
    agree(host, "theo", "+1 212 555 0199")

    maya.post(
        OFF, data={"portal_token": form_of(maya, PAGE)["portal_token"], "phone": "+12125550199", "client": "theo"}
    )

    assert [kind for kind, *_ in ledger(host)] == ["in"]
    assert "555 0199" not in open_page(maya, PAGE).words


def test_htmx_gets_the_panel_alone_and_a_visitor_is_sent_to_sign_in(host: Host, maya: FlaskClient) -> None:
    panel = maya.get(PAGE, headers=HTMX).text
    assert panel.lstrip().startswith("<section")
    assert host.browser(None).get(PAGE).status_code == 302
    assert host.browser(None).post(OFF).status_code == 401


def test_looking_changes_nothing(host: Host, maya: FlaskClient) -> None:
    agree(host)
    before = stored(host)
    maya.get(PAGE)
    maya.head(PAGE)
    assert maya.get(OFF).status_code == 405
    assert stored(host) == before


def test_a_practice_without_reminders_says_so(host: Host, maya: FlaskClient) -> None:
    host.apply(practice(reminders=[]))

    assert PAGE not in open_page(maya, UPCOMING).links
    assert "sends no text reminders" in open_page(maya, PAGE).words


def test_the_page_costs_few_statements(host: Host, maya: FlaskClient) -> None:
    agree(host)
    maya.get(PAGE)
    with statements() as seen:
        maya.get(PAGE)
    assert len(seen) <= 6, seen


def test_who_never_agreed_finds_the_number_that_the_site_knows(maya: FlaskClient) -> None:
    assert form_of(maya, PAGE)["phone"] == PEOPLE["maya"].phone
