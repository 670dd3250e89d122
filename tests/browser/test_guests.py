"""A visitor without an account books by mail, with JavaScript and without, and a client far away reads two clocks."""

import re

import pytest
from playwright.sync_api import expect

from portal_plugin.testing import Mail
from tests.browser.conftest import Visit
from tests.browser.panels import introduce
from tests.browser.site import Site
from tests.browser.visitor import BOOK, TUESDAY, UPCOMING, WEDNESDAY, Visitor
from tests.web.visiting import guest_page_in, link_in, open_practice

pytestmark = pytest.mark.browser


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def either_nina(request: pytest.FixtureRequest, visit: Visit, site: Site) -> Visitor:
    """Nina, who has no account, at a practice that takes new clients."""
    site.host.apply(open_practice())
    return visit(who=None, javascript=request.param)


def test_a_visitor_books_by_mail_and_moves_and_cancels_by_the_mailed_link(either_nina: Visitor, site: Site) -> None:
    nina, page = either_nina, either_nina.page
    nina.open(BOOK)
    expect(page.get_by_text("Already a client?")).to_be_visible()
    nina.step_1("Therapy visit", "In person", "Main Street")
    page.get_by_role("radio", name="10:00 AM").check()
    nina.button("Continue").click()
    nina.heading("About you")
    nina.expects.add(422)
    nina.button("Mail me the link").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your name.")
    introduce(nina)
    nina.heading("Look into your mailbox")
    assert site.appointments() == []

    [asking] = site.host.deliver()
    nina.open(link_in(asking))
    nina.heading("Send your request")
    expect(page.get_by_text(TUESDAY)).to_be_visible()
    assert site.appointments() == []
    nina.button("Request Appointment").click()
    nina.heading("Request sent")
    [received] = site.host.deliver()
    [asked] = site.appointments()
    assert (asked.status, asked.client.email) == ("requested", "nina@example.org")

    site.decide("confirm", asked.ref)
    nina.open(guest_page_in(received))
    card = page.get_by_role("listitem").filter(has_text=TUESDAY)
    expect(card).to_contain_text("Confirmed")
    card.get_by_role("link", name=re.compile("^Reschedule")).click()
    nina.heading("Choose a new time")
    page.get_by_role("link", name=WEDNESDAY).click()
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    page.get_by_role("radio", name="11:00 AM").check()
    nina.button("Request New Time").click()
    nina.heading("Request sent")
    moved = next(one for one in site.appointments() if one.replaces == asked.ref)
    site.decide("confirm", moved.ref)

    confirmed = site.host.deliver()[-1]
    nina.open(guest_page_in(confirmed))
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    nina.heading("Cancel this appointment?")
    nina.button("Yes, cancel it").click()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    assert [one.status for one in site.appointments()] == ["cancelled", "cancelled"]


def test_what_was_typed_wrong_is_corrected_before_the_mail_is_opened(either_nina: Visitor, site: Site) -> None:
    nina, page = either_nina, either_nina.page
    nina.open(f"{BOOK}/you?type=visit&contact=in-person&location=main&starts=2026-12-08T15:00:00Z")
    introduce(nina)
    nina.button("Correct what I typed").click()
    nina.heading("About you")
    expect(page.get_by_label("What brings you here?")).not_to_be_empty()
    page.get_by_label("E-mail address").fill("nina.okeke@example.org")
    nina.button("Mail me the link").click()
    expect(page.get_by_text("We sent a link to nina.okeke@example.org.")).to_be_visible()
    assert [mail.to for mail in site.host.deliver()][-1] == ["nina.okeke@example.org"]


def test_a_client_far_away_chooses_their_own_clock_and_reads_both_times_in_list_and_mail(
    either_maya: Visitor, site: Site
) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(f"{BOOK}/time?type=visit&contact=phone")
    page.get_by_text("Another time zone").click()
    page.get_by_label("Show times in").select_option(label="Japan Time (Tokyo)")
    maya.button("Show").and_(page.locator(".portal-button")).click()
    maya.step_2("12:00 AM Wed, Dec 9 10:00 AM at the practice")
    maya.heading("Request sent")
    [asked] = site.appointments()
    site.decide("confirm", asked.ref)

    maya.open(UPCOMING)
    card = page.get_by_role("listitem").filter(has_text="Confirmed")
    for told in (TUESDAY, "10:00 AM – 10:50 AM", WEDNESDAY, "12:00 AM – 12:50 AM for you, Japan Time (Tokyo)"):
        expect(card).to_contain_text(told)
    assert [both_clocks(mail) for mail in site.host.deliver()] == [True, True]


def both_clocks(mail: Mail) -> bool:
    return "10:00 AM" in mail.text and "12:00 AM" in mail.text and "Japan Time (Tokyo)" in mail.text
