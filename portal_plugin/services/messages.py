"""Facts of an appointment for a message, taken when the change is made."""

from datetime import datetime
from typing import Any

from ..domain.appointment import Appointment
from ..domain.lifecycle import OPEN, Action, Actor, Status
from ..domain.practice import Practice
from ..storage import outbox
from ..storage.database import Database

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


def enqueue_mail(
    db: Database,
    practice: Practice,
    appointment: Appointment,
    action: Action,
    actor: Actor,
    was: Status | None,
    word: str,
    now: datetime,
    old: Appointment | None = None,
) -> None:
    """Write the client's mail into the change's own transaction. A client without an address gets none.

    `word` is what the practice says to this change; what it said to an earlier one is not repeated. `old` is the
    appointment whose place this one takes or would have taken, as it was before.
    """
    topic = TOPICS.get(action)
    if topic and appointment.client.email:
        outbox.enqueue(
            db,
            appointment=appointment.id,
            channel="mail",
            topic=topic,
            recipient=appointment.client.email,
            facts=facts(practice, appointment)
            | {"was": was, "by": actor.kind, "message": word}
            | {"instead_of": old.starts.isoformat() if old and old.status in OPEN else None},
            now=now,
        )


def facts(practice: Practice, appointment: Appointment) -> dict[str, Any]:
    """Plain values for a template. Instants are ISO 8601 in UTC; `zone` is the one to tell them in."""
    location = appointment.location
    return {
        "ref": appointment.ref,
        "thread": appointment.thread,
        "version": appointment.version,
        "starts": appointment.starts.isoformat(),
        "ends": appointment.ends.isoformat(),
        "expires": appointment.expires.isoformat(),
        "zone": appointment.zone,
        "practice": {
            "name": practice.name,
            "phone": practice.phone,
            "email": practice.email,
            "address": practice.address,
            "policies": practice.policies,
        },
        "provider": {"name": appointment.provider.name, "title": appointment.provider.title},
        "type": {"name": appointment.type.name, "instructions": appointment.type.instructions},
        "contact": {
            "name": appointment.contact.name,
            "at_location": appointment.contact.at_location,
            "instructions": appointment.contact.instructions,
        },
        "location": {"name": location.name, "address": location.address} if location else None,
        "client": {"name": appointment.client.name},
    }
