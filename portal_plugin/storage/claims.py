"""Claims: taking, releasing and reading stretches of providers' time."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from peewee import Database, IntegrityError

from ..domain.appointment import Appointment
from ..domain.errors import SlotTaken
from ..domain.instants import seconds
from ..domain.practice import Interval, Wish
from .database import is_postgres, marks, read, run

LONGEST = 86_400
"""Seconds; the tables refuse a longer claim, so a search need look back no further."""


_COUNTING = 0x636C61  # "cla"


class Purpose(NamedTuple):
    """What a stretch is taken for. Those who ask for the same at the same start can share a group's session."""

    type: str
    contact: str
    location: str | None
    begins: int
    """Seconds since 1970 at which the appointment itself starts, after its buffer."""

    @classmethod
    def of(cls, what: Wish | Appointment, starts: datetime) -> "Purpose":
        place = what.location.key if what.location else None
        return cls(what.type.key, what.contact.key, place, seconds(starts))

    def __str__(self) -> str:
        return f"{self.type}/{self.contact}/{self.location or ''}"


class Session(NamedTuple):
    """A claim as a group or a daily cap sees it."""

    provider: int
    purpose: str
    begins: int
    seats_taken: int


def take(db: Database, provider: int, interval: Interval, purpose: Purpose, capacity: int = 1) -> int:
    """A new claim's id, or that of a session with a seat left. Raises SlotTaken when the database says there is none.

    PostgreSQL is asked to do nothing on conflict, not to fail: two inserts that wait for each other's
    constraint check would deadlock.
    """
    joined = _join(db, provider, purpose, capacity) if capacity > 1 else None
    if joined is not None:
        return joined
    insert = "INSERT INTO portal_claim (provider, starts, ends, purpose, begins) VALUES (?, ?, ?, ?, ?)"
    values = (provider, interval.starts, interval.ends, str(purpose), purpose.begins)
    if not is_postgres(db):
        try:
            return int(run(db, insert, *values).lastrowid)
        except IntegrityError as error:
            if "portal_claim_apart" not in str(error):
                raise
            raise SlotTaken from None
    row = run(db, f"{insert} ON CONFLICT DO NOTHING RETURNING id", *values).fetchone()
    if row is not None:
        return int(row[0])
    # Somebody may have begun the very session meanwhile.
    joined = _join(db, provider, purpose, capacity) if capacity > 1 else None
    if joined is None:
        raise SlotTaken
    return joined


def _join(db: Database, provider: int, purpose: Purpose, capacity: int) -> int | None:
    row = run(
        db,
        "UPDATE portal_claim SET seats_taken = seats_taken + 1 WHERE provider = ? AND purpose = ? AND begins = ? "
        "AND starts > ? AND starts <= ? AND seats_taken < ? RETURNING id",
        provider,
        str(purpose),
        purpose.begins,
        purpose.begins - LONGEST,
        purpose.begins,
        capacity,
    ).fetchone()
    return None if row is None else int(row[0])


class Hold(NamedTuple):
    """A claim of somebody who has not asked for it yet. Seconds since 1970."""

    provider: int
    starts: int
    ends: int
    held_until: int


def hold(db: Database, provider: int, interval: Interval, purpose: Purpose, holder: str, until: int) -> None:
    """Claim a stretch for a while; a client holds one at a time. Raises SlotTaken."""
    claim = take(db, provider, interval, purpose)
    run(db, "UPDATE portal_claim SET holder = ?, held_until = ? WHERE id = ?", holder, until, claim)


def held_by(db: Database, holder: str) -> Hold | None:
    row = run(db, "SELECT provider, starts, ends, held_until FROM portal_claim WHERE holder = ?", holder).fetchone()
    return None if row is None else Hold(*row)


def holds(db: Database, now: int, since: int, until: int) -> list[Hold]:
    """What clients keep at this moment who fill in the form, within the range (seconds since 1970), earliest first."""
    query = (
        "SELECT provider, starts, ends, held_until FROM portal_claim WHERE holder IS NOT NULL "
        "AND held_until > ? AND starts < ? AND ends > ? ORDER BY starts"
    )
    return [Hold(*row) for row in run(db, query, now, until, since).fetchall()]


