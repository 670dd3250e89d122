"""What a practice says about itself, resolved and checked: the answer to "who offers what, where, when"."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import quote

from .colors import DEFAULT as DEFAULT_COLOR
from .errors import NotOffered
from .guests import NewClients
from .said import said

MAP_SEARCH = "https://www.openstreetmap.org/search?query="

_DAYS_KEPT = 800
"""Past the longest horizon; each kind of wish keeps so many days' starts in memory."""


class Window(NamedTuple):
    """Opening hours within one day: minutes after local midnight, end excluded, at most 1440."""

    opens: int
    closes: int


class Interval(NamedTuple):
    """Taken time: seconds since 1970, end excluded."""

    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Location:
    key: str
    name: str
    address: str
    zone: str
    map: str = ""
    retired: bool = False

    @property
    def directions(self) -> str:
        """Where a map shows the way: the practice's own link, or a search for the address; empty without either."""
        return self.map or (f"{MAP_SEARCH}{quote(self.address)}" if self.address else "")


@dataclass(frozen=True, slots=True)
class ContactType:
    """How client and provider meet. `at_location` is true when somebody has to travel. In `join_url`, where a video
    call is joined, `{provider}` stands for the provider's key.
    """

    key: str
    name: str
    at_location: bool
    instructions: str = ""
    join_url: str = field(default="", repr=False)
    retired: bool = False


class Audience(StrEnum):
    """Who may ask for an appointment type. `invited` is for the practice alone to propose."""

    ANYONE = "anyone"
    CLIENTS = "clients"
    INVITED = "invited"


