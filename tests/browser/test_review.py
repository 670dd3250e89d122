"""Rosa decides, with and without JavaScript, while others decide too."""

import re

import pytest
from playwright.sync_api import expect

from portal_plugin import Client
from tests.browser.conftest import Visit
from tests.browser.desk import APPOINTMENTS, DAY, INVITE, REVIEW, SCHEDULE, WAITLIST, furnished_desk
from tests.browser.site import Site
from tests.browser.test_fit import TOO_SMALL, TOO_WIDE
from tests.browser.test_keyboard import tab_to
from tests.browser.visitor import Visitor
from tests.practices import practice
from tests.support import TUESDAY_TEN

pytestmark = pytest.mark.browser


@pytest.fixture
def rosa(visit: Visit) -> Visitor:
    return visit(who="rosa")


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def either_rosa(request: pytest.FixtureRequest, visit: Visit) -> Visitor:
    return visit(who="rosa", javascript=request.param)


def statuses(site: Site) -> list[str]:
    return [str(appointment.status) for appointment in site.appointments()]


def test_a_request_is_confirmed_with_a_message_in_one_action(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    site.host.request("maya")
    rosa.open(REVIEW)
    page.get_by_label("Message to the client").fill("Ring twice.")
    rosa.button("Confirm Maya Lindqvist").click()
    expect(page.get_by_text("Everybody has an answer.")).to_be_visible()
    expect(page.locator("#portal-results")).to_contain_text(
        "Maya Lindqvist, Tuesday, December 8, 2026, 10:00 AM: Confirmed"
    )
    [confirmed] = site.appointments()
    assert (confirmed.status, confirmed.message) == ("confirmed", "Ring twice.")


def test_of_two_decided_in_haste_what_was_refused_is_said_as_well(rosa: Visitor, site: Site) -> None:
    for n in range(3):
        site.host.request("maya", TUESDAY_TEN + n * DAY)
    rosa.page.clock.install()
    rosa.open(REVIEW)
    [first, *_] = site.appointments()
    site.decide("decline", first.ref)
    rosa.expects.add(409)
    let_go = rosa.held_back("**/review/appointments/*")
    for day in ("Tuesday, December 8", "Wednesday, December 9"):
        rosa.button(f"Confirm Maya Lindqvist, {day}").click()
    let_go()
    let_go()
    expect(rosa.page.locator("#portal-results")).to_contain_text("Wednesday, December 9, 2026, 10:00 AM: Confirmed")
    expect(rosa.page.get_by_role("status").first).to_have_class("portal-alert")
    expect(rosa.page.get_by_role("status").first).to_contain_text(
        re.compile("Maya Lindqvist.*: This appointment is declined and can no longer be confirmed")
    )
    assert statuses(site) == ["declined", "confirmed", "requested"]


def test_several_are_declined_at_once(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    for n in range(3):
        site.host.request("maya", TUESDAY_TEN + n * DAY)
    rosa.open(REVIEW)
    for day in ("Tuesday, December 8", "Thursday, December 10"):
        page.get_by_role("checkbox", name=f"Choose Maya Lindqvist, {day}").check()
    page.get_by_label("Message to the client (optional): All that are ticked").fill("Ada is away.")
    rosa.button("Decline all ticked").click()
    expect(page.locator("#portal-results li")).to_have_count(2)
    assert statuses(site) == ["declined", "requested", "declined"]


def test_whoever_is_slower_is_told_what_happened_and_keeps_the_message(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    ref = site.host.request("maya").ref
    rosa.open(f"{APPOINTMENTS}/{ref}")
    page.get_by_label("Message to the client").fill("Gladly.")
    site.decide("decline", ref, message="No.")
    rosa.expects.add(409)
    rosa.button("Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("is declined and can no longer be confirmed")
    expect(page.locator(".portal-status").first).to_have_text("Declined")
    expect(page.get_by_role("alert")).to_contain_text("Declined by the practice’s system, Monday, December 7")
    assert statuses(site) == ["declined"]


def test_all_are_ticked_and_confirmed_at_once_and_none_when_one_thinks_again(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    for n in range(3):
        site.host.request("maya", TUESDAY_TEN + n * DAY)
    rosa.open(REVIEW)
    ticked = page.locator(".portal-pick :checked")
    page.get_by_role("link", name="Tick all 3").click()
    expect(ticked).to_have_count(3)
    page.get_by_role("link", name="Tick none").click()
    expect(ticked).to_have_count(0)
    if rosa.javascript:
        page.get_by_label("Message to the client (optional): All that are ticked").fill("Welcome.")
    page.get_by_role("link", name="Tick all 3").click()
    rosa.button("Confirm all ticked").click()
    expect(page.locator("#portal-results li")).to_have_count(3)
    assert statuses(site) == ["confirmed"] * 3
    assert {one.message for one in site.appointments()} == {"Welcome." if rosa.javascript else ""}


def test_only_where_it_is_true_an_empty_queue_says_that_requests_turn_up(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    rosa.open(REVIEW)
    expect(page.get_by_text("by themselves")).to_be_visible(visible=rosa.javascript)
    expect(page.get_by_text("Reload the page")).to_be_visible(visible=not rosa.javascript)
    if rosa.javascript:
        ref = site.host.request("maya").ref
        expect(page.locator(f"#request-{ref}")).to_be_visible(timeout=3_500)


def test_the_schedule_follows_what_happens_elsewhere(rosa: Visitor, site: Site) -> None:
    page = rosa.page
    rosa.open(f"{SCHEDULE}?day=2026-12-08")
    rosa.mark_document()
    page.get_by_role("link", name="Later").focus()
    ref = site.host.request("maya", provider="ada").ref
    expect(page.get_by_role("link", name="Maya Lindqvist")).to_be_visible(timeout=3_500)
    site.decide("decline", ref)
    expect(page.get_by_role("link", name="Maya Lindqvist")).to_have_count(0, timeout=3_500)
    expect(page.get_by_role("link", name="Later")).to_be_focused()
    assert rosa.same_document()


def test_a_time_the_clock_shows_twice_is_chosen(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    ref = site.host.request("maya").ref
    site.decide("confirm", ref)
    rosa.open(f"{APPOINTMENTS}/{ref}/move")
    page.get_by_label("Date", exact=True).fill("2027-11-07")
    page.get_by_label("Time", exact=True).fill("01:30")
    rosa.expects.add(422)
    rosa.button("Move and confirm").click()
    page.get_by_role("radio", name="1:30 AM EST").check()
    rosa.button("Move and confirm").click()
    expect(page.locator(".portal-facts").first).to_contain_text("1:30 AM EST – 2:20 AM")


def test_an_appointment_is_moved_to_a_free_time_and_to_one_outside_the_hours(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    with site.host.app.app_context():
        ref = site.portal.confirm(site.host.request("maya").ref).ref
    rosa.open(f"{APPOINTMENTS}/{ref}")
    page.get_by_role("link", name="Move").click()
    page.get_by_role("link", name="Wednesday, December 9").click()
    page.get_by_role("radio", name="11:00 AM").check()
    rosa.button("Move and confirm").click()
    rosa.heading("Maya Lindqvist")
    expect(page.locator(".portal-chain li")).to_have_count(2)
    page.get_by_role("link", name="Move").click()
    page.get_by_label("Date", exact=True).fill("2026-12-12")
    page.get_by_label("Time", exact=True).fill("18:15")
    rosa.button("Move and confirm").click()
    rosa.heading("Maya Lindqvist")
    expect(page.locator(".portal-facts").first).to_contain_text("6:15 PM")
    assert statuses(site) == ["cancelled", "cancelled", "confirmed"]


def test_a_client_is_found_and_invited_every_week_that_is_free(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    furnished_desk(site)
    before = len(site.appointments())
    rosa.open(INVITE)
    page.get_by_label("Name, e-mail or phone").fill("noor")
    rosa.button("Find").click()
    page.get_by_role("radio", name="Noor Haddad").check()
    page.get_by_label("Appointment", exact=True).select_option("visit")
    page.get_by_label("How").select_option("phone")
    page.get_by_label("Provider").select_option("ada")
    page.get_by_label("Date").fill("2026-12-09")
    page.get_by_label("Time").fill("10:00")
    page.get_by_label("Weeks in a row").fill("3")
    rosa.expects.add(409)
    rosa.button("Send the invitation").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was sent")
    expect(page.locator(".portal-weeks li").first).to_contain_text("Taken")
    assert len(site.appointments()) == before
    expect(page.get_by_role("radio", name="Leave that week out")).to_be_checked()
    rosa.button("Send the invitation").click()
    rosa.heading("2 of 3 weeks invited")
    assert len(site.appointments()) == before + 2


def test_the_queue_follows_others_and_says_so_while_typing_goes_on(rosa: Visitor, site: Site) -> None:
    page = rosa.page
    first, second = site.host.request("maya").ref, site.host.request("theo", TUESDAY_TEN + DAY).ref
    rosa.open(REVIEW)
    rosa.mark_document()
    page.get_by_role("checkbox", name="Choose Theo Brandt").check()
    area = page.locator(f"#message-{second}")
    area.press_sequentially("I was just ty")
    site.decide("confirm", first)
    third = site.host.request("maya", TUESDAY_TEN + 2 * DAY).ref
    expect(page.locator(f"#request-{third}")).to_be_visible(timeout=9_000)
    expect(page.locator(f"#request-{first}")).to_have_count(0)
    live = page.locator("#portal-live")
    expect(live).to_contain_text("Thursday, December 10, 2026, 10:00 AM: Requested.")
    expect(live).to_contain_text("Tuesday, December 8, 2026, 10:00 AM: no longer listed.")
    expect(area).to_be_focused()
    page.keyboard.type("ping")
    expect(area).to_have_value("I was just typing")
    expect(page.get_by_role("checkbox", name="Choose Theo Brandt")).to_be_checked()
    assert rosa.same_document()


@pytest.mark.parametrize("others", [0, 1])
def test_what_is_typed_stays_even_where_somebody_else_decided(rosa: Visitor, site: Site, others: int) -> None:
    page = rosa.page
    ref = site.host.request("maya").ref
    for n in range(others):
        site.host.request("theo", TUESDAY_TEN + (n + 1) * DAY)
    rosa.open(REVIEW)
    area = page.locator(f"#message-{ref}")
    area.fill("Half a sentence")
    site.decide("decline", ref)
    said = "no longer waiting" if others else "This list has changed"
    expect(page.locator("#portal-live")).to_contain_text(said, ignore_case=True, timeout=9_000)
    expect(area).to_have_value("Half a sentence")
    rosa.expects.add(409)
    rosa.button("Confirm Maya Lindqvist").click()
    expect(page.get_by_role("alert")).to_contain_text("is declined and can no longer be confirmed")


def test_a_hidden_tab_does_not_ask(rosa: Visitor, site: Site) -> None:
    page = rosa.page
    ref = site.host.request("maya").ref
    rosa.open(REVIEW)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    site.decide("confirm", ref)
    page.wait_for_timeout(5_000)
    expect(page.locator(f"#request-{ref}")).to_be_visible()
    page.evaluate("delete document.hidden")
    expect(page.locator(f"#request-{ref}")).to_have_count(0, timeout=9_000)


def test_the_queue_needs_only_a_keyboard(either_rosa: Visitor, site: Site) -> None:
    rosa, page = either_rosa, either_rosa.page
    site.host.request("maya")
    site.host.request("theo", TUESDAY_TEN + DAY)
    rosa.open(REVIEW)
    tab_to(rosa, page.get_by_label("Message to the client (optional): Maya"))
    page.keyboard.type("Welcome.")
    tab_to(rosa, rosa.button("Confirm Maya Lindqvist"))
    page.keyboard.press("Enter")
    expect(page.locator("#portal-results")).to_be_visible()
    if rosa.javascript:
        expect(page.locator("#portal-results")).to_be_focused()
    tab_to(rosa, rosa.button("Decline Theo Brandt"))
    page.keyboard.press("Space")
    expect(page.get_by_text("Everybody has an answer.")).to_be_visible()
    assert statuses(site) == ["confirmed", "declined"]


@pytest.mark.parametrize("path", [REVIEW, SCHEDULE, APPOINTMENTS, INVITE, WAITLIST])
def test_on_a_phone_the_tabs_are_one_line_and_the_one_that_is_open_is_in_view(
    rosa: Visitor, site: Site, path: str
) -> None:
    site.host.apply(practice(waitlist_hours=24))
    rosa.open(path)
    tabs = rosa.page.locator(".portal-tabs a")
    assert len({tab.bounding_box()["y"] for tab in tabs.all()}) == 1
    expect(tabs.and_(rosa.page.locator("[aria-current]"))).to_be_in_viewport(ratio=1)


def test_no_review_panel_scrolls_sideways_and_every_target_is_large_enough(rosa: Visitor, site: Site) -> None:
    found = {}
    for name, show in furnished_desk(site).items():
        show(rosa)
        for width in (320, 390, 1280):
            rosa.page.set_viewport_size({"width": width, "height": 700})
            found[f"{name}, {width} pixels"] = rosa.page.evaluate(TOO_WIDE) + rosa.page.evaluate(TOO_SMALL)
    assert {where: problems for where, problems in found.items() if problems} == {}


def test_a_name_longer_than_the_screen_is_broken(rosa: Visitor, site: Site) -> None:
    long = Client("l", "Wolfeschlegelsteinhausenbergerdorff-Papadopoulos Maria", "maria@example.org")
    with site.host.app.app_context():
        ref = site.portal.request(long, type="visit", contact="phone", starts=TUESDAY_TEN).ref
    rosa.page.set_viewport_size({"width": 320, "height": 700})
    addresses = (
        REVIEW,
        f"{SCHEDULE}?day=2026-12-08",
        APPOINTMENTS,
        f"{APPOINTMENTS}/{ref}",
        f"{APPOINTMENTS}/{ref}/move",
    )
    for address in addresses:
        rosa.open(address)
        assert rosa.page.evaluate(TOO_WIDE) == [], address


def test_the_schedule_leads_to_appointments_and_from_free_time_to_an_invitation(
    either_rosa: Visitor, site: Site
) -> None:
    rosa, page = either_rosa, either_rosa.page
    furnished_desk(site)
    rosa.open(f"{SCHEDULE}?day=2026-12-07")
    page.get_by_role("link", name="Later").click()
    rosa.heading("Tuesday, December 8, 2026")
    page.locator("td[headers=portal-column-2]").get_by_role("link", name="Sam Okonkwo").click()
    rosa.heading("Sam Okonkwo")
    page.get_by_role("link", name="The day").click()
    page.locator("td[headers=portal-column-2]").get_by_role("link", name="1:00 – 3:00 PM").click()
    expect(page.get_by_label("Time")).to_have_value("13:00")
    expect(page.get_by_label("Provider")).to_have_value("ben")


def test_who_is_signed_out_meanwhile_keeps_what_was_typed(rosa: Visitor, site: Site) -> None:
    page = rosa.page
    ref = site.host.request("maya").ref
    rosa.open(REVIEW)
    page.locator(f"#message-{ref}").fill("Half a sentence")
    rosa.expects.add(401)
    rosa.context.clear_cookies()
    expect(page.locator("#portal-live")).to_contain_text("You are signed out.", timeout=9_000)
    expect(page.locator(f"#message-{ref}")).to_have_value("Half a sentence")
    page.locator(f"#message-{ref}").fill("")
    page.wait_for_url("**/sign-in?**", timeout=9_000)
