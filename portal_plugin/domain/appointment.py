"""One appointment as the host and the templates see it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .addresses import MAIL_ADDRESS
from .instants import same_clock, zone_names
from .lifecycle import Status
from .practice import AppointmentType, ContactType, Location, Provider
from .text import clean_line

LONGEST_WARNING = timedelta(hours=24)

LANGUAGE_TAG = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
"""RFC 5646, section 2.1, as far as anybody's language needs it."""


@dataclass(frozen=True, slots=True)
class Client:
    """The person who books. `id` is the host's own; names are cleaned of control characters.

    `new` is somebody who can sign in and is not yet a client of the practice: they see only types for anyone.
    Messages go out in `language`, a tag such as "es" or "es-MX"; "" means that of the page the client asks on, or else
    the practice's. `zone` is the client's own, an IANA name such as "America/Los_Angeles"; "" means the practice's.
    Raises ValueError for what is neither.
    """

    id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(default="", repr=False)
    new: bool = field(default=False, repr=False, compare=False)
    language: str = field(default="", repr=False, compare=False)
    zone: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("id", "name", "email", "phone"):
            value = getattr(self, name)
            object.__setattr__(self, name, "" if value is None else clean_line(str(value)))
        # One address and nothing around it: a list would be told what one person may know.
        address = MAIL_ADDRESS.search(self.email)
        object.__setattr__(self, "email", address[0] if address else "")
        if not self.id:
            raise ValueError("a Client needs an id: the host's own, which never changes")
        object.__setattr__(self, "language", (self.language or "").replace("_", "-"))
        if self.language and not LANGUAGE_TAG.fullmatch(self.language):
            raise ValueError(f'language is {self.language!r}: write a tag such as "es" or "es-MX", or leave it empty')
        object.__setattr__(self, "zone", self.zone or "")
        if self.zone and self.zone not in zone_names():
            raise ValueError(f'zone is {self.zone!r}: write an IANA name such as "America/Chicago", or leave it empty')


@dataclass(frozen=True, slots=True)
class Appointment:
    """A request, an invitation or an appointment. Instants are aware UTC; `zone` is the one it is told in.

    `message` is the practice's latest word to the client; `note` is the client's to the practice when asking
    and `reason` when cancelling. `version` rises with every change. `replaces` is the reference of the appointment
    that this one takes the place of, once it is confirmed; `thread` is the first reference of such a chain.
    `host_reference` and `host_data` are the host's. `id` (0 until it is stored), `claim` and `waitlist` (whose place in
    that line it was offered to) are the portal's own and mean nothing outside.
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
    waitlist: int | None = field(default=None, repr=False)

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
    def own_zone(self) -> str:
        """The client's, where they need not come and their clock shows another time than `zone`; else empty."""
        return own_zone(self.contact, self.client.zone, self.zone, self.starts, self.ends)

    @property
    def local_expires(self) -> datetime:
        return self.expires.astimezone(ZoneInfo(self.zone))

    @property
    def local_ends(self) -> datetime:
        return self.ends.astimezone(ZoneInfo(self.zone))


def own_zone(contact: ContactType, clients: str, practices: str, starts: datetime, ends: datetime) -> str:
    """The client's zone, where they need not come and their clock shows another time than the practice's; or empty."""
    if not clients or contact.at_location or all(same_clock(at, clients, practices) for at in (starts, ends)):
        return ""
    return clients
