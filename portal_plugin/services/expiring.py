"""The practice is warned, once, of what is about to expire without an answer."""

from ..domain.appointment import LONGEST_WARNING
from ..hooks import appointment_expiring, tell
from ..storage import appointments
from . import messages
from .state import State


def warn_of_expiry(state: State) -> int:
    """Announce what expires soon, to staff, endpoints and the host; of how many."""
    practice, now, warned = state.practice(), state.now(), 0
    for appointment in appointments.unwarned(state.db, practice, now, now + LONGEST_WARNING):
        if appointment.expires - now > appointment.warning:
            continue
        with state.db.atomic():
            marked = appointments.warn(state.db, appointment)
            if marked is not None:
                messages.enqueue_warning(state, practice, marked, now)
        if marked is not None:
            tell(appointment_expiring, marked, state.sender)
            warned += 1
    return warned


def still_waits(state: State, ref: str) -> bool:
    """Whether it is still to be answered, as things stand now."""
    appointment = appointments.by_ref(state.db, state.practice(), ref)
    return appointment is not None and appointment.waits(state.now())
