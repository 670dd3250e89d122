"""What was answered to an Idempotency-Key, for a day: one caller does it, and whoever asks again is told the same."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from peewee import Database

from ..domain.appointment import Appointment
from ..domain.instants import instant, seconds
from ..domain.lifecycle import Status
from .database import run

LIFE = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""How long the one who does it may take. One that was killed is followed by the next who asks."""


class Given(NamedTuple):
    """A stored answer. Without a `ref` somebody is at it this moment."""

    fingerprint: str
    ref: str | None
    status: Status | None
    version: int | None


class Turn(NamedTuple):
    """The right to do it. `request_key` is the same for whoever takes it over."""

    api_key: str
    hash: str
    request_key: str


def take_turn(db: Database, api_key: str, key: str, fingerprint: str, now: datetime) -> Turn | Given:
    """The right to do it, or what came of it already."""
    hashed = sha256(key.encode()).hexdigest()
    run(db, "DELETE FROM portal_api_answer WHERE made <= ?", now - LIFE)
    first = run(
        db,
        "INSERT INTO portal_api_answer (api_key, hash, fingerprint, made, leased) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        *(api_key, hashed, fingerprint, now, now),
    )
    if first.rowcount:
        return _turn(api_key, hashed, seconds(now))
    # A refusal gives the turn back, so the row may be gone by now: then somebody is at it as far as this one can tell.
    row = run(
        db,
        "SELECT fingerprint, ref, status, version, made, leased FROM portal_api_answer WHERE api_key = ? AND hash = ?",
        *(api_key, hashed),
    ).fetchone()
    if row is None:
        return Given(fingerprint, None, None, None)
    given = Given(row[0], row[1], Status(row[2]) if row[2] else None, row[3])
    made, leased = row[4:]
    if given.ref is None and given.fingerprint == fingerprint and instant(leased) + LEASE <= now:
        taken = run(
            db,
            "UPDATE portal_api_answer SET leased = ? WHERE api_key = ? AND hash = ? AND ref IS NULL AND leased = ?",
            *(now, api_key, hashed, leased),
        )
        if taken.rowcount:
            return _turn(api_key, hashed, made)
    return given


def keep(db: Database, turn: Turn, appointment: Appointment) -> None:
    run(
        db,
        "UPDATE portal_api_answer SET ref = ?, status = ?, version = ? WHERE api_key = ? AND hash = ?",
        *(appointment.ref, appointment.status, appointment.version, turn.api_key, turn.hash),
    )


def give_back(db: Database, turn: Turn) -> None:
    """It was refused and nothing was done: the key is as good as new."""
    run(
        db,
        "DELETE FROM portal_api_answer WHERE api_key = ? AND hash = ? AND ref IS NULL",
        *(turn.api_key, turn.hash),
    )


def _turn(api_key: str, hashed: str, made: int) -> Turn:
    return Turn(api_key, hashed, sha256(f"{api_key}.{hashed}.{made}".encode()).hexdigest()[:32])
