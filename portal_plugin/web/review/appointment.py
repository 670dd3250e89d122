"""Everything about one appointment, and what the practice does to it."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.appointment import Appointment
from ...domain.errors import AlreadyDecided, NotAnswered, PortalError
from ...domain.history import HistoryEntry, Result
from ...domain.lifecycle import Action, ActorKind, Status
from ...domain.said import said
from ...services.decisions import decide
from ...storage import appointments, guests, history
from ...wording import say, tell
from ...wording.dates import long_date, told_time
from ..forms import said_once
from ..guard import current_practice, current_state, signed_in_staff
from .forms import DecisionForm
from .panels import actor, found, render

BUTTONS = {
    "confirm": (said("Confirm"), ""),
    "decline": (said("Decline"), "portal-quiet"),
    "accept": (said("Accept for the client"), ""),
    "withdraw": (said("Withdraw the invitation"), "portal-quiet"),
    "complete": (said("It took place"), ""),
    "no-show": (said("Client did not come"), "portal-quiet"),
    "cancel": (said("Cancel the appointment"), "portal-danger"),
}
"""The words of each verb and its look."""

HAPPENED = {
    Action.REQUEST: said("Requested"),
    Action.INVITE: said("Invited"),
    Action.BOOK: said("Booked"),
    Action.CONFIRM: said("Confirmed"),
    Action.ACCEPT: said("Accepted"),
    Action.DECLINE: said("Declined"),
    Action.CANCEL: said("Cancelled"),
    Action.REPLACE: said("Moved"),
    Action.WITHDRAW: said("Withdrawn"),
    Action.EXPIRE: said("Expired"),
    Action.COMPLETE: said("Completed"),
    Action.MISS: said("Marked as missed"),
}


def one(ref: str) -> ResponseReturnValue:
    """GET shows it, POST carries one action out."""
    staff = signed_in_staff()
    form = DecisionForm(current_state(), staff, said_once(request.form))
    if request.method != "POST":
        return show(found(ref), form)
    if not form.validate():
        return show(found(ref), form, 400 if form.stale else 422)
    try:
        decided = decide(current_state(), ref, form.action, actor(staff), form.word)
    except PortalError as error:
        now = found(ref)
        form.errors["verb"] = refusal(error, now)
        return show(now, form, 503 if isinstance(error, NotAnswered) else 409)
    return redirect(_after(form, decided), 303)


def _after(form: DecisionForm, decided: Appointment) -> str:
    if form.typed["from"] == "queue":
        return url_for("portal.review_queue", done=decided.ref)
    return url_for("portal.review_appointment", ref=decided.ref)


def show(appointment: Appointment, form: DecisionForm, status: int = 200) -> ResponseReturnValue:
    state, practice = current_state(), current_practice()
    links = appointments.chain(state.db, practice, appointment)
    return render(
        "appointment",
        appointment.client.name or say("Appointment"),
        status,
        appointment=appointment,
        intake=guests.intake(state.db, appointment),
        chain=links if len(links) > 1 else [],
        conflicts=appointments.overlapping(state.db, practice, [appointment.ref]).get(appointment.ref, []),
        happened=_happened(appointment),
        now=state.now(),
        verbs=_verbs(appointment),
        buttons=BUTTONS,
        form=form,
        errors=form.errors,
    )


class Happened(NamedTuple):
    """A line of the history: local time, what was done, by whom, and why."""

    at: datetime
    what: str
    whom: str
    reason: str


def _happened(appointment: Appointment) -> list[Happened]:
    zone = ZoneInfo(appointment.zone)
    return [
        Happened(entry.at.astimezone(zone), _words(entry), _whom(entry), entry.reason)
        for entry in history.entries(current_state().db, appointment.id)
    ]


def refusal(error: PortalError, appointment: Appointment) -> str:
    """Why something was refused; where somebody was faster, also who and when."""
    if not isinstance(error, AlreadyDecided):
        return tell(error)
    entries = history.entries(current_state().db, appointment.id)
    last = next((entry for entry in reversed(entries) if entry.result is Result.DONE), None)
    if last is None:
        return tell(error)
    at = last.at.astimezone(ZoneInfo(appointment.zone))
    return say(
        "{refusal} {what} by {whom}, {date}, {time}.",
        refusal=tell(error),
        what=_words(last),
        whom=_whom(last),
        date=long_date(at),
        time=told_time(at),
    )


def _words(entry: HistoryEntry) -> str:
    known = Action.__members__.get(entry.action.upper())
    words = tell(HAPPENED[known]) if known else say("Access")
    return words if entry.result is Result.DONE else say("{what}, refused,", what=words)


def _whom(entry: HistoryEntry) -> str:
    match entry.actor_kind:
        case ActorKind.STAFF:
            return entry.actor
        case ActorKind.HOST:
            return say("the practice’s system")
        case ActorKind.SYSTEM:
            return say("itself")
        case ActorKind.LINK:
            return say("the client, through a link")
        case _:
            return say("the client")


def _verbs(appointment: Appointment) -> list[str]:
    """What can be done to it now, the likeliest first."""
    begun = current_state().now() >= appointment.starts
    match appointment.status:
        case Status.REQUESTED:
            return ["decline"] if begun else ["confirm", "decline"]
        case Status.INVITED:
            return ["withdraw"] if begun else ["accept", "withdraw"]
        case Status.CONFIRMED:
            return ["complete", "no-show", "cancel"] if begun else ["cancel"]
    return []
