"""The history: rows are only ever added, and only their words can be taken away."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from peewee import Database

from ..domain.history import PERSONS, Event, HistoryEntry, Result, digest
from ..domain.instants import instant, seconds
from ..domain.lifecycle import Action, Actor, ActorKind, Status
from .database import marks, run
from .models import HistoryRow, insert

REFUSALS_OF_ONE = 20
REFUSALS_OF_ALL = 1_000
"""Refused attempts recorded within an hour, of one actor and of all: a scanner cannot fill the disk."""

# Another client who tried to see the appointment is none of this client's business.
_CONCERNS = """
SELECT h.id FROM portal_appointment a JOIN portal_history h ON h.appointment = a.id
    WHERE a.client_id = ? AND (h.actor_kind NOT IN ('client', 'link') OR h.actor = ?)
UNION SELECT id FROM portal_history WHERE actor = ? AND actor_kind IN ('client', 'link')
UNION SELECT id FROM portal_history WHERE action = 'export' AND reason = ?
"""
_ENTRY = "h.at, h.actor_kind, h.actor, h.action, h.from_status, h.to_status, h.result, h.reason, h.request_id"


def record(
    db: Database,
    appointment: int | None,
    actor: Actor,
    action: Action | Event,
    before: Status | None,
    after: Status | None,
    reason: str,
    now: datetime,
    *,
    erased: int | None = None,
) -> None:
    """Add a row, within the transaction of what it tells of. It is sealed later: see storage/chain.py."""
    row = _row(appointment, actor, action, Result.DONE, reason, now)
    insert(db, HistoryRow, **row, from_status=before, to_status=after, erased=erased)


def record_refused(
    db: Database, appointment: int | None, actor: Actor, action: Action | Event, reason: str, now: datetime
) -> None:
    """Add a row for what somebody tried and was refused, unless the hour's are too many already."""
    row = _row(appointment, actor, action, Result.REFUSED, reason, now)
    lately = "SELECT COUNT(*) FROM portal_history WHERE result = 'refused' AND at > ?"
    run(
        db,
        f"INSERT INTO portal_history ({', '.join(row)}) SELECT {marks(row)} "
        f"WHERE ({lately} AND actor = ?) < ? AND ({lately}) < ?",
        *row.values(),
        hour_ago := seconds(now) - 3600,
        actor.name,
        REFUSALS_OF_ONE,
        hour_ago,
        REFUSALS_OF_ALL,
    )


def _row(
    appointment: int | None, actor: Actor, action: Action | Event, result: Result, reason: str, now: datetime
) -> dict[str, Any]:
    salt = secrets.token_hex(16)
    return {
        "at": now,
        "appointment": appointment,
        "actor_kind": actor.kind,
        "actor": actor.name,
        "action": action.name.lower(),
        "result": result,
        "reason": reason,
        "request_id": actor.request_id,
        "salt": salt,
        "digest": digest(salt, actor.name, reason),
    }


def entries(db: Database, appointment: int) -> list[HistoryEntry]:
    """Of an appointment, oldest first."""
    query = f"SELECT {_ENTRY} FROM portal_history h WHERE h.appointment = ? ORDER BY h.id"  # noqa: S608
    return [_entry(values) for values in run(db, query, appointment)]


def was_replaced(db: Database, appointment: int) -> bool:
    """Whether another one took its place."""
    query = "SELECT 1 FROM portal_history WHERE appointment = ? AND action = 'replace' AND result = 'done'"
    return run(db, query, appointment).fetchone() is not None


def about(db: Database, client_id: str) -> list[tuple[str | None, HistoryEntry]]:
    """What happened to a client's appointments, each with its reference, whatever else they did or were refused, and
    exports.
    """
    query = f"""SELECT a.ref, {_ENTRY} FROM portal_history h
        LEFT JOIN portal_appointment a ON a.id = h.appointment AND a.client_id = ?
        WHERE h.id IN ({_CONCERNS}) ORDER BY h.id"""  # noqa: S608
    return [(ref, _entry(values)) for ref, *values in run(db, query, *[client_id] * 5)]


def forget(db: Database, client_id: str, pseudonym: str) -> int:
    """Take the words away of what `about` tells, once the client's appointments are the pseudonym's; of how many rows.

    It is the only change that the database lets anybody make.
    """
    cursor = run(
        db,
        "UPDATE portal_history SET salt = NULL, reason = '', "  # noqa: S608
        f"actor = CASE WHEN actor_kind IN ({marks(PERSONS)}) THEN '' ELSE actor END "
        f"WHERE salt IS NOT NULL AND id IN ({_CONCERNS})",
        *PERSONS,
        pseudonym,
        *[client_id] * 3,
    )
    return int(cursor.rowcount)


def _entry(values: Iterable[Any]) -> HistoryEntry:
    at, actor_kind, actor, action, before, after, result, reason, request_id = values
    return HistoryEntry(
        instant(at),
        ActorKind(actor_kind),
        actor,
        action,
        Status(before) if before else None,
        Status(after) if after else None,
        Result(result),
        reason,
        request_id,
    )
