"""Every panel a client or a visitor can meet, by name, each with something in it."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from portal_plugin.services.tokens import link_token
from tests.browser.site import Site
from tests.browser.visitor import BOOK, STEP_2, UPCOMING, Visitor
from tests.practices import PRACTICE
from tests.services.line import TUESDAY, fill
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN
from tests.web.visiting import NINA, ask, became_guest, guest_page_in, link_in, with_new_clients

Show = Callable[[Visitor], None]
SUBSCRIBE = "/portal/appointments/calendar"
WAIT = "/portal/appointments/waitlist?type=visit&contact=in-person&location=main&date=2026-12-16"
REMINDERS = "/portal/appointments/reminders"
PAST = "/portal/appointments/past"
BY_PHONE = f"{BOOK}/time?type=visit&contact=phone"
YOU = f"{STEP_2.replace('/time?', '/you?')}&starts=2026-12-09T15:00:00Z"


def furnished(site: Site, practice: dict[str, Any] = PRACTICE) -> dict[str, Show]:
    """Give Maya one appointment of each kind; how to get to each panel."""
    day = timedelta(days=1)
    waitlist = practice["practice"] | {"waitlist_hours": 24}
    site.host.apply(with_instructions(practice | {"practice": waitlist}))
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
        "step 2 on another clock": at(f"{BY_PHONE}&zone=Asia/Tokyo"),
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
        "list": at(UPCOMING),
        "list with calendars": calendars,
        "list with waiting": waiting,
        "list with an offer": offered,
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


def furnished_for_visitors(site: Site, practice: dict[str, Any] = PRACTICE) -> dict[str, Show]:
    """Let Nina ask for a time, and once more, and once too late; how a visitor gets to each panel."""
    host = site.host
    host.apply(with_new_clients(practice))
    # Below, the newest mail is Nina's.
    host.deliver()
    host.clock.advance(timedelta(hours=-3))
    too_late = mailed(site)
    host.clock.advance(timedelta(hours=3))
    sent = became_guest(host, "2026-12-09T18:00:00Z")[1]
    used = link_in(host.mailbox[-1])
    [received] = host.deliver()
    return {
        "visitor step 1": at(BOOK),
        "visitor step 2": at(STEP_2),
        "visitor step 2 on another clock": at(f"{BY_PHONE}&zone=Asia/Tokyo"),
        "about you": at(YOU),
        "about you with mistakes": nobody_said,
        "about you with a time that was taken": at_a_time_taken,
        "look into your mailbox": asked_for_the_link,
        "send your request": at(mailed(site)),
        "link used": at(used, 410),
        "link expired": at(too_late, 410),
        "guest step 3": at(sent),
        "guest list": at(guest_page_in(received)),
    }


def mailed(site: Site) -> str:
    """The link that a visitor is mailed."""
    assert ask(site.host.browser(None), "2026-12-08T18:00:00Z").status_code == 200
    [mail] = site.host.deliver()
    return link_in(mail)


def nobody_said(visitor: Visitor) -> None:
    visitor.open(YOU)
    visitor.expects.add(422)
    visitor.page.get_by_label("E-mail address").fill("nina")
    visitor.button("Mail me the link").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def at_a_time_taken(visitor: Visitor) -> None:
    visitor.open(YOU.replace("09T15", "08T18"))
    visitor.expects.add(409)
    introduce(visitor)
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def asked_for_the_link(visitor: Visitor) -> None:
    visitor.open(YOU)
    introduce(visitor)
    visitor.heading("Look into your mailbox")


def introduce(visitor: Visitor) -> None:
    """Say what Nina says, and ask for the link."""
    page = visitor.page
    page.get_by_label("Your name").fill(NINA["name"])
    page.get_by_label("E-mail address").fill(NINA["email"])
    page.get_by_label("What brings you here?").fill(NINA["q-brings"])
    visitor.button("Mail me the link").click()


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


def offered(visitor: Visitor) -> None:
    """What Maya waits for comes free, and is hers to accept."""
    site = visitor.site
    gone = next(one for one in site.appointments() if one.client.id == "frida")
    site.decide("cancel", gone.ref)
    site.host.deliver()
    visitor.open(UPCOMING)
    expect(visitor.page.get_by_text("You waited for this time")).to_be_visible()


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
    visitor.button("Accept").first.click()
    visitor.heading("That did not work")
