"""What `flask portal doctor` asks a database about itself."""

from datetime import datetime
from typing import NamedTuple

from peewee import Database, fn

from .database import is_postgres
from .models import OutboxRow

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


def oldest_due(db: Database, now: datetime) -> datetime | None:
    """Since when the oldest message that ought to have been sent has been due; None when none waits."""
    query = OutboxRow.select(fn.MIN(OutboxRow.due)).where(
        OutboxRow.sent.is_null(), OutboxRow.failed.is_null(), OutboxRow.due <= now
    )
    due: datetime | None = query.scalar(db)
    return due
