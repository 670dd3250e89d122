"""Claims: taking, releasing and reading stretches of providers' time."""

from collections.abc import Iterable

from peewee import Database, IntegrityError

from ..domain.errors import SlotTaken
from ..domain.practice import Interval
from .database import is_postgres
from .models import AppointmentRow, Claim

LONGEST = 86_400
"""Seconds; the tables refuse a longer claim, so a search need look back no further."""


def take(db: Database, provider: int, interval: Interval) -> int:
    """The new claim's id. Raises SlotTaken when the database says the stretch is not free.

    PostgreSQL is asked to do nothing on conflict, not to fail: two inserts that wait for each other's
    constraint check would deadlock.
    """
    query = Claim.insert(provider=provider, starts=interval.starts, ends=interval.ends)
    if is_postgres(db):
        rows = list(query.on_conflict_ignore().returning(Claim.id).tuples().execute(db))
        if not rows:
            raise SlotTaken
        claim: int = rows[0][0]
        return claim
    try:
        claim = query.execute(db)
    except IntegrityError as error:
        if "portal_claim_apart" not in str(error):
            raise
        raise SlotTaken from None
    return claim


def release(db: Database, claim: int) -> None:
    """Delete a claim that no appointment refers to any more."""
    shared = AppointmentRow.select().where(AppointmentRow.claim == claim)
    if not shared.exists(db):
        Claim.delete().where(Claim.id == claim).execute(db)


def taken(db: Database, providers: Iterable[int], since: int, until: int) -> dict[int, list[Interval]]:
    """Claims that reach into the range (seconds since 1970), by provider, earliest first."""
    found: dict[int, list[Interval]] = {number: [] for number in providers}
    if not found:
        return found
    # Peewee's builder costs more than the read itself, and this is the one that every page of times makes.
    mark = db.param
    rows = db.execute_sql(
        f"SELECT provider, starts, ends FROM portal_claim WHERE provider IN ({', '.join([mark] * len(found))}) "  # noqa: S608
        f"AND starts > {mark} AND starts < {mark} AND ends > {mark} ORDER BY provider, starts",
        (*found, since - LONGEST, until, since),
    )
    for provider, starts, ends in rows:
        found[provider].append(Interval(starts, ends))
    return found
