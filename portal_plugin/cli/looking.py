"""What there is: appointments and what happened to them, free times, the practice."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import click

from ..domain.lifecycle import Status
from ..web.api import reading as api
from ..web.api.schemas import AppointmentsQuery, ExplainQuery, Sent, SlotsQuery
from .command import Answer, command, ready_state
from .options import CONTACT, LOCATION, PROVIDER, REF, SINCE, START, TYPE, UNTIL, call, edge, limit, starting
from .telling import aligned, in_full, listed, local

_FILTERS = (
    click.Option(["--status"], multiple=True, type=click.Choice(list(map(str, Status))), help="Again for each."),
    click.Option(["--client"], metavar="ID", help="The client's id, as the site knows it."),
    click.Option(["--provider"], help="Key of the provider."),
    click.Option(["--type"], help="Key of the appointment type."),
    click.Option(["--reference"], help="Your own name for it."),
    click.Option(["--cursor"], metavar="REF", help="Go on after this one."),
)


@command(*_FILTERS, SINCE, UNTIL, limit(100), name="appointments")
def find(since: date | datetime | None, until: date | datetime | None, **filters: Any) -> Answer:
    """List appointments, soonest first."""
    zone = ready_state().practice().zone
    return _listed(
        filters | {"since": edge(since, zone, "--since"), "until": edge(until, zone, "--until")},
        "There is no such appointment.",
    )


@command()
def requests() -> Answer:
    """List the requests that wait for a decision, soonest first."""
    return _listed({"status": [Status.REQUESTED], "limit": 500}, "No requests are waiting.")


def _listed(query: Mapping[str, Any], none: str) -> Answer:
    made = call(AppointmentsQuery, query)
    told = api.list_appointments(made)
    more = (
        f"There are more: flask portal appointments --cursor {told.next}, with the filters of this list."
        if told.next
        else ""
    )
    return Answer(told, listed(made.practice, told.items), more if told.items else none)


@command(REF)
def show(ref: str) -> Answer:
    """Tell all of the appointment REF."""
    made = call(Sent, {}, ref)
    told = api.read_appointment(made)
    return Answer(told, in_full(made.practice, told))


@command(REF)
def intake(ref: str) -> Answer:
    """Tell what the new client of appointment REF answered to the practice's questions."""
    told = api.read_intake(call(Sent, {}, ref))
    none = "" if told.items else "Nothing was asked of this client."
    return Answer(told, aligned((one.label, one.answer) for one in told.items), none)


@command(REF)
def history(ref: str) -> Answer:
    """Tell what happened to the appointment REF, oldest first."""
    made = call(Sent, {}, ref)
    zone, told = api.read_appointment(made).zone, api.read_history(made)
    rows = [
        (
            local(entry.at, zone, to_the_second=True),
            entry.action,
            f"{entry.from_status or '-'} -> {entry.to_status}" if entry.to_status else entry.result,
            f"{entry.actor_kind} {entry.actor}",
            entry.reason,
        )
        for entry in told.items
    ]
    return Answer(told, aligned(rows))


@command(TYPE, CONTACT, PROVIDER, LOCATION, SINCE, UNTIL, limit(50), name="slots")
def find_slots(since: date | datetime | None, until: date | datetime | None, **wanted: Any) -> Answer:
    """Find free times for appointment TYPE by CONTACT type, earliest first.

    By default from now to the type's horizon.
    """
    zone = _zone(wanted)
    made = call(SlotsQuery, wanted | {"since": edge(since, zone, "--since"), "until": edge(until, zone, "--until")})
    told = api.find_slots(made)
    group = made.practice.types[made.sent.type].capacity > 1
    rows = [
        (local(slot.starts, zone), " ".join(slot.providers), *([f"{slot.seats} seats"] if group else []))
        for slot in told.items
    ]
    return Answer(told, aligned(rows), "" if rows else "No time is free.")


@command(
    TYPE,
    CONTACT,
    START,
    PROVIDER,
    LOCATION,
    click.Option(["--client"], metavar="ID", help="Count what binds this client, too."),
)
def explain(start: datetime, **wanted: Any) -> Answer:
    """Say why a start of appointment TYPE by CONTACT type is offered, or is not. START is a local time such as
    2027-01-05T10:00, or one with an offset.
    """
    told = api.explain_slot(call(ExplainQuery, wanted | {"starts": starting(start, _zone(wanted))}))
    return Answer(told, [f"{'Offered' if told.offered else 'Not offered'}. {' '.join(told.reasons)}"])


def _zone(wanted: Mapping[str, Any]) -> str:
    names = ("type", "contact", "provider", "location")
    return ready_state().practice().wish(*(wanted[name] for name in names)).zone


@command()
def practice() -> Answer:
    """Tell the practice as last applied: its providers, appointment types, contact types and locations, with the keys
    that other commands take.
    """
    made = call(Sent, {})
    described = made.practice
    parts = {
        "providers": api.list_providers(made).items,
        "types": api.list_types(made).items,
        "contact_types": api.list_contact_types(made).items,
        "locations": api.list_locations(made).items,
    }
    rows = [
        (kind.removesuffix("s").replace("_", " "), one.key, one.name, "retired" if one.retired else "")
        for kind, items in parts.items()
        for one in items  # type: ignore[attr-defined]
    ]
    head = f"{described.name}, {described.zone}"
    return Answer({"name": described.name, "zone": described.zone} | parts, [head, *aligned(rows)])


COMMANDS = (find, requests, show, intake, history, find_slots, explain, practice)
