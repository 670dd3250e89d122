"""What providers' outside calendars say, nothing but when they are busy; and how the last reading went."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import Database

from ..domain.instants import instant
from ..domain.practice import Interval
from .models import BusyCalendarRow, BusyStretchRow

NEVER = instant(0)


class Calendar(NamedTuple):
    """A provider's calendar. `source` is a hash of what is read, `fetched` when it last answered, `covers` until
    when its stretches are known; `tried` is also the lease.
    """

    provider: int
    source: str
    tried: datetime
    fetched: datetime | None
    covers: datetime
    etag: str
    last_modified: str
    error: str


def known(db: Database) -> list[Calendar]:
    query = BusyCalendarRow.select().order_by(BusyCalendarRow.tried, BusyCalendarRow.provider)
    return [Calendar(*values) for values in query.tuples().execute(db)]


def lease_due(db: Database, sources: Mapping[int, str], now: datetime, every: timedelta) -> Calendar | None:
    """Take the calendar that has waited longest, if one is due; nobody else takes it within `every`.

    `sources` says by provider what there is to read. What nobody has any more is forgotten. What changed is due at
    once, and the earlier answer counts until it is read.
    """
    stored = known(db)
    if {calendar.provider: calendar.source for calendar in stored} != sources:
        _agree(db, stored, sources)
        stored = known(db)
    for calendar in stored:
        # A time that lies ahead was written under a clock that was put back since.
        if not now - every < calendar.tried <= now + every and _update(db, calendar, tried=now):
            return calendar._replace(tried=now)
    return None


def _agree(db: Database, stored: Iterable[Calendar], sources: Mapping[int, str]) -> None:
    gone = [calendar.provider for calendar in stored if calendar.provider not in sources]
    same = {(calendar.provider, calendar.source) for calendar in stored}
    unread = {"tried": NEVER, "covers": NEVER, "etag": "", "last_modified": "", "error": ""}
    with db.atomic():
        # In this order: a reader that is about to store what it read holds the first row.
        BusyCalendarRow.delete().where(BusyCalendarRow.provider.in_(gone)).execute(db)
        BusyStretchRow.delete().where(BusyStretchRow.provider.in_(gone)).execute(db)
        for provider, source in sources.items() - same:
            BusyCalendarRow.insert(provider=provider, source=source, **unread).on_conflict_ignore().execute(db)
            BusyCalendarRow.update(source=source, **unread).where(
                BusyCalendarRow.provider == provider, BusyCalendarRow.source != source
            ).execute(db)


def settle(db: Database, calendar: Calendar, **outcome: Any) -> None:
    """Write how a reading went, if the lease is still this reader's."""
    _update(db, calendar, **outcome)


def replace(db: Database, calendar: Calendar, busy: Iterable[Interval], **outcome: Any) -> None:
    """The same for a reading that brought new stretches: they and the outcome are one transaction."""
    with db.atomic():
        if not _update(db, calendar, **outcome):
            return
        number, new = calendar.provider, set(busy)
        query = BusyStretchRow.select(BusyStretchRow.starts, BusyStretchRow.ends)
        old = {Interval(*row) for row in query.where(BusyStretchRow.provider == number).tuples().execute(db)}
        # From one reading to the next little changes.
        cursor, mark = db.cursor(), db.param
        cursor.executemany(
            f"DELETE FROM portal_busy_stretch WHERE provider = {mark} AND starts = {mark} AND ends = {mark}",  # noqa: S608
            [(number, *stretch) for stretch in old - new],
        )
        cursor.executemany(
            f"INSERT INTO portal_busy_stretch (provider, starts, ends) VALUES ({mark}, {mark}, {mark})",  # noqa: S608
            [(number, *stretch) for stretch in new - old],
        )


def _update(db: Database, calendar: Calendar, **values: Any) -> bool:
    query = BusyCalendarRow.update(**values).where(
        BusyCalendarRow.provider == calendar.provider,
        BusyCalendarRow.source == calendar.source,
        BusyCalendarRow.tried == calendar.tried,
    )
    return bool(query.execute(db))


def counts(db: Database) -> dict[int, int]:
    """How many stretches are stored, by provider."""
    rows = db.execute_sql("SELECT provider, COUNT(*) FROM portal_busy_stretch GROUP BY provider")
    return dict(rows.fetchall())


def taken(db: Database, providers: Iterable[int], since: int, until: int) -> dict[int, list[Interval]]:
    """Stretches that reach into the range (seconds since 1970), by provider, earliest start first; they may overlap."""
    found: dict[int, list[Interval]] = {number: [] for number in providers}
    if not found:
        return found
    # Plain SQL, as in claims.taken. Stretches begin yesterday at the earliest, so the index need not look back far.
    mark = db.param
    rows = db.execute_sql(
        f"SELECT provider, starts, ends FROM portal_busy_stretch WHERE provider IN ({', '.join([mark] * len(found))}) "  # noqa: S608
        f"AND starts < {mark} AND ends > {mark} ORDER BY provider, starts",
        (*found, until, since),
    )
    for provider, starts, ends in rows:
        found[provider].append(Interval(starts, ends))
    return found
