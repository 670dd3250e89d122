"""Appointments, and what their clients agreed to."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from peewee import Database, IntegrityError

from ..domain.appointment import Appointment
from ..domain.errors import NotAllowed, NotOffered
from ..domain.instants import instant, zone_names
from ..domain.lifecycle import OPEN, RELEASING, ActorKind, Status
from ..domain.practice import Interval, Practice
from ..domain.said import said
from . import clients
from .database import is_postgres, marks, run
from .models import AppointmentRow, columns, insert

_REF = re.compile("[0-9a-f]{32}")
_NAMES = columns(AppointmentRow)
# The index's own condition, word for word: without it SQLite reads every appointment there is.
_IS_OPEN = "status IN ('requested', 'invited', 'confirmed')"
_SELECT = f"SELECT {', '.join(_NAMES)} FROM portal_appointment WHERE"  # noqa: S608

WAITS_ALREADY = said("Another new time for this appointment is waiting for an answer already.")


class DuplicateRequest(Exception):
    """The client has sent this very form before."""


class AlreadyOffered(Exception):
    """Whoever has that place on the waitlist has another offer to answer."""


def _appointment(practice: Practice, values: tuple[Any, ...]) -> Appointment:
    row = dict(zip(_NAMES, values, strict=True))
    return Appointment(
        ref=row["ref"],
        status=Status(row["status"]),
        type=practice.types[row["type"]],
        contact=practice.contact_types[row["contact"]],
        provider=practice.by_number[row["provider"]],
        location=practice.locations[row["location"]] if row["location"] else None,
        starts=instant(row["starts"]),
        ends=instant(row["ends"]),
        zone=row["zone"],
        client=clients.from_row(row, new=bool(row["new_client"])),
        note=row["note"],
        message=row["message"],
        reason=row["reason"],
        text_reminders=bool(row["text_reminders"]),
        version=row["version"],
        created=instant(row["created"]),
        expires=instant(row["expires"]),
        replaces=row["replaces"],
        thread=row["thread"],
        host_reference=row["host_reference"],
        host_data=json.loads(row["host_data"]) if row["host_data"] != "{}" else {},
        id=row["id"],
        claim=row["claim"],
        waitlist=row["waitlist"],
    )


def add(db: Database, appointment: Appointment, busy: Interval, request_key: str | None) -> Appointment:
    """Store a new appointment, which takes the time `busy`, buffers included; the same with its id.

    Raises DuplicateRequest when the client has used the request key before, NotOffered for a second seat,
    NotAllowed when another one that replaces the same waits for an answer, AlreadyOffered.
    """
    location, client = appointment.location, appointment.client
    try:
        row = insert(
            db,
            AppointmentRow,
            ref=appointment.ref,
            status=appointment.status,
            version=appointment.version,
            type=appointment.type.key,
            contact=appointment.contact.key,
            provider=appointment.provider.number,
            location=location.key if location else None,
            starts=appointment.starts,
            ends=appointment.ends,
            busy_from=busy.starts,
            busy_until=busy.ends,
            zone=appointment.zone,
            **clients.as_columns(client),
            note=appointment.note,
            message=appointment.message,
            reason=appointment.reason,
            text_reminders=appointment.text_reminders,
            request_key=request_key,
            claim=appointment.claim,
            created=appointment.created,
            expires=appointment.expires,
            replaces=appointment.replaces,
            thread=appointment.thread,
            host_reference=appointment.host_reference,
            host_data=json.dumps(appointment.host_data) if appointment.host_data else "{}",
            waitlist=appointment.waitlist,
            new_client=client.new,
        )
    except IntegrityError as error:
        if "request_key" in str(error):
            raise DuplicateRequest from None
        if "portal_appointment_offer" in str(error) or "portal_appointment.waitlist" in str(error):
            raise AlreadyOffered from None
        if "portal_appointment_pending" in str(error) or "portal_appointment.replaces" in str(error):
            raise NotAllowed(WAITS_ALREADY) from None
        raise _second_seat(error) from None
    # Nobody else has seen it yet, and a copy of so many fields costs more than the statement.
    object.__setattr__(appointment, "id", row)
    return appointment


def _second_seat(error: IntegrityError) -> Exception:
    """One client has one seat of a session, which an index of the database sees to."""
    if not any(name in str(error) for name in ("portal_appointment_seat", "portal_appointment.claim")):
        return error
    return NotOffered("starts", said("There is a place for you at that time already."))


def _select(
    db: Database,
    practice: Practice,
    where: str,
    *values: Any,
    order: str = "starts, id",
    limit: int | None = None,
    lock: bool = False,
) -> list[Appointment]:
    most = "" if limit is None else f" LIMIT {limit:d}"
    # SQLite's writers queue at BEGIN, and have no rows to lock.
    most += " FOR UPDATE" if lock and is_postgres(db) else ""
    rows = run(db, f"{_SELECT} {where} ORDER BY {order}{most}", *values)
    return [_appointment(practice, row) for row in rows]


def by_ref(db: Database, practice: Practice, ref: str) -> Appointment | None:
    if not _REF.fullmatch(ref):
        return None
    return next(iter(_select(db, practice, "ref = ?", ref)), None)


def owned(db: Database, practice: Practice, client_id: str, ref: str) -> Appointment | None:
    """Nothing is read of another client's, so that it takes no longer than for none."""
    if not _REF.fullmatch(ref):
        return None
    return next(iter(_select(db, practice, "ref = ? AND client_id = ?", ref, client_id)), None)


