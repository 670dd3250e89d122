"""A session that ends while somebody fills in a form loses nothing: they sign in elsewhere, come back and go on."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.site import Site
from tests.browser.visitor import STEP_2, UPCOMING, WEDNESDAY, Visitor
from tests.practices import practice
from tests.web.visiting import open_practice

pytestmark = pytest.mark.browser

NOTE = "The ramp, please.\nI come with a wheelchair."
STORED = """
() => JSON.stringify([document.cookie, location.href, { ...localStorage }, { ...sessionStorage }, history.state])
"""


def sign_in_in_a_new_tab(maya: Visitor) -> None:
    """Follow the link that is offered; the page with the form stays open."""
    link = maya.page.get_by_role("link", name="Sign in (opens in a new tab)")
    expect(link).to_be_visible()
    if maya.javascript:
        expect(link).to_be_focused()
    with maya.context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_text("Please sign in")).to_be_visible()
    opened.value.close()
    maya.sign_in("maya")


def fill_in(maya: Visitor) -> None:
    maya.open(STEP_2)
    maya.page.get_by_label("Anything the practice should know?").fill(NOTE)
    maya.page.get_by_label("Yes, send me text reminders").check()
    maya.context.clear_cookies()
    maya.expects = {401}


def test_a_request_is_sent_after_signing_in_again_with_all_that_was_typed(either_maya: Visitor, site: Site) -> None:
    maya = either_maya
    fill_in(maya)
    maya.step_2("10:00 AM")
    expect(maya.page.get_by_text(re.compile("^You are signed out")).first).to_be_visible()
    assert site.count("appointment") == 0
    if maya.javascript:
        expect(maya.page.get_by_role("radio", name="10:00 AM")).to_be_checked()
        assert "ramp" not in maya.page.evaluate(STORED)
    assert "ramp" not in maya.page.url
    sign_in_in_a_new_tab(maya)
    maya.button("Request Appointment" if maya.javascript else "Send it again").click()
    maya.heading("Request sent")
    [asked] = site.appointments()
    assert (asked.note, asked.text_reminders) == (NOTE, True)


def test_sending_again_before_signing_in_still_loses_nothing(either_maya: Visitor, site: Site) -> None:
    maya = either_maya
    fill_in(maya)
    maya.step_2("10:00 AM")
    for _ in range(2):
        expect(maya.page.get_by_role("link", name="Sign in (opens in a new tab)")).to_be_visible()
        maya.button("Request Appointment" if maya.javascript else "Send it again").click()
    sign_in_in_a_new_tab(maya)
    maya.button("Request Appointment" if maya.javascript else "Send it again").click()
    maya.heading("Request sent")
    assert [asked.note for asked in site.appointments()] == [NOTE]


def test_another_day_is_chosen_after_signing_in_again_and_the_note_is_still_there(maya: Visitor) -> None:
    fill_in(maya)
    day = maya.page.get_by_role("link", name=WEDNESDAY)
    day.click()
    sign_in_in_a_new_tab(maya)
    day.click()
    expect(maya.page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    expect(maya.page.get_by_role("status")).to_have_text(f"{WEDNESDAY}: 12 times are free.")
    expect(maya.page.get_by_label("Anything the practice should know?")).to_have_value(NOTE)
    expect(maya.page.get_by_label("Yes, send me text reminders")).to_be_checked()


def test_choosing_a_time_that_would_be_kept_says_so_and_leaves_the_page_as_it_is(maya: Visitor, site: Site) -> None:
    site.host.apply(practice(hold_minutes=10))
    fill_in(maya)
    maya.page.get_by_role("radio", name="10:00 AM").check()
    sign_in_in_a_new_tab(maya)
    maya.page.get_by_role("radio", name="11:00 AM").check()
    expect(maya.page.get_by_role("status")).to_contain_text("Kept for you until")
    maya.button("Request Appointment").click()
    maya.heading("Request sent")


def test_an_appointment_is_cancelled_after_signing_in_again_with_the_reason_given(
    either_maya: Visitor, site: Site
) -> None:
    maya = either_maya
    asked = site.host.request("maya")
    maya.open(f"/portal/appointments/{asked.ref}/cancel")
    maya.page.get_by_label("Reason").fill("I moved away.")
    maya.context.clear_cookies()
    maya.expects = {401}
    maya.button("Yes, cancel it").click()
    sign_in_in_a_new_tab(maya)
    maya.button("Yes, cancel it" if maya.javascript else "Send it again").click()
    expect(maya.page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    [cancelled] = site.appointments()
    assert (cancelled.status, cancelled.reason) == ("cancelled", "I moved away.")
    expect(maya.page).to_have_url(maya.address + UPCOMING)


def test_where_visitors_may_book_too_a_session_that_ended_takes_no_note_away(maya: Visitor, site: Site) -> None:
    site.host.apply(open_practice())
    fill_in(maya)
    maya.page.get_by_role("link", name=WEDNESDAY).click()
    note = maya.page.get_by_label("Anything the practice should know?")
    expect(maya.page.get_by_text(re.compile("^You are signed out")).first).to_be_visible()
    expect(note).to_have_value(NOTE)
    sign_in_in_a_new_tab(maya)
    maya.step_2("11:00 AM", day=WEDNESDAY)
    maya.heading("Request sent")
    [asked] = site.appointments()
    assert (asked.note, asked.starts.day) == (NOTE, 9)
