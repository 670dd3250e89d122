"""The tables. Models carry no database: every query is given the one it runs on.

Instants are whole seconds since 1970 in UTC, on both engines: nothing converts them on the way.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from peewee import BigAutoField, BigIntegerField, BooleanField, CharField, Database, IntegerField, Model, TextField

from ..domain.instants import instant, seconds
from .database import is_postgres, marks, run


class InstantField(BigIntegerField):
    """An aware datetime; a naive one is refused with ValueError."""

    def db_value(self, value: datetime | int | None) -> int | None:
        return seconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else instant(value)


class PracticeRevision(Model):
    """A practice as applied, with what earlier revisions listed and this one does not. The newest counts."""

    id = BigAutoField()
    document = TextField()
    applied = InstantField()

    class Meta:
        table_name = "portal_practice"


class Claim(Model):
    """That stretch of the provider's time is taken. The database refuses two that overlap."""

    id = BigAutoField()
    provider = IntegerField()
    starts = BigIntegerField()
    ends = BigIntegerField()

    class Meta:
        table_name = "portal_claim"


class AppointmentRow(Model):
    id = BigAutoField()
    ref = CharField()
    status = CharField()
    version = IntegerField()
    type = CharField()
    contact = CharField()
    provider = IntegerField()
    location = CharField(null=True)
    starts = InstantField()
    ends = InstantField()
    busy_from = BigIntegerField()
    busy_until = BigIntegerField()
    zone = CharField()
    client_id = CharField()
    client_name = CharField()
    client_email = CharField()
    client_phone = CharField()
    client_language = CharField()
    client_zone = CharField()
    note = TextField()
    message = TextField()
    reason = TextField()
    text_reminders = BooleanField()
    request_key = CharField(null=True)
    claim = BigIntegerField(null=True)
    created = InstantField()
    expires = InstantField()
    replaces = CharField(null=True)
    thread = CharField()
    host_reference = CharField()
    host_data = TextField()
    waitlist = BigIntegerField(null=True)
    new_client = BooleanField()

    class Meta:
        table_name = "portal_appointment"


class WaitlistRow(Model):
    id = BigAutoField()
    ref = CharField()
    client_id = CharField()
    client_name = CharField()
    client_email = CharField()
    client_phone = CharField()
    client_language = CharField()
    client_zone = CharField()
    type = CharField()
    contact = CharField()
    provider = CharField(null=True)
    location = CharField(null=True)
    earliest = CharField()
    latest = CharField()
    weekdays = CharField()
    parts = CharField()
    created = InstantField()
    ended = InstantField(null=True)
    outcome = CharField(null=True)

    class Meta:
        table_name = "portal_waitlist"


class HistoryRow(Model):
    """The database refuses every change but one: that `actor` (of a person), `reason` and `salt` are taken away."""

    id = BigAutoField()
    at = InstantField()
    appointment = BigIntegerField(null=True)
    actor_kind = CharField()
    actor = CharField()
    action = CharField()
    from_status = CharField(null=True)
    to_status = CharField(null=True)
    result = CharField()
    reason = TextField()
    request_id = CharField(null=True)
    erased = IntegerField(null=True)
    salt = CharField(null=True)
    digest = CharField()

    class Meta:
        table_name = "portal_history"


class OutboxRow(Model):
    """A message of no appointment asks somebody to verify their address before there is one."""

    id = BigAutoField()
    appointment = BigIntegerField(null=True)
    channel = CharField()
    topic = CharField()
    recipient = CharField()
    message_id = CharField()
    facts = TextField()
    created = InstantField()
    due = InstantField()
    attempts = IntegerField()
    lease = CharField(null=True)
    leased_until = InstantField(null=True)
    sent = InstantField(null=True)
    failed = InstantField(null=True)
    error = TextField()
    provider_id = TextField()
    delivery = CharField()

    class Meta:
        table_name = "portal_outbox"


class ConsentRow(Model):
    """The database refuses every change but one: that what names a client is taken away, see storage/consents.py."""

    id = BigAutoField()
    at = InstantField()
    zone = CharField()
    client_id = CharField()
    phone = CharField()
    address = CharField()
    user_agent = TextField()
    page = TextField()
    text = TextField()
    kind = CharField()
    way = CharField()
    said = TextField()
    version = CharField()
    unticked = BooleanField()
    number = CharField()

    class Meta:
        table_name = "portal_consent"


class BusyCalendarRow(Model):
    provider = IntegerField(primary_key=True)
    source = CharField()
    tried = InstantField()
    fetched = InstantField(null=True)
    covers = InstantField()
    etag = CharField()
    last_modified = CharField()
    error = TextField()

    class Meta:
        table_name = "portal_busy_calendar"


class BusyStretchRow(Model):
    provider = IntegerField()
    starts = BigIntegerField()
    ends = BigIntegerField()

    class Meta:
        table_name = "portal_busy_stretch"
        primary_key = False


def columns(model: type[Any]) -> list[str]:
    return list(model._meta.sorted_field_names)


def insert(db: Database, model: type[Any], **values: Any) -> int:
    """The new row's id. Columns that are not given stay NULL."""
    sql = _insert(model._meta.table_name, tuple(values), db.param)
    given = [seconds(value) if isinstance(value, datetime) else value for value in values.values()]
    if is_postgres(db):
        return int(db.execute_sql(f"{sql} RETURNING id", given).fetchone()[0])
    return int(db.execute_sql(sql, given).lastrowid)


@lru_cache(maxsize=64)
def _insert(table: str, names: tuple[str, ...], mark: str) -> str:
    values = ", ".join([mark] * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"  # noqa: S608


def insert_many(db: Database, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows without a need for their ids, as many to a statement as SQLite has marks for."""
    at_once = 900 // len(names)
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        values = ", ".join([f"({marks(names)})"] * len(some))
        run(db, f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}", *(v for row in some for v in row))  # noqa: S608