def number(db: Database, ref: str) -> int | None:
    """The row's, whosever it is: for the history."""
    row = run(db, "SELECT id FROM portal_appointment WHERE ref = ?", ref).fetchone() if _REF.fullmatch(ref) else None
    return row[0] if row else None


def locked(db: Database, practice: Practice, ref: str) -> Appointment | None:
    """As `by_ref`, and nobody else changes it before this transaction ends."""
    return next(iter(_select(db, practice, "ref = ?", ref, lock=True)), None)


def pending_replacement(db: Database, practice: Practice, ref: str) -> Appointment | None:
    """What waits to take this one's place, locked likewise."""
    waiting = "replaces = ? AND status IN ('requested', 'invited')"
    return next(iter(_select(db, practice, waiting, ref, lock=True)), None)


def by_id(db: Database, practice: Practice, row: int | None) -> Appointment | None:
    return next(iter(_select(db, practice, "id = ?", row)), None)


def to_be_texted(db: Database, practice: Practice, now: datetime) -> list[Appointment]:
    """Appointments still ahead whose clients agreed to text reminders."""
    where = f"{_IS_OPEN} AND status = ? AND starts > ? AND text_reminders"
    return _select(db, practice, where, Status.CONFIRMED, now)


def by_request_key(db: Database, practice: Practice, client_id: str, key: str) -> Appointment | None:
    return next(iter(_select(db, practice, "client_id = ? AND request_key = ?", client_id, key)), None)


def last_zone(db: Database, client_id: str) -> str:
    """The time zone that a client last chose for their own; empty when they never did."""
    found = run(
        db,
        "SELECT client_zone FROM portal_appointment WHERE client_id = ? AND client_zone <> '' ORDER BY id DESC LIMIT 1",
        client_id,
    ).fetchone()
    return found[0] if found and found[0] in zone_names() else ""


def upcoming(db: Database, practice: Practice, client_id: str, now: datetime) -> list[Appointment]:
    """A client's open appointments that have not ended, soonest first."""
    # The bound on starts says nothing new, since none is longer than a day, but lets the index pass over the past.
    where = f"client_id = ? AND status IN ({marks(OPEN)}) AND starts > ? AND ends > ?"
    return _select(db, practice, where, client_id, *OPEN, now - timedelta(days=1), now)


