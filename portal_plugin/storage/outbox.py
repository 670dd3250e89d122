"""Messages written with the change and delivered later, each under a lease."""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import Database, fn

from ..domain.lifecycle import Status
from .database import is_postgres, marks, run
from .models import AppointmentRow, OutboxRow, insert

MAIL, WEBHOOK, SMS, DIGEST = "mail", "webhook", "sms", "digest"
"""Channels. What is gathered for a digest is delivered by none: it becomes part of a mail."""

STAFF, STAFF_DIGEST = "staff", "staff_digest"
"""Topics of what the practice's own people are told: it names no client. All others are a client's."""

LEASE = timedelta(minutes=5)
"""How long a message is one worker's."""

VERIFY = "verify"
"""The topic of what goes to somebody who is not a client yet, before there is an appointment."""

REMINDER = "reminder"
"""The topic of what is due some time before an appointment, and only while that stands."""


class Lane(NamedTuple):
    """What is delivered one after the other, and beside every other lane: all mails, all texts, or an endpoint's
    webhooks.
    """

    channel: str
    recipient: str | None = None


class Message(NamedTuple):
    """A leased outbox row. `facts` were taken at the change; `message_id` is the same at every attempt. `attempts`
    counts those that were begun.
    """

    id: int
    appointment: int | None
    channel: str
    topic: str
    recipient: str
    message_id: str
    facts: Mapping[str, Any]
    attempts: int
    lease: str

    def __repr__(self) -> str:
        return f"Message({self.id}, {self.channel}, {self.topic})"


def enqueue(
    db: Database,
    *,
    appointment: int | None,
    channel: str,
    topic: str,
    recipient: str,
    facts: Mapping[str, Any],
    now: datetime,
    due: datetime | None = None,
) -> int:
    """To be delivered from `due` on, or at once; the new row's id."""
    return insert(
        db,
        OutboxRow,
        appointment=appointment,
        channel=channel,
        topic=topic,
        recipient=recipient,
        message_id=secrets.token_hex(16),
        facts=json.dumps(facts),
        created=now,
        due=due or now,
        attempts=0,
        error="",
    )


_LONGEST = 2 * LEASE
"""No lease ends later than that, however two machines' clocks differ: the clock was put back since it was written."""


def lanes_due(db: Database, now: datetime) -> list[Lane]:
    """Where something is to be delivered that nobody holds."""
    rows = run(
        db,
        "SELECT DISTINCT channel, CASE WHEN channel = ? THEN recipient END FROM portal_outbox "
        "WHERE sent IS NULL AND failed IS NULL AND due <= ? AND channel <> ? "
        "AND (leased_until IS NULL OR leased_until <= ? OR leased_until > ?)",
        WEBHOOK,
        now,
        DIGEST,
        now,
        now + _LONGEST,
    )
    return [Lane(*row) for row in rows.fetchall()]


def lease_due(db: Database, lane: Lane, now: datetime, until: datetime, most: int) -> list[Message]:
    """Take a lane's due rows that nobody else holds, oldest first. A lease that ran out is nobody's, and neither is one
    from before a clock was put back.

    What one recipient is told of an appointment, and of the one whose place it takes, is taken one after the other;
    one that waits for another try holds up none. A row that cannot be read is given up on.
    """
    lease = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
    earlier, this, old = OutboxRow.alias(), AppointmentRow.alias(), AppointmentRow.alias()
    replaced = this.select(old.id).join(old, on=old.ref == this.replaces).where(this.id == OutboxRow.appointment)
    free = (
        OutboxRow.select(OutboxRow.id)
        .where(
            ~fn.EXISTS(
                earlier.select(earlier.id).where(
                    earlier.appointment.in_((OutboxRow.appointment, replaced)),
                    earlier.channel == OutboxRow.channel,
                    earlier.recipient == OutboxRow.recipient,
                    earlier.id < OutboxRow.id,
                    earlier.sent.is_null(),
                    earlier.failed.is_null(),
                    earlier.due <= now,
                )
            ),
            _in(lane),
            OutboxRow.sent.is_null(),
            OutboxRow.failed.is_null(),
            OutboxRow.due <= now,
            OutboxRow.leased_until.is_null()
            | (OutboxRow.leased_until <= now)
            | (OutboxRow.leased_until > now + _LONGEST),
        )
        .order_by(OutboxRow.due, OutboxRow.id)
        .limit(most)
    )
    if is_postgres(db):
        free = free.for_update(skip_locked=True)
    columns = [getattr(OutboxRow, name) for name in Message._fields]
    with db.atomic():
        # Looked up first: inside the update PostgreSQL may ask anew for each row, and so take more than `most`.
        taken = [number for (number,) in free.tuples().execute(db)]
        OutboxRow.update(lease=lease, leased_until=until).where(OutboxRow.id.in_(taken)).execute(db)
        query = OutboxRow.select(*columns).where(OutboxRow.lease == lease).order_by(OutboxRow.due, OutboxRow.id)
        rows = [Message(*values) for values in query.tuples().execute(db)]
    readable = []
    for row in rows:
        try:
            readable.append(row._replace(facts=json.loads(str(row.facts))))
        except ValueError:
            settle(db, row, failed=now, error="what it says cannot be read")
    return readable


