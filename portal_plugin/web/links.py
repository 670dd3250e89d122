"""Where a mailed link lands: it shows, and never acts."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ..domain.appointment import Appointment
from ..domain.errors import NotFound
from ..domain.history import Event
from ..domain.lifecycle import OPEN, ActorKind
from ..domain.limits import Limit
from ..services.tokens import AGAIN, LinkExpired, read_link
from ..wording import say
from .guard import current_state, own_appointment, record_refused, signed_in_client
from .htmx import render_panel
from .limits import refuse_guess


def follow(token: str) -> ResponseReturnValue:
    """ "Reschedule" opens step 2 with the same details; the client chooses and sends it like any request.

    What still stands is moved, and stays until the new time is confirmed.
    """
    signed_in_client()
    try:
        link = read_link(current_state(), token)
    except LinkExpired:
        record_refused(ActorKind.LINK, Event.LINK, reason="expired")
        return render_panel("expired_link", say("This link has expired"), 410)
    if link is None or link.purpose != AGAIN:
        refuse_guess(current_state(), Limit.WRONG_LINKS)
        record_refused(ActorKind.LINK, Event.LINK, reason="not genuine")
        raise NotFound
    return again(link.ref)


def again(ref: str) -> ResponseReturnValue:
    """The same from a guest's own page, whose address is signed itself."""
    appointment = own_appointment(ref)
    if appointment.status in OPEN:
        return redirect(url_for("portal.reschedule", ref=appointment.ref), 303)
    return redirect(book_again(appointment), 303)


def book_again(appointment: Appointment, provider: str | None = None) -> str:
    """The address of step 2 with the same details, or with another provider (a key; empty for any available)."""
    return url_for(
        "portal.time",
        type=appointment.type.key,
        contact=appointment.contact.key,
        provider=(appointment.provider.key if provider is None else provider) or None,
        location=appointment.location.key if appointment.location else None,
    )
