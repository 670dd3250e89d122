"""Keys of the HTTP API: a public id and a secret, of which only a hash is stored."""

import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from peewee import Database

from ..domain.instants import instant
from .database import run

_KEY = re.compile(r"portal_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_COARSE = timedelta(hours=1)
_COLUMNS = "id, name, scopes, created, last_used, revoked"


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    DECIDE = "decide"
    BOOK = "book"
    INTAKE = "intake"


class ApiKey(NamedTuple):
    """`last_used` is right to the hour: the use of a key does not cost a write each time."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    last_used: datetime | None
    revoked: datetime | None


def create(db: Database, name: str, scopes: Collection[Scope], now: datetime) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can be told a second time."""
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    written = " ".join(scope for scope in Scope if scope in scopes)
    run(
        db,
        "INSERT INTO portal_api_key (id, name, scopes, hash, created) VALUES (?, ?, ?, ?, ?)",
        *(id, name, written, _hash(secret), now),
    )
    return ApiKey(id, name, frozenset(scopes), now.replace(microsecond=0), None, None), f"portal_{id}_{secret}"


def recognise(db: Database, text: str, now: datetime) -> ApiKey | None:
    """The key that was presented; None for one that is unknown, mistyped or revoked."""
    written = _KEY.fullmatch(text)
    if written is None:
        return None
    select = f"SELECT hash, {_COLUMNS} FROM portal_api_key WHERE id = ? AND revoked IS NULL"  # noqa: S608
    row = run(db, select, written[1]).fetchone()
    if row is None or not hmac.compare_digest(row[0], _hash(written[2])):
        return None
    key = _key(row[1:])
    if key.last_used is None or key.last_used + _COARSE <= now:
        run(db, "UPDATE portal_api_key SET last_used = ? WHERE id = ?", now, key.id)
    return key


def listed(db: Database) -> list[ApiKey]:
    """Oldest first, revoked ones too."""
    return [_key(row) for row in run(db, f"SELECT {_COLUMNS} FROM portal_api_key ORDER BY created, id")]  # noqa: S608


def revoke(db: Database, id: str, now: datetime) -> bool:
    """From now on it opens nothing; false when there is no such key. Revoked already, it stays so."""
    changed = run(db, "UPDATE portal_api_key SET revoked = COALESCE(revoked, ?) WHERE id = ?", now, id)
    return bool(changed.rowcount)


def _key(row: tuple[Any, ...]) -> ApiKey:
    id, name, scopes, created, last_used, revoked = row
    return ApiKey(
        id,
        name,
        frozenset(map(Scope, scopes.split())),
        instant(created),
        None if last_used is None else instant(last_used),
        None if revoked is None else instant(revoked),
    )


def _hash(secret: str) -> str:
    # 256 random bits: nobody guesses them, so nothing slower is called for.
    return sha256(secret.encode()).hexdigest()
