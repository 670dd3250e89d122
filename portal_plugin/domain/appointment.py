"""One appointment as the host and the templates see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .addresses import MAIL_ADDRESS
from .lifecycle import Status
from .practice import AppointmentType, ContactType, Location, Provider
from .text import clean_line

LONGEST_WARNING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Client:
    """The person who books. `id` is the host's own; names are cleaned of control characters.

    `new` is somebody who can sign in and is not yet a client of the practice: they see only types for anyone.
    """

    id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(default="", repr=False)
    new: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("id", "name", "email", "phone"):
            value = getattr(self, name)
            object.__setattr__(self, name, "" if value is None else clean_line(str(value)))
        # One address and nothing around it: a list would be told what one person may know.
        address = MAIL_ADDRESS.search(self.email)
        object.__setattr__(self, "email", address[0] if address else "")
        if not self.id:
            raise ValueError("a Client needs an id: the host's own, which never changes")


@dataclass(frozen=True, slots=True)
class Appointment:
    """A request, an invitation or an appointment. Instants are aware UTC; `zone` is the one it is told in.

    `message` is the practice's latest word to the client; `note` is the client's to the practice when asking
    and `reason` when cancelling. `version` rises with every change. `replaces` is the reference of the appointment
    that this one takes the place of, once it is confirmed; `thread` is the first reference of such a chain.
    `host_reference` and `host_data` are the host's. `id` (0 until it is stored) and `claim` are the portal's own and
    mean nothing outside.
    """

    ref: str
    status: Status
    type: AppointmentType
    contact: ContactType
    provider: Provider
    location: Location | None
    starts: datetime
    ends: datetime
    zone: str
    client: Client
    note: str = field(repr=False)
    message: str = field(repr=False)
    reason: str = field(repr=False)
    text_reminders: bool
    version: int
    created: datetime
    expires: datetime
    replaces: str | None = None
    thread: str = ""
    host_reference: str = ""
    host_data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: int = field(default=0, repr=False)
    claim: int | None = field(default=None, repr=False)

    @property
    def warning(self) -> timedelta:
        """How long before it expires without an answer staff are warned: a day, or a third of the time it was given."""
        return min(LONGEST_WARNING, (self.expires - self.created) / 3)

    def waits(self, now: datetime) -> bool:
        """Whether it can still be answered: a request by the practice, an invitation by the client."""
        return self.status in {Status.REQUESTED, Status.INVITED} and now < self.expires

    @property
    def join_url(self) -> str:
        """Where it is joined from afar; empty as long as it is not confirmed, and where there is no such place."""
        if self.status is not Status.CONFIRMED:
            return ""
        return self.contact.join_url.replace("{provider}", self.provider.key)

    @property
    def local_starts(self) -> datetime:
        return self.starts.astimezone(ZoneInfo(self.zone))

    @property
    def local_expires(self) -> datetime:
        return self.expires.astimezone(ZoneInfo(self.zone))

    @property
    def local_ends(self) -> datetime:
        return self.ends.astimezone(ZoneInfo(self.zone))