def answered_no(db: Database, practice: Practice, client_id: str, since: datetime, now: datetime) -> list[Appointment]:
    """A client's appointments still ahead that the practice, or time, has ended since then; soonest first. Those that
    moved to another time have not ended.
    """
    where = f"""client_id = ? AND status IN ({marks(RELEASING)}) AND starts > ? AND EXISTS (
        SELECT 1 FROM portal_history h WHERE h.appointment = portal_appointment.id
        AND h.to_status = portal_appointment.status AND h.actor_kind <> ? AND h.action <> 'replace' AND h.at > ?)"""  # noqa: S608
    return _select(db, practice, where, client_id, *RELEASING, now, ActorKind.CLIENT, since)


def past(db: Database, practice: Practice, client_id: str, now: datetime, after: str, limit: int) -> list[Appointment]:
    """A client's appointments that are over, newest first; `after` is the reference of the last one already seen, or
    empty. What moved to another time is told there.
    """
    seen = [after, client_id] if _REF.fullmatch(after) else []
    beyond = " AND (starts, id) < (SELECT starts, id FROM portal_appointment WHERE ref = ? AND client_id = ?)"
    where = f"""client_id = ? AND starts < ? AND ends <= ?{beyond if seen else ""} AND NOT EXISTS (
        SELECT 1 FROM portal_history h WHERE h.appointment = portal_appointment.id
        AND h.action = 'replace' AND h.result = 'done')"""  # noqa: S608
    return _select(db, practice, where, client_id, now, now, *seen, order="starts DESC, id DESC", limit=limit)


def language_of(db: Database, client_id: str) -> str:
    """The tag with which a client last asked; "" for none."""
    query = "SELECT client_language FROM portal_appointment WHERE client_id = ? ORDER BY id DESC LIMIT 1"
    return next((str(tag) for (tag,) in run(db, query, client_id)), "")


def of_client(db: Database, practice: Practice, client_id: str) -> list[Appointment]:
    """All of a client's, soonest first."""
    return _select(db, practice, "client_id = ?", client_id)


def listed(
    db: Database,
    practice: Practice,
    *,
    statuses: Iterable[Status] | None,
    client_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    provider: int | None = None,
    type: str | None = None,
    host_reference: str | None = None,
    after: str | None = None,
) -> list[Appointment]:
    """Soonest first, in an order that never changes; `after` is the reference of the last one already seen."""
    conditions: list[tuple[str, list[Any]]] = []
    if statuses is not None:
        among = list(statuses)
        conditions.append((f"status IN ({marks(among)})", among))
    if client_id is not None:
        conditions.append(("client_id = ?", [client_id]))
    if since is not None:
        conditions.append(("starts >= ?", [since]))
    if until is not None:
        conditions.append(("starts < ?", [until]))
    if provider is not None:
        conditions.append(("provider = ?", [provider]))
    if type is not None:
        conditions.append(("type = ?", [type]))
    if host_reference is not None:
        # The second says nothing new, but is the index's own condition.
        conditions.append(("host_reference = ? AND host_reference <> ''", [host_reference]))
    if after is not None:
        conditions.append(("(starts, id) > (SELECT starts, id FROM portal_appointment WHERE ref = ?)", [after]))
    where = " AND ".join(condition for condition, _ in conditions) or "TRUE"
    return _select(db, practice, where, *(value for _, values in conditions for value in values), limit=limit)


def waiting(db: Database, practice: Practice, limit: int) -> list[Appointment]:
    """Requests that wait for an answer, the one that has waited longest first."""
    where = f"{_IS_OPEN} AND status = ?"
    return _select(db, practice, where, Status.REQUESTED, order="created, id", limit=limit)


