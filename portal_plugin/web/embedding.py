"""What any page of the host's can show of the portal: a link to book, with or without the next free time."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from markupsafe import Markup

from ..domain.availability import Slot, bookable_range
from ..domain.errors import NotOffered, PortalError, SetupError
from ..domain.instants import instant
from ..domain.practice import Practice, Wish
from ..services.guests import VISITOR
from ..services.rules import check_client
from ..services.slots import free_slots
from ..storage.database import Unreachable
from ..wording import say
from .guard import begin_request, current_practice, current_state, known_client
from .language import choose_language

log = logging.getLogger("portal_plugin")

_STYLED = "portal_plugin.styled"


def booking_button(
    text: str = "", *, type: str = "", contact: str = "", provider: str = "", location: str = ""
) -> Markup:
    """A link to step 1, with what is given chosen there. `text` in place of "Book an appointment"."""
    return _shown(text, _chosen(type, contact, provider, location), next_time=False)


def next_available(text: str = "", *, type: str, contact: str = "", provider: str = "", location: str = "") -> Markup:
    """A link to the next free time's day in step 2: "Next available: Tue, Dec 8, 10:00 AM". Where there is no such
    time, or nobody knows, the same as `booking_button`. What is left out may be any of what the type allows.
    """
    return _shown(text, _chosen(type, contact, provider, location), next_time=True)


def _shown(text: str, chosen: dict[str, str], *, next_time: bool) -> Markup:
    styled = bool(request.environ.get(_STYLED))
    if not styled and request.blueprint != "portal":
        begin_request()
    request.environ[_STYLED] = True
    found = None
    try:
        choose_language()
        with suppress(NotOffered):
            found = _next(chosen) if next_time else None
    except (PortalError, *Unreachable) as error:
        # The host's page must not fail with the portal.
        log.warning("A booking link is shown without the next free time: %s", error)
    query: dict[str, Any] = {**chosen}
    address, starts = url_for("portal.book", **query), None
    if found:
        wish, slot = found
        starts = slot.starts.astimezone(ZoneInfo(wish.zone))
        query |= {"contact": wish.contact.key, "date": f"{starts:%Y-%m-%d}"}
        query |= {"location": wish.location.key} if wish.location else {}
        address = url_for("portal.time", **query)
    text = text or say("Book an appointment")
    html = render_template("portal/embed.html", address=address, text=text, starts=starts, styled=styled)
    return Markup(html)  # noqa: S704 - escaped by the template


def _chosen(type: str, contact: str, provider: str, location: str) -> dict[str, str]:
    given = {"type": type, "contact": contact, "provider": provider, "location": location}
    return {name: key for name, key in given.items() if key}


def _next(chosen: dict[str, str]) -> tuple[Wish, Slot] | None:
    """The earliest of all ways and places that were left open."""
    state, practice, client = current_state(), current_practice(), known_client()
    if client is None and practice.new_clients:
        client = VISITOR
    now = state.now()
    found: list[tuple[Wish, Slot]] = []
    for wish in _wishes(practice, chosen):
        if client:
            check_client(state.db, wish, client)
        since, until = map(instant, bookable_range(wish, now))
        if slot := next(free_slots(state, practice, wish, since=since, until=until, now=now, client=client), None):
            found.append((wish, slot))
    return min(found, key=lambda one: one[1].starts, default=None)


def _wishes(practice: Practice, chosen: dict[str, str]) -> Iterator[Wish]:
    """Raises SetupError for a type that the practice does not have, and nothing for what it does not allow."""
    kind = next((one for one in practice.bookable_types() if one.key == chosen["type"]), None)
    if kind is None:
        raise SetupError(f"The practice offers no appointment type {chosen['type']!r}.")
    if not kind.open_to(new=False):
        return
    for contact in practice.contacts_for(kind):
        places = [place.key for place in practice.locations_for(kind, contact)] or [""]
        for place in places:
            if chosen.get("contact", contact.key) == contact.key and chosen.get("location", place) == place:
                with suppress(NotOffered):
                    yield practice.wish(kind.key, contact.key, chosen.get("provider"), place)
