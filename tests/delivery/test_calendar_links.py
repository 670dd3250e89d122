"""The links that open Google's and Microsoft's calendars state the exact instants, and times agree everywhere."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar

from portal_plugin import Appointment
from portal_plugin.services import webhooks
from portal_plugin.testing import Clock, Texts
from tests.api.support import System, make_key
from tests.delivery.conftest import posting_host
from tests.delivery.mailbox import Mail, Mailbox
from tests.delivery.receiver import receiver
from tests.practices import practice
from tests.support import Host
from tests.web import test_feeds as feeds
from tests.web.pages import UPCOMING, open_page, ref_of, send, step_2


def confirmed(host: Host, starts: datetime, **choices: str) -> Appointment:
    with host.app.app_context():
        return host.portal.confirm(host.request(starts=starts, **choices).ref)


def link(mail: Mail, name: str) -> dict[str, str]:
    """The link's address and query, decoded as the calendar's site decodes them; the same in text and HTML."""
    found = re.search(rf"^{name}: (\S+)$", mail.text, re.MULTILINE)
    assert found
    assert f'href="{found[1].replace("&", "&amp;")}"' in mail.html
    assert "+" not in found[1]
    assert found[1].isascii()
    parts = urlsplit(found[1])
    query = parse_qs(parts.query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {"at": f"{parts.scheme}://{parts.netloc}{parts.path}"} | {key: values[0] for key, values in query.items()}


def test_google_opens_with_everything_filled_in(posting: Host, mailbox: Mailbox) -> None:
    confirmed(posting, datetime(2026, 12, 8, 15, 0, tzinfo=UTC))
    posting.deliver()
    assert link(mailbox.last, "Google Calendar") == {
        "at": "https://calendar.google.com/calendar/render",
        "action": "TEMPLATE",
        "text": "Appointment with Ada Moreau, Elm Row Practice",
        "dates": "20261208T150000Z/20261208T155000Z",
        "details": "Questions or changes: Elm Row Practice, +1 212 555 0100",
        "location": "Main Street, 1 Main Street, New York",
        "ctz": "America/New_York",
    }


@pytest.mark.parametrize(("name", "host"), [("Outlook", "outlook.live.com"), ("Microsoft 365", "outlook.office.com")])
def test_outlook_opens_with_everything_filled_in(posting: Host, mailbox: Mailbox, name: str, host: str) -> None:
    confirmed(posting, datetime(2026, 12, 8, 15, 0, tzinfo=UTC))
    posting.deliver()
    assert link(mailbox.last, name) == {
        "at": f"https://{host}/calendar/0/deeplink/compose",
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "startdt": "2026-12-08T15:00:00Z",
        "enddt": "2026-12-08T15:50:00Z",
        "subject": "Appointment with Ada Moreau, Elm Row Practice",
        "body": "Questions or changes: Elm Row Practice, +1 212 555 0100",
        "location": "Main Street, 1 Main Street, New York",
    }


def test_names_that_mean_something_in_an_address_mean_nothing_in_the_links(posting: Host, mailbox: Mailbox) -> None:
    name = "A&B #1 + C=D? 100% 'Ümläut' 😀 <x>"
    data = practice(name=name)
    data["providers"][0]["name"] = "Ada & Söhne"
    posting.apply(data)
    confirmed(posting, datetime(2026, 12, 8, 15, 0, tzinfo=UTC))
    posting.deliver()
    for service, field in (("Google Calendar", "text"), ("Outlook", "subject"), ("Microsoft 365", "subject")):
        assert link(mailbox.last, service)[field] == f"Appointment with Ada & Söhne, {name}"


def test_a_calendar_that_moved_is_opened_where_the_site_says(
    sqlite_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox
) -> None:
    moved = {"google": "https://calendar.example/new", "microsoft_365": "https://outlook.example/new"}
    host = posting_host(sqlite_url, tmp_path, clock, mailbox.port, PORTAL_CALENDAR_LINKS=moved)
    ref = confirmed(host, datetime(2026, 12, 8, 15, 0, tzinfo=UTC)).ref
    host.deliver()
    addresses = {name: link(mailbox.last, name)["at"] for name in ("Google Calendar", "Outlook", "Microsoft 365")}
    assert addresses == {
        "Google Calendar": moved["google"],
        "Outlook": "https://outlook.live.com/calendar/0/deeplink/compose",
        "Microsoft 365": moved["microsoft_365"],
    }
    for page in (UPCOMING, f"/portal/appointments/{ref}/requested"):
        bases = {one.partition("?")[0] for one in open_page(host.browser(), page).links}
        assert set(addresses.values()) <= bases
    host.state.db.close_all()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


around_clock_changes = pytest.mark.parametrize(
    ("now", "starts", "location", "words", "zone"),
    [
        ("2027-03-08", "2027-03-12T15:00Z", "main", "Friday, March 12, 2027", "Eastern Time (New York)"),
        ("2027-03-08", "2027-03-15T14:00Z", "main", "Monday, March 15, 2027", "Eastern Time (New York)"),
        ("2027-11-01", "2027-11-05T14:00Z", "main", "Friday, November 5, 2027", "Eastern Time (New York)"),
        ("2027-11-01", "2027-11-08T15:00Z", "main", "Monday, November 8, 2027", "Eastern Time (New York)"),
        ("2027-03-08", "2027-03-10T17:00Z", "annex", "Wednesday, March 10, 2027", "Mountain Time (Denver)"),
        ("2027-03-08", "2027-03-16T16:00Z", "annex", "Tuesday, March 16, 2027", "Mountain Time (Denver)"),
    ],
)


def with_an_annex_in_denver() -> dict[str, Any]:
    data = practice()
    data["locations"][1]["zone"] = "America/Denver"
    return data


@around_clock_changes
def test_page_list_mail_and_calendar_state_one_instant_on_both_sides_of_a_clock_change(
    posting: Host, mailbox: Mailbox, now: str, starts: str, location: str, words: str, zone: str
) -> None:
    posting.clock.now = datetime.fromisoformat(f"{now}T12:00:00+00:00")
    posting.apply(with_an_annex_in_denver())
    begins = utc(starts)
    ends = begins + timedelta(minutes=50)
    browser = posting.browser("maya")
    step_2 = f"/portal/appointments/book/time?type=visit&contact=in-person&location={location}&date={starts[:10]}"
    offer = open_page(browser, step_2)
    assert f"{begins:%Y-%m-%dT%H:%M:%SZ}" in offer.times
    assert f"{words} {zone}" in offer.words
    ref = confirmed(posting, begins, location=location).ref
    for address in (f"/portal/appointments/{ref}/requested", UPCOMING, f"/portal/appointments/{ref}/cancel"):
        page = open_page(browser, address)
        assert words in page.words
        assert "10:00 AM – 10:50 AM" in page.words
        assert zone in page.words
    assert utc(open_page(browser, UPCOMING).named("time")[0]["datetime"]) == begins
    posting.deliver()
    mail = mailbox.last
    assert mail.subject == f"Confirmed: {words}, 10:00 AM"
    assert f"{words}, 10:00 AM - 10:50 AM, {zone}" in mail.text
    downloaded = Calendar.from_ical(browser.get(f"/portal/appointments/{ref}/calendar.ics").data)
    for event in (mail.event, *downloaded.walk("VEVENT")):
        assert (event["DTSTART"].dt, event["DTEND"].dt) == (begins, ends)
    assert link(mail, "Google Calendar")["dates"] == f"{begins:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}"
    for service in ("Outlook", "Microsoft 365"):
        opened = link(mail, service)
        assert (utc(opened["startdt"]), utc(opened["enddt"])) == (begins, ends)


@around_clock_changes
def test_text_webhook_api_and_feed_state_the_same_instant_on_both_sides_of_a_clock_change(
    database_url: str,
    tmp_path: Path,
    clock: Clock,
    mailbox: Mailbox,
    now: str,
    starts: str,
    location: str,
    words: str,
    zone: str,
) -> None:
    clock.now = datetime.fromisoformat(f"{now}T12:00:00+00:00")
    texts = Texts()
    host = posting_host(database_url, tmp_path, clock, mailbox.port, PORTAL_SMS=texts)
    host.apply(with_an_annex_in_denver())
    begins, browser = utc(starts), host.browser("maya")
    ends = begins + timedelta(minutes=50)
    page = f"/portal/appointments/book/time?type=visit&contact=in-person&location={location}&date={starts[:10]}"
    with receiver() as there:
        webhooks.add(host.state.db, host.state.settings, there.address(), full=True)
        form = step_2(browser, page, starts=starts, text_reminders="1", phone="+1 212 555 0187")
        ref = ref_of(send(browser, form))
        with host.app.app_context():
            host.portal.confirm(ref)
        host.deliver()
        told = [hook.payload["data"] for hook in there.got]
    clock.now = begins - timedelta(hours=24)
    host.deliver()
    told.append(System(host.app.test_client(), make_key(host)).get(f"/appointments/{ref}").json)
    assert len(told) == 3
    assert {(utc(one["starts"]), utc(one["ends"])) for one in told} == {(begins, ends)}
    weekday, date, _ = words.split(", ")
    month, day = date.split()
    [text] = texts.sent
    assert f"{weekday[:3]}, {month[:3]} {day}, 10:00 AM" in text.text
    [event] = feeds.events(host, feeds.address(browser))
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (begins, ends)
    host.state.db.close_all()
