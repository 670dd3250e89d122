"""Every panel a client can meet, by name, each with something in it."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from portal_plugin.services.tokens import link_token
from tests.browser.site import Site
from tests.browser.visitor import BOOK, STEP_2, UPCOMING, Visitor
from tests.services.line import TUESDAY, WITH_WAITLIST, fill
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN

Show = Callable[[Visitor], None]
SUBSCRIBE = "/portal/appointments/calendar"
WAIT = "/portal/appointments/waitlist?type=visit&contact=in-person&location=main&date=2026-12-16"
PAST = "/portal/appointments/past"
REMINDERS = "/portal/appointments/reminders"


def furnished(site: Site) -> dict[str, Show]:
    """Give Maya one appointment of each kind; how to get to each panel."""
    day = timedelta(days=1)
    site.host.apply(with_instructions(WITH_WAITLIST))
    site.host.clock.advance(-10 * day)
    for days in (-7, -6):
        over = site.host.request("maya", TUESDAY_TEN + days * day)
        site.decide("confirm", over.ref)
    site.host.clock.advance(10 * day)
    site.decide("no_show", over.ref)
    fill(site.host, TUESDAY + 8 * day)
    asked = site.host.request("maya")
    confirmed = site.host.request("maya", TUESDAY_TEN + day, provider="ben", location="annex")
    site.decide("confirm", confirmed.ref, message="Please ring twice.\nThe bell is a little slow on cold days.")
    soon = site.host.request("maya", MONDAY + timedelta(hours=4), type="call", contact="phone", location=None)
    with site.host.app.app_context():
        invitation = site.portal.invite(
            PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=TUESDAY_TEN + 2 * day
        )
    declined = site.host.request("maya", TUESDAY_TEN + 7 * day)
    site.decide("decline", declined.ref, message="Ada is away that week. Could it be the week after?")
    site.host.clock.advance(-100 * day)
    old = link_token(site.host.state, "again", asked.ref)
    site.host.clock.advance(100 * day)

    return {
        "step 1": at(BOOK),
        "step 1 answered": at(f"{BOOK}?type=visit&contact=in-person&location=main"),
        "step 1 with a mistake": at(f"{BOOK}/time?type=visit&contact=by-drum", 422),
        "step 2": at(STEP_2),
        "step 2 filled in": filled_in,
        "step 2 with mistakes": with_mistakes,
        "step 2 without a free time": at(f"{STEP_2}&date=2026-12-12"),
        "step 2 full": at(f"{STEP_2}&provider=ada&date=2026-12-16"),
        "waitlist": at(WAIT),
        "waitlist with mistakes": wished_for_nothing,
        "waitlist not needed": free_already,
        "step 2 at the horizon": at(f"{STEP_2}&provider=ada&date=2027-02-28"),
        "step 2 to move": at(f"/portal/appointments/{confirmed.ref}/reschedule"),
        "step 3": at(f"/portal/appointments/{asked.ref}/requested"),
        "step 3 confirmed at once": at(f"/portal/appointments/{soon.ref}/requested"),
        "list with waiting": waiting,
        "list": at(UPCOMING),
        "list with calendars": calendars,
        "past": at(PAST),
        "step 3 declined": at(f"/portal/appointments/{declined.ref}/requested"),
        "cancelled already": at(f"/portal/appointments/{declined.ref}/cancel"),
        "cancel": at(f"/portal/appointments/{asked.ref}/cancel"),
        "decline the invitation": at(f"/portal/appointments/{invitation.ref}/cancel"),
        "call to cancel": at(f"/portal/appointments/{soon.ref}/cancel"),
        "own calendar": at(SUBSCRIBE),
        "own calendar shared": shared,
        "reminders off": at(REMINDERS),
        "reminders with a mistake": unticked,
        "reminders on": turned_on,
        "expired link": at(f"/portal/link/{old}", 410),
        "problem": lambda visitor: withdrawn(visitor, invitation.ref),
    }


def with_instructions(data: dict[str, Any]) -> dict[str, Any]:
    """Calls are joined by a link, and each kind of appointment says what to know."""
    data = deepcopy(data)
    data["contact_types"][1] |= {"join_url": "https://video.example/{provider}", "instructions": "Find a quiet place."}
    data["appointment_types"][0]["instructions"] = "Please come ten minutes early, and bring your insurance card."
    return data


def calendars(visitor: Visitor) -> None:
    visitor.open(UPCOMING)
    visitor.page.locator("summary").first.click()
    expect(visitor.page.get_by_role("link", name="Google Calendar")).to_be_visible()


def wished_for_nothing(visitor: Visitor) -> None:
    visitor.open(WAIT)
    visitor.expects.add(422)
    visitor.page.get_by_label("Through").fill("2026-12-15")
    visitor.page.get_by_label("Saturday").check()
    visitor.button("Join the waitlist").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def free_already(visitor: Visitor) -> None:
    visitor.open(WAIT)
    visitor.expects.add(409)
    visitor.page.get_by_label("Through").fill("2026-12-17")
    visitor.button("Join the waitlist").click()
    expect(visitor.page.get_by_text("You need not wait")).to_be_visible()


def waiting(visitor: Visitor) -> None:
    visitor.open(WAIT)
    visitor.page.get_by_label("Wednesday").check()
    visitor.page.get_by_label("Morning").check()
    visitor.button("Join the waitlist").click()
    expect(visitor.page.get_by_text("On the waitlist")).to_be_visible()


def shared(visitor: Visitor) -> None:
    visitor.open(SUBSCRIBE)
    visitor.page.get_by_role("button", name="Make an address").click()
    expect(visitor.page.get_by_label("Secret address")).to_be_visible()


def at(path: str, status: int = 200) -> Show:
    def show(visitor: Visitor) -> None:
        visitor.expects.add(status)
        visitor.open(path)

    return show


def filled_in(visitor: Visitor) -> None:
    visitor.open(STEP_2)
    visitor.page.get_by_role("radio", name="11:00 AM").check()
    visitor.page.get_by_label("Yes, send me text reminders").check()
    visitor.page.get_by_label("Anything the practice should know?").fill("I come with a wheelchair.")


def with_mistakes(visitor: Visitor) -> None:
    visitor.open(STEP_2)
    visitor.expects.add(422)
    visitor.page.get_by_label("Yes, send me text reminders").check()
    visitor.page.get_by_label("Mobile number").fill("12")
    visitor.step_2("11:00 AM")
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def unticked(visitor: Visitor) -> None:
    visitor.open(REMINDERS)
    visitor.expects.add(422)
    visitor.button("Turn on").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def turned_on(visitor: Visitor) -> None:
    visitor.open(REMINDERS)
    visitor.page.get_by_label("Yes, send me text reminders").check()
    visitor.button("Turn on").click()
    expect(visitor.button("Turn off")).to_be_visible()


def withdrawn(visitor: Visitor, ref: str) -> None:
    """Changes the invitation: the last panel to look at."""
    visitor.open(UPCOMING)
    visitor.site.decide("withdraw", ref)
    visitor.expects.add(409)
    visitor.button("Accept").click()
    visitor.heading("That did not work")
