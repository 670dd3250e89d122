"""The endpoints that were added by command, and which of all were disabled, in one row with a revision."""

import json
from typing import Any

from peewee import Database

from .database import run


def document(db: Database) -> tuple[int, dict[str, Any]]:
    """With its revision."""
    revision, text = run(db, "SELECT revision, document FROM portal_webhooks").fetchone()
    return revision, json.loads(text)


def replace(db: Database, revision: int, document: dict[str, Any]) -> bool:
    """Store what follows that revision; false when somebody else did."""
    cursor = run(
        db,
        "UPDATE portal_webhooks SET revision = revision + 1, document = ? WHERE revision = ?",
        json.dumps(document),
        revision,
    )
    return bool(cursor.rowcount)
