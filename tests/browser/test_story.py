"""What happens between Maya and the practice, on her phone, with JavaScript and without: to be sent to sign in and
back, to ask, be answered, written to and reminded, to accept, to cancel, to move. The waitlist and people without an
account have their stories in test_waitlist.py and test_guests.py.
"""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from portal_plugin import Appointment
from portal_plugin.testing import Mail
from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.visitor import BOOK, TUESDAY, UPCOMING, WEDNESDAY, Visitor
from tests.support import PEOPLE, TUESDAY_TEN

pytestmark = pytest.mark.browser


def test_a_request_is_reviewed_confirmed_mailed_and_cancelled(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page

    maya.open(UPCOMING)
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    page.get_by_role("link", name="Book Appointment", exact=True).click()
    maya.step_1("Therapy visit", "In person", "Main Street")
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    maya.step_2("10:00 AM")
    maya.heading("Request sent")
    expect(page.get_by_text("It is not an appointment until they confirm it.")).to_be_visible()
    expect(page.get_by_text(TUESDAY)).to_be_visible()

    page.get_by_role("link", name="See upcoming appointments").click()
    card = page.get_by_role("listitem").filter(has_text=TUESDAY)
    expect(card).to_contain_text("Requested")
    expect(card).to_contain_text("10:00 AM – 10:50 AM")
    expect(card).to_contain_text("Ada Moreau")
    expect(card).to_contain_text("1 Main Street, New York")

    [asked] = site.appointments()
    assert asked.note == "The ramp, please."
    maya.mark_document()
    site.decide("confirm", asked.ref, message="The ramp is out.")
    if not maya.javascript:
        page.reload()
    expect(card).to_contain_text("Confirmed", timeout=10_000)
    expect(card).to_contain_text("The ramp is out.")
    assert maya.same_document()

    received, confirmed = site.host.deliver()
    assert "received" in received.subject.lower() or "request" in received.subject.lower()
    assert TUESDAY in confirmed.subject
    google = parse_qs(urlsplit(link(confirmed, "calendar.google.com")).query)
    assert google["dates"] == ["20261208T150000Z/20261208T155000Z"]
    outlook = parse_qs(urlsplit(link(confirmed, "outlook.live.com")).query)
    assert (outlook["startdt"], outlook["enddt"]) == (["2026-12-08T15:00:00Z"], ["2026-12-08T15:50:00Z"])
    file = maya.context.request.get(link(confirmed, "calendar.ics"))
    assert file.headers["content-type"].startswith("text/calendar")
    assert "DTSTART:20261208T150000Z" in file.text()

    page.get_by_role("link", name=re.compile("^Cancel")).click()
    maya.heading("Cancel this appointment?")
    page.get_by_label("Reason").fill("I moved away.")
    maya.button("Yes, cancel it").click()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    expect(page).to_have_url(maya.address + UPCOMING)
    [cancelled] = site.appointments()
    assert (cancelled.status, cancelled.reason) == ("cancelled", "I moved away.")
    [mail] = site.host.deliver()
    assert "cancel" in mail.subject.lower()


def test_after_a_declined_request_the_mailed_link_opens_step_2_with_the_same_details(
    either_maya: Visitor, site: Site
) -> None:
    maya, page = either_maya, either_maya.page
    asked = site.host.request("maya", provider="ada")
    site.decide("decline", asked.ref, message="Ada is away that day.")
    _, declined = site.host.deliver()
    assert "Ada is away that day." in declined.text
    maya.open(link(declined, "/portal/link/"))
    maya.heading("Choose a date and time")
    chosen = parse_qs(urlsplit(page.url).query)
    assert chosen == {"type": ["visit"], "contact": ["in-person"], "provider": ["ada"], "location": ["main"]}
    maya.step_2("11:00 AM", day=WEDNESDAY)
    maya.heading("Request sent")
    assert [(a.status, a.provider.key) for a in site.appointments()] == [("declined", "ada"), ("requested", "ada")]


def test_an_invitation_shows_accept_and_one_click_makes_it_an_appointment(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    invite(site)
    maya.open(UPCOMING)
    card = page.get_by_role("listitem").filter(has_text=TUESDAY)
    expect(card).to_contain_text("Invitation")
    expect(card).to_contain_text("See you soon?")
    card.get_by_role("button", name="Accept").click()
    expect(card).to_contain_text("Confirmed")
    expect(card.get_by_role("button", name="Accept")).to_have_count(0)
    expect(page).to_have_url(maya.address + UPCOMING)
    assert [a.status for a in site.appointments()] == ["confirmed"]


def test_an_invitation_can_be_declined(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    invite(site)
    maya.open(UPCOMING)
    page.get_by_role("link", name=re.compile("^Decline")).click()
    maya.heading("Decline this invitation?")
    maya.button("Yes, decline it").click()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    assert [a.status for a in site.appointments()] == ["cancelled"]


def test_a_withdrawn_invitation_that_is_accepted_says_what_happened(maya: Visitor, site: Site) -> None:
    page = maya.page
    invitation = invite(site)
    maya.open(UPCOMING)
    site.decide("withdraw", invitation.ref)
    maya.expects = {409}
    maya.button("Accept").click()
    expect(page.get_by_text("This appointment is withdrawn")).to_be_visible()
    page.get_by_role("link", name="See upcoming appointments").click()
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()


def test_inside_the_cancellation_window_the_page_says_whom_to_call(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    asked = site.host.request("maya")
    site.decide("confirm", asked.ref)
    site.host.clock.now = TUESDAY_TEN.replace(hour=8)
    maya.open(UPCOMING)
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    maya.heading("Please call to cancel")
    expect(page.get_by_text("+1 212 555 0100")).to_be_visible()
    expect(maya.button("Yes, cancel it")).to_have_count(0)
    page.get_by_role("link", name="Back to upcoming appointments").click()
    expect(page.get_by_role("listitem").filter(has_text=TUESDAY)).to_contain_text("Confirmed")


def test_text_reminders_are_agreed_to_with_a_number_and_step_3_repeats_it(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(f"{BOOK}/time?type=visit&contact=phone")
    box = page.get_by_label("Yes, send me text reminders")
    expect(box).not_to_be_checked()
    box.check()
    expect(page.get_by_label("Mobile number")).to_have_value("+1 212 555 0187")
    maya.step_2("10:00 AM")
    maya.heading("Request sent")
    expect(page.get_by_text("Text reminders go to")).to_contain_text("+1 212-555-0187")
    assert site.count("consent") == 1


def test_a_time_taken_meanwhile_is_said_and_fresh_times_are_offered(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    maya.open(f"{BOOK}/time?type=visit&contact=in-person&location=main")
    page.get_by_label("Anything the practice should know?").fill("The ramp, please.")
    site.host.request("theo")
    maya.expects = {409}
    maya.step_2("10:00 AM")
    expect(page.get_by_role("alert")).to_contain_text("That time was taken a moment ago.")
    expect(page.get_by_role("radio", name="10:00 AM")).to_have_count(0)
    expect(page.get_by_label("Anything the practice should know?")).to_have_value("The ramp, please.")
    maya.step_2("11:00 AM")
    maya.heading("Request sent")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_visitor_who_is_not_signed_in_is_sent_to_sign_in_with_the_way_back(visit: Visit, javascript: bool) -> None:
    nobody = visit(who=None, javascript=javascript)
    there = f"{BOOK}/time?type=visit&contact=phone"
    nobody.open(there)
    expect(nobody.page.get_by_text("Please sign in")).to_be_visible()
    assert parse_qs(urlsplit(nobody.page.url).query) == {"next": [there]}
    nobody.sign_in("maya")
    nobody.open(there)
    nobody.heading("Choose a date and time")


def test_an_appointment_moves_to_another_time_once_the_practice_says_so(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    old = site.host.request("maya", provider="ada")
    site.decide("confirm", old.ref)
    maya.open(UPCOMING)
    page.get_by_role("link", name=re.compile("^Reschedule")).click()
    maya.heading("Choose a new time")
    page.get_by_role("link", name=WEDNESDAY).click()
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    page.get_by_role("radio", name="11:00 AM").check()
    maya.button("Request New Time").click()
    maya.heading("Request sent")
    expect(page.get_by_text("stays yours until they confirm this time")).to_be_visible()
    [waits] = [one for one in site.appointments() if one.replaces == old.ref]
    site.decide("confirm", waits.ref)
    maya.open(UPCOMING)
    expect(page.get_by_role("listitem").filter(has_text=WEDNESDAY)).to_contain_text("Confirmed")
    expect(page.get_by_role("listitem").filter(has_text=TUESDAY)).to_have_count(0)


def invite(site: Site) -> Appointment:
    with site.host.app.app_context():
        return site.portal.invite(
            PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN, message="See you soon?"
        )


def link(mail: Mail, part: str) -> str:
    """The mail's one link with this in it."""
    [found] = {url for url in mail.links if part in url}
    return found