def _in(lane: Lane) -> Any:
    there = OutboxRow.channel == lane.channel
    return there if lane.recipient is None else there & (OutboxRow.recipient == lane.recipient)


def take_up(db: Database, message: Message, until: datetime) -> Message | None:
    """Count an attempt and prolong the lease for it; None when that ran out and somebody else has the row, or sent it.

    It is counted before it is made, or one that ends the worker would be made for ever.
    """
    query = OutboxRow.update(leased_until=until, attempts=OutboxRow.attempts + 1).where(
        OutboxRow.id == message.id, OutboxRow.lease == message.lease, OutboxRow.sent.is_null()
    )
    return message._replace(attempts=message.attempts + 1) if query.execute(db) else None


def overtaken(db: Database, message: Message) -> bool:
    """Whether the recipient has a later message which this one would contradict: of the same appointment, or the
    confirmation of one that took its place. A client may have the address of one of the staff: what one is told
    overtakes nothing of the other, and a digest nothing at all.
    """
    if message.topic == STAFF_DIGEST:
        return False
    for_client = "o.topic NOT IN ('staff', 'staff_digest', 'reminder')"
    same_reader = "o.topic = 'staff'" if message.topic == STAFF else for_client
    query = f"""SELECT 1 FROM portal_appointment mine
        JOIN portal_appointment a ON a.client_id = mine.client_id
            AND (a.id = mine.id OR (a.thread = mine.thread AND a.id > mine.id))
        JOIN portal_outbox o ON o.appointment = a.id AND (a.id = mine.id OR o.topic = 'confirmed')
        WHERE mine.id = ? AND o.channel = ? AND o.recipient = ? AND o.id > ? AND o.sent IS NOT NULL AND {same_reader}
        LIMIT 1"""  # noqa: S608
    values = (message.appointment, message.channel, message.recipient, message.id)
    return run(db, query, *values).fetchone() is not None


class Gathered(NamedTuple):
    """One thing for a recipient's digest."""

    recipient: str
    id: int
    appointment: int
    items: list[dict[str, Any]]


def gathered(db: Database, due: datetime) -> bool:
    """Whether anything was gathered for a digest that is due."""
    query = "SELECT 1 FROM portal_outbox WHERE sent IS NULL AND failed IS NULL AND due <= ? AND channel = ? LIMIT 1"
    return run(db, query, due, DIGEST).fetchone() is not None


def take_gathered(db: Database, due: datetime) -> list[Gathered]:
    """Take it out of the outbox, by recipient and in order; nobody else gets any of it."""
    if is_postgres(db):
        # Two that take at once would share a day between them; SQLite's writers queue anyway.
        run(db, "SELECT pg_advisory_xact_lock(hashtextextended('portal digest', 0))")
    query = (
        "DELETE FROM portal_outbox WHERE sent IS NULL AND failed IS NULL AND due <= ? AND channel = ? "
        "RETURNING recipient, id, appointment, facts"
    )
    taken = run(db, query, due, DIGEST).fetchall()
    return sorted(Gathered(to, number, of, json.loads(facts)["items"]) for to, number, of, facts in taken)


def settle(db: Database, message: Message, **outcome: Any) -> None:
    """Write an attempt's outcome and give up the lease, if it is still this worker's."""
    OutboxRow.update(lease=None, leased_until=None, **outcome).where(
        OutboxRow.id == message.id, OutboxRow.lease == message.lease
    ).execute(db)


def give_back(db: Database, message: Message) -> None:
    """Let others take what was leased and not tried."""
    settle(db, message)


def put_off(db: Database, message: Message, until: datetime) -> None:
    """The same, and not before that time, for one whose attempt was begun and does not count."""
    settle(db, message, attempts=OutboxRow.attempts - 1, due=until)


_ORDER = ("", "accepted", "scheduled", "queued", "sending", "sent", "delivered")
FAILURES = frozenset({"undelivered", "failed", "canceled"})
REPORTS = FAILURES.union(_ORDER[1:])