@dataclass(frozen=True)
class AppointmentType:
    """What for. `capacity` clients share one session; `daily_cap` is the most sessions of a provider's day.

    `days_between` is the least number of days from one to the next of the same client, and `open_requests` how
    many of a client's may wait for an answer at once.
    """

    key: str
    name: str
    description: str
    duration: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    increment: timedelta
    notice: timedelta
    horizon: timedelta
    contact_types: tuple[str, ...]
    who: Audience = Audience.CLIENTS
    capacity: int = 1
    daily_cap: int | None = None
    days_between: int = 0
    open_requests: int | None = None
    confirms_itself: bool = False
    instructions: str = ""
    waitlist: bool = True
    retired: bool = False

    def open_to(self, *, new: bool) -> bool:
        """Whether a client may ask for it; `new` is one whom the practice does not know yet."""
        return self.who is Audience.ANYONE or (self.who is Audience.CLIENTS and not new)

    @cached_property
    def notice_seconds(self) -> int:
        return int(self.notice.total_seconds())

    @cached_property
    def before(self) -> int:
        """Seconds kept free before the start."""
        return int(self.buffer_before.total_seconds())

    @cached_property
    def reach(self) -> int:
        """Seconds from the start until the provider is free again."""
        return int((self.duration + self.buffer_after).total_seconds())


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours, Monday first. No contact types means all; the validity's last day is included."""

    week: tuple[tuple[Window, ...], ...]
    zone: str
    location: str | None = None
    contact_types: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def applies(self, day: date) -> bool:
        return not (
            (self.valid_from is not None and day < self.valid_from)
            or (self.valid_until is not None and day > self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class Override:
    """One date on which other hours hold; no windows means a day off, no location means every location.

    Without a zone they are meant in the provider's.
    """

    day: date
    windows: tuple[Window, ...]
    location: str | None = None
    zone: str = ""
    contact_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """`number` is the provider's place in the database; it never changes and is never reused.

    `busy_calendar` is an iCalendar address; whoever has it can read the calendar, so it is a secret.
    """

    key: str
    name: str
    title: str
    number: int
    zone: str
    locations: tuple[str, ...]
    types: tuple[str, ...]
    contact_types: tuple[str, ...]
    hours: tuple[Hours, ...]
    overrides: Mapping[date, tuple[Override, ...]] = field(default_factory=dict)
    retired: bool = False
    busy_calendar: str = field(default="", repr=False)

    @property
    def reads_calendar(self) -> bool:
        return bool(self.busy_calendar) and not self.retired

    def offers(self, kind: AppointmentType, contact: ContactType) -> bool:
        return not self.retired and kind.key in self.types and contact.key in self.contact_types

    def windows(self, day: date, contact: ContactType, location: Location | None) -> dict[str, list[Window]]:
        """Opening hours on a local day, by the zone they are meant in; sorted, touching ones joined."""
        by_zone: dict[str, list[Window]] = {}
        overrides = self.overrides.get(day, ())
        replaced = {override.location for override in overrides}
        for hours in self.hours:
            if (
                (location is None or hours.location == location.key)
                and (not hours.contact_types or contact.key in hours.contact_types)
                and not replaced.intersection((None, hours.location))
                and hours.applies(day)
            ):
                by_zone.setdefault(hours.zone, []).extend(hours.week[day.weekday()])
        for override in overrides:
            if (location is None or override.location in (None, location.key)) and (
                not override.contact_types or contact.key in override.contact_types
            ):
                by_zone.setdefault(override.zone or self.zone, []).extend(override.windows)
        return {zone: joined(windows) for zone, windows in by_zone.items()}


class Closure(NamedTuple):
    """Nobody is bookable from the first through the last of these days."""

    first: date
    last: date
    name: str


class Holidays(Protocol):
    """Public holidays: a mapping would do, and one that works out each year when asked does too."""

    def get(self, day: date, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for, each choice known to fit the others. No location: it happens at a distance."""

    type: AppointmentType
    contact: ContactType
    providers: tuple[Provider, ...]
    location: Location | None
    zone: str

    @property
    def any_provider(self) -> bool:
        return len(self.providers) > 1


@dataclass(frozen=True)
class Practice:
    """`color` (`#0f5c6e`) and `logo` (an address, or a path on the site) are for mails: pages look like the host's.

    `waitlist` is how long a time that came free is offered to one who waits for it; zero: there is no waitlist.
    """

    name: str
    zone: str
    phone: str
    email: str
    address: str
    country: str
    requests_hold_time: bool
    hold: timedelta
    request_expiry: timedelta | None
    cancellation_window: timedelta
    reschedule_window: timedelta
    policies: str
    programme: str
    reminders: tuple[timedelta, ...]
    remind_between: Window
    email_reminders: bool
    locations: Mapping[str, Location]
    contact_types: Mapping[str, ContactType]
    types: Mapping[str, AppointmentType]
    providers: Mapping[str, Provider]
    color: str = DEFAULT_COLOR
    logo: str = ""
    waitlist: timedelta = timedelta()
    closures: tuple[Closure, ...] = ()
    holidays: Holidays = field(default_factory=dict[date, str])
    new_clients: NewClients | None = None

    @property
    def has_holds(self) -> bool:
        """Whether a time may be held before it is asked for: by a client at the form, or by a guest at the mailbox."""
        return bool(self.hold) or (self.new_clients is not None and self.requests_hold_time)

    def closed_on(self, day: date) -> str | None:
        """The name of the closure or public holiday on which nobody works; None on any other day."""
        return self._closures_by_day.get(day) or self.holidays.get(day)

    @cached_property
    def _closures_by_day(self) -> dict[date, str]:
        return {
            closure.first + timedelta(days=n): closure.name or said("a closure of the practice")
            for closure in reversed(self.closures)
            for n in range((closure.last - closure.first).days + 1)
        }

    def timetable(self, wish: Wish, provider: Provider) -> dict[date, tuple[int, ...]]:
        """Starts by local day, as `availability` worked them out. Providers with the same hours share them."""
        place = wish.location.key if wish.location else None
        key = (wish.type.key, wish.contact.key, place, self._schedules[provider.key])
        known = self._timetables.get(key)
        if known is None or len(known) > _DAYS_KEPT:
            known = self._timetables[key] = {}
        return known

    @cached_property
    def _timetables(self) -> dict[object, dict[date, tuple[int, ...]]]:
        return {}

    @cached_property
    def _schedules(self) -> dict[str, int]:
        known: dict[object, int] = {}
        return {
            one.key: known.setdefault((one.zone, one.hours, tuple(sorted(one.overrides.items()))), len(known))
            for one in self.providers.values()
        }

    @cached_property
    def reads_calendars(self) -> bool:
        """Whether anybody has an outside calendar."""
        return any(provider.reads_calendar for provider in self.providers.values())

    @cached_property
    def by_number(self) -> dict[int, Provider]:
        return {provider.number: provider for provider in self.providers.values()}

    def bookable_types(self) -> list[AppointmentType]:
        """Types that somebody offers in some way, in the order of the practice file."""
        return [kind for kind in self.types.values() if not kind.retired and self.contacts_for(kind)]

    def has_waitlist(self, kind: AppointmentType) -> bool:
        """Whether clients may wait for a time of this type."""
        return bool(self.waitlist) and kind.waitlist and kind.who is not Audience.INVITED

    def contacts_for(self, kind: AppointmentType) -> list[ContactType]:
        return [
            contact
            for key in kind.contact_types
            if not (contact := self.contact_types[key]).retired and self.providers_for(kind, contact)
        ]

    def providers_for(
        self, kind: AppointmentType, contact: ContactType, location: Location | None = None
    ) -> list[Provider]:
        return [
            provider
            for provider in self.providers.values()
            if provider.offers(kind, contact) and (location is None or location.key in provider.locations)
        ]

    def locations_for(self, kind: AppointmentType, contact: ContactType) -> list[Location]:
        """Where it can take place; empty when it happens at a distance."""
        if not contact.at_location:
            return []
        used = {key for provider in self.providers_for(kind, contact) for key in provider.locations}
        return [loc for loc in self.locations.values() if loc.key in used and not loc.retired]

    def wish(self, type: str, contact: str, provider: str | None = None, location: str | None = None) -> Wish:
        """Resolve keys into a wish. Raises NotOffered with the field at fault.

        No provider means anybody who offers it. A location may be left out where there is only one.
        """
        asked = (type, contact, provider or None, location or None)
        known = self._wishes.get(asked)
        if known is None:
            known = self._wishes[asked] = self._resolve(*asked)
        return known

    @cached_property
    def _wishes(self) -> dict[tuple[str, str, str | None, str | None], Wish]:
        return {}

    def _resolve(self, type: str, contact: str, provider: str | None, location: str | None) -> Wish:
        kind = _known("type", type, self.bookable_types(), said("Choose an appointment type from the list."))
        unmet = said("Choose how to meet: this is not offered for {type}.", type=kind.name)
        how = _known("contact", contact, self.contacts_for(kind), unmet)
        where = self._location(kind, how, location)
        able = self.providers_for(kind, how, where)
        if provider:
            nobody = said("Choose a provider who offers {type} this way, or any available.", type=kind.name)
            able = [_known("provider", provider, able, nobody)]
        zone = where.zone if where else self.zone
        return Wish(kind, how, tuple(able), where, zone)

    def _location(self, kind: AppointmentType, contact: ContactType, key: str | None) -> Location | None:
        places = self.locations_for(kind, contact)
        if not places:
            if key and key not in self.locations:
                raise NotOffered("location", said("Choose a location from the list."))
            return None
        if not key and len(places) == 1:
            return places[0]
        return _known("location", key or "", places, said("Choose a location from the list."))


Keyed = TypeVar("Keyed", AppointmentType, ContactType, Provider, Location)


def _known(field: str, key: str, among: Iterable[Keyed], otherwise: str) -> Keyed:
    for candidate in among:
        if candidate.key == key:
            return candidate
    raise NotOffered(field, otherwise)


def joined(windows: Iterable[Window]) -> list[Window]:
    """Sorted windows with overlapping and touching ones made one."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.opens <= result[-1].closes:
            result[-1] = Window(result[-1].opens, max(result[-1].closes, window.closes))
        else:
            result.append(window)
    return result
