"""A client elsewhere is offered their own clock, with and without JavaScript, and finds it again next time."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.visitor import BOOK, TUESDAY, UPCOMING, Visitor

pytestmark = pytest.mark.browser

BY_PHONE = f"{BOOK}/time?type=visit&contact=phone"


def test_the_browsers_own_clock_is_offered_in_step_2_and_kept(visit: Visit, site: Site) -> None:
    maya = visit("maya", timezone_id="America/Los_Angeles")
    maya.open(BOOK)
    maya.mark_document()
    maya.step_1("Therapy visit", "Phone call")
    expect(maya.page.get_by_role("radio", name="9:00 AM")).to_be_visible()
    maya.page.get_by_label("Anything the practice should know").fill("A word")
    maya.button("Your time Pacific Standard Time").click()

    expect(maya.focused()).to_have_text(TUESDAY)
    expect(maya.button("Your time Pacific Time (Los Angeles)")).to_have_attribute("aria-pressed", "true")
    expect(maya.page.get_by_label("Anything the practice should know")).to_have_value("A word")
    maya.step_2("6:00 AM 9:00 AM at the practice")
    maya.heading("Request sent")
    assert maya.same_document()
    expect(maya.page.get_by_text("6:00 AM – 6:50 AM for you, Pacific Time (Los Angeles)")).to_be_visible()
    [asked] = site.appointments()
    assert (f"{asked.starts:%H:%M}", asked.client.zone) == ("14:00", "America/Los_Angeles")

    maya.open(UPCOMING)
    expect(maya.page.get_by_text("for you, Pacific Time (Los Angeles)")).to_be_visible()
    maya.open(BY_PHONE)
    maya.button("Practice's time").click()
    expect(maya.page.get_by_role("radio", name="10:30 AM", exact=True)).to_be_visible()


def test_a_clock_that_shows_the_same_is_not_offered(visit: Visit) -> None:
    maya = visit("maya", timezone_id="America/Toronto")
    maya.open(BY_PHONE)
    expect(maya.page.get_by_role("button", name="Practice's time")).to_be_visible()
    expect(maya.page.get_by_role("button", name="Your time")).to_be_hidden()


def test_who_comes_to_the_practice_sees_its_clock_alone(visit: Visit) -> None:
    maya = visit("maya", timezone_id="America/Los_Angeles")
    maya.open(f"{BOOK}/time?type=visit&contact=in-person&location=main")
    expect(maya.page.get_by_text("Eastern Time (New York)")).to_be_visible()
    expect(maya.page.get_by_role("button", name="time")).to_have_count(0)


def test_a_zone_is_chosen_from_a_list(either_maya: Visitor) -> None:
    maya = either_maya
    maya.open(BY_PHONE)
    maya.page.get_by_text("Another time zone").click()
    maya.page.get_by_label("Show times in").select_option(label="Japan Time (Tokyo)")
    maya.button("Show").and_(maya.page.locator(".portal-button")).click()
    expect(maya.page.get_by_role("heading", name="Morning, Wednesday, December 9, 2026")).to_be_visible()
    maya.page.get_by_role("radio", name="12:00 AM Wed, Dec 9 10:00 AM at the practice").check()
    maya.button("Request Appointment").click()
    expect(
        maya.page.get_by_text("Wednesday, December 9, 2026, 12:00 AM – 12:50 AM for you, Japan Time (Tokyo)")
    ).to_be_visible()