def by_refs(db: Database, practice: Practice, refs: Iterable[str]) -> dict[str, Appointment]:
    """Those of them that there are, by reference."""
    wanted = [ref for ref in dict.fromkeys(refs) if _REF.fullmatch(ref)]
    found = _select(db, practice, f"ref IN ({marks(wanted)})", *wanted) if wanted else []
    return {appointment.ref: appointment for appointment in found}


def chain(db: Database, practice: Practice, one: Appointment) -> list[Appointment]:
    """All of a chain of moves that one belongs to, in the order in which they were made."""
    return _select(db, practice, "client_id = ? AND thread = ?", one.client.id, one.thread, order="created, id")


def overlapping(db: Database, practice: Practice, refs: Iterable[str]) -> dict[str, list[Appointment]]:
    """By reference, what else is open at that time: of the provider, buffers counted, or of the client. What shares
    a group's session, and what takes the other's place, stands in nobody's way.
    """
    wanted = [ref for ref in dict.fromkeys(refs) if _REF.fullmatch(ref)]
    if not wanted:
        return {}
    # Never empty: what is compared with NULL is neither true nor false.
    groups = [kind.key for kind in practice.types.values() if kind.capacity > 1] or [""]
    # None is longer than a day, buffers included: the bounds on starts let the index pass over the rest.
    rows = run(
        db,
        f"SELECT r.ref, {', '.join(f'o.{name}' for name in _NAMES)} "  # noqa: S608
        "FROM portal_appointment r JOIN portal_appointment o ON o.status IN ('requested', 'invited', 'confirmed') "
        "AND o.starts > r.starts - 172800 AND o.starts < r.starts + 172800 AND o.id <> r.id "
        "AND ((o.provider = r.provider AND o.busy_from < r.busy_until AND r.busy_from < o.busy_until) "
        "OR (o.client_id = r.client_id AND o.starts < r.ends AND r.starts < o.ends)) "
        "AND NOT (o.client_id <> r.client_id AND o.provider = r.provider AND o.starts = r.starts AND o.type = r.type "
        "AND o.contact = r.contact AND COALESCE(o.location, '') = COALESCE(r.location, '') "
        f"AND o.type IN ({marks(groups)})) "
        "AND COALESCE(r.replaces, '') <> o.ref AND COALESCE(o.replaces, '') <> r.ref "
        f"WHERE r.ref IN ({marks(wanted)}) ORDER BY o.starts, o.id",
        *groups,
        *wanted,
    )
    found: dict[str, list[Appointment]] = {}
    for ref, *values in rows.fetchall():
        found.setdefault(ref, []).append(_appointment(practice, tuple(values)))
    return found


def of_providers(
    db: Database, practice: Practice, providers: Collection[int], since: datetime, until: datetime
) -> list[Appointment]:
    """What takes, took or may take these providers' time in the range, soonest first."""
    some = marks(providers)
    # By their claims; and the requests that hold no time, of which there are never many.
    where = (
        "id IN (SELECT a.id FROM portal_claim c JOIN portal_appointment a ON a.claim = c.id "  # noqa: S608
        f"WHERE c.provider IN ({some}) AND c.starts > ? AND c.starts < ? AND c.ends > ? UNION ALL "
        f"SELECT id FROM portal_appointment WHERE {_IS_OPEN} AND claim IS NULL AND provider IN ({some}) "
        "AND starts > ? AND starts < ? AND ends > ?) AND starts < ? AND ends > ?"
    )
    reach = (since - timedelta(days=1), until, since)
    return _select(db, practice, where, *providers, *reach, *providers, *reach, until, since)


def lapsed(db: Database, practice: Practice, now: datetime) -> list[Appointment]:
    """Requests and invitations that nobody answered in time."""
    where = f"{_IS_OPEN} AND status IN (?, ?) AND expires <= ?"
    return _select(db, practice, where, Status.REQUESTED, Status.INVITED, now, limit=100)


