"""A slow network is shown and nothing moves, a second press is harmless, and without a network nothing is lost."""

import re
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.visitor import BOOK, STEP_2, TUESDAY, UPCOMING, WEDNESDAY, Visitor
from tests.practices import practice

pytestmark = pytest.mark.browser

NEW_YORK = ZoneInfo("America/New_York")
THURSDAY = "Thursday, December 10, 2026"
PLACES = "() => [...document.querySelectorAll('.portal *')].map((each) => JSON.stringify(each.getBoundingClientRect()))"


def slow(maya: Visitor, milliseconds: int) -> None:
    """Answers begin this late from now on."""
    wire = maya.context.new_cdp_session(maya.page)
    wire.send("Network.enable")
    speed = {"downloadThroughput": -1, "uploadThroughput": -1}
    wire.send("Network.emulateNetworkConditions", {"offline": False, "latency": milliseconds} | speed)


def waiting(maya: Visitor) -> Locator:
    return maya.page.locator(".portal-waiting")


def test_a_slow_answer_is_shown_and_said_and_nothing_moves_meanwhile(maya: Visitor) -> None:
    maya.open(STEP_2)
    day = maya.page.get_by_role("link", name=WEDNESDAY)
    day.focus()
    before = maya.page.evaluate(PLACES)
    slow(maya, 2000)
    day.press("Enter")
    expect(maya.page.locator("#portal-panel")).to_have_attribute("aria-busy", "true")
    expect(waiting(maya)).to_be_visible()
    expect(maya.page.get_by_role("status")).to_have_text("One moment, please.")
    assert maya.page.evaluate(PLACES) == before
    expect(maya.page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    expect(waiting(maya)).to_have_count(0)
    expect(maya.page.locator("[aria-busy]")).to_have_count(0)
    expect(maya.page.get_by_role("status")).to_have_text(f"{WEDNESDAY}: 12 times are free.")


def test_a_fast_answer_shows_and_says_nothing_of_waiting(maya: Visitor) -> None:
    maya.open(STEP_2)
    late: list[Route] = []
    maya.page.route("**/book/time**", lambda route: late.append(route))
    # Stopped, or the machine's own slowness would count.
    maya.page.clock.install(time="2026-12-07T12:00:00Z")
    maya.page.clock.pause_at("2026-12-07T12:00:01Z")
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    maya.page.clock.run_for(250)
    expect(waiting(maya)).to_have_count(0)
    expect(maya.page.get_by_role("status")).to_be_empty()
    maya.page.clock.run_for(100)
    expect(waiting(maya)).to_have_count(1)
    for route in late:
        route.continue_()
    expect(waiting(maya)).to_have_count(0)


def test_a_list_that_asks_for_itself_does_not_look_busy(maya: Visitor, site: Site) -> None:
    site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    maya.page.route("**/upcoming", lambda route: None)
    with maya.page.expect_request("**/upcoming"):
        maya.page.clock.run_for(5_000)
    maya.page.clock.run_for(1_000)
    expect(maya.page.locator("[aria-busy], .portal-waiting")).to_have_count(0)


def test_the_bar_of_a_slow_answer_stands_still_for_who_wants_no_motion(visit: Visit) -> None:
    for motion, name in (("no-preference", "portal-running"), ("reduce", "none")):
        maya = visit(reduced_motion=motion)
        maya.open(STEP_2)
        slow(maya, 2000)
        maya.page.get_by_role("link", name=WEDNESDAY).click()
        expect(waiting(maya)).to_be_visible()
        bar = "getComputedStyle(document.querySelector('.portal'), '::after').animationName"
        assert maya.page.evaluate(bar) == name
        expect(waiting(maya)).to_have_count(0)


def test_pressing_again_and_again_on_a_slow_network_sends_one_request(maya: Visitor, site: Site) -> None:
    maya.open(STEP_2)
    sent: list[str] = []
    maya.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    slow(maya, 1500)
    maya.page.get_by_role("radio", name="10:00 AM").check()
    button = maya.button("Request Appointment")
    button.dblclick()
    button.press("Enter")
    expect(button).to_be_focused()
    maya.heading("Request sent")
    maya.quiet()
    assert len(sent) == 1
    assert site.count("appointment") == 1


def test_a_form_whose_answer_was_lost_can_be_sent_again_and_counts_once(maya: Visitor, site: Site) -> None:
    maya.open(STEP_2)
    maya.page.get_by_label("Anything the practice should know?").fill("The ramp, please.")

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("internetdisconnected")

    maya.page.route("**/appointments/book", lose)
    maya.offline = True
    maya.step_2("10:00 AM")
    expect(maya.page.get_by_role("status")).to_have_text("No answer came. Check your connection, and try again.")
    assert site.count("appointment") == 1
    maya.page.unroute("**/appointments/book")
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert [asked.note for asked in site.appointments()] == ["The ramp, please."]


def test_going_offline_is_said_at_once_and_taken_back_when_the_network_returns(maya: Visitor) -> None:
    maya.open(STEP_2)
    note = maya.page.get_by_label("Anything the practice should know?")
    note.fill("The ramp, please.")
    status = maya.page.get_by_role("status")
    with maya.cut_off():
        expect(status).to_have_text("You seem to be offline. What you filled in stays here.")
        expect(status).to_have_class("portal-alert")
    expect(status).to_be_empty()
    expect(note).to_have_value("The ramp, please.")


def test_back_works_while_an_answer_is_still_on_its_way(maya: Visitor) -> None:
    maya.open("/portal/appointments/book")
    maya.step_1("Therapy visit", "In person", "Main Street")
    late: list[Route] = []
    maya.page.route("**/book/time**", lambda route: late.append(route))
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    expect(waiting(maya)).to_be_visible()
    maya.page.go_back()
    maya.heading("Book an appointment")
    expect(maya.page.get_by_role("radio", name="Main Street")).to_be_checked()


def test_the_last_of_two_days_that_were_tapped_is_shown_though_the_first_is_answered_first(maya: Visitor) -> None:
    maya.open(STEP_2)
    let_go = maya.held_back("**/book/time**")
    for day in (WEDNESDAY, THURSDAY):
        maya.page.get_by_role("link", name=day).click()
    let_go()
    let_go()
    expect(maya.page.get_by_role("group", name=THURSDAY)).to_be_visible()
    expect(maya.page).to_have_url(re.compile("date=2026-12-10"))
    expect(maya.page.locator("[aria-busy], .portal-waiting")).to_have_count(0)
    maya.page.go_back()
    let_go()
    expect(maya.page.get_by_role("group", name=TUESDAY)).to_be_visible()


def test_what_was_tapped_while_back_was_on_its_way_is_where_it_leads(maya: Visitor) -> None:
    maya.open(BOOK)
    maya.step_1("Therapy visit", "In person", "Main Street")
    let_go = maya.held_back("**/appointments/**")
    maya.page.go_back()
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    let_go()
    let_go()
    expect(maya.page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    expect(maya.page).to_have_url(re.compile("date=2026-12-09"))


def test_of_choices_that_are_changed_in_haste_the_last_counts(maya: Visitor) -> None:
    maya.open(BOOK)
    let_go = maya.held_back("**/appointments/book?**")
    maya.page.get_by_role("radio", name="Therapy visit").check()
    for name in ("Quick call", "Therapy visit"):
        with maya.page.expect_event("requestfailed"):
            maya.page.get_by_role("radio", name=name).check()
    let_go()
    maya.quiet()
    expect(maya.page).to_have_url(re.compile("type=visit"))
    expect(maya.page.get_by_role("radio", name="Therapy visit")).to_be_checked()
    expect(maya.page.get_by_role("radio", name="Phone call")).to_be_visible()


def test_of_times_that_are_chosen_in_haste_the_last_is_kept(maya: Visitor, site: Site) -> None:
    site.host.apply(practice(hold_minutes=10))
    maya.open(STEP_2)
    let_go = maya.held_back("**/book/hold")
    for time in ("10:00 AM", "11:00 AM", "1:00 PM"):
        maya.page.get_by_role("radio", name=time).check()
    let_go()
    let_go()
    expect(maya.page.get_by_role("status")).to_contain_text("Kept for you until")
    tuesday = date(2026, 12, 8)
    with site.host.app.app_context():
        free = site.portal.find_slots(type="visit", contact="in-person", location="main", since=tuesday, until=tuesday)
        hours = {slot.starts.astimezone(NEW_YORK).hour for slot in free}
    assert hours == {9, 10, 11, 14, 15, 16}
