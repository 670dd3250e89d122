"""What is stored about one client, wherever it is."""

from datetime import datetime
from typing import Any

from peewee import Database

from .database import run
from .outbox import STAFF, STAFF_DIGEST

PSEUDONYM = "erased-"
"""What the id of a client who was erased begins with."""

_MESSAGE = (
    "channel",
    "topic",
    "recipient",
    "message_id",
    "created",
    "due",
    "attempts",
    "sent",
    "failed",
    "provider_id",
    "delivery",
)


def messages(db: Database, client_id: str) -> list[dict[str, Any]]:
    """What was written to a client and when, without its text; oldest first, instants in seconds since 1970."""
    query = f"""SELECT a.ref, {", ".join(f"o.{name}" for name in _MESSAGE)} FROM portal_outbox o
        JOIN portal_appointment a ON a.id = o.appointment WHERE a.client_id = ? AND o.topic NOT IN (?, ?)
        ORDER BY o.id"""  # noqa: S608
    found = run(db, query, client_id, STAFF, STAFF_DIGEST)
    return [dict(zip(("appointment", *_MESSAGE), values, strict=True)) for values in found]


def pseudonymise(db: Database, client_id: str, pseudonym: str) -> int:
    """Leave of a client's appointments what can be counted; how many. Of their places on the waitlist nothing is left.
    Messages that wait are dropped, but for those to staff, which name nobody and may tell of other appointments too.
    For what they agreed to, see consents.py.

    Versions rise, so that whoever has read an appointment before this decides nothing by what they read.
    """
    # First: a worker that is about to offer them a time is waited for, and what it makes is found below.
    run(db, "DELETE FROM portal_waitlist WHERE client_id = ?", client_id)
    cursor = run(
        db,
        "UPDATE portal_appointment SET client_id = ?, client_name = '', client_email = '', client_phone = '', "
        "client_language = '', client_zone = '', note = '', message = '', reason = '', request_key = NULL, "
        "host_reference = '', host_data = '{}', version = version + 1 WHERE client_id = ?",
        pseudonym,
        client_id,
    )
    theirs = "appointment IN (SELECT id FROM portal_appointment WHERE client_id = ?) AND topic NOT IN (?, ?)"
    of_client = (pseudonym, STAFF, STAFF_DIGEST)
    run(db, f"DELETE FROM portal_outbox WHERE sent IS NULL AND {theirs}", *of_client)  # noqa: S608
    run(db, f"UPDATE portal_outbox SET recipient = '', facts = '{{}}', provider_id = '' WHERE {theirs}", *of_client)  # noqa: S608
    run(
        db,
        "DELETE FROM portal_intake WHERE appointment IN (SELECT id FROM portal_appointment WHERE client_id = ?)",
        pseudonym,
    )
    run(db, "DELETE FROM portal_feed WHERE kind = 'client' AND owner = ?", client_id)
    return int(cursor.rowcount)


def outdated(db: Database, before: datetime, most: int) -> list[str]:
    """Clients whose last appointment, or waiting for one, ended before then and who were not erased yet."""
    query = """SELECT client_id FROM (
            SELECT client_id, ends AS until FROM portal_appointment WHERE client_id NOT LIKE ?
            UNION ALL SELECT client_id, COALESCE(ended, ?) FROM portal_waitlist
        ) AS known GROUP BY client_id HAVING MAX(until) < ? LIMIT ?"""
    return [client_id for (client_id,) in run(db, query, f"{PSEUDONYM}%", before, before, most)]