def unwarned(db: Database, practice: Practice, now: datetime, until: datetime) -> list[Appointment]:
    """What waits for an answer and expires between then, and of which staff were not warned."""
    where = f"{_IS_OPEN} AND status IN (?, ?) AND expires > ? AND expires <= ? AND COALESCE(warned, 0) <> expires"
    return _select(db, practice, where, Status.REQUESTED, Status.INVITED, now, until)


def warn(db: Database, appointment: Appointment) -> Appointment | None:
    """Note that staff are warned of its expiry; None when somebody else did, or changed it. Its version rises: to
    whoever follows it, this is news.
    """
    cursor = run(
        db,
        "UPDATE portal_appointment SET warned = expires, version = version + 1 "
        "WHERE id = ? AND status = ? AND version = ?",
        appointment.id,
        appointment.status,
        appointment.version,
    )
    return replace(appointment, version=appointment.version + 1) if cursor.rowcount else None


def move(db: Database, appointment: Appointment, to: Status, **changes: Any) -> Appointment | None:
    """Change status and columns; None when somebody else has changed the row since it was read."""
    changes |= {"status": to, "version": appointment.version + 1}
    cursor = run(
        db,
        f"UPDATE portal_appointment SET {', '.join(f'{name} = ?' for name in changes)} "  # noqa: S608
        "WHERE id = ? AND status = ? AND version = ?",
        *changes.values(),
        appointment.id,
        appointment.status,
        appointment.version,
    )
    return replace(appointment, **changes) if cursor.rowcount else None


def give_claim(db: Database, appointment: Appointment, claim: int | None) -> Appointment:
    """Raises NotOffered when the client has a seat of that session already."""
    try:
        run(db, "UPDATE portal_appointment SET claim = ? WHERE id = ?", claim, appointment.id)
    except IntegrityError as error:
        raise _second_seat(error) from None
    return replace(appointment, claim=claim)


def pass_claim(db: Database, appointment: Appointment, claim: int) -> None:
    """Another's change gives this one its claim. Its version rises: who has read it before has to read it again."""
    query = "UPDATE portal_appointment SET claim = ?, version = version + 1 WHERE id = ?"
    run(db, query, claim, appointment.id)


def starts_of_type(db: Database, client_id: str, type: str, since: datetime, but: str | None) -> list[int]:
    """When a client's appointments of a type begin, in seconds since 1970: those that stand and those that were,
    but for the one with that reference.
    """
    query = (
        "SELECT starts FROM portal_appointment WHERE client_id = ? AND starts >= ? AND type = ? AND ref <> ? "
        "AND status IN ('requested', 'invited', 'confirmed', 'completed')"
    )
    return [starts for (starts,) in run(db, query, client_id, since, type, but or "").fetchall()]


def count_requested(db: Database, client_id: str, type: str, but: str | None) -> int:
    """How many of a client's requests wait, but for the one with that reference."""
    query = "SELECT COUNT(*) FROM portal_appointment WHERE client_id = ? AND type = ? AND status = ? AND ref <> ?"
    return int(run(db, query, client_id, type, Status.REQUESTED, but or "").fetchone()[0])


def one_at_a_time(db: Database, client_id: str) -> None:
    """Let no other request of this client be counted before this transaction ends; SQLite's writers queue anyway."""
    if is_postgres(db):
        run(db, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", f"portal client {client_id}")


def busy_stretch(db: Database, row: int) -> Interval:
    """The time an appointment takes, buffers included."""
    return Interval(*run(db, "SELECT busy_from, busy_until FROM portal_appointment WHERE id = ?", row).fetchone())


def remind_by_text(db: Database, client_id: str, phone: str, now: datetime) -> None:
    """Send reminders of all that is ahead of a client to a number. Versions rise: who has read one reads again."""
    ahead = f"client_id = ? AND starts > ? AND {_IS_OPEN}"
    change = "text_reminders = TRUE, client_phone = ?, version = version + 1"
    run(db, f"UPDATE portal_appointment SET {change} WHERE {ahead}", phone, client_id, now)  # noqa: S608
