"""Messages written with the change and delivered later, each under a lease."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from peewee import Database, fn

from .database import is_postgres
from .models import OutboxRow, insert


class Message(NamedTuple):
    """A leased outbox row. `facts` were taken at the change; `message_id` is the same at every attempt."""

    id: int
    appointment: int
    channel: str
    topic: str
    recipient: str
    message_id: str
    facts: Mapping[str, Any]
    attempts: int
    lease: str


def enqueue(
    db: Database, *, appointment: int, channel: str, topic: str, recipient: str, facts: Mapping[str, Any], now: datetime
) -> None:
    insert(
        db,
        OutboxRow,
        appointment=appointment,
        channel=channel,
        topic=topic,
        recipient=recipient,
        message_id=secrets.token_hex(16),
        facts=json.dumps(facts),
        created=now,
        due=now,
        attempts=0,
        error="",
    )


def lease_due(db: Database, now: datetime, until: datetime, most: int) -> list[Message]:
    """Take due rows that nobody else holds, oldest first. A lease that ran out is nobody's.

    An appointment's messages are taken one after the other; one that waits for another try holds up none.
    """
    lease = secrets.token_hex(8)
    earlier = OutboxRow.alias()
    free = (
        OutboxRow.select(OutboxRow.id)
        .where(
            ~fn.EXISTS(
                earlier.select(earlier.id).where(
                    earlier.appointment == OutboxRow.appointment,
                    earlier.id < OutboxRow.id,
                    earlier.sent.is_null(),
                    earlier.failed.is_null(),
                    earlier.due <= now,
                )
            ),
            OutboxRow.sent.is_null(),
            OutboxRow.failed.is_null(),
            OutboxRow.due <= now,
            OutboxRow.leased_until.is_null() | (OutboxRow.leased_until <= now),
        )
        .order_by(OutboxRow.due, OutboxRow.id)
        .limit(most)
    )
    if is_postgres(db):
        free = free.for_update(skip_locked=True)
    columns = [getattr(OutboxRow, name) for name in Message._fields]
    with db.atomic():
        OutboxRow.update(lease=lease, leased_until=until, attempts=OutboxRow.attempts + 1).where(
            OutboxRow.id.in_(free)
        ).execute(db)
        query = OutboxRow.select(*columns).where(OutboxRow.lease == lease).order_by(OutboxRow.due, OutboxRow.id)
        rows = [Message(*values) for values in query.tuples().execute(db)]
    return [row._replace(facts=json.loads(str(row.facts))) for row in rows]


def hold(db: Database, message: Message, until: datetime) -> bool:
    """Prolong a lease before acting on it; false when it ran out and somebody else has the row, or sent it."""
    query = OutboxRow.update(leased_until=until).where(
        OutboxRow.id == message.id, OutboxRow.lease == message.lease, OutboxRow.sent.is_null()
    )
    return bool(query.execute(db))


def overtaken(db: Database, message: Message) -> bool:
    """Whether a later message of the same appointment went out already, so that this one would contradict it."""
    later = OutboxRow.select().where(
        OutboxRow.appointment == message.appointment, OutboxRow.id > message.id, OutboxRow.sent.is_null(False)
    )
    return bool(later.exists(db))


def settle(db: Database, message: Message, **outcome: Any) -> None:
    """Write an attempt's outcome and give up the lease, if it is still this worker's."""
    OutboxRow.update(lease=None, leased_until=None, **outcome).where(
        OutboxRow.id == message.id, OutboxRow.lease == message.lease
    ).execute(db)


def waiting(db: Database) -> int:
    """How many messages are still to be sent."""
    count: int = OutboxRow.select().where(OutboxRow.sent.is_null(), OutboxRow.failed.is_null()).count(db)
    return count
