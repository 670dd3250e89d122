"""A line of people who wait, and days without a free time."""

from datetime import date, datetime, timedelta
from typing import Any

from portal_plugin import Appointment, Client
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.domain.waitlist import PartOfDay, Preferences, Waiting
from portal_plugin.services import waitlist
from tests.practices import practice
from tests.services.steps import act, rows
from tests.support import Host

TUESDAY = date(2026, 12, 8)
WITH_WAITLIST = practice(waitlist_hours=24)


def someone(name: str) -> Client:
    return Client(name, name.title(), f"{name}@example.org")


def join(
    host: Host,
    name: str,
    earliest: date = TUESDAY,
    latest: date | None = None,
    weekdays: frozenset[int] = frozenset(),
    parts: frozenset[PartOfDay] = frozenset(),
    **choices: Any,
) -> Waiting:
    """Wait for a visit with Ada at Main Street, by default on that one day; a second later than whoever came before."""
    chosen = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"} | choices
    preferences = Preferences(earliest, latest or earliest, weekdays, parts)
    host.clock.advance(timedelta(seconds=1))
    with host.app.app_context():
        known = host.portal.practice()
        actor = Actor(ActorKind.CLIENT, name)
        return waitlist.join(host.state, known, known.wish(**chosen), someone(name), preferences, actor)


def fill(host: Host, first: date = TUESDAY, last: date | None = None, **choices: Any) -> list[Appointment]:
    """Book every time there is on these days, for one Frida."""
    chosen = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"} | choices
    booked = []
    while True:
        slot = next(iter(act(host, "find_slots", since=first, until=last or first, **chosen)), None)
        if slot is None:
            return booked
        booked.append(act(host, "book", someone("frida"), starts=slot.starts, **chosen))


def offer(host: Host) -> int:
    """What the worker does about the line."""
    with host.app.app_context():
        return waitlist.offer_what_came_free(host.state)


def offers(host: Host) -> list[tuple[str, datetime, str]]:
    """To whom which time was offered, and what became of it, in order."""
    ids = rows(host, "SELECT ref FROM portal_appointment WHERE waitlist IS NOT NULL ORDER BY id")
    made = [act(host, "appointment", ref) for (ref,) in ids]
    return [(one.client.id, one.starts, str(one.status)) for one in made]


def open_offer(host: Host, name: str) -> Appointment:
    [one] = act(host, "appointments", client=name, status="invited")
    assert isinstance(one, Appointment)
    return one


def line(host: Host) -> list[str]:
    return [one.client.id for one in act(host, "waitlist")]
