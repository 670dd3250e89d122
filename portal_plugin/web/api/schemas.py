"""What goes in and what comes out. The same models check a call and write the OpenAPI document."""

import json
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from ...domain import appointment as records
from ...domain import availability, explanation, practice, waitlist
from ...domain.appointment import LANGUAGE_TAG
from ...domain.guests import QuestionKind
from ...domain.history import Result
from ...domain.instants import WEEKDAYS, zone_names
from ...domain.lifecycle import ActorKind, Status
from ...domain.practice import Audience
from ...domain.text import LONGEST, clean_line
from ...domain.waitlist import PartOfDay
from ...storage.outbox_entries import Delivery, Entry
from ..forms import read_instant

MOST = 500
"""Appointments or slots in one answer."""
MOST_DATA = 4000
"""Characters of a host's own JSON."""


def _instant(value: object) -> datetime:
    found = read_instant(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("Write an instant with its offset, such as 2027-01-05T15:00:00Z.")
    return found


def _readable(text: str) -> str:
    """As it will be stored."""
    clean = clean_line(text)
    if not clean:
        raise ValueError("Write something that can be read.")
    return clean


def _zone(name: str) -> str:
    if name and name not in zone_names():
        raise ValueError("Write an IANA name, such as America/Chicago.")
    return name


def _small(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        size = len(json.dumps(data, allow_nan=False))
    except ValueError:
        raise ValueError("A number in it is too large.") from None
    if size > MOST_DATA:
        raise ValueError(f"Keep it under {MOST_DATA:,} characters.")
    return data


_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_ADDRESS = r"""^([^\s@,;:<>()\[\]\\"]+@[^\s@,;:<>()\[\]\\"]+)?$"""

Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-01-05T15:00:00Z"]}),
]
Key = Annotated[str, Field(min_length=1, max_length=60, pattern=_PRINTABLE)]
"""Of something in the practice file."""
Ref = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
ClientId = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE), AfterValidator(_readable)]
Reference = Annotated[str, Field(max_length=200, pattern=_PRINTABLE)]
By = Annotated[
    str, Field(max_length=100, description="Who at the practice acts. History shows it after the key's name.")
]
Text = Annotated[str, Field(max_length=LONGEST)]
Limit = Annotated[int, Field(ge=1, le=MOST)]


