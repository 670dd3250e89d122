"""Who waits for a time to come free, for what, and which times suit them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from .appointment import Client
from .practice import AppointmentType, ContactType, Location, Provider


class PartOfDay(StrEnum):
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"

    @classmethod
    def of(cls, local: datetime) -> "PartOfDay":
        return cls.MORNING if local.hour < 12 else cls.AFTERNOON if local.hour < 17 else cls.EVENING


class Outcome(StrEnum):
    """How waiting ended: the client left, the practice removed them, took a time, or the latest day has passed."""

    LEFT = "left"
    REMOVED = "removed"
    TAKEN = "taken"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Preferences:
    """From the first through the last of these local days. Weekdays (Monday is 0) and parts of day: none means all."""

    earliest: date
    latest: date
    weekdays: frozenset[int] = frozenset()
    parts: frozenset[PartOfDay] = frozenset()

    def suit(self, local: datetime) -> bool:
        """Whether a start, in the zone that the appointment is told in, is one of those that are waited for."""
        return (
            self.earliest <= local.date() <= self.latest
            and (not self.weekdays or local.weekday() in self.weekdays)
            and (not self.parts or PartOfDay.of(local) in self.parts)
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client on the waitlist. No provider: whoever is free first; no location: it happens at a distance.

    `created` is aware UTC; days are meant in `zone`. `id` is the portal's own and means nothing outside.
    """

    ref: str
    client: Client
    type: AppointmentType
    contact: ContactType
    provider: Provider | None
    location: Location | None
    zone: str
    preferences: Preferences
    created: datetime
    id: int = field(default=0, repr=False)
