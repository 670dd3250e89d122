"""Practices and stored appointments of any size, laid down once and kept under build/."""

import hashlib
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from portal_plugin.practice_file import from_dict
from portal_plugin.services.practices import apply_practice
from portal_plugin.storage.database import MIGRATIONS, migrate, open_database

NOW = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)
"""Where every clock stands: Monday, 7:00 in New York, and no clock change within the horizon."""

OFFSET = 5 * 3600
"""Seconds New York is behind UTC from December to the horizon."""

HORIZON = 90
LAST_DAY = date(2027, 3, 5)
"""The last working day within the horizon."""

OPEN_HOURS = (8, 9, 10, 11, 13, 14, 15, 16, 17)
TAKEN_A_DAY = 6

Start = tuple[int, int]
"""A provider's number and the second since 1970 at which an hour of theirs is taken."""


def practice(providers: int, groups: Iterable[int] = ()) -> dict[str, Any]:
    """All see people for 50 minutes in one place; the type `of-10` is offered by the first ten alone."""
    sizes = {"visit": providers} | {f"of-{size}": size for size in groups}
    week = ("monday", "tuesday", "wednesday", "thursday", "friday")
    return {
        "practice": {
            "name": "Elm Row Practice",
            "zone": "America/New_York",
            "phone": "+1 212 555 0100",
            "email": "desk@elmrow.example",
        },
        "locations": [{"key": "main", "name": "Main Street", "address": "1 Main Street, New York"}],
        "contact_types": [{"key": "in-person", "name": "In person", "at_location": True}],
        "appointment_types": [
            {
                "key": key,
                "name": "Therapy visit",
                "minutes": 50,
                "buffer_after": 10,
                "increment": 30,
                "notice_hours": 24,
                "horizon_days": HORIZON,
                "contact_types": ["in-person"],
            }
            for key in sizes
        ],
        "providers": [
            {
                "key": f"p{number}",
                "name": f"Provider {number}",
                "locations": ["main"],
                "types": [key for key, size in sizes.items() if number <= size],
                "contact_types": ["in-person"],
                "hours": [{day: ["8:00-12:00", "13:00-18:00"] for day in week}],
            }
            for number in range(1, providers + 1)
        ],
    }


def usual(providers: int, appointments: int) -> Iterator[Start]:
    """Six of nine hours taken on every working day, from the horizon back until there are enough.

    The first provider's days within the horizon are the same at every size; the rest is shared by all.
    """
    left = appointments
    for number in range(1, providers + 1):
        share = left // (providers - number + 1)
        if number == 1:
            share = min(max(share, TAKEN_A_DAY * len(_working_days())), left)
        left -= share
        draw = random.Random(number)  # noqa: S311 - the same ones every time
        day = LAST_DAY
        while share > 0:
            if day.weekday() < 5:
                for hour in draw.sample(OPEN_HOURS, min(TAKEN_A_DAY, share)):
                    yield number, at(day, hour)
                share -= TAKEN_A_DAY
            day -= timedelta(days=1)


def all_but_the_last_day() -> Iterator[Start]:
    return ((1, at(day, hour)) for day in _working_days()[:-1] for hour in OPEN_HOURS)


def at(day: date, hour: int) -> int:
    """A full hour of the practice's day; by winter time all year, since only the number of rows counts there."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) + OFFSET


def _working_days() -> list[date]:
    """Those that can be booked, soonest first."""
    days = (NOW.date() + timedelta(days=n) for n in range(HORIZON + 1))
    return [day for day in days if day.weekday() < 5 and day <= LAST_DAY]


def stored(
    folder: Path,
    name: str,
    document: dict[str, Any],
    taken: Iterable[Start],
    clients: Mapping[str, tuple[int, int]] | None = None,
) -> Path:
    """A database with that practice and a confirmed appointment, with its claim, for each hour taken.

    `clients` own so many of the past appointments and so many of those to come. A database laid down before
    under this name, by this code for these tables, is used again.
    """
    files = (Path(__file__), *sorted(MIGRATIONS.glob("*.py")))
    known = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    path = folder / f"{name}-{known}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    for outdated in folder.glob(f"{name}-*.db*"):
        outdated.unlink()
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    database = open_database(f"sqlite:///{draft}")
    migrate(database)
    apply_practice(database, from_dict(document), NOW)
    database.close_all()
    connection = sqlite3.connect(draft, isolation_level=None)
    for statement in ("PRAGMA synchronous = off", "PRAGMA cache_size = -500000", "BEGIN"):
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO portal_claim (provider, starts, ends) VALUES (?, ?, ? + 3600)",
        ((provider, start, start) for provider, start in taken),
    )
    connection.execute(_APPOINTMENTS)
    now = int(NOW.timestamp())
    for client, (past, ahead) in (clients or {}).items():
        connection.execute(_GIVE_PAST, (client, now, past))
        connection.execute(_GIVE_AHEAD, (client, now, ahead))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(truncate)")
    connection.close()
    draft.rename(path)
    return path


# A host that never marks an appointment completed is the harder case: all stay open.
_APPOINTMENTS = """
INSERT INTO portal_appointment (ref, status, version, type, contact, provider, location, starts, ends, busy_from,
    busy_until, zone, client_id, client_name, client_email, client_phone, note, message, reason, text_reminders,
    claim, created, expires)
SELECT lower(hex(randomblob(16))), 'confirmed', 2, 'visit', 'in-person', provider, 'main', starts, starts + 3000,
    starts, ends, 'America/New_York', 'client-' || (id % 5000), 'Maya Lindqvist', 'maya@example.org', '', '', '', '', 0,
    id, starts - 864000, starts
FROM portal_claim
"""

_GIVE_PAST = """
UPDATE portal_appointment SET client_id = ? WHERE id IN (
    SELECT id FROM portal_appointment WHERE starts < ? AND client_id LIKE 'client-%' ORDER BY starts DESC, id LIMIT ?)
"""
_GIVE_AHEAD = """
UPDATE portal_appointment SET client_id = ? WHERE id IN (
    SELECT id FROM portal_appointment WHERE starts > ? AND client_id LIKE 'client-%' ORDER BY starts, id LIMIT ?)
"""
