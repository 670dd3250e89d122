"""What changes an appointment: the services that `Portal` calls, under the same rules."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ...domain import lifecycle
from ...domain.appointment import Appointment
from ...domain.errors import NotAnswered, NotFound, SlotTaken
from ...domain.practice import Practice, Wish
from ...services import requests
from ...services.decisions import decide
from ...services.requests import Asking
from ...services.slots import free_slots
from ...services.state import State
from ...storage import appointments
from .calls import Call, actor
from .problems import Problem
from .schemas import Action, Decision, NewAppointment, NewRequest, NewTime, Proposal, Slot

Service = Callable[[State, Practice, Asking], Appointment]

NEAR = timedelta(days=7)
NEAREST = 5


def request(call: Call[NewRequest]) -> Appointment:
    """Ask for a time on a client's behalf, under the rules a client has."""
    return _make(call, requests.request_appointment, note=call.sent.note)


def invite(call: Call[Proposal]) -> Appointment:
    """Propose a time to a client; it is held until they answer."""
    return _make(call, requests.invite_client, message=call.sent.message)


def book(call: Call[Proposal]) -> Appointment:
    """Make a confirmed appointment that the client agreed to elsewhere."""
    return _make(call, requests.book_for_client, message=call.sent.message)


def reschedule(call: Call[NewTime]) -> Appointment:
    """Move an appointment: the new one is confirmed at once, and the old one ends."""
    old, sent = _found(call.state, call.practice, call.ref), call.sent
    asking = requests.asking_to_move(
        call.practice,
        old,
        sent.starts,
        actor(call),
        provider=sent.provider,
        location=sent.location,
        message=sent.message,
        key=call.request_key,
    )
    return _carry_out(call.state, call.practice, requests.book_for_client, asking)


def confirm(call: Call[Decision]) -> Appointment:
    """Confirm a request."""
    try:
        return _decided(call, lifecycle.Action.CONFIRM, call.sent.message)
    except SlotTaken as error:
        # It did not hold its time.
        raise _with_nearest(call.state, call.practice, error, *_wished(call)) from None


def decline(call: Call[Decision]) -> Appointment:
    """Decline a request; the client reads the message."""
    return _decided(call, lifecycle.Action.DECLINE, call.sent.message)


def cancel(call: Call[Decision]) -> Appointment:
    """Cancel for the practice; the client reads the message."""
    return _decided(call, lifecycle.Action.CANCEL, call.sent.message)


def withdraw(call: Call[Decision]) -> Appointment:
    """Take an invitation back."""
    return _decided(call, lifecycle.Action.WITHDRAW, call.sent.message)


def accept(call: Call[Action]) -> Appointment:
    """Accept an invitation for a client who said so."""
    return _decided(call, lifecycle.Action.ACCEPT)


def complete(call: Call[Action]) -> Appointment:
    """Note that it took place."""
    return _decided(call, lifecycle.Action.COMPLETE)


def no_show(call: Call[Action]) -> Appointment:
    """Note that the client did not come."""
    return _decided(call, lifecycle.Action.MISS)


def _decided(call: Call[Action], action: lifecycle.Action, message: str = "") -> Appointment:
    return decide(call.state, call.ref, action, actor(call), message)


def _make(call: Call[NewAppointment], service: Service, note: str = "", message: str = "") -> Appointment:
    sent, client = call.sent, call.sent.client.record()
    moving = _found(call.state, call.practice, sent.replaces) if sent.replaces else None
    if moving is not None and moving.client.id != client.id:
        raise NotFound
    asking = Asking(
        sent.wish(call.practice),
        client,
        sent.starts,
        actor(call),
        note=note,
        message=message,
        key=call.request_key,
        moving=moving,
        host_reference=sent.reference,
        host_data=sent.data,
    )
    return _carry_out(call.state, call.practice, service, asking)


def _carry_out(state: State, practice: Practice, service: Service, asking: Asking) -> Appointment:
    """Also after a server that was killed when it had stored the appointment and not yet answered."""
    if asking.key:
        earlier = appointments.by_request_key(state.db, practice, asking.client.id, asking.key)
        if earlier is not None:
            return earlier
    try:
        return service(state, practice, asking)
    except SlotTaken as error:
        raise _with_nearest(state, practice, error, asking.wish, asking.starts) from None


def _found(state: State, practice: Practice, ref: str) -> Appointment:
    found = appointments.by_ref(state.db, practice, ref)
    if found is None:
        raise NotFound
    return found


def _with_nearest(state: State, practice: Practice, error: SlotTaken, wish: Wish, starts: datetime) -> Problem:
    now = state.now()
    free = free_slots(state, practice, wish, since=max(now, starts - NEAR), until=starts + NEAR, now=now)
    try:
        nearest = sorted(free, key=lambda slot: abs(slot.starts - starts))[:NEAREST]
    except NotAnswered:
        return Problem(409, "slot_taken", str(error))
    return Problem(409, "slot_taken", str(error), slots=[Slot.of(slot) for slot in sorted(nearest)])


def _wished(call: Call[Decision]) -> tuple[Wish, datetime]:
    wanted = _found(call.state, call.practice, call.ref)
    place = wanted.location.key if wanted.location else None
    wish = call.practice.wish(wanted.type.key, wanted.contact.key, wanted.provider.key, place)
    return wish, wanted.starts
