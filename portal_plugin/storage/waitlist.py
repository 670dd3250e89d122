"""The waitlist: one row for each client who waits, in the order in which they came."""

import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from peewee import Database, IntegrityError

from ..domain.instants import instant
from ..domain.practice import Practice
from ..domain.waitlist import Outcome, PartOfDay, Preferences, Waiting
from . import clients
from .database import is_postgres, run
from .models import WaitlistRow, columns, insert

_REF = re.compile("[0-9a-f]{32}")
_NAMES = columns(WaitlistRow)
_SELECT = f"SELECT {', '.join(f'w.{name}' for name in _NAMES)} FROM portal_waitlist w WHERE w.ended IS NULL"  # noqa: S608
_IN_ORDER = "ORDER BY w.created, w.id"


class WaitsAlready(Exception):
    """The client has a place in the line of that type."""


class WaitsNoMore(Exception):
    """The client has left, or was given a time, since the line was read."""


class Sign(NamedTuple):
    """Changes whenever something happened by which a time may have come free, or somebody has joined the line.

    `newest` is the youngest place in the line; None: nobody waits.
    """

    newest: int | None
    practice: int | None
    released: int | None
    calendars: int | None


def sign(db: Database) -> Sign:
    """One cheap statement, for a worker that asks every few seconds."""
    query = """SELECT (SELECT MAX(id) FROM portal_waitlist WHERE ended IS NULL), (SELECT MAX(id) FROM portal_practice),
        (SELECT MAX(id) FROM portal_history WHERE to_status IN ('declined', 'cancelled', 'expired', 'withdrawn')),
        (SELECT MAX(fetched) FROM portal_busy_calendar)"""
    return Sign(*run(db, query).fetchone())


def add(db: Database, waiting: Waiting) -> Waiting:
    """The same with its id. Raises WaitsAlready."""
    wanted = waiting.preferences
    try:
        row = insert(
            db,
            WaitlistRow,
            ref=waiting.ref,
            **clients.as_columns(waiting.client),
            type=waiting.type.key,
            contact=waiting.contact.key,
            provider=waiting.provider.key if waiting.provider else None,
            location=waiting.location.key if waiting.location else None,
            earliest=wanted.earliest.isoformat(),
            latest=wanted.latest.isoformat(),
            weekdays="".join(map(str, sorted(wanted.weekdays))),
            parts=" ".join(sorted(wanted.parts)),
            created=waiting.created,
        )
    except IntegrityError as error:
        if not any(name in str(error) for name in ("portal_waitlist_one", "portal_waitlist.client_id")):
            raise
        raise WaitsAlready from None
    return replace(waiting, id=row)


def of_client(db: Database, practice: Practice, client_id: str) -> list[Waiting]:
    """Where a client waits, the longest first."""
    return [_waiting(practice, row) for row in run(db, f"{_SELECT} AND w.client_id = ? {_IN_ORDER}", client_id)]


def by_ref(db: Database, practice: Practice, ref: str) -> Waiting | None:
    """None for who waits no more."""
    row = run(db, f"{_SELECT} AND w.ref = ?", ref).fetchone() if _REF.fullmatch(ref) else None
    return None if row is None else _waiting(practice, row)


def line(db: Database, practice: Practice) -> list[Waiting]:
    """Everybody who waits, who came first at its beginning."""
    return [_waiting(practice, row) for row in run(db, f"{_SELECT} {_IN_ORDER}")]


def unoffered(db: Database, practice: Practice) -> list[Waiting]:
    """The line without those who have an offer to answer."""
    open_offer = "EXISTS (SELECT 1 FROM portal_appointment a WHERE a.waitlist = w.id AND a.status = 'invited')"
    return [_waiting(practice, row) for row in run(db, f"{_SELECT} AND NOT {open_offer} {_IN_ORDER}")]


def offered(db: Database, waiting: Waiting) -> set[datetime]:
    """Every start that was offered to them."""
    query = "SELECT starts FROM portal_appointment WHERE waitlist = ?"
    return {instant(starts) for (starts,) in run(db, query, waiting.id).fetchall()}


def locked(db: Database, place: int) -> bool:
    """Whether they still wait; nobody else ends that before this transaction does."""
    lock = " FOR UPDATE" if is_postgres(db) else ""
    row = run(db, f"SELECT ended FROM portal_waitlist WHERE id = ?{lock}", place).fetchone()  # noqa: S608
    return row is not None and row[0] is None


def end(db: Database, place: int, outcome: Outcome, now: datetime) -> bool:
    """Whether they still waited."""
    query = "UPDATE portal_waitlist SET ended = ?, outcome = ? WHERE id = ? AND ended IS NULL"
    return bool(run(db, query, now, outcome, place).rowcount)


def told(db: Database, client_id: str) -> list[dict[str, Any]]:
    """All that is stored of a client's waiting, oldest first; instants in seconds since 1970."""
    names = [name for name in _NAMES if name != "id"]
    rows = run(db, f"SELECT {', '.join(names)} FROM portal_waitlist WHERE client_id = ? ORDER BY id", client_id)  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in rows]


def _waiting(practice: Practice, values: tuple[Any, ...]) -> Waiting:
    row = dict(zip(_NAMES, values, strict=True))
    location = practice.locations[row["location"]] if row["location"] else None
    return Waiting(
        ref=row["ref"],
        client=clients.from_row(row),
        type=practice.types[row["type"]],
        contact=practice.contact_types[row["contact"]],
        provider=practice.providers[row["provider"]] if row["provider"] else None,
        location=location,
        zone=location.zone if location else practice.zone,
        preferences=Preferences(
            date.fromisoformat(row["earliest"]),
            date.fromisoformat(row["latest"]),
            frozenset(map(int, row["weekdays"])),
            frozenset(map(PartOfDay, row["parts"].split())),
        ),
        created=instant(row["created"]),
        id=row["id"],
    )
