"""What a key with the scope `read` may know."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from ...domain.appointment import Appointment, Client
from ...domain.errors import NotFound, NotOffered
from ...domain.practice import Keyed
from ...services.slots import explain, free_slots
from ...storage import appointments, guests, history, outbox_entries, waitlist
from ...storage.outbox_entries import Delivery
from . import schemas
from .calls import Call
from .schemas import AppointmentsQuery, ExplainQuery, OutboxQuery, Sent, SlotsQuery, Told

Listed = TypeVar("Listed", bound=Told)


def list_appointments(call: Call[AppointmentsQuery]) -> schemas.Appointments:
    """List appointments, soonest first, in an order that never changes."""
    sent, db, practice = call.sent, call.state.db, call.practice
    if sent.cursor and appointments.by_ref(db, practice, sent.cursor) is None:
        raise NotOffered("cursor", "This cursor leads nowhere: begin with the first page.")
    provider = _known("provider", sent.provider, practice.providers)
    kind = _known("type", sent.type, practice.types)
    found = appointments.listed(
        db,
        practice,
        statuses=sent.status or None,
        client_id=sent.client,
        since=sent.since,
        until=sent.until,
        limit=sent.limit + 1,
        provider=provider.number if provider else None,
        type=kind.key if kind else None,
        host_reference=sent.reference,
        after=sent.cursor,
    )
    page = found[: sent.limit]
    more = len(found) > sent.limit
    return schemas.Appointments(
        items=[schemas.Appointment.of(one) for one in page], next=page[-1].ref if more else None
    )


def read_appointment(call: Call[Sent]) -> schemas.Appointment:
    """Read one appointment."""
    return schemas.Appointment.of(_found(call))


def read_history(call: Call[Sent]) -> schemas.History:
    """Read what happened to an appointment, oldest first."""
    entries = history.entries(call.state.db, _found(call).id)
    return schemas.History(items=[schemas.HistoryEntry.model_validate(entry) for entry in entries])


def read_intake(call: Call[Sent]) -> schemas.Intake:
    """Read what a new client answered to the practice's questions."""
    answers = guests.intake(call.state.db, _found(call))
    return schemas.Intake(items=[schemas.IntakeAnswer.model_validate(answer) for answer in answers])


def list_waitlist(call: Call[Sent]) -> schemas.Waitlist:
    """List who waits for a time to come free, in the order in which they are offered one."""
    return schemas.Waitlist(items=[schemas.Waiting.of(one) for one in waitlist.line(call.state.db, call.practice)])


def list_outbox(call: Call[OutboxQuery]) -> schemas.Outbox:
    """List the messages to clients and endpoints, oldest first, without what they say and whom they name."""
    sent = call.sent
    found = outbox_entries.page(
        call.state.db, sent.state or list(Delivery), after=sent.cursor or 0, most=sent.limit + 1
    )
    told = found[: sent.limit]
    more = len(found) > sent.limit
    return schemas.Outbox(items=[schemas.Message.of(one) for one in told], next=told[-1].id if more else None)


def find_slots(call: Call[SlotsQuery]) -> schemas.Slots:
    """Find free times, earliest first."""
    sent, now = call.sent, call.state.now()
    wish = sent.wish(call.practice)
    since = sent.since or now
    # The search itself ends at the horizon, and this is past it.
    until = sent.until or now + wish.type.horizon + timedelta(days=2)
    found = free_slots(call.state, call.practice, wish, since=since, until=until, now=now)
    return schemas.Slots(zone=wish.zone, items=[schemas.Slot.of(slot) for slot in islice(found, sent.limit)])


def explain_slot(call: Call[ExplainQuery]) -> schemas.Explanation:
    """Say why a time is offered, or is not."""
    client = Client(call.sent.client, "", "") if call.sent.client else None
    wish = call.sent.wish(call.practice)
    return schemas.Explanation.of(explain(call.state, call.practice, wish, call.sent.starts, client))


def list_providers(call: Call[Sent]) -> schemas.Providers:
    """List the providers, in the order of the practice file."""
    return schemas.Providers(items=_all(schemas.Provider, call.practice.providers))


def list_types(call: Call[Sent]) -> schemas.AppointmentTypes:
    """List the appointment types, in the order of the practice file."""
    return schemas.AppointmentTypes(items=[schemas.AppointmentType.of(kind) for kind in call.practice.types.values()])


def list_locations(call: Call[Sent]) -> schemas.Locations:
    """List the locations, in the order of the practice file."""
    return schemas.Locations(items=_all(schemas.Location, call.practice.locations))


def list_contact_types(call: Call[Sent]) -> schemas.ContactTypes:
    """List how client and provider can meet, in the order of the practice file."""
    return schemas.ContactTypes(items=_all(schemas.ContactType, call.practice.contact_types))


def _found(call: Call[Sent]) -> Appointment:
    found = appointments.by_ref(call.state.db, call.practice, call.ref)
    if found is None:
        raise NotFound
    return found


def _all(told: type[Listed], records: Mapping[str, object]) -> list[Listed]:
    return [told.model_validate(record) for record in records.values()]


def _known(field: str, key: str | None, among: Mapping[str, Keyed]) -> Keyed | None:
    """Retired ones too: old appointments have them. Raises NotOffered."""
    if key is None or key in among:
        return among[key] if key else None
    raise NotOffered(field, "The practice has none with this key.")
