"""The transition: the one way an appointment changes, whoever asks and from wherever."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from ..domain.appointment import Appointment
from ..domain.errors import (
    AlreadyDecided,
    NotAllowed,
    NotFound,
    NotOffered,
    Refused,
    SlotTaken,
    TooEarly,
    TooLate,
)
from ..domain.instants import seconds
from ..domain.lifecycle import OPEN, RELEASING, Action, Actor, ActorKind, Status, next_status
from ..domain.practice import Practice, Wish
from ..domain.said import said
from ..domain.text import clean_line, clean_text
from ..domain.waitlist import Outcome
from ..hooks import announce
from ..storage import appointments, claims, history, waitlist
from ..storage.database import Database
from . import holding
from .messages import enqueue
from .rules import is_time_of
from .state import State

_BY_A_RULE = (AlreadyDecided, NotAllowed, Refused, SlotTaken, TooEarly, TooLate)


@contextmanager
def refusals_recorded(state: State, ref: str, action: Action, actor: Actor) -> Iterator[None]:
    """Write down what somebody wanted to do to an appointment and was refused by a rule, once its transaction is over.

    The portal's own jobs are left out: nobody decided anything there.
    """
    try:
        yield
    except _BY_A_RULE as error:
        if actor.kind is not ActorKind.SYSTEM:
            wanted = appointments.by_ref(state.db, state.practice(), ref)
            number = wanted.id if wanted else None
            history.record_refused(state.db, number, actor, action, clean_line(str(error)), state.now())
        raise


def decide(state: State, ref: str, action: Action, actor: Actor, message: str = "") -> Appointment:
    """Carry out `action` and return the appointment as it now is. Done already: nothing changes.

    `message` is the actor's word: the practice's goes to the client, the client's stays with the practice.

    Raises NotFound, AlreadyDecided, NotAllowed, TooLate, TooEarly, Refused when the host's veto says no, NotAnswered
    when it says nothing, and SlotTaken when a request that did not hold its time is confirmed too late.
    """
    with refusals_recorded(state, ref, action, actor):
        return _decide(state, ref, action, actor, message)


def _decide(state: State, ref: str, action: Action, actor: Actor, message: str) -> Appointment:
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
        state.host.permit_decision(action, appointment)
        changed = move(state, practice, appointment, action, target, actor, message, now)
        if changed is not None:
            announce_change(state, practice, action, changed)
            return changed


def announce_change(state: State, practice: Practice, action: Action, changed: Appointment) -> None:
    """Tell of a change after its commit; one that took another's place tells of that one as well."""
    announce(action, changed, state.sender)
    if changed.status is Status.CONFIRMED and changed.replaces and action in {Action.CONFIRM, Action.ACCEPT}:
        old = appointments.by_ref(state.db, practice, changed.replaces)
        # It may have been cancelled by itself before, of which everybody has heard.
        if old is not None and history.was_replaced(state.db, old.id):
            announce(Action.REPLACE, old, state.sender)


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
    with db.atomic():
        if appointment.waitlist is not None and target is Status.CONFIRMED:
            # Before its own row, as whoever makes an offer: the two would else wait for each other.
            waitlist.locked(db, appointment.waitlist)
        ties = holding.tie(db, practice, appointment, target)
        if target in RELEASING:
            changes["claim"] = None
        elif target is Status.CONFIRMED and ties.old:
            # Calendars take the newest version of a thread.
            changes["version"] = max(appointment.version, ties.old.version) + 1
        changed = appointments.move(db, appointment, target, **changes)
        if changed is None:
            return None
        if target in RELEASING:
            holding.let_go(db, appointment, ties)
        elif target is Status.CONFIRMED:
            changed = take_place(db, changed, ties.old, actor, now)
        history.record(db, appointment.id, actor, action, appointment.status, target, message, now)
        word = "" if actor.kind is ActorKind.CLIENT else message
        enqueue(state, practice, changed, action, actor, appointment.status, word, now, ties.old)
    return changed


def take_place(
    db: Database, confirmed: Appointment, old: Appointment | None, actor: Actor, now: datetime
) -> Appointment:
    """Give a confirmed appointment its claim, and end the one it replaces. Who had it from the waitlist waits no more.

    Raises SlotTaken.
    """
    confirmed = holding.confirm(db, confirmed, old)
    for offered in (confirmed, old):
        if offered is not None and offered.waitlist is not None:
            waitlist.end(db, offered.waitlist, Outcome.TAKEN, now)
    if old is not None and old.status in OPEN:
        appointments.move(db, old, Status.CANCELLED)
        history.record(db, old.id, actor, Action.REPLACE, old.status, Status.CANCELLED, "", now)
    return confirmed


