"""Calendar files (RFC 5545, RFC 5546) and the links that open a calendar with the appointment filled in."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from icalendar import Calendar, Event, vCalAddress, vText

from ..config import CalendarLinks
from ..domain.lifecycle import Status
from ..domain.text import clean_line
from ..wording import say


def calendar_file(
    facts: Mapping[str, Any], base_url: str, now: datetime, method: str = "PUBLISH", attendee: str = ""
) -> bytes:
    """One VEVENT in UTC. Its UID stays through all moves of an appointment and SEQUENCE is the appointment's version.

    An invitation (REQUEST, CANCEL) names the practice as ORGANIZER and the client as ATTENDEE, as RFC 5546
    section 3.2 asks; a download (PUBLISH) needs neither.
    """
    calendar = _calendar(method)
    event = _event(facts, base_url, now, title(facts), "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("description", description(facts))
    if method != "PUBLISH":
        organizer = vCalAddress(f"MAILTO:{facts['practice']['email']}")
        organizer.params["cn"] = _common_name(facts["practice"]["name"])
        event.add("organizer", organizer)
        invited = vCalAddress(f"MAILTO:{attendee}")
        invited.params["cn"] = _common_name(facts["client"]["name"])
        invited.params["partstat"] = vText("ACCEPTED")
        invited.params["rsvp"] = vText("FALSE")
        event.add("attendee", invited)
    calendar.add_component(event)
    return _written(calendar)


def client_feed(told: Iterable[Mapping[str, Any]], base_url: str, name: str) -> bytes:
    """All of a client's appointments, for a calendar program; the same ones are always the same bytes."""
    calendar = _feed(name)
    for facts in told:
        event = _event(facts, base_url, datetime.fromisoformat(facts["created"]), title(facts), "CONFIRMED")
        event.add("description", description(facts))
        calendar.add_component(event)
    return _written(calendar)


def provider_feed(told: Iterable[tuple[Mapping[str, Any], str]], base_url: str, name: str) -> bytes:
    """The same for a provider, each with its page on the review page. It names no client: such a calendar is kept by
    whoever runs the calendar program.
    """
    calendar = _feed(name)
    for facts, page in told:
        waits = facts["status"] in {Status.REQUESTED, Status.INVITED}
        words = say("Waits for an answer") if waits else say("Appointment")
        stamp = datetime.fromisoformat(facts["created"])
        event = _event(facts, base_url, stamp, words, "TENTATIVE" if waits else "CONFIRMED")
        # A chain of moves is one entry for the client; for the provider both times are taken until it is decided.
        event["uid"] = vText(f"{facts['ref']}@{urlsplit(base_url).hostname}")
        event.add("url", page)
        calendar.add_component(event)
    return _written(calendar)


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//portal_plugin//appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _feed(name: str) -> Calendar:
    """Programs that ask as often as they are told to ask once an hour."""
    calendar = _calendar("PUBLISH")
    calendar.add("name", clean_line(name))
    calendar.add("x-wr-calname", clean_line(name))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _event(facts: Mapping[str, Any], base_url: str, stamp: datetime, summary: str, status: str) -> Event:
    event = Event()
    event.add("uid", f"{facts.get('thread', facts['ref'])}@{urlsplit(base_url).hostname}")
    event.add("sequence", facts["version"])
    event.add("dtstamp", stamp)
    event.add("dtstart", datetime.fromisoformat(facts["starts"]))
    event.add("dtend", datetime.fromisoformat(facts["ends"]))
    event.add("summary", summary)
    event.add("location", place(facts))
    event.add("status", status)
    return event


def _written(calendar: Calendar) -> bytes:
    file: bytes = calendar.to_ical()
    return file


def _common_name(name: str) -> vText:
    # A parameter cannot hold a double quote (RFC 5545, 3.2), and few programs know RFC 6868's way around that.
    return vText(clean_line(name).replace('"', "'"))


def google_link(facts: Mapping[str, Any], base: str) -> str:
    starts, ends = (datetime.fromisoformat(facts[end]) for end in ("starts", "ends"))
    return _link(
        base,
        action="TEMPLATE",
        text=title(facts),
        dates=f"{starts:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}",
        details=description(facts),
        location=place(facts),
        ctz=facts["zone"],
    )


def outlook_link(facts: Mapping[str, Any], base: str) -> str:
    starts, ends = (datetime.fromisoformat(facts[end]) for end in ("starts", "ends"))
    return _link(
        base,
        path="/calendar/action/compose",
        rru="addevent",
        startdt=f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        enddt=f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        subject=title(facts),
        body=description(facts),
        location=place(facts),
    )


def web_links(facts: Mapping[str, Any], bases: CalendarLinks) -> dict[str, str]:
    """Name and address of each calendar on the web that the appointment can be put into."""
    return {
        "Google Calendar": google_link(facts, bases.google),
        "Outlook": outlook_link(facts, bases.outlook),
        "Microsoft 365": outlook_link(facts, bases.microsoft_365),
    }


def title(facts: Mapping[str, Any]) -> str:
    """Nothing that says what for: calendars are shared and shown on lock screens."""
    return clean_line(
        say(
            "Appointment with {provider}, {practice}",
            provider=facts["provider"]["name"],
            practice=facts["practice"]["name"],
        )
    )


def description(facts: Mapping[str, Any]) -> str:
    """A line each."""
    questions = clean_line(
        say(
            "Questions or changes: {practice}, {phone}",
            practice=facts["practice"]["name"],
            phone=facts["practice"]["phone"],
        )
    )
    # What was queued before there was such an address has none.
    join = facts["contact"].get("join_url")
    return "\n".join([say("Join: {address}", address=join), questions] if join else [questions])


def place(facts: Mapping[str, Any]) -> str:
    location = facts["location"]
    if location is None:
        return clean_line(facts["contact"]["name"])
    return clean_line(", ".join(part for part in (location["name"], location["address"]) if part))


def _link(base: str, **query: str) -> str:
    return f"{base}?{urlencode(query, quote_via=quote, safe='/:')}"
