"""Secret addresses of calendar feeds.

They are stored as they are, and not hashed: whoever reads this table reads the appointments beside it, and their owner
may look them up again.
"""

import re
import secrets
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from peewee import Database

from ..domain.instants import instant
from .database import run

_SELECT = "SELECT kind, owner, secret, created FROM portal_feed"
_SECRET = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)


class Kind(StrEnum):
    """Whose appointments a feed tells: a client's, by the host's id, or a provider's, by key."""

    CLIENT = "client"
    PROVIDER = "provider"


class Feed(NamedTuple):
    kind: Kind
    owner: str
    secret: str
    created: datetime

    def __repr__(self) -> str:
        return f"Feed({self.kind}, created {self.created:%Y-%m-%d})"


def renew(db: Database, kind: Kind, owner: str, now: datetime) -> None:
    """A new address; one that there was leads nowhere from now on."""
    run(
        db,
        "INSERT INTO portal_feed (kind, owner, secret, created) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (kind, owner) DO UPDATE SET secret = EXCLUDED.secret, created = EXCLUDED.created",
        *(kind, owner, secrets.token_urlsafe(32), now),
    )


def end(db: Database, kind: Kind, owner: str) -> bool:
    """Whether there was one."""
    return bool(run(db, "DELETE FROM portal_feed WHERE kind = ? AND owner = ?", kind, owner).rowcount)


def of(db: Database, kind: Kind, owner: str) -> Feed | None:
    return _feed(run(db, f"{_SELECT} WHERE kind = ? AND owner = ?", kind, owner).fetchone())


def by_secret(db: Database, secret: str) -> Feed | None:
    """None for what was never an address, and for one that has ended."""
    if not _SECRET.fullmatch(secret):
        return None
    return _feed(run(db, f"{_SELECT} WHERE secret = ?", secret).fetchone())


def listed(db: Database, kind: Kind) -> dict[str, Feed]:
    """By owner."""
    rows = run(db, f"{_SELECT} WHERE kind = ?", kind).fetchall()
    return {feed.owner: feed for row in rows if (feed := _feed(row))}


def _feed(row: tuple[str, str, str, int] | None) -> Feed | None:
    return None if row is None else Feed(Kind(row[0]), row[1], row[2], instant(row[3]))
