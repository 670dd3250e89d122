"""Whoever has to wait reads for how long and whom to call, and goes on later with all that was typed."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.site import Site
from tests.browser.visitor import STEP_2, Visitor

pytestmark = pytest.mark.browser

NOTE = "The ramp, please."


def test_a_request_beyond_the_limit_is_sent_an_hour_later_with_one_press(either_maya: Visitor, site: Site) -> None:
    maya = either_maya
    site.host.limit(client_forms="1/hour")
    site.host.request("theo")
    maya.expects = {429}
    maya.open("/portal/appointments/calendar")
    maya.button("Make an address").click()
    expect(maya.button("Make a new address")).to_be_visible()

    maya.open(STEP_2)
    maya.page.get_by_label("Anything the practice should know?").fill(NOTE)
    maya.step_2("11:00 AM")
    told = maya.page.get_by_role("alert")
    expect(told.get_by_role("heading", name="Please wait a little")).to_be_visible()
    expect(told).to_contain_text("Please try again in 60 minutes, or call Elm Row Practice at +1 212 555 0100.")
    if maya.javascript:
        expect(told).to_be_focused()
    expect(maya.page.get_by_label("Anything the practice should know?")).to_have_value(NOTE)
    expect(maya.page.get_by_role("radio", name="11:00 AM")).to_be_checked()
    assert len(site.appointments()) == 1

    site.host.clock.advance(timedelta(hours=1))
    maya.button("Request Appointment").click()
    maya.heading("Request sent")
    assert {one.note for one in site.appointments()} == {NOTE, ""}
