"""What HTMX adds: only the panel changes, the focus follows, nothing typed is lost, failures are said."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.browser.site import Site
from tests.browser.visitor import BOOK, STEP_2, TUESDAY, UPCOMING, WEDNESDAY, Visitor
from tests.support import TUESDAY_TEN

pytestmark = pytest.mark.browser

BROKEN = "That did not work. Please try again in a moment."


def test_the_whole_flow_loads_one_page_and_leaves_the_hosts_header_alone(maya: Visitor) -> None:
    maya.open(BOOK)
    maya.mark_document()
    maya.step_1("Therapy visit", "In person", "Main Street")
    maya.page.get_by_role("link", name="Later: January 2027").click()
    expect(maya.page.get_by_role("heading", name="January 2027")).to_be_visible()
    maya.page.get_by_role("link", name="Next available").click()
    expect(maya.page.get_by_role("heading", name="December 2026")).to_be_visible()
    maya.step_2("10:00 AM", day=WEDNESDAY)
    maya.heading("Request sent")
    assert maya.same_document()


def test_the_title_of_the_page_follows_the_step(maya: Visitor) -> None:
    maya.open(BOOK)
    before = maya.page.title()
    maya.step_1("Therapy visit", "Phone call")
    swapped = maya.page.title()
    maya.page.reload()
    assert swapped == maya.page.title() != before


def test_the_focus_goes_to_the_new_steps_heading(maya: Visitor) -> None:
    maya.open(BOOK)
    maya.step_1("Therapy visit", "Phone call")
    expect(maya.focused()).to_have_text("Choose a date and time")
    maya.step_2("10:00 AM")
    expect(maya.focused()).to_have_text("Request sent")


def test_the_new_steps_heading_is_in_view(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.step_2("4:00 PM")
    maya.heading("Request sent")
    expect(maya.page.get_by_role("heading", name="Request sent")).to_be_in_viewport()


def test_choosing_a_type_keeps_the_focus_on_it(maya: Visitor) -> None:
    maya.open(BOOK)
    choice = maya.page.get_by_role("radio", name="Therapy visit")
    choice.check()
    expect(maya.page.get_by_role("radio", name="Phone call")).to_be_visible()
    expect(choice).to_be_focused()


def test_choosing_a_day_moves_the_focus_to_its_times(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    expect(maya.focused()).to_have_text(WEDNESDAY)
    expect(maya.focused()).to_be_in_viewport()


def test_turning_the_month_keeps_the_focus_on_the_arrow(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.page.get_by_role("link", name="Later").click()
    expect(maya.page.get_by_role("heading", name="January 2027")).to_be_visible()
    expect(maya.focused()).to_have_attribute("id", "portal-next")


def test_a_refused_form_moves_the_focus_to_the_summary_whose_link_focuses_the_field(
    either_maya: Visitor, site: Site
) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(STEP_2)
    page.get_by_label("Yes, send me text reminders").check()
    page.get_by_label("Mobile number").fill("12")
    maya.expects = {422}
    maya.step_2("10:00 AM")
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("That is not a complete phone number.")
    if maya.javascript:
        expect(summary).to_be_focused()
    expect(page.get_by_role("radio", name="10:00 AM")).to_be_checked()
    expect(page.get_by_label("Mobile number")).to_have_value("12")
    expect(page.get_by_label("Mobile number")).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("link").click()
    expect(page.get_by_label("Mobile number")).to_be_in_viewport()
    if maya.javascript:
        expect(page.get_by_label("Mobile number")).to_be_focused()
    page.get_by_label("Mobile number").fill("(212) 555-0187")
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert site.count("consent") == 1


def test_a_refused_form_leaves_the_address_at_a_step_that_a_reload_can_show(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.page.get_by_label("Yes, send me text reminders").check()
    maya.page.get_by_label("Mobile number").fill("12")
    maya.expects = {422}
    maya.step_2("10:00 AM")
    expect(maya.page.get_by_role("alert")).to_be_visible()
    assert urlsplit(maya.page.url).path == f"{BOOK}/time"
    maya.page.reload()
    maya.heading("Choose a date and time")


def test_what_was_typed_survives_choosing_another_day_and_month(maya: Visitor) -> None:
    page = maya.page
    maya.open(STEP_2)
    labels = ("Anything the practice should know?", "Yes, send me text", "Mobile number")
    note, box, phone = (page.get_by_label(label) for label in labels)
    note.fill("The ramp, please.")
    box.check()
    phone.fill("+1 646 555 0100")
    page.get_by_role("link", name=WEDNESDAY).click()
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("heading", name="January 2027")).to_be_visible()
    page.get_by_role("link", name="Next available").click()
    expect(page.get_by_role("heading", name="December 2026")).to_be_visible()
    expect(note).to_have_value("The ramp, please.")
    expect(box).to_be_checked()
    expect(phone).to_have_value("+1 646 555 0100")


def test_the_summarys_link_to_a_taken_time_leads_to_the_fresh_ones(maya: Visitor, site: Site) -> None:
    maya.open(STEP_2)
    site.host.request("theo")
    maya.expects = {409}
    maya.step_2("10:00 AM")
    maya.page.get_by_role("alert").get_by_role("link").click()
    expect(maya.page.get_by_role("radio", name="9:00 AM")).to_be_focused()
    expect(maya.page.get_by_role("radio", name="9:00 AM")).to_be_in_viewport()


def test_a_form_that_was_open_for_more_than_a_day_comes_back_filled_in(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(f"{STEP_2}&date=2026-12-14")
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    page.get_by_role("radio", name="10:00 AM").check()
    site.host.clock.advance(timedelta(hours=25))
    maya.expects = {400}
    maya.button("Request Appointment").click()
    expect(page.get_by_role("alert")).to_contain_text("This page was open for too long")
    targets = page.get_by_role("alert").get_by_role("link").evaluate_all("links => links.map(link => link.hash)")
    assert [target for target in targets if not page.locator(target).count()] == []
    expect(page.get_by_role("radio", name="10:00 AM")).to_be_checked()
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert [a.note for a in site.appointments()] == ["The ramp, please."]


def test_what_was_put_right_after_a_refusal_survives_choosing_another_day(maya: Visitor) -> None:
    page = maya.page
    maya.open(STEP_2)
    page.get_by_label("Yes, send me text reminders").check()
    page.get_by_label("Mobile number").fill("12")
    maya.expects = {422}
    maya.step_2("10:00 AM")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Mobile number").fill("+1 646 555 0100")
    page.get_by_role("link", name=WEDNESDAY).click()
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    expect(page.get_by_label("Mobile number")).to_have_value("+1 646 555 0100")


def test_a_double_click_makes_one_request(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(STEP_2)
    page.get_by_role("radio", name="10:00 AM").check()
    maya.button("Request Appointment").dblclick()
    maya.heading("Request sent")
    for table in ("appointment", "claim", "history", "outbox"):
        assert site.count(table) == 1


def test_a_double_click_on_yes_cancels_once(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    asked = site.host.request("maya")
    maya.open(f"/portal/appointments/{asked.ref}/cancel")
    maya.button("Yes, cancel it").dblclick()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    assert site.count("history") == 2


def test_a_click_on_confirm_wins_over_a_choice_that_is_still_being_fetched(maya: Visitor) -> None:
    page = maya.page
    maya.open(BOOK)
    page.get_by_role("radio", name="Therapy visit").check()
    page.get_by_role("radio", name="In person").check()
    expect(page.get_by_role("radio", name="Main Street")).to_be_visible()
    maya.quiet()
    late: list[Route] = []
    page.route(re.compile("/book\\?"), lambda route: late.append(route))
    page.get_by_role("radio", name="Main Street").check()
    maya.button("Confirm Type").click()
    maya.heading("Choose a date and time")
    assert late
    for route in late:
        route.continue_()
    page.wait_for_timeout(300)
    maya.heading("Choose a date and time")


def test_the_session_ended_elsewhere_shows_the_sign_in_as_a_whole_page(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.context.clear_cookies()
    maya.expects = {401}
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    expect(maya.page.get_by_text("Please sign in")).to_be_visible()
    expect(maya.page.locator(".portal")).to_have_count(0)
    [back] = parse_qs(urlsplit(maya.page.url).query)["next"]
    maya.sign_in("maya")
    maya.open(back)
    maya.heading("Choose a date and time")


def test_the_session_ended_while_the_list_was_open_shows_the_sign_in_as_a_whole_page(maya: Visitor) -> None:
    maya.page.clock.install()
    maya.open(UPCOMING)
    maya.context.clear_cookies()
    maya.expects = {401}
    maya.page.clock.run_for(5_000)
    expect(maya.page.get_by_text("Please sign in")).to_be_visible()
    assert parse_qs(urlsplit(maya.page.url).query)["next"] == [UPCOMING]


def test_a_failing_server_is_said_visibly_and_nothing_is_lost(maya: Visitor, site: Site) -> None:
    page = maya.page
    maya.open(STEP_2)
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    page.route("**/appointments/book", lambda route: route.fulfill(status=500, body="<h1>Internal Server Error</h1>"))
    maya.expects = {500}
    maya.step_2("10:00 AM")
    expect(page.get_by_role("status")).to_have_text(BROKEN)
    expect(page.get_by_role("heading", name="Internal Server Error")).to_have_count(0)
    expect(page.get_by_role("radio", name="10:00 AM")).to_be_checked()
    expect(page.get_by_label("Anything the practice should know?")).to_have_value("The ramp, please.")
    page.unroute("**/appointments/book")
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert [a.note for a in site.appointments()] == ["The ramp, please."]


def test_a_host_that_does_not_answer_is_told_of_and_the_page_stays_as_it_was_filled_in(
    maya: Visitor, site: Site
) -> None:
    page, silent = maya.page, [True]

    @site.portal.veto_request
    def ask(proposal: object) -> None:
        if silent.pop():
            raise ConnectionError

    maya.open(STEP_2)
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    maya.expects = {503}
    maya.step_2("10:00 AM")
    expect(page.get_by_role("status")).to_contain_text("did not answer. Nothing was changed.")
    expect(page.get_by_role("radio", name="10:00 AM")).to_be_checked()
    expect(page.get_by_label("Anything the practice should know?")).to_have_value("The ramp, please.")
    silent.append(False)
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert [a.note for a in site.appointments()] == ["The ramp, please."]


def test_being_offline_is_said_visibly_and_nothing_is_lost(maya: Visitor, site: Site) -> None:
    page = maya.page
    maya.open(STEP_2)
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    with maya.cut_off():
        maya.step_2("10:00 AM")
        expect(page.get_by_role("status")).to_have_text("You seem to be offline. Nothing was sent.")
    expect(page.get_by_label("Anything the practice should know?")).to_have_value("The ramp, please.")
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert site.count("appointment") == 1


def test_a_failure_is_shown_to_eyes_too(maya: Visitor) -> None:
    maya.open(STEP_2)
    with maya.cut_off():
        maya.page.get_by_role("link", name=WEDNESDAY).click()
        expect(maya.page.get_by_role("status")).not_to_be_empty()
    box = maya.page.get_by_role("status").bounding_box()
    assert box is not None
    assert box["height"] >= 20
    expect(maya.page.get_by_role("status")).to_be_in_viewport()


def test_what_was_said_of_a_failure_goes_away_when_the_next_try_works(maya: Visitor) -> None:
    maya.open(STEP_2)
    with maya.cut_off():
        maya.page.get_by_role("link", name=WEDNESDAY).click()
        expect(maya.page.get_by_role("status")).not_to_be_empty()
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    expect(maya.page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    expect(maya.page.get_by_role("status")).to_have_text(f"{WEDNESDAY}: 12 times are free.")
    expect(maya.page.get_by_role("status")).to_have_class("portal-unseen")


def test_a_decision_is_announced_and_the_focus_stays_where_it_was(maya: Visitor, site: Site) -> None:
    asked = site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    cancel = maya.page.get_by_role("link", name=re.compile("^Cancel"))
    cancel.focus()
    site.decide("confirm", asked.ref)
    maya.page.clock.run_for(5_000)
    expect(maya.page.get_by_role("status")).to_have_text(f"{TUESDAY} at 10:00 AM: Confirmed.")
    expect(cancel).to_be_focused()


def test_a_list_that_cannot_be_fetched_stays_as_it_was_and_says_nothing(maya: Visitor, site: Site) -> None:
    site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    maya.page.route("**/upcoming", lambda route: route.fulfill(status=500, body="broken"))
    maya.expects = {500}
    with maya.page.expect_response("**/upcoming"):
        maya.page.clock.run_for(5_000)
    expect(maya.page.get_by_role("listitem").filter(has_text=TUESDAY)).to_contain_text("Requested")
    expect(maya.page.get_by_role("status")).to_be_empty()


def test_the_list_is_not_fetched_while_nobody_looks_at_it(maya: Visitor, site: Site) -> None:
    site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    asked: list[str] = []
    maya.page.on("request", lambda request: asked.append(request.url))
    maya.page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    maya.page.clock.run_for(20_000)
    assert asked == []
    maya.page.evaluate("delete document.hidden")
    with maya.page.expect_response("**/upcoming"):
        maya.page.clock.run_for(5_000)


def test_the_list_does_not_come_back_over_a_page_that_was_opened_meanwhile(maya: Visitor, site: Site) -> None:
    site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    late: list[Route] = []
    maya.page.route("**/upcoming", lambda route: late.append(route))
    maya.page.clock.run_for(5_000)
    maya.page.get_by_role("link", name=re.compile("^Cancel")).click()
    maya.heading("Cancel this appointment?")
    assert late
    for route in late:
        route.continue_()
    maya.page.clock.run_for(300)
    maya.page.wait_for_timeout(300)
    maya.heading("Cancel this appointment?")


def test_the_calendars_stay_open_while_the_list_follows_the_practice(maya: Visitor, site: Site) -> None:
    ref = site.host.request("maya").ref
    other = site.host.request("maya", TUESDAY_TEN + timedelta(days=1)).ref
    site.decide("confirm", ref)
    maya.open(UPCOMING)
    maya.page.locator("summary").click()
    expect(maya.page.get_by_role("link", name="Google Calendar")).to_be_visible()
    site.decide("decline", other)
    expect(maya.page.get_by_role("heading", name="Answered lately")).to_be_visible()
    expect(maya.page.get_by_role("link", name="Google Calendar")).to_be_visible()
