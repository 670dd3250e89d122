"""The transition: the one way an appointment changes, whoever asks and from wherever."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from ..domain.appointment import Appointment
from ..domain.errors import AlreadyDecided, NotFound, TooEarly, TooLate
from ..domain.lifecycle import RELEASING, Action, Actor, ActorKind, Status, next_status
from ..domain.practice import Practice
from ..domain.text import clean_text
from ..hooks import announce
from ..storage import appointments, claims, history
from .messages import enqueue_mail
from .state import State


def decide(state: State, ref: str, action: Action, actor: Actor, message: str = "") -> Appointment:
    """Carry out `action` and return the appointment as it now is. Done already: nothing changes.

    `message` is the actor's word: the practice's goes to the client, the client's stays with the practice.

    Raises NotFound, AlreadyDecided, NotAllowed, TooLate, TooEarly, and SlotTaken when a request that did
    not hold its time is confirmed too late.
    """
    practice = state.practice()
    message = clean_text(message)
    while True:
        appointment = appointments.by_ref(state.db, practice, ref)
        if appointment is None:
            raise NotFound
        target = next_status(appointment.status, action, actor.kind)
        if target is None:
            return appointment
        now = state.now()
        check_moment(practice, appointment, action, actor, now)
        changed = move(state, practice, appointment, action, target, actor, message, now)
        if changed is not None:
            announce(action, changed, state.sender)
            return changed


def move(
    state: State,
    practice: Practice,
    appointment: Appointment,
    action: Action,
    target: Status,
    actor: Actor,
    message: str,
    now: datetime,
) -> Appointment | None:
    """Row, claim, history and outbox in one transaction; None when somebody else changed the row first."""
    db = state.db
    changes: dict[str, Any] = {}
    if message:
        changes["reason" if actor.kind is ActorKind.CLIENT else "message"] = message
    freed = appointment.claim if target in RELEASING else None
    if freed is not None:
        changes["claim"] = None
    with db.atomic():
        changed = appointments.move(db, appointment, target, **changes)
        if changed is None:
            return None
        if freed is not None:
            claims.release(db, freed)
        elif target is Status.CONFIRMED and appointment.claim is None:
            stretch = appointments.busy_stretch(db, appointment.id)
            purpose = claims.Purpose.of(appointment, appointment.starts)
            claim = claims.take(db, appointment.provider.number, stretch, purpose, appointment.type.capacity)
            changed = appointments.give_claim(db, changed, claim)
        history.record(db, appointment.id, actor, action, appointment.status, target, message, now)
        word = "" if actor.kind is ActorKind.CLIENT else message
        enqueue_mail(db, practice, changed, action, actor, appointment.status, word, now)
    return changed


def check_moment(practice: Practice, appointment: Appointment, action: Action, actor: Actor, now: datetime) -> None:
    """Raises TooLate or TooEarly where the clock forbids what the lifecycle allows."""
    if action is Action.CANCEL and not cancellable(practice, appointment, actor.kind, now):
        raise TooLate(
            f"It is too close to the appointment to cancel it here. Please call {practice.name} at {practice.phone}."
        )
    if action is Action.ACCEPT and now >= appointment.expires:
        raise TooLate(f"This invitation has expired. Please call {practice.name} at {practice.phone}.")
    if action in {Action.COMPLETE, Action.MISS} and now < appointment.starts:
        raise TooEarly("This appointment has not begun yet.")


def cancellable(practice: Practice, appointment: Appointment, kind: ActorKind, now: datetime) -> bool:
    """Clients may cancel what is not yet confirmed, and the rest until the cancellation window opens."""
    return (
        kind is not ActorKind.CLIENT
        or appointment.status is not Status.CONFIRMED
        or now < appointment.starts - practice.cancellation_window
    )


def expire_lapsed(state: State) -> int:
    """Expire requests and invitations that nobody answered in time; how many."""
    expired = 0
    for appointment in appointments.lapsed(state.db, state.practice(), state.now()):
        # Somebody may have answered since the list was read.
        with suppress(AlreadyDecided):
            decide(state, appointment.ref, Action.EXPIRE, Actor(ActorKind.SYSTEM, "expiry"))
            expired += 1
    return expired
