"""The least that these pages can cost: bare Flask, fixed SQL on a kept connection, one flat template.

It knows one type and winter time by heart, and has no forms, tokens, rules or zones.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, redirect, render_template, request

from .seed import HORIZON, NOW, OFFSET

MOST_FORMS = 1_000_000
"""An hour's, of one client: as many as are measured."""

HALF_HOUR, HOUR, DAY = 1800, 3600, 86_400
WINDOWS = ((8 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
FIRST = int(NOW.timestamp()) + DAY
LAST_DAY = NOW.date() + timedelta(days=HORIZON)
REVISION = "SELECT MAX(id) FROM portal_practice"
TAKEN = """SELECT starts, ends FROM portal_claim
WHERE provider = ? AND starts > ? AND starts < ? AND ends > ? ORDER BY starts"""
CHECK = "SELECT 1 FROM portal_claim WHERE provider = ? AND starts > ? AND starts < ? AND ends > ?"
CLAIM = "INSERT INTO portal_claim (provider, starts, ends) VALUES (?, ?, ?)"
APPOINTMENT = """INSERT INTO portal_appointment (ref, status, version, type, contact, provider, location, starts, ends,
busy_from, busy_until, zone, client_id, client_name, client_email, client_phone, note, message, reason, text_reminders,
request_key, claim, created, expires, client_language, client_zone, new_client)
VALUES (?, 'requested', 1, ?, ?, ?, ?, ?, ?, ?, ?, 'America/New_York', 'client-7', 'Maya Lindqvist', 'maya@example.org',
'', ?, '', '', 0, ?, ?, ?, ?, 'en-US', '', 0)"""
HISTORY = """INSERT INTO portal_history (at, appointment, actor_kind, actor, action, to_status, result, reason,
request_id, salt, digest) VALUES (?, ?, 'client', 'client-7', 'request', 'requested', 'done', '', ?, ?, ?)"""
OUTBOX = """INSERT INTO portal_outbox (appointment, channel, topic, recipient, message_id, facts, created, due,
attempts, error) VALUES (?, 'mail', 'received', 'maya@example.org', ?, ?, ?, ?, 0, '')"""

RATE = """INSERT INTO portal_rate (name, hits, expires) VALUES (?, 1, ?), (?, 1, ?) ON CONFLICT (name) DO UPDATE SET
hits = hits + 1 RETURNING hits"""


class Floor:
    def __init__(self, database: Path) -> None:
        self.database = database
        self.kept = threading.local()
        self.app = Flask(__name__, template_folder=str(Path(__file__).parent))
        # As any site that signs people in: Flask then looks after a session.
        self.app.secret_key = "a secret for measuring, 32 bytes."  # noqa: S105 - measured, not kept
        self.app.add_url_rule("/book/time", view_func=self.page)
        self.app.add_url_rule("/book", view_func=self.request, methods=["POST"])

    @property
    def db(self) -> sqlite3.Connection:
        """The thread's own."""
        kept: sqlite3.Connection | None = getattr(self.kept, "db", None)
        if kept is None:
            kept = self.kept.db = sqlite3.connect(self.database, isolation_level=None)
            for pragma in ("journal_mode = wal", "synchronous = normal", "foreign_keys = 1", "busy_timeout = 30000"):
                kept.execute(f"PRAGMA {pragma}")
        return kept

    def page(self) -> str:
        """Step 2: a month and a day's times."""
        chosen = date.fromisoformat(request.args["date"])
        query = "&".join(f"{name}={request.args[name]}" for name in ("type", "contact", "provider", "location"))
        month = chosen.replace(day=1)
        following = (month + timedelta(days=31)).replace(day=1)
        self.db.execute(REVISION).fetchone()
        taken = self.taken(provider(request.args), midnight(month), midnight(following))
        weeks = []
        sunday = month - timedelta(days=(month.weekday() + 1) % 7)
        while sunday < following:
            days = [sunday + timedelta(days=n) for n in range(7)]
            weeks.append([(day, day.month == month.month and any(free(day, taken))) for day in days])
            sunday += timedelta(days=7)
        parts: dict[str, list[tuple[str, str]]] = {}
        for start in free(chosen, taken):
            local = datetime.fromtimestamp(start - OFFSET, UTC)
            part = "Morning" if local.hour < 12 else "Afternoon" if local.hour < 17 else "Evening"
            value = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            parts.setdefault(part, []).append((value, local.strftime("%-I:%M %p")))
        return render_template(
            "floor.html", query=query, month=month, following=following, weeks=weeks, chosen=chosen, parts=parts
        )

    def times(self, day: date) -> list[tuple[datetime, datetime]]:
        """A day's free times, without a page around them."""
        self.db.execute(REVISION).fetchone()
        starts = [
            datetime.fromtimestamp(start, UTC) for start in free(day, self.taken(1, midnight(day), midnight(day) + DAY))
        ]
        return [(start, start + timedelta(minutes=50)) for start in starts]

    def request(self) -> Any:
        """Count, lock, check, insert, commit: the rows that the portal writes."""
        form, db, now = request.form, self.db, int(NOW.timestamp())
        start = int(datetime.fromisoformat(form["starts"]).timestamp())
        whose, ref = provider(form), secrets.token_hex(16)
        keys = (f"client/{sha256(b'client-7').hexdigest()}", f"network/{sha256(b'127.0.0.1').hexdigest()}")
        who = (keys[0], now + HOUR, keys[1], now + HOUR)
        if max(hits for (hits,) in db.execute(RATE, who)) > MOST_FORMS:
            return "too many", 429
        facts = f'{{"ref": "{ref}", "rest": "{"." * 700}"}}'
        db.execute("BEGIN IMMEDIATE")
        if db.execute(CHECK, (whose, start - DAY, start + HOUR, start)).fetchone():
            db.execute("ROLLBACK")
            return "taken", 409
        claim = db.execute(CLAIM, (whose, start, start + HOUR)).lastrowid
        choices = (form["type"], form["contact"], whose, form["location"], start, start + 3000, start, start + HOUR)
        row = db.execute(APPOINTMENT, (ref, *choices, form["note"], form["key"], claim, now, start)).lastrowid
        salt = secrets.token_hex(16)
        words = sha256(f"{salt} client-7".encode()).hexdigest()
        db.execute(HISTORY, (now, row, secrets.token_hex(16), salt, words))
        db.execute(OUTBOX, (row, secrets.token_hex(16), facts, now, now))
        db.execute("COMMIT")
        return redirect(f"/appointments/{ref}/requested", 303)

    def taken(self, whose: int, since: int, until: int) -> list[tuple[int, int]]:
        return self.db.execute(TAKEN, (whose, since - DAY, until, since)).fetchall()


def provider(values: Mapping[str, str]) -> int:
    return int(values["provider"][1:])


def midnight(day: date) -> int:
    """New York's, by winter time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + OFFSET


def free(day: date, taken: list[tuple[int, int]]) -> Iterator[int]:
    """Starts on the half hour that nothing in `taken`, sorted, stands in the way of."""
    if day.weekday() > 4 or day > LAST_DAY:
        return
    base, at = midnight(day), 0
    for opens, closes in WINDOWS:
        for start in range(base + opens, base + closes - 3000 + 1, HALF_HOUR):
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if start >= FIRST and (at == len(taken) or taken[at][0] >= start + HOUR):
                yield start
