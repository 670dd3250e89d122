"""What a person may ask of a practice: a copy of all that is stored about them, and to be forgotten."""

import secrets
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..domain.appointment import Appointment
from ..domain.errors import AlreadyDecided, AppointmentsAhead
from ..domain.history import Event
from ..domain.instants import instant, seconds
from ..domain.lifecycle import Action, Actor, ActorKind
from ..storage import appointments, claims, consents, feeds, guests, history, people, waitlist
from .decisions import decide
from .ledger import digests
from .phones import e164
from .state import State

BATCH = 100
INSTANTS = {"at", "starts", "ends", "held_until", "created", "due", "sent", "failed", "ended"}


def export_client(state: State, client_id: str, actor: Actor) -> dict[str, Any]:
    """All that is stored about a client, fit for JSON: instants are ISO 8601 in UTC. The export itself is recorded."""
    db, now = state.db, state.now()
    history.record(db, None, actor, Event.EXPORT, None, None, client_id, now)
    held = claims.held_by(db, client_id)
    return {
        "client": client_id,
        "exported": now.isoformat(timespec="seconds"),
        "appointments": [_told(one) for one in appointments.of_client(db, state.practice(), client_id)],
        "calendar_address": feed.created.isoformat() if (feed := feeds.of(db, feeds.Kind.CLIENT, client_id)) else None,
        "holds": [_readable(held._asdict())] if held else [],
        "waitlist": [_readable(row) for row in waitlist.told(db, client_id)],
        "consents": [
            asdict(entry) | {"at": entry.at.isoformat()}
            for entry in consents.of_client(db, client_id, phones_of(state, client_id))
        ],
        "intake": [
            {"appointment": ref, "question": answer.label, "answer": answer.answer}
            for ref, answer in guests.intake_of_client(db, client_id)
        ],
        "messages": [_readable(row) for row in people.messages(db, client_id)],
        "history": [
            {"appointment": ref, **asdict(entry), "at": entry.at.isoformat()}
            for ref, entry in history.about(db, client_id)
        ],
    }


def erase_client(state: State, client_id: str, actor: Actor, *, cancel: bool = False) -> int:
    """Take away whatever names a client or was said by or to them; how many appointments stay, as numbers.

    Raises AppointmentsAhead while any is open and still to come, unless `cancel` says to cancel those first.
    """
    db, practice, now = state.db, state.practice(), state.now()
    pseudonym = people.PSEUDONYM + secrets.token_hex(8)
    if cancel:
        for appointment in appointments.upcoming(db, practice, client_id, now):
            # Somebody else may have ended it since the list was read.
            with suppress(AlreadyDecided):
                decide(state, appointment.ref, Action.CANCEL, actor)
    with db.atomic():
        claims.end_holds(db, seconds(now), client_id)
        for phone in phones_of(state, client_id):
            # That somebody wants no texts holds on, with whoever they share the number.
            consents.forget(db, client_id, pseudonym, phone, digests(state, phone)[0])
        kept = people.pseudonymise(db, client_id, pseudonym)
        if ahead := appointments.upcoming(db, practice, pseudonym, now):
            raise AppointmentsAhead(len(ahead))
        erased = history.forget(db, client_id, pseudonym)
        if kept or erased:
            history.record(db, None, actor, Event.ERASE, None, None, "", now, erased=erased)
    return kept


def phones_of(state: State, client_id: str) -> set[str]:
    """Every number in E.164 that a client said something of, or that the host named them with."""
    country = state.practice().country
    return {phone for text in consents.phones_of(state.db, client_id) if (phone := e164(text, country))}


def erase_outdated(state: State, before: datetime) -> bool:
    """Erase clients whose last appointment ended before then, some at a time; whether there may be more."""
    found = people.outdated(state.db, before, BATCH)
    for client_id in found:
        # They may have asked for a new one since the list was read.
        with suppress(AppointmentsAhead):
            erase_client(state, client_id, Actor(ActorKind.SYSTEM, "retention"))
    return len(found) == BATCH


def _told(appointment: Appointment) -> dict[str, Any]:
    client, location = appointment.client, appointment.location
    return {
        "ref": appointment.ref,
        "status": appointment.status,
        "type": appointment.type.name,
        "contact": appointment.contact.name,
        "provider": appointment.provider.name,
        "location": location and location.name,
        "starts": appointment.starts.isoformat(),
        "ends": appointment.ends.isoformat(),
        "zone": appointment.zone,
        "name": client.name,
        "email": client.email,
        "phone": client.phone,
        "language": client.language,
        "client_zone": client.zone,
        "note": appointment.note,
        "message": appointment.message,
        "reason": appointment.reason,
        "text_reminders": appointment.text_reminders,
        "created": appointment.created.isoformat(),
        "expires": appointment.expires.isoformat(),
        "replaces": appointment.replaces,
        "reference": appointment.host_reference,
        "data": appointment.host_data,
    }


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: instant(value).isoformat() if name in INSTANTS and value is not None else value
        for name, value in row.items()
    }
