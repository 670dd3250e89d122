"""The ledger of agreements to text reminders: rows are only ever added, and the newest of a number counts.

Of a client who was erased a keyed digest takes the number's place, so that an opt-out still holds.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from peewee import Database

from ..domain.consent import Choice, LedgerEntry, ReminderConsent, Way
from ..domain.instants import instant
from .database import is_postgres, marks, run
from .models import ConsentRow, insert

_ENTRY = "at, kind, way, client_id, phone, zone, address, user_agent, page, text, version, unticked, said"


def one_at_a_time(db: Database, phone: str) -> None:
    """Let nothing else be said of this number before this transaction ends; SQLite's writers queue anyway."""
    if is_postgres(db):
        run(db, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", f"portal phone {phone}")


def add(
    db: Database, choice: Choice, consent: ReminderConsent, way: Way, client_id: str, raw: str, now: datetime
) -> None:
    """`consent` says whose number, and what proves that it was said. Call `one_at_a_time` before it."""
    insert(
        db,
        ConsentRow,
        at=now,
        kind=choice,
        way=way,
        client_id=client_id,
        phone=consent.phone,
        zone=consent.zone,
        address=consent.address,
        user_agent=consent.user_agent,
        page=consent.page,
        text=consent.text,
        version=consent.version,
        unticked=consent.unticked,
        said=raw,
        number="",
    )


def last_choice(db: Database, phone: str, digests: Collection[str]) -> Choice | None:
    """What was last said of a number, under whichever of its digests; None when nothing was."""
    # Two branches, so that each engine takes an index for either.
    query = f"""SELECT kind FROM (
        SELECT id, kind FROM portal_consent WHERE phone = ? AND phone <> ''
        UNION ALL SELECT id, kind FROM portal_consent WHERE number IN ({marks(digests)}) AND number <> ''
        ) AS said ORDER BY id DESC LIMIT 1"""  # noqa: S608
    row = run(db, query, phone, *digests).fetchone()
    return Choice(row[0]) if row else None


def last_phone(db: Database, client_id: str) -> str:
    """Of a client's newest agreement, whether it still holds or not; "" where there was none."""
    query = "SELECT phone FROM portal_consent WHERE client_id = ? AND kind = 'in' ORDER BY id DESC LIMIT 1"
    row = run(db, query, client_id).fetchone()
    return str(row[0]) if row else ""


def whose(db: Database, phone: str) -> str:
    """The client who last said something of that number; "" when nobody did."""
    query = """SELECT client_id FROM portal_consent WHERE phone = ? AND phone <> '' AND client_id <> ''
        ORDER BY id DESC LIMIT 1"""
    row = run(db, query, phone).fetchone()
    return str(row[0]) if row else ""


def listed(
    db: Database, *, client_id: str | None = None, phone: str | None = None, digests: Collection[str] = ()
) -> list[LedgerEntry]:
    """Oldest first: all of it, or what was said by a client or of a number."""
    where, values = ["1 = 1"], []
    if client_id is not None:
        where.append("client_id = ?")
        values.append(client_id)
    if phone is not None:
        where.append(f"(phone = ? OR number IN ({marks(digests)}))")
        values += [phone, *digests]
    query = f"SELECT {_ENTRY} FROM portal_consent WHERE {' AND '.join(where)} ORDER BY id"  # noqa: S608
    return [_entry(row) for row in run(db, query, *values)]


def of_client(db: Database, client_id: str, phones: Collection[str]) -> list[LedgerEntry]:
    """What a client said, and what was said of their numbers by nobody known; oldest first."""
    query = f"""SELECT {_ENTRY} FROM portal_consent
        WHERE client_id = ? OR (client_id = '' AND phone IN ({marks(phones)})) ORDER BY id"""  # noqa: S608
    return [_entry(row) for row in run(db, query, client_id, *phones)]


def first_time(db: Database, hash: str) -> bool:
    """Remember that a text came in; false when it had before. Another one of the same, at the same moment, waits."""
    cursor = run(db, "INSERT INTO portal_inbound_text (hash) VALUES (?) ON CONFLICT DO NOTHING", hash)
    return int(cursor.rowcount) == 1


def phones_of(db: Database, client_id: str) -> list[str]:
    """Of what a client said, and of their appointments, as the host gave them."""
    query = """SELECT phone FROM portal_consent WHERE client_id = ? AND phone <> ''
        UNION SELECT client_phone FROM portal_appointment WHERE client_id = ? AND client_phone <> ''"""
    return [phone for (phone,) in run(db, query, client_id, client_id)]


def forget(db: Database, client_id: str, pseudonym: str, phone: str, digest: str) -> None:
    """Take away what names a client in what they, or nobody known, said of one number. It is the only change that the
    database allows.
    """
    run(
        db,
        "UPDATE portal_consent SET client_id = ?, number = ?, phone = '', address = '', user_agent = '', said = '' "
        "WHERE client_id IN (?, '') AND phone = ?",
        pseudonym,
        digest,
        client_id,
        phone,
    )


def _entry(row: Any) -> LedgerEntry:
    at, kind, way, client, phone, zone, address, user_agent, page, text, version, unticked, said = row
    shown = (zone, address, user_agent, page, text, version, bool(unticked))
    return LedgerEntry(instant(at), Choice(kind), Way(way), client, phone, *shown, said)
