"""No time fits: what else there is, and a time that comes free while Maya looks on, with JavaScript and without."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser.site import Site
from tests.browser.visitor import STEP_2, TUESDAY, UPCOMING, WEDNESDAY, Visitor
from tests.services.line import WITH_WAITLIST, fill
from tests.support import TUESDAY_TEN

pytestmark = pytest.mark.browser


def test_a_full_day_leads_to_the_waitlist_and_a_cancellation_to_an_offer(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    site.host.apply(WITH_WAITLIST)
    booked = fill(site.host, date(2026, 12, 8))
    maya.open(f"{STEP_2}&date=2026-12-08")
    expect(page.get_by_text("No time is free on this day.")).to_be_visible()
    page.get_by_role("link", name=re.compile(f"^{WEDNESDAY}.*9:00 AM")).click()
    expect(page.get_by_role("radio", name="9:00 AM")).to_be_visible()

    page.go_back()
    expect(page.get_by_text("No time is free on this day.")).to_be_visible()
    page.get_by_role("link", name="Join the waitlist").click()
    maya.heading("Join the waitlist")
    page.get_by_label("Morning").check()
    maya.button("Join the waitlist").click()
    maya.heading("Upcoming appointments")
    expect(page.get_by_role("link", name="Upcoming Appointments", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("listitem").filter(has_text="Leave the waitlist")).to_contain_text(TUESDAY)

    [gone] = [one for one in booked if one.starts == TUESDAY_TEN]
    site.decide("cancel", gone.ref)
    site.host.deliver()
    if not maya.javascript:
        page.reload()
    expect(page.get_by_text("You waited for this time, and it has come free.")).to_be_visible(timeout=10_000)
    maya.button("Accept").click()
    expect(page.get_by_role("listitem").filter(has_text="Confirmed")).to_contain_text("10:00 AM – 10:50 AM")
    expect(page.get_by_text("On the waitlist")).to_have_count(0)


def test_whoever_waits_no_longer_leaves(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    site.host.apply(WITH_WAITLIST)
    fill(site.host, date(2026, 12, 8))
    maya.open("/portal/appointments/waitlist?type=visit&contact=in-person&location=main&date=2026-12-08")
    maya.button("Join the waitlist").click()
    maya.button("Leave the waitlist").click()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    expect(page.get_by_text("On the waitlist")).to_have_count(0)
    expect(page).to_have_url(maya.address + UPCOMING)