def locked_to_move(db: Database, practice: Practice, moving: Appointment | None) -> Appointment | None:
    """What is to be moved as it is now, for the rest of the transaction. Raises what `check_stands` raises."""
    old = appointments.locked(db, practice, moving.ref) if moving else None
    if old is not None:
        check_stands(db, practice, old)
    return old


def check_stands(db: Database, practice: Practice, old: Appointment) -> None:
    """Raises AlreadyDecided when it has ended, and NotAllowed while a new time waits to take its place: were it moved
    meanwhile, both could be confirmed.
    """
    if old.status not in OPEN:
        raise AlreadyDecided(Action.REPLACE, old.status)
    if appointments.pending_replacement(db, practice, old.ref):
        raise NotAllowed(appointments.WAITS_ALREADY)


def check_movable(practice: Practice, appointment: Appointment, kind: ActorKind, now: datetime) -> None:
    """Raises AlreadyDecided when it has ended, NotAllowed while it is itself a new time that waits for an answer, and
    TooLate for a client inside the reschedule window.
    """
    if appointment.status not in OPEN:
        raise AlreadyDecided(Action.REPLACE, appointment.status)
    if _waits_to_replace(appointment):
        raise NotAllowed(said("This new time is waiting for an answer. Cancel it to ask for another one."))
    if not movable(practice, appointment, kind, now):
        raise TooLate(
            said(
                "It is too close to the appointment to move it here. Please call {practice} at {phone}.",
                practice=practice.name,
                phone=practice.phone,
            )
        )


def movable(practice: Practice, appointment: Appointment, kind: ActorKind, now: datetime) -> bool:
    """Clients may ask for another time until the reschedule window opens, and nobody once it has begun."""
    window = practice.reschedule_window if kind is ActorKind.CLIENT and appointment.status is Status.CONFIRMED else None
    return not _waits_to_replace(appointment) and now < appointment.starts - (window or timedelta())


def _waits_to_replace(appointment: Appointment) -> bool:
    # A chain of two that wait would leave the first one standing when the last is confirmed.
    return appointment.replaces is not None and appointment.status is not Status.CONFIRMED


def check_really_moves(old: Appointment, wish: Wish, starts: datetime) -> None:
    """Raises NotOffered for the very appointment that there is."""
    if is_time_of(old, wish, starts) and wish.providers == (old.provider,):
        raise NotOffered("starts", said("That is the time it has now. Choose another one."))


def check_moment(practice: Practice, appointment: Appointment, action: Action, actor: Actor, now: datetime) -> None:
    """Raises TooLate or TooEarly where the clock forbids what the lifecycle allows."""
    if action is Action.CANCEL and not cancellable(practice, appointment, actor.kind, now):
        raise TooLate(
            said(
                "It is too close to the appointment to cancel it here. Please call {practice} at {phone}.",
                practice=practice.name,
                phone=practice.phone,
            )
        )
    if action is Action.CONFIRM and now >= appointment.starts:
        raise TooLate(said("The time of this request has passed, so it can no longer be confirmed."))
    if action is Action.ACCEPT and now >= appointment.expires:
        raise TooLate(
            said(
                "This invitation has expired. Please call {practice} at {phone}.",
                practice=practice.name,
                phone=practice.phone,
            )
        )
    if action in {Action.COMPLETE, Action.MISS} and now < appointment.starts:
        raise TooEarly(said("This appointment has not begun yet."))


def cancellable(practice: Practice, appointment: Appointment, kind: ActorKind, now: datetime) -> bool:
    """Clients may cancel what is not yet confirmed, and the rest until the cancellation window opens."""
    return (
        kind is not ActorKind.CLIENT
        or appointment.status is not Status.CONFIRMED
        or now < appointment.starts - practice.cancellation_window
    )


def expire_lapsed(state: State) -> int:
    """Expire requests and invitations that nobody answered in time; how many. Holds that have ended are given back."""
    expired = 0
    if state.practice().has_holds:
        claims.end_holds(state.db, seconds(state.now()))
    for appointment in appointments.lapsed(state.db, state.practice(), state.now()):
        # Somebody may have answered since the list was read.
        with suppress(AlreadyDecided):
            decide(state, appointment.ref, Action.EXPIRE, Actor(ActorKind.SYSTEM, "expiry"))
            expired += 1
    return expired
