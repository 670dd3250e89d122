"""Facts the portal announces after a commit, and questions it asks the host before a transaction."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from blinker import NamedSignal, Namespace

from .domain.appointment import Appointment, Client
from .domain.errors import whereabouts
from .domain.guests import Guest
from .domain.lifecycle import Action
from .domain.practice import Wish
from .domain.staff import Staff

log = logging.getLogger("portal_plugin")

_signals = Namespace()

appointment_requested = _signals.signal("appointment-requested", "A client asked for a time, and it is stored.")
appointment_invited = _signals.signal("appointment-invited", "The practice proposed a time to a client.")
appointment_confirmed = _signals.signal(
    "appointment-confirmed", "A request was confirmed, by staff or by itself, or the practice booked or moved."
)
appointment_accepted = _signals.signal("appointment-accepted", "A client accepted an invitation.")
appointment_declined = _signals.signal("appointment-declined", "The practice declined a request.")
appointment_cancelled = _signals.signal(
    "appointment-cancelled",
    "Client or practice cancelled, the practice withdrew an invitation, or another time took its place.",
)
appointment_expired = _signals.signal("appointment-expired", "Nobody answered in time.")
appointment_expiring = _signals.signal(
    "appointment-expiring",
    "A request or an invitation waits still, and expires soon: told once by the worker, a day before or when a third "
    "of the time it was given is left, whichever is later.",
)
appointment_completed = _signals.signal("appointment-completed", "The appointment took place.")
appointment_missed = _signals.signal("appointment-missed", "The client did not come.")

ANNOUNCED: dict[Action, NamedSignal] = {
    Action.REQUEST: appointment_requested,
    Action.INVITE: appointment_invited,
    Action.CONFIRM: appointment_confirmed,
    Action.ACCEPT: appointment_accepted,
    Action.DECLINE: appointment_declined,
    Action.CANCEL: appointment_cancelled,
    Action.REPLACE: appointment_cancelled,
    Action.WITHDRAW: appointment_cancelled,
    Action.EXPIRE: appointment_expired,
    Action.COMPLETE: appointment_completed,
    Action.MISS: appointment_missed,
}

SIGNALS = frozenset({*ANNOUNCED.values(), appointment_expiring})
"""All of them: of every change, and of the one thing that is told without one."""


def announce(action: Action, appointment: Appointment, sender: object) -> None:
    """Tell every receiver of a change."""
    tell(ANNOUNCED[action], appointment, sender)


def tell(signal: NamedSignal, appointment: Appointment, sender: object) -> None:
    """Tell every receiver, each on its own: one that raises is logged and stops nobody."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, appointment=appointment)
        except Exception as error:
            log.error("A receiver of %s raised; the change stands: %s", signal.name, whereabouts(error))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A request about to be stored, as a veto sees it. `starts` and `ends` are aware UTC."""

    client: Client
    wish: Wish
    starts: datetime
    ends: datetime
    note: str = field(repr=False)


CurrentClient = Callable[[], Client | None]
CurrentStaff = Callable[[], Staff | None]
CurrentLanguage = Callable[[], str | None]
FindClients = Callable[[str], Iterable[Client]]
BusyTimes = Callable[[str, datetime, datetime], Iterable[tuple[datetime, datetime]]]
GuestVerified = Callable[[Guest], Client | None]
RequestVeto = Callable[[Proposal], None]
DecisionVeto = Callable[[Appointment], None]
PracticeSource = Callable[[], Mapping[str, Any]]


@dataclass(slots=True)
class Questions:
    """The host's answers, as registered on a Portal."""

    current_client: CurrentClient | None = None
    busy_times: BusyTimes | None = None
    request_vetoes: list[RequestVeto] = field(default_factory=list)
    confirmation_vetoes: list[DecisionVeto] = field(default_factory=list)
    cancellation_vetoes: list[DecisionVeto] = field(default_factory=list)
    practice_source: PracticeSource | None = None
    current_staff: CurrentStaff | None = None
    find_clients: FindClients | None = None
    current_language: CurrentLanguage | None = None
    guest_verified: GuestVerified | None = None
