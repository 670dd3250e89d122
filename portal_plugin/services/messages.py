"""Facts of an appointment for a message, taken when the change is made."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.appointment import Appointment
from ..domain.guests import is_guest
from ..domain.lifecycle import OPEN, Action, Actor, Status
from ..domain.practice import Practice
from ..domain.staff_mail import News, news_of
from ..domain.webhooks import EVENTS, EXPIRING
from ..storage import outbox
from . import reminders
from .staff_mail import tell_staff
from .state import State

TOPICS: dict[Action, str] = {
    Action.REQUEST: "received",
    Action.INVITE: "invited",
    Action.BOOK: "confirmed",
    Action.CONFIRM: "confirmed",
    Action.ACCEPT: "confirmed",
    Action.DECLINE: "declined",
    Action.CANCEL: "cancelled",
    Action.WITHDRAW: "cancelled",
    Action.EXPIRE: "expired",
}
"""What the client is told of each action; nothing of the others."""


def enqueue(
    state: State,
    practice: Practice,
    appointment: Appointment,
    action: Action,
    actor: Actor,
    was: Status | None,
    word: str,
    now: datetime,
    old: Appointment | None = None,
) -> None:
    """Write what client, staff and endpoints are told into the change's own transaction.

    `word` is what the practice says to this change; what it said to an earlier one is not repeated. `old` is the
    appointment whose place this one takes or would have taken, as it was before.
    """
    told = facts(practice, appointment) | {"was": was, "by": actor.kind, "message": word}
    told |= {"instead_of": old.starts.isoformat() if old and old.status in OPEN else None}
    told |= {"from_waitlist": appointment.waitlist is not None}
    topic = TOPICS.get(action)
    # One mail for what was asked for and confirmed at once. A client without an address gets none.
    at_once = action is Action.REQUEST and appointment.type.confirms_itself
    if topic and appointment.client.email and not at_once:
        outbox.enqueue(
            state.db,
            appointment=appointment.id,
            channel="mail",
            topic=topic,
            recipient=appointment.client.email,
            facts=told,
            now=now,
        )
    if news := news_of(appointment.type, action, actor.kind, was):
        tell_staff(state, practice, appointment, news, was or appointment.status, now, old)
    reminders.follow(state, practice, appointment, was, old, told | {"message": "", "instead_of": None}, now)
    if state.known_webhooks:
        for changed, event in _told(appointment, action, old):
            _enqueue_webhooks(state, changed, event, now)


def enqueue_warning(state: State, practice: Practice, appointment: Appointment, now: datetime) -> None:
    """The same for staff and endpoints of an appointment that nobody has answered and that expires soon."""
    tell_staff(state, practice, appointment, News.EXPIRING, appointment.status, now)
    _enqueue_webhooks(state, appointment, EXPIRING, now)


def _told(appointment: Appointment, action: Action, old: Appointment | None) -> Iterator[tuple[Appointment, str]]:
    """What happened to which appointment: this one, and the one whose place it took."""
    yield appointment, EVENTS[action]
    if appointment.status is Status.CONFIRMED and old is not None and old.status in OPEN:
        yield replace(old, status=Status.CANCELLED, version=old.version + 1), EVENTS[Action.REPLACE]


def _enqueue_webhooks(state: State, appointment: Appointment, event: str, now: datetime) -> None:
    for endpoint in state.known_webhooks.values():
        if endpoint.hears(event):
            data = thin(appointment, event)
            outbox.enqueue(
                state.db,
                appointment=appointment.id,
                channel="webhook",
                topic=event,
                recipient=endpoint.key,
                facts={
                    "type": event,
                    "timestamp": now.isoformat(timespec="seconds"),
                    "data": data | full(appointment) if endpoint.full else data,
                },
                now=now,
            )


def thin(appointment: Appointment, event: str) -> dict[str, Any]:
    """A webhook's data unless its endpoint asks for more: enough to look the rest up, and nothing about a person."""
    return {
        "ref": appointment.ref,
        "event": event,
        "status": appointment.status,
        "version": appointment.version,
        "starts": appointment.starts.isoformat(),
    }


def full(appointment: Appointment) -> dict[str, Any]:
    """What a full body says beyond a thin one."""
    client, location = appointment.client, appointment.location
    return {
        "ends": appointment.ends.isoformat(),
        "zone": appointment.zone,
        "created": appointment.created.isoformat(),
        "expires": appointment.expires.isoformat(),
        "type": {"key": appointment.type.key, "name": appointment.type.name},
        "contact": {"key": appointment.contact.key, "name": appointment.contact.name},
        "provider": {"key": appointment.provider.key, "name": appointment.provider.name},
        "location": {"key": location.key, "name": location.name} if location else None,
        "client": {name: getattr(client, name) for name in ("id", "name", "email", "phone", "language", "zone")},
        "note": appointment.note,
        "message": appointment.message,
        "reason": appointment.reason,
        "text_reminders": appointment.text_reminders,
        "replaces": appointment.replaces,
        "thread": appointment.thread,
        "host_reference": appointment.host_reference,
        "host_data": dict(appointment.host_data),
    }


def facts(practice: Practice, appointment: Appointment) -> dict[str, Any]:
    """Plain values for a template. Instants are ISO 8601 in UTC; `zone` is the one to tell them in."""
    location = appointment.location
    return {
        "ref": appointment.ref,
        "thread": appointment.thread,
        "version": appointment.version,
        "status": appointment.status,
        "created": appointment.created.isoformat(),
        "starts": appointment.starts.isoformat(),
        "ends": appointment.ends.isoformat(),
        "expires": appointment.expires.isoformat(),
        "zone": appointment.zone,
        "language": appointment.client.language,
        "client_zone": appointment.client.zone,
        "own_zone": appointment.own_zone,
        "practice": practice_facts(practice),
        "provider": {"name": appointment.provider.name, "title": appointment.provider.title},
        "type": {"name": appointment.type.name, "instructions": appointment.type.instructions},
        "contact": {
            "name": appointment.contact.name,
            "at_location": appointment.contact.at_location,
            "instructions": appointment.contact.instructions,
            "join_url": appointment.join_url,
        },
        "location": {"name": location.name, "address": location.address} if location else None,
        "client": {"name": appointment.client.name},
        "guest": is_guest(appointment.client.id),
    }


def practice_facts(practice: Practice) -> dict[str, str]:
    return {
        "name": practice.name,
        "country": practice.country,
        "phone": practice.phone,
        "email": practice.email,
        "address": practice.address,
        "policies": practice.policies,
        "color": practice.color,
        "logo": practice.logo,
    }
