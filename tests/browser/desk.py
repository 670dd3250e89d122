"""Every panel of the review page, by name, each with something in it."""

from datetime import date, timedelta

from playwright.sync_api import expect

from portal_plugin import Client
from portal_plugin.domain.waitlist import PartOfDay
from tests.browser.panels import Show, at
from tests.browser.site import Site
from tests.browser.visitor import Visitor
from tests.practices import practice
from tests.services.line import join
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN
from tests.web.visiting import became_guest, with_new_clients

REVIEW = "/portal/review/"
SCHEDULE = "/portal/review/schedule"
APPOINTMENTS = "/portal/review/appointments"
INVITE = "/portal/review/invite"
WAITLIST = "/portal/review/waitlist"

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MORE = [
    Client("n1", "Noor Haddad", "noor@example.org", "+1 212 555 0131"),
    Client("n2", "Priya Raman-Wojciechowska", "priya@example.org"),
    Client("n3", "Sam Okonkwo", "sam@example.org", "+1 212 555 0142"),
    Client("n4", "李 明", "ming@example.org"),
]
VISIT = {"type": "visit", "contact": "phone", "provider": "ada"}


def furnished_desk(site: Site) -> dict[str, Show]:
    """Give Rosa a morning's work; how to get to each panel."""
    portal, clock, host = site.portal, site.host.clock, site.host
    data = with_new_clients(practice(requests_hold_time=False, request_expiry_hours=48, waitlist_hours=24))
    data["closures"] = [{"first": "2026-12-11", "last": "2026-12-11", "name": "Staff day"}]
    host.apply(data)
    noor, priya, sam, ming = MORE
    became_guest(host, "2027-01-19T15:00:00Z", note="I come by bus.")
    with host.app.app_context():
        [nina] = portal.appointments()
        portal.confirm(nina.ref)
        clock.now = MONDAY - 44 * HOUR
        old = portal.request(noor, starts=TUESDAY_TEN, note="My first visit.\nIs there a ramp?", **VISIT)
        clock.now = MONDAY - 5 * HOUR
        portal.request(sam, starts=TUESDAY_TEN + timedelta(minutes=30), **VISIT)
        booked = portal.book(PEOPLE["maya"], starts=TUESDAY_TEN + DAY, message="As agreed.", **VISIT)
        portal.request(PEOPLE["maya"], starts=TUESDAY_TEN + 2 * DAY, replaces=booked.ref, **VISIT)
        clock.now = MONDAY - timedelta(minutes=20)
        portal.book(priya, starts=TUESDAY_TEN + 4 * HOUR, **VISIT)
        portal.book(ming, starts=TUESDAY_TEN + DAY + 3 * HOUR, **VISIT)
        portal.invite(priya, starts=TUESDAY_TEN + 2 * HOUR, **(VISIT | {"provider": "ben"}))
        clock.now = MONDAY - timedelta(minutes=10)
        was = portal.book(sam, starts=TUESDAY_TEN + 3 * HOUR, **(VISIT | {"provider": "ben"}))
        moved = portal.reschedule(was.ref, starts=TUESDAY_TEN + 5 * HOUR)
        portal.book(sam, starts=MONDAY + 2 * HOUR, type="call", contact="phone", provider="ada")
    clock.now = MONDAY
    join(host, "theo", latest=date(2026, 12, 22), weekdays=frozenset({1}), parts=frozenset({PartOfDay.MORNING}))
    join(host, "frida", contact="phone", location=None, provider=None)
    clock.now = MONDAY
    host.portal.busy_times(
        lambda key, since, until: [(TUESDAY_TEN + 2 * HOUR, TUESDAY_TEN + 3 * HOUR)] if key == "ada" else []
    )
    host.portal.find_clients(lambda text: [one for one in MORE if text.casefold() in one.name.casefold()])
    return {
        "queue": at(REVIEW),
        "queue with mistakes": nothing_ticked,
        "day": at(f"{SCHEDULE}?day=2026-12-08"),
        "day of one": at(f"{SCHEDULE}?day=2026-12-08&provider=ada"),
        "calendars": at(f"{REVIEW}calendars"),
        "closed day": at(f"{SCHEDULE}?day=2026-12-11"),
        "week": at(f"{SCHEDULE}?day=2026-12-08&span=week&provider=ada"),
        "request": at(f"{APPOINTMENTS}/{old.ref}"),
        "moved appointment": at(f"{APPOINTMENTS}/{moved.ref}"),
        "move": at(f"{APPOINTMENTS}/{booked.ref}/move"),
        "appointment of a new client": at(f"{APPOINTMENTS}/{nina.ref}"),
        "waitlist": at(WAITLIST),
        "appointments": at(APPOINTMENTS),
        "no appointments": at(f"{APPOINTMENTS}?status=expired"),
        "invite": at(INVITE),
        "invite again": at(f"{INVITE}?again={booked.ref}"),
        "invite with mistakes": found_nobody,
        "series": series,
        "too late": lambda visitor: too_late(visitor, old.ref),
    }


def nothing_ticked(visitor: Visitor) -> None:
    visitor.expects.add(422)
    visitor.open(REVIEW)
    visitor.page.get_by_label("Message to the client (optional): All that are ticked").fill("We are moving house.")
    visitor.button("Confirm all ticked").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def found_nobody(visitor: Visitor) -> None:
    visitor.expects.add(422)
    visitor.open(INVITE)
    visitor.page.get_by_label("Name, e-mail or phone").fill("Zebra")
    visitor.button("Send the invitation").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def series(visitor: Visitor) -> None:
    """Changes the week after: a series of which one week is closed and one taken."""
    visitor.expects.add(409)
    visitor.open(INVITE)
    page = visitor.page
    page.get_by_label("Name, e-mail or phone").fill("noor")
    visitor.button("Find").click()
    page.get_by_role("radio", name="Noor Haddad").check()
    page.get_by_label("Appointment", exact=True).select_option("visit")
    page.get_by_label("How").select_option("phone")
    page.get_by_label("Provider").select_option("ada")
    page.get_by_label("Date").fill("2026-12-09")
    page.get_by_label("Time").fill("10:00")
    page.get_by_label("Weeks in a row").fill("4")
    visitor.button("Send the invitation").click()
    expect(page.get_by_role("heading", name="Week by week")).to_be_visible()


def too_late(visitor: Visitor, ref: str) -> None:
    """Changes the request: the last panel to look at."""
    visitor.expects.add(409)
    visitor.open(f"{APPOINTMENTS}/{ref}")
    visitor.site.decide("decline", ref, by="Hana Sato")
    visitor.button("Confirm").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("Declined by Hana Sato")
