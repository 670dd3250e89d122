"""What a database says about itself, and about the messages that wait in it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from peewee import Database

from ..domain.instants import instant
from .database import is_postgres, run

OLDEST_POSTGRES = 120_000
"""Version 12, as the server counts; the exclusion constraint needs no extension from there on."""


class Health(NamedTuple):
    """`journal` is SQLite's journal mode, or empty. `guarded`: the database itself refuses claims that overlap."""

    engine: str
    version: str
    supported: bool
    journal: str
    guarded: bool


def examine(db: Database) -> Health:
    if is_postgres(db):
        version = db.execute_sql("SHOW server_version").fetchone()[0]
        number = int(db.execute_sql("SHOW server_version_num").fetchone()[0])
        guards = db.execute_sql(
            "SELECT count(*) FROM pg_constraint WHERE conname = 'portal_claim_apart' AND contype = 'x'"
        ).fetchone()[0]
        return Health("PostgreSQL", version, number >= OLDEST_POSTGRES, "", guards == 1)
    version = db.execute_sql("SELECT sqlite_version()").fetchone()[0]
    journal = db.execute_sql("PRAGMA journal_mode").fetchone()[0]
    guards = db.execute_sql(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'portal_claim_apart%'"
    ).fetchone()[0]
    return Health("SQLite", version, True, journal, guards == 2)


class Queue(NamedTuple):
    """Of one channel: how many messages wait, of these how many are due and how many a worker has in hand; since when
    the oldest of those that are due is (aware UTC); how many were given up on; how many failed and are tried again.
    """

    channel: str
    waiting: int
    due: int
    in_hand: int
    oldest: datetime | None
    given_up: int
    failing: int

    def late(self, now: datetime) -> timedelta:
        """How long the oldest of those that are due has been."""
        return now - self.oldest if self.oldest else timedelta()

    def stalled(self, now: datetime, after: timedelta) -> bool:
        """Whether nobody sends what has been due for so long."""
        return self.oldest is not None and now - self.oldest > after and not self.in_hand


def queues(db: Database, now: datetime) -> list[Queue]:
    """The channels in which something waits or was given up on."""
    query = """SELECT channel, SUM(CASE WHEN failed IS NULL THEN 1 ELSE 0 END),
        SUM(CASE WHEN failed IS NULL AND due <= ? THEN 1 ELSE 0 END),
        SUM(CASE WHEN failed IS NULL AND leased_until > ? THEN 1 ELSE 0 END),
        MIN(CASE WHEN failed IS NULL AND due <= ? THEN due END), SUM(CASE WHEN failed IS NULL THEN 0 ELSE 1 END),
        SUM(CASE WHEN failed IS NULL AND error <> '' THEN 1 ELSE 0 END)
        FROM portal_outbox WHERE sent IS NULL GROUP BY channel ORDER BY channel"""
    return [
        Queue(
            channel=channel,
            waiting=int(waiting),
            due=int(due),
            in_hand=int(in_hand),
            oldest=None if oldest is None else instant(oldest),
            given_up=int(given_up),
            failing=int(failing),
        )
        for channel, waiting, due, in_hand, oldest, given_up, failing in run(db, query, now, now, now)
    ]


def failures(db: Database) -> list[tuple[str, str, int]]:
    """Of what was not sent, by channel: why the last attempt failed, and how many messages that is true of."""
    query = """SELECT channel, error, COUNT(*) FROM portal_outbox WHERE sent IS NULL AND error <> ''
        GROUP BY channel, error ORDER BY channel, error"""
    return [(channel, reason, int(count)) for channel, reason, count in run(db, query)]


def open_appointments(db: Database) -> list[tuple[str, int, datetime]]:
    """Of each status that is not final: how many there are, and since when the oldest is (aware UTC)."""
    query = """SELECT status, COUNT(*), MIN(created) FROM portal_appointment
        WHERE status IN ('requested', 'invited', 'confirmed') GROUP BY status ORDER BY status"""
    return [(status, int(count), instant(created)) for status, count, created in run(db, query)]
