"""Whether anything that staff look at has changed: one cheap statement, for pages that ask every few seconds."""

from datetime import datetime

from peewee import Database

from ..domain.instants import seconds
from .database import read


def pulse(db: Database, now: datetime) -> str:
    """Other words than before, if something has changed: an appointment, what clients hold, outside calendars, the
    practice. And each minute, since ages are shown; a change that slips through is seen then.
    """
    # Every change of an appointment writes history. PostgreSQL may show a later row first, so what waits is counted.
    sql = f"""SELECT (SELECT MAX(id) FROM portal_history), (SELECT MAX(id) FROM portal_practice),
        (SELECT COUNT(*) FROM portal_appointment
            WHERE status IN ('requested', 'invited', 'confirmed') AND status = 'requested'),
        (SELECT COUNT(*) FROM portal_claim WHERE holder IS NOT NULL AND held_until > {db.param}),
        (SELECT MAX(id) FROM portal_claim WHERE holder IS NOT NULL),
        (SELECT MAX(fetched) FROM portal_busy_calendar)"""  # noqa: S608
    at = seconds(now)
    return ".".join(str(number or 0) for number in (*read(db, sql, (at,)).fetchone(), at // 60))
