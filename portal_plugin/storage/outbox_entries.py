"""The outbox as people look at it: what waits, what was sent and what was given up on, without what it says."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from peewee import Database

from ..domain.instants import instant
from .database import run
from .outbox import SMS, WEBHOOK


class Delivery(StrEnum):
    """Where a message is: still to be sent, sent, or given up on."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


_WHERE = {
    Delivery.WAITING: "o.sent IS NULL AND o.failed IS NULL",
    Delivery.SENT: "o.sent IS NOT NULL",
    Delivery.FAILED: "o.failed IS NOT NULL",
}


class Entry(NamedTuple):
    """A row as staff see it, without what it says; `worker` is who has it in hand, by machine and process. `ref` is
    None before there is an appointment. Instants are aware UTC.
    """

    id: int
    ref: str | None
    channel: str
    topic: str
    recipient: str
    message_id: str
    attempts: int
    error: str
    worker: str | None
    created: datetime
    due: datetime
    failed: datetime | None
    sent: datetime | None

    def __repr__(self) -> str:
        return f"Entry({self.id}, {self.channel}, {self.topic}, {self.state})"

    @property
    def state(self) -> Delivery:
        return Delivery.SENT if self.sent else Delivery.FAILED if self.failed else Delivery.WAITING

    @property
    def masked(self) -> str:
        """The recipient, without naming a person."""
        if self.channel == SMS:
            return f"…{self.recipient[-2:]}"
        # Even the domain of an address may be somebody's name.
        return self.recipient if self.channel == WEBHOOK else f"{self.recipient[:1]}…@…"


def listed(db: Database, *, channel: str | None = None, failed: bool = False) -> list[Entry]:
    """What waits and what was given up on, oldest first; the latter alone with `failed`."""
    where = _any_of([Delivery.FAILED] if failed else [Delivery.WAITING, Delivery.FAILED])
    return _entries(db, f"{where} AND o.channel = ?", channel) if channel else _entries(db, where)


def page(db: Database, states: Collection[Delivery], *, after: int, most: int) -> list[Entry]:
    """What is in any of these states, the oldest `most` of those with a higher id than `after`."""
    return _entries(db, f"{_any_of(states)} AND o.id > ?", after, most=most)


def _any_of(states: Collection[Delivery]) -> str:
    return f"({' OR '.join(_WHERE[state] for state in states)})"


def _entries(db: Database, where: str, *values: Any, most: int | None = None) -> list[Entry]:
    query = f"""
        SELECT o.id, a.ref, o.channel, o.topic, o.recipient, o.message_id, o.attempts, o.error, o.lease,
        o.created, o.due, o.failed, o.sent FROM portal_outbox o LEFT JOIN portal_appointment a ON a.id = o.appointment
        WHERE {where} ORDER BY o.id{"" if most is None else " LIMIT ?"}
        """  # noqa: S608
    rows = run(db, query, *values, *([] if most is None else [most])).fetchall()
    return [_entry(*row) for row in rows]


def _entry(*row: Any) -> Entry:
    *values, lease = row[:9]
    moments = (None if moment is None else instant(moment) for moment in row[9:])
    return Entry._make([*values, lease and lease.rpartition(":")[0], *moments])
