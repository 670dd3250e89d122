"""Appointments and their history."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from peewee import Database, IntegrityError, fn

from ..domain.appointment import Appointment, Client
from ..domain.instants import seconds
from ..domain.lifecycle import OPEN, RELEASING, Action, Actor, ActorKind, Status
from ..domain.practice import Practice
from .models import AppointmentRow, ConsentRow, HistoryRow, columns

_REF = re.compile("[0-9a-f]{32}")
_COLUMNS = columns(AppointmentRow)
_NAMES = [column.name for column in _COLUMNS]


class DuplicateRequest(Exception):
    """The client has sent this very form before."""


def _appointment(practice: Practice, values: tuple[Any, ...]) -> Appointment:
    row = dict(zip(_NAMES, values, strict=True))
    return Appointment(
        ref=row["ref"],
        status=Status(row["status"]),
        type=practice.types[row["type"]],
        contact=practice.contact_types[row["contact"]],
        provider=practice.by_number[row["provider"]],
        location=practice.locations[row["location"]] if row["location"] else None,
        starts=row["starts"],
        ends=row["ends"],
        zone=row["zone"],
        client=Client(row["client_id"], row["client_name"], row["client_email"], row["client_phone"]),
        note=row["note"],
        message=row["message"],
        reason=row["reason"],
        text_reminders=bool(row["text_reminders"]),
        version=row["version"],
        created=row["created"],
        expires=row["expires"],
        id=row["id"],
        claim=row["claim"],
    )


def _select(db: Database, practice: Practice, *conditions: Any, limit: int | None = None) -> list[Appointment]:
    query = (
        AppointmentRow.select(*_COLUMNS)
        .where(*conditions)
        .order_by(AppointmentRow.starts, AppointmentRow.id)
        .limit(limit)
        .tuples()
    )
    return [_appointment(practice, values) for values in query.execute(db)]


def by_ref(db: Database, practice: Practice, ref: str) -> Appointment | None:
    if not _REF.fullmatch(ref):
        return None
    return next(iter(_select(db, practice, AppointmentRow.ref == ref)), None)


def by_request_key(db: Database, practice: Practice, client_id: str, key: str) -> Appointment | None:
    found = _select(db, practice, AppointmentRow.client_id == client_id, AppointmentRow.request_key == key)
    return next(iter(found), None)


def upcoming(db: Database, practice: Practice, client_id: str, now: datetime) -> list[Appointment]:
    """A client's open appointments that have not ended, soonest first."""
    return _select(
        db,
        practice,
        AppointmentRow.client_id == client_id,
        AppointmentRow.status.in_(list(OPEN)),
        # Says nothing new, since none is longer than a day, but lets the index pass over a client's past.
        AppointmentRow.starts > now - timedelta(days=1),
        AppointmentRow.ends > now,
    )


def answered_no(db: Database, practice: Practice, client_id: str, since: datetime, now: datetime) -> list[Appointment]:
    """A client's appointments still ahead that the practice, or time, has ended since then; soonest first."""
    ended = HistoryRow.select(HistoryRow.id).where(
        HistoryRow.appointment == AppointmentRow.id,
        HistoryRow.to_status == AppointmentRow.status,
        HistoryRow.actor_kind != ActorKind.CLIENT,
        HistoryRow.at > since,
    )
    return _select(
        db,
        practice,
        AppointmentRow.client_id == client_id,
        AppointmentRow.status.in_(list(RELEASING)),
        AppointmentRow.starts > now,
        fn.EXISTS(ended),
    )


def listed(
    db: Database,
    practice: Practice,
    *,
    statuses: Iterable[Status] | None,
    client_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Appointment]:
    conditions: list[Any] = []
    if statuses is not None:
        conditions.append(AppointmentRow.status.in_(list(statuses)))
    if client_id is not None:
        conditions.append(AppointmentRow.client_id == client_id)
    if since is not None:
        conditions.append(AppointmentRow.starts >= since)
    if until is not None:
        conditions.append(AppointmentRow.starts < until)
    return _select(db, practice, *(conditions or [True]), limit=limit)


def lapsed(db: Database, practice: Practice, now: datetime) -> list[Appointment]:
    """Requests and invitations that nobody answered in time."""
    return _select(
        db,
        practice,
        AppointmentRow.status.in_([Status.REQUESTED, Status.INVITED]),
        AppointmentRow.expires <= now,
        limit=100,
    )


def insert(db: Database, **values: Any) -> int:
    """The row's id. Raises DuplicateRequest when the client has used the request key before."""
    try:
        row: int = AppointmentRow.insert(**values).execute(db)
    except IntegrityError as error:
        if "request_key" not in str(error):
            raise
        raise DuplicateRequest from None
    return row


def starts_of_type(db: Database, client_id: str, type: str, since: datetime) -> list[int]:
    """When a client's appointments of a type begin, in seconds since 1970: those that stand and those that were."""
    mark = db.param
    rows = db.execute_sql(
        f"SELECT starts FROM portal_appointment WHERE client_id = {mark} AND starts >= {mark} AND type = {mark} "  # noqa: S608
        "AND status IN ('requested', 'invited', 'confirmed', 'completed')",
        (client_id, seconds(since), type),
    )
    return [starts for (starts,) in rows.fetchall()]


def set_claim(db: Database, row: int, claim: int | None) -> None:
    AppointmentRow.update(claim=claim).where(AppointmentRow.id == row).execute(db)


def move(db: Database, appointment: Appointment, to: Status, **words: str) -> bool:
    """Change the status if nobody else has changed the row since it was read; whether that was so."""
    query = AppointmentRow.update(status=to, version=appointment.version + 1, **words).where(
        AppointmentRow.id == appointment.id,
        AppointmentRow.status == appointment.status,
        AppointmentRow.version == appointment.version,
    )
    return bool(query.execute(db))


def busy_stretch(db: Database, row: int) -> tuple[int, int]:
    """Seconds since 1970 of the time an appointment takes, buffers included."""
    query = AppointmentRow.select(AppointmentRow.busy_from, AppointmentRow.busy_until).where(AppointmentRow.id == row)
    starts, ends = next(iter(query.tuples().execute(db)))
    return starts, ends


def record(
    db: Database,
    row: int,
    actor: Actor,
    action: Action,
    before: Status | None,
    after: Status,
    reason: str,
    now: datetime,
) -> None:
    HistoryRow.insert(
        at=now,
        appointment=row,
        actor_kind=actor.kind,
        actor=actor.name,
        action=action.name.lower(),
        from_status=before,
        to_status=after,
        reason=reason,
    ).execute(db)


def history(db: Database, row: int) -> list[dict[str, Any]]:
    query = HistoryRow.select(*columns(HistoryRow)).where(HistoryRow.appointment == row).order_by(HistoryRow.id)
    return list(query.dicts().execute(db))


def add_consent(db: Database, **values: Any) -> None:
    ConsentRow.insert(**values).execute(db)
