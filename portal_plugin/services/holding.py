"""What a change does to the claims: whose time is held, by which claim, while one appointment waits to replace another.

An appointment that moves by less than its own length overlaps its old time, and no two claims overlap. So the claim of
the old one is widened over both times, nobody slips in between, and the answer makes it narrow again.
"""

from dataclasses import dataclass

from ..domain.appointment import Appointment
from ..domain.lifecycle import OPEN, RELEASING, Status
from ..domain.practice import Interval, Practice
from ..storage import appointments, claims
from ..storage.claims import Purpose
from ..storage.database import Database


@dataclass(frozen=True, slots=True)
class Ties:
    """The appointment that one replaces, and the one that waits to replace it; rows that nobody else changes now."""

    old: Appointment | None = None
    next: Appointment | None = None


def tie(db: Database, practice: Practice, appointment: Appointment, target: Status) -> Ties:
    """Lock what hangs together, the oldest first, so that two who do this at once cannot wait for each other."""
    old = appointments.locked(db, practice, appointment.replaces) if appointment.replaces else None
    if target not in RELEASING:
        return Ties(old)
    appointments.locked(db, practice, appointment.ref)
    return Ties(old, appointments.pending_replacement(db, practice, appointment.ref))


def hold(
    db: Database, provider: int, interval: Interval, purpose: Purpose, capacity: int, old: Appointment | None
) -> int | None:
    """Claim a time for a new appointment; None when the claim of the one it replaces was widened over it.

    Raises SlotTaken.
    """
    if old is not None and old.claim is not None and _alone_with(old, provider, capacity):
        held = claims.stretch(db, old.claim)
        if interval.starts < held.ends and held.starts < interval.ends:
            both = Interval(min(held.starts, interval.starts), max(held.ends, interval.ends))
            claims.reshape(db, old.claim, provider, both, Purpose.of(old, old.starts))
            return None
    return claims.take(db, provider, interval, purpose, capacity)


def confirm(db: Database, after: Appointment, old: Appointment | None) -> Appointment:
    """Give a confirmed appointment its claim: the one it has, the one of the time it gives up, or a new one.

    Raises SlotTaken, and NotOffered for a second seat.
    """
    freed = old.claim if old is not None and old.status in OPEN else None
    if freed is not None and old is not None:
        appointments.give_claim(db, old, None)
    if after.claim is not None:
        if freed is not None:
            claims.release(db, freed)
        return after
    interval, purpose = appointments.busy_stretch(db, after.id), Purpose.of(after, after.starts)
    number, capacity = after.provider.number, after.type.capacity
    if freed is not None and old is not None:
        if _alone_with(old, number, capacity):
            claims.reshape(db, freed, number, interval, purpose)
            return appointments.give_claim(db, after, freed)
        claims.release(db, freed)
    return appointments.give_claim(db, after, claims.take(db, number, interval, purpose, capacity))


def let_go(db: Database, before: Appointment, ties: Ties) -> None:
    """Give back the time of an appointment that is not to be, whose row holds no claim any more."""
    if before.claim is None:
        old = ties.old
        if old is not None and old.claim is not None and _widened(db, old.claim, old):
            own = appointments.busy_stretch(db, old.id)
            claims.reshape(db, old.claim, old.provider.number, own, Purpose.of(old, old.starts))
        return
    waiting = ties.next
    if waiting is not None and waiting.claim is None and _widened(db, before.claim, before):
        theirs = appointments.busy_stretch(db, waiting.id)
        claims.reshape(db, before.claim, before.provider.number, theirs, Purpose.of(waiting, waiting.starts))
        appointments.pass_claim(db, waiting, before.claim)
    else:
        claims.release(db, before.claim)


def _alone_with(old: Appointment, provider: int, capacity: int) -> bool:
    """Whether one claim can serve both: the same provider's, and no group's."""
    return old.provider.number == provider and old.type.capacity == 1 == capacity


def _widened(db: Database, claim: int, appointment: Appointment) -> bool:
    alone = appointment.type.capacity == 1
    return alone and claims.stretch(db, claim) != appointments.busy_stretch(db, appointment.id)
