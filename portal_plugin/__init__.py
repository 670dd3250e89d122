"""An appointment portal for the Flask site a practice already has."""

from .delivery.failures import OptedOut, Undelivered
from .delivery.preview import Preview
from .domain.appointment import Appointment, Client
from .domain.availability import Slot
from .domain.errors import (
    AlreadyDecided,
    AppointmentsAhead,
    NotAllowed,
    NotAnswered,
    NotFound,
    NotOffered,
    PortalError,
    PracticeFileError,
    Refused,
    SetupError,
    SlotTaken,
    TooEarly,
    TooLate,
)
from .domain.explanation import Explanation
from .domain.guests import Guest, IntakeAnswer
from .domain.history import HistoryEntry
from .domain.lifecycle import Status
from .domain.series import NotEveryWeek, Week
from .domain.staff import Staff
from .domain.waitlist import Waiting
from .hooks import (
    Proposal,
    appointment_accepted,
    appointment_cancelled,
    appointment_completed,
    appointment_confirmed,
    appointment_declined,
    appointment_expired,
    appointment_expiring,
    appointment_invited,
    appointment_missed,
    appointment_requested,
)
from .portal import Portal
from .web.logs import RequestId

__version__ = "0.1.0"

__all__ = [
    "AlreadyDecided",
    "Appointment",
    "AppointmentsAhead",
    "Client",
    "Explanation",
    "Guest",
    "HistoryEntry",
    "IntakeAnswer",
    "NotAllowed",
    "NotAnswered",
    "NotEveryWeek",
    "NotFound",
    "NotOffered",
    "OptedOut",
    "Portal",
    "PortalError",
    "PracticeFileError",
    "Preview",
    "Proposal",
    "Refused",
    "RequestId",
    "SetupError",
    "Slot",
    "SlotTaken",
    "Staff",
    "Status",
    "TooEarly",
    "TooLate",
    "Undelivered",
    "Waiting",
    "Week",
    "appointment_accepted",
    "appointment_cancelled",
    "appointment_completed",
    "appointment_confirmed",
    "appointment_declined",
    "appointment_expired",
    "appointment_expiring",
    "appointment_invited",
    "appointment_missed",
    "appointment_requested",
]
