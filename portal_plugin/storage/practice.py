"""Practice documents, newest last."""

from datetime import datetime

from peewee import Database

from .database import is_postgres, read
from .models import PracticeRevision


def latest_revision(db: Database) -> int | None:
    revision: int | None = db.execute_sql("SELECT MAX(id) FROM portal_practice").fetchone()[0]
    return revision


def latest_revisions(db: Database) -> tuple[int | None, int]:
    """Of the practice, and of the endpoints that are told of changes: one look for what other processes changed."""
    # Asked at every page: plain SQL, without the builder's cost.
    sql = "SELECT (SELECT MAX(id) FROM portal_practice), (SELECT revision FROM portal_webhooks)"
    practice, webhooks = read(db, sql).fetchone()
    return practice, webhooks


def document(db: Database, revision: int) -> str:
    query = PracticeRevision.select(PracticeRevision.document).where(PracticeRevision.id == revision).tuples()
    text: str = next(iter(query.execute(db)))[0]
    return text


def lock(db: Database) -> None:
    """Let nobody else add a revision before this transaction ends; on SQLite every writer has that already."""
    if is_postgres(db):
        db.execute_sql("LOCK TABLE portal_practice IN EXCLUSIVE MODE")


def add_revision(db: Database, text: str, now: datetime) -> None:
    PracticeRevision.insert(document=text, applied=now).execute(db)