def record_delivery(db: Database, message_id: str, provider_id: str, status: str, error: str, now: datetime) -> str:
    """Write down what a gateway says became of a text, unless it is older news, or of an earlier try than the one that
    counts; the number it went to, or "" for none.

    One that it took counts as sent, even if its answer was lost on the way; one that did not arrive as given up on.
    """
    earlier = _ORDER[: _ORDER.index(status)] if status in _ORDER else _ORDER
    outcome = "sent = NULL, failed = ?" if status in FAILURES else "failed = NULL, sent = COALESCE(sent, ?)"
    cursor = run(
        db,
        f"UPDATE portal_outbox SET provider_id = ?, delivery = ?, error = ?, {outcome} WHERE message_id = ? "  # noqa: S608
        f"AND channel = '{SMS}' AND recipient <> '' AND ((provider_id = ? AND delivery IN ({marks(earlier)})) "
        "OR (provider_id <> ? AND sent IS NULL)) "
        "RETURNING recipient",
        provider_id,
        status,
        error,
        now,
        message_id,
        provider_id,
        *earlier,
        provider_id,
    )
    row = cursor.fetchone()
    return row[0] if row else ""


def hold_off(db: Database, lane: Lane, until: datetime) -> None:
    """Deliver nothing of what waits in a lane now before `until`."""
    OutboxRow.update(due=until).where(
        _in(lane),
        OutboxRow.sent.is_null(),
        OutboxRow.failed.is_null(),
        OutboxRow.due < until,
    ).execute(db)


# Before it sends what it has in hand, a worker reads the state again; and it has to write down what came of it.
_NOT_IN_HAND = f"topic = '{REMINDER}' AND sent IS NULL AND failed IS NULL AND (lease IS NULL OR leased_until <= ?)"


def drop_reminders(db: Database, phone: str, now: datetime) -> None:
    """Take away the text reminders that wait for a number in E.164, within the caller's transaction."""
    where = f"channel = '{SMS}' AND recipient = ? AND {_NOT_IN_HAND}"
    run(db, f"DELETE FROM portal_outbox WHERE {where}", phone, now)  # noqa: S608


def drop_reminders_of(db: Database, appointment: int, now: datetime, channel: str | None = None) -> None:
    """Take away the reminders that wait for an appointment, of one channel or all, within the caller's transaction."""
    where = f"appointment = ? AND {_NOT_IN_HAND} AND channel = COALESCE(?, channel)"
    run(db, f"DELETE FROM portal_outbox WHERE {where}", appointment, now, channel)  # noqa: S608


def waiting(db: Database) -> int:
    """How many messages are still to be sent."""
    count: int = OutboxRow.select().where(OutboxRow.sent.is_null(), OutboxRow.failed.is_null()).count(db)
    return count


def purge(db: Database, before: datetime, most: int) -> int:
    """Delete messages sent before then, oldest first and up to `most`; how many. One stays while an earlier one to the
    same recipient, in the same thread, was not sent: if that is sent again, it must still be overtaken.
    """
    cursor = run(
        db,
        "DELETE FROM portal_outbox WHERE id IN (SELECT o.id FROM portal_outbox o "
        "JOIN portal_appointment a ON a.id = o.appointment WHERE o.sent < ? AND NOT EXISTS ("
        "SELECT 1 FROM portal_appointment b JOIN portal_outbox e ON e.appointment = b.id "
        "WHERE b.client_id = a.client_id AND b.thread = a.thread AND e.id < o.id AND e.channel = o.channel "
        "AND e.recipient = o.recipient AND e.sent IS NULL) "
        "ORDER BY o.sent LIMIT ?)",
        before,
        most,
    )
    return int(cursor.rowcount)


def withhold(db: Database, before: datetime, now: datetime) -> int:
    """Give up on what was due before then and waits; how many messages. They stay, and can be sent again."""
    cursor = run(
        db,
        "UPDATE portal_outbox SET failed = ?, lease = NULL, leased_until = NULL, "
        "error = 'withheld after a backup was restored' WHERE sent IS NULL AND failed IS NULL AND due < ?",
        now,
        before,
    )
    return int(cursor.rowcount)


def send_again(db: Database, number: int, now: datetime) -> bool:
    """Let a message that waits or was given up on be due now, with all its attempts before it; false for others, and
    for a reminder of what has begun or does not stand.
    """
    ahead = AppointmentRow.select(AppointmentRow.id).where(
        AppointmentRow.status == Status.CONFIRMED, AppointmentRow.starts > now
    )
    query = OutboxRow.update(failed=None, due=now, attempts=0, lease=None, leased_until=None, delivery="").where(
        OutboxRow.id == number,
        OutboxRow.sent.is_null(),
        OutboxRow.lease.is_null(),
        (OutboxRow.topic != REMINDER) | OutboxRow.appointment.in_(ahead),
    )
    return bool(query.execute(db))
