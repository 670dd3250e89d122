"""Every step has an address: reload keeps it, Back goes to the step before, and two tabs do not mix."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Site
from tests.browser.visitor import BOOK, STEP_2, TUESDAY, UPCOMING, WEDNESDAY, Visitor

pytestmark = pytest.mark.browser

REQUESTED = re.compile(r"/portal/appointments/[^/]+/requested$")


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_each_step_has_an_address_that_a_reload_keeps(either_maya: Visitor) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(BOOK)
    maya.step_1("Therapy visit", "In person", "Main Street")
    assert urlsplit(page.url).path == f"{BOOK}/time"
    assert query(page) | {"provider": [""]} == {
        "type": ["visit"],
        "contact": ["in-person"],
        "location": ["main"],
        "provider": [""],
    }
    page.get_by_role("link", name=WEDNESDAY).click()
    expect(page).to_have_url(re.compile("date=2026-12-09"))
    page.reload()
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    maya.step_2("11:00 AM")
    maya.heading("Request sent")
    expect(page).to_have_url(REQUESTED)
    page.reload()
    maya.heading("Request sent")
    expect(page.get_by_text(WEDNESDAY)).to_be_visible()


def test_step_1_keeps_in_its_address_what_was_chosen_so_far(either_maya: Visitor) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(BOOK)
    page.get_by_role("radio", name="Therapy visit").check()
    if not maya.javascript:
        maya.button("Continue").click()
    expect(page).to_have_url(re.compile("type=visit"))
    page.reload()
    expect(page.get_by_role("radio", name="Therapy visit")).to_be_checked()
    expect(page.get_by_role("radio", name="Phone call")).to_be_visible()


def test_back_goes_to_the_step_before_and_forward_returns(either_maya: Visitor) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(BOOK)
    maya.step_1("Therapy visit", "In person", "Main Street")
    maya.step_2("10:00 AM")
    maya.heading("Request sent")
    maya.mark_document()
    page.go_back()
    maya.heading("Choose a date and time")
    assert urlsplit(page.url).path == f"{BOOK}/time"
    page.go_back()
    maya.heading("Book an appointment")
    expect(page.get_by_role("radio", name="Therapy visit")).to_be_checked()
    expect(page.get_by_role("radio", name="Main Street")).to_be_checked()
    page.go_forward()
    maya.heading("Choose a date and time")
    page.go_forward()
    maya.heading("Request sent")


def test_back_with_javascript_loads_no_page_and_leaves_the_hosts_header_alone(maya: Visitor) -> None:
    maya.open(BOOK)
    maya.step_1("Therapy visit", "In person", "Main Street")
    maya.mark_document()
    maya.page.go_back()
    maya.heading("Book an appointment")
    assert maya.same_document()


def test_back_with_javascript_does_not_run_the_portals_script_twice(maya: Visitor) -> None:
    page = maya.page
    page.add_init_script(
        """
        window.listeners = 0;
        const add = document.addEventListener.bind(document);
        document.addEventListener = (name, ...rest) => {
          if (name === "htmx:after:swap") window.listeners += 1;
          add(name, ...rest);
        };
        """
    )
    maya.open(BOOK)
    assert page.evaluate("window.listeners") == 1
    maya.step_1("Therapy visit", "In person", "Main Street")
    for _ in range(2):
        page.go_back()
        maya.heading("Book an appointment")
        page.go_forward()
        maya.heading("Choose a date and time")
    assert page.evaluate("window.listeners") == 1


def test_after_back_the_page_still_works(maya: Visitor, site: Site) -> None:
    maya.open(BOOK)
    maya.step_1("Therapy visit", "In person", "Main Street")
    maya.page.go_back()
    maya.heading("Book an appointment")
    maya.page.get_by_role("radio", name="Phone call").check()
    maya.quiet()
    maya.button("Confirm Type").click()
    maya.heading("Choose a date and time")
    maya.step_2("10:00 AM")
    maya.heading("Request sent")
    assert [a.contact.key for a in site.appointments()] == ["phone"]


def test_the_list_follows_decisions_again_after_back(maya: Visitor, site: Site) -> None:
    asked = site.host.request("maya")
    maya.page.clock.install()
    maya.open(UPCOMING)
    maya.page.get_by_role("link", name=re.compile("^Cancel")).click()
    maya.heading("Cancel this appointment?")
    maya.page.go_back()
    maya.heading("Upcoming appointments")
    site.decide("confirm", asked.ref)
    maya.page.clock.run_for(5_000)
    expect(maya.page.get_by_role("listitem").filter(has_text=TUESDAY)).to_contain_text("Confirmed")


def test_after_back_the_time_that_was_just_asked_for_is_not_offered_again(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(f"{STEP_2}&provider=ada")
    maya.step_2("10:00 AM")
    maya.heading("Request sent")
    page.go_back()
    maya.heading("Choose a date and time")
    expect(page.get_by_role("radio", name="11:00 AM")).to_be_visible()
    expect(page.get_by_role("radio", name="10:00 AM")).to_have_count(0)
    assert site.count("appointment") == 1


def test_two_tabs_each_keep_their_own_choice(either_maya: Visitor, site: Site) -> None:
    maya, first = either_maya, either_maya.page
    maya.open(STEP_2)
    second = maya.page = maya.context.new_page()
    maya.open(f"{BOOK}/time?type=visit&contact=phone")
    maya.step_2("11:00 AM", day=WEDNESDAY)
    maya.heading("Request sent")
    maya.page = first
    maya.step_2("10:00 AM", day=TUESDAY)
    maya.heading("Request sent")
    expect(second.get_by_text(WEDNESDAY)).to_be_visible()
    expect(first.get_by_text(TUESDAY)).to_be_visible()
    assert [a.contact.key for a in site.appointments()] == ["in-person", "phone"]