class Sent(BaseModel):
    """What a caller sends. A name that is not known is refused: a mistyped filter would list everybody's."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(Sent):
    """A client. `id` is the practice system's own and never changes."""

    id: ClientId
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_readable)]
    email: Annotated[str, Field(max_length=254, pattern=_ADDRESS)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    new: Annotated[bool, Field(description="Not a client of the practice yet: only types for anyone are open.")] = False
    language: Annotated[
        str, Field(pattern=f"^({LANGUAGE_TAG.pattern})?$", description="Of messages: a tag, such as `es` or `es-MX`.")
    ] = ""
    zone: Annotated[str, AfterValidator(_zone), Field(max_length=60, description="The client's own: an IANA name.")] = (
        ""
    )

    def record(self) -> records.Client:
        return records.Client(self.id, self.name, self.email, self.phone, self.new, self.language, self.zone)


class Wanted(Sent):
    """What for, how, with whom and where. No provider means any; a location can be left out where there is only one."""

    type: Key
    contact: Key
    provider: Key | None = None
    location: Key | None = None

    def wish(self, described: practice.Practice) -> practice.Wish:
        """Raises NotOffered."""
        return described.wish(self.type, self.contact, self.provider, self.location)


class Action(Sent):
    by: By = ""


class NewAppointment(Wanted, Action):
    client: Person
    starts: Instant
    replaces: Annotated[Ref | None, Field(description="The client's appointment whose place this one takes.")] = None
    reference: Annotated[Reference, Field(description="The practice system's own name for it.")] = ""
    data: Annotated[
        dict[str, JsonValue], AfterValidator(_small), Field(description="The practice system's own, kept as it is.")
    ] = Field(default_factory=dict)


class NewRequest(NewAppointment):
    note: Annotated[Text, Field(description="What the client wrote to the practice.")] = ""


class Proposal(NewAppointment):
    message: Annotated[Text, Field(description="A word to the client, which the mail carries.")] = ""


class NewTime(Action):
    """Provider and location stay unless given."""

    starts: Instant
    provider: Key | None = None
    location: Key | None = None
    message: Annotated[Text, Field(description="A word to the client, which the mail carries.")] = ""


class Decision(Action):
    message: Annotated[Text, Field(description="A word to the client, which the mail carries.")] = ""


class AppointmentsQuery(Sent):
    status: Annotated[list[Status], Field(description="Any of these.")] = Field(default_factory=list)
    client: ClientId | None = None
    provider: Key | None = None
    type: Key | None = None
    since: Annotated[Instant | None, Field(description="Starts at or after it.")] = None
    until: Annotated[Instant | None, Field(description="Starts before it.")] = None
    reference: Annotated[Reference | None, Field(min_length=1)] = None
    limit: Limit = 100
    cursor: Annotated[Ref | None, Field(description="`next` of the page before.")] = None


class SlotsQuery(Wanted):
    since: Annotated[Instant | None, Field(description="By default now.")] = None
    until: Annotated[Instant | None, Field(description="By default the type's horizon; starts before it.")] = None
    limit: Limit = 50


class ExplainQuery(Wanted):
    starts: Instant
    client: Annotated[ClientId | None, Field(description="Count what binds this client, too.")] = None


class OutboxQuery(Sent):
    state: Annotated[list[Delivery], Field(description="Any of these; by default all.")] = Field(default_factory=list)
    limit: Limit = 100
    cursor: Annotated[int | None, Field(ge=1, le=2**63 - 1, description="`next` of the page before.")] = None


class Told(BaseModel):
    """What is answered. Read it tolerantly: later releases add to it."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True)


class ClientTold(Told):
    id: str
    name: str
    email: str
    phone: str
    new: Annotated[bool, Field(description="Not yet a client of the practice.")]
    language: Annotated[str, Field(description="Of messages; empty for the practice's.")]
    zone: Annotated[str, Field(description="The client's own; empty for the practice's.")]


class Appointment(Told):
    """A request, an invitation or an appointment. Choices are keys of the practice; instants are in UTC, and `zone`
    is the one to tell them in. `version` rises with every change. `thread` is the first reference of a chain of moves.
    """

    ref: Ref
    status: Status
    type: str
    contact: str
    provider: str
    location: str | None
    starts: datetime
    ends: datetime
    zone: str
    client: ClientTold
    note: Annotated[str, Field(description="The client's word when asking.")]
    message: Annotated[str, Field(description="The practice's latest word.")]
    reason: Annotated[str, Field(description="The client's word when cancelling.")]
    text_reminders: bool
    version: int
    created: datetime
    expires: Annotated[datetime, Field(description="Until when a request or an invitation waits for its answer.")]
    replaces: Ref | None
    thread: Ref
    reference: str
    data: dict[str, JsonValue]

    @classmethod
    def of(cls, record: records.Appointment) -> Self:
        plain: dict[str, Any] = {
            name: getattr(record, name) for name in cls.model_fields if name not in {"reference", "data"}
        }
        keys: dict[str, Any] = {name: getattr(record, name).key for name in ("type", "contact", "provider")}
        place = record.location.key if record.location else None
        return cls(
            **plain | keys | {"location": place, "client": ClientTold.model_validate(record.client)},
            reference=record.host_reference,
            data=dict(record.host_data),
        )


class Appointments(Told):
    items: list[Appointment]
    next: Annotated[str | None, Field(description="The next page's `cursor`; null on the last page.")]


class HistoryEntry(Told):
    """One thing that happened. `from_status` is null for a new appointment, and both are where none changed."""

    at: datetime
    actor_kind: ActorKind
    actor: str
    action: str
    from_status: Status | None
    to_status: Status | None
    result: Result
    reason: str
    request_id: str | None


class History(Told):
    items: list[HistoryEntry]


class IntakeAnswer(Told):
    """A question as it was asked, and the answer: of a date `2027-01-31`, of yes or no `yes` or `no`."""

    key: str
    label: str
    kind: QuestionKind
    answer: str


class Intake(Told):
    items: list[IntakeAnswer]


class Waiting(Told):
    """A client who waits for a time to come free, from the first through the last of these local days, in `zone`. No
    `provider`: whoever is free first; no `location`: it happens at a distance; no `weekdays` or `parts` of day: any.
    """

    ref: Ref
    client: ClientTold
    type: str
    contact: str
    provider: str | None
    location: str | None
    zone: str
    earliest: date
    latest: date
    weekdays: Annotated[list[str], Field(description="`monday` to `sunday`.")]
    parts: list[PartOfDay]
    created: datetime

    @classmethod
    def of(cls, record: waitlist.Waiting) -> Self:
        wanted = record.preferences
        return cls(
            ref=record.ref,
            client=ClientTold.model_validate(record.client),
            type=record.type.key,
            contact=record.contact.key,
            provider=record.provider.key if record.provider else None,
            location=record.location.key if record.location else None,
            zone=record.zone,
            earliest=wanted.earliest,
            latest=wanted.latest,
            weekdays=[WEEKDAYS[day] for day in sorted(wanted.weekdays)],
            parts=[part for part in PartOfDay if part in wanted.parts],
            created=record.created,
        )


class Waitlist(Told):
    items: list[Waiting]


class Message(Told):
    """What is told of a change to a client or an endpoint, without what it says: `channel` is how, `topic` what about.
    Of a person's address only the first letter is told. `ref` is null for the topic `verify`: a new person is asked to
    verify their address before there is an appointment. `error` is the latest attempt's, and `due` is when the next
    one is.
    """

    id: int
    ref: Ref | None
    channel: str
    topic: str
    recipient: str
    message_id: str
    state: Delivery
    attempts: int
    error: str
    created: datetime
    due: datetime
    sent: datetime | None
    failed: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        plain: dict[str, Any] = {name: getattr(entry, name) for name in cls.model_fields if name != "recipient"}
        return cls(**plain, recipient=entry.masked)


class Outbox(Told):
    items: list[Message]
    next: Annotated[int | None, Field(description="The next page's `cursor`; null on the last page.")]


class Slot(Told):
    """A time that can be asked for, and everybody who could take it. `seats`: how many clients can still have it."""

    starts: datetime
    ends: datetime
    providers: list[str]
    seats: int

    @classmethod
    def of(cls, found: availability.Slot) -> Self:
        return cls(starts=found.starts, ends=found.ends, providers=list(found.providers), seats=found.seats)


class Slots(Told):
    """Free times, earliest first; `zone` is the one to tell them in."""

    zone: str
    items: list[Slot]


class Explanation(Told):
    offered: bool
    reasons: list[str]

    @classmethod
    def of(cls, told: explanation.Explanation) -> Self:
        return cls(offered=told.offered, reasons=list(told.reasons))


class Provider(Told):
    key: str
    name: str
    title: str
    zone: str
    locations: list[str]
    types: list[str]
    contact_types: list[str]
    retired: Annotated[bool, Field(description="Not in the practice file any more; old appointments name it.")]


class AppointmentType(Told):
    """Durations are in minutes."""

    key: str
    name: str
    description: str
    duration: int
    buffer_before: int
    buffer_after: int
    increment: int
    notice: int
    horizon_days: int
    contact_types: list[str]
    who: Audience
    capacity: int
    confirms_itself: bool
    retired: bool

    @classmethod
    def of(cls, kind: practice.AppointmentType) -> Self:
        spans = {
            name: getattr(kind, name) // timedelta(minutes=1)
            for name in ("duration", "buffer_before", "buffer_after", "increment", "notice")
        }
        same = ("key", "name", "description", "contact_types", "who", "capacity", "confirms_itself", "retired")
        return cls(**spans, **{name: getattr(kind, name) for name in same}, horizon_days=kind.horizon.days)


class Location(Told):
    key: str
    name: str
    address: str
    zone: str
    retired: bool


class ContactType(Told):
    """How client and provider meet. `at_location`: somebody has to travel."""

    key: str
    name: str
    at_location: bool
    instructions: str
    retired: bool


class Providers(Told):
    items: list[Provider]


class AppointmentTypes(Told):
    items: list[AppointmentType]


class Locations(Told):
    items: list[Location]


class ContactTypes(Told):
    items: list[ContactType]


class Fault(Told):
    """What is wrong where: a `pointer` into the body, such as `#/client/email`, or a `parameter` of the address."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(Told):
    """A refusal (RFC 9457). `code` is for programs, `detail` for people; nothing was changed."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Annotated[list[Fault], Field(description="Only where a field is at fault.")] = Field(default_factory=list)
    slots: Annotated[list[Slot] | None, Field(description="`slot_taken`: the nearest free times.")] = None
    appointment_status: Annotated[Status | None, Field(description="`already_decided`: where it is.")] = None