def end_holds(db: Database, now: int, holder: str | None = None) -> None:
    """Give back what is held no longer, and what `holder` holds, before something is claimed."""
    which = "SELECT id FROM portal_claim WHERE holder IS NOT NULL AND (held_until <= ? OR holder = ?)"
    # Two who tidy up at once would otherwise wait for each other.
    which += " FOR UPDATE SKIP LOCKED" if is_postgres(db) else ""
    run(db, f"DELETE FROM portal_claim WHERE id IN ({which})", now, holder)  # noqa: S608


def reshape(db: Database, claim: int, provider: int, interval: Interval, purpose: Purpose) -> None:
    """Let a claim of one appointment take another stretch. Raises SlotTaken when the database says it is not free."""
    # Two that widen towards each other would wait for each other.
    one_at_a_time(db, provider)
    query = "UPDATE portal_claim SET starts = ?, ends = ?, purpose = ?, begins = ? WHERE id = ?"
    try:
        run(db, query, interval.starts, interval.ends, str(purpose), purpose.begins, claim)
    except IntegrityError as error:
        if not any(name in str(error) for name in ("portal_claim_apart", "CHECK", "portal_claim_check")):
            raise
        raise SlotTaken from None


def stretch(db: Database, claim: int) -> Interval:
    return Interval(*run(db, "SELECT starts, ends FROM portal_claim WHERE id = ?", claim).fetchone())


def seats_taken(db: Database, claim: int) -> int:
    row = run(db, "SELECT seats_taken FROM portal_claim WHERE id = ?", claim).fetchone()
    return 0 if row is None else int(row[0])


def release(db: Database, claim: int) -> None:
    """Give one seat back, and the time with the last one. No appointment may refer to it any more by then."""
    # Counted down first: of two who leave at once, the second waits here and sees what the first left.
    row = run(db, "UPDATE portal_claim SET seats_taken = seats_taken - 1 WHERE id = ? RETURNING seats_taken", claim)
    if row.fetchone() == (0,):
        run(db, "DELETE FROM portal_claim WHERE id = ?", claim)


def taken(
    db: Database, providers: Sequence[int], since: int, until: int, holds_at: int | None = None
) -> dict[int, Sequence[tuple[int, ...]]]:
    """Claims that reach into the range (seconds since 1970), by provider, earliest first: start and end lead each.

    Where there are holds, `holds_at` is the moment at which they have to last still.
    """
    if not providers:
        return {}
    values: tuple[int, ...] = (*providers, since - LONGEST, until, since)
    query = _taken(db.param, len(providers))
    if holds_at is not None:
        query, values = _taken(db.param, len(providers), holds=True), (*values, holds_at)
    rows: list[tuple[int, ...]] = read(db, query, values).fetchall()
    if len(providers) == 1:
        return {providers[0]: rows}
    # Thousands of rows: cut where the provider changes, without touching each.
    edges = [bisect_left(rows, number, key=itemgetter(2)) for number in sorted(providers)] + [len(rows)]
    return {number: rows[begin:end] for number, (begin, end) in zip(sorted(providers), pairwise(edges), strict=True)}


@lru_cache(maxsize=256)
def _taken(mark: str, providers: int, *, holds: bool = False) -> str:
    lasting = f"AND (held_until IS NULL OR held_until > {mark}) " if holds else ""
    return (
        f"SELECT starts, ends, provider FROM portal_claim WHERE provider IN ({', '.join([mark] * providers)}) "  # noqa: S608
        f"AND starts > {mark} AND starts < {mark} AND ends > {mark} {lasting}ORDER BY provider, starts"
    )


def sessions(db: Database, providers: Sequence[int], type: str, since: int, until: int) -> list[Session]:
    """What of an appointment type begins in the range (seconds since 1970)."""
    query = (
        f"SELECT provider, purpose, begins, seats_taken FROM portal_claim WHERE provider IN ({marks(providers)}) "  # noqa: S608
        "AND starts > ? AND starts < ? AND begins >= ? AND begins < ? AND purpose LIKE ?"
    )
    rows = run(db, query, *providers, since - LONGEST, until, since, until, f"{type}/%")
    return [Session(*row) for row in rows.fetchall()]


def one_at_a_time(db: Database, provider: int) -> None:
    """Let nobody else count this provider's sessions before this transaction ends; SQLite's writers queue anyway."""
    if is_postgres(db):
        db.execute_sql("SELECT pg_advisory_xact_lock(%s, %s)", (_COUNTING, provider))
