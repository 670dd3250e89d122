"""What visitors ask for before they have shown that their mail address is theirs, and what new clients answered."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from peewee import Database

from ..domain.appointment import Appointment
from ..domain.guests import Choices, Guest, IntakeAnswer, Introduction, QuestionKind
from ..domain.instants import instant
from .database import is_postgres, marks, run

REMEMBERED = timedelta(days=7)
"""How long what was chosen is kept after a link has expired, and nothing about the person: it leads back to it."""

_SELECT = "SELECT ref, form, held, choices, starts, introduction, expires, appointment FROM portal_guest_request"


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that waits for its mail address to be verified. `ref` is the mailed link's, `form` that of the form it
    was sent with; `appointment` the row that it became. `introduction` is None once it became one or expired.
    """

    ref: str
    form: str
    held: bool
    choices: Choices
    starts: datetime
    introduction: Introduction | None = field(repr=False)
    expires: datetime
    appointment: int | None = None

    @property
    def holder(self) -> str:
        """Whose hold its time is."""
        return f"guest form {self.form}"


def one_at_a_time(db: Database, form: str, mailbox: str) -> None:
    """Nobody else stores a draft of this form or this address before this transaction ends; SQLite's writers queue."""
    if is_postgres(db):
        for name in (f"portal form {form}", f"portal mailbox {mailbox}"):
            run(db, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name)


def add(db: Database, draft: Draft, introduction: Introduction, mail: int) -> None:
    """`mail` is the row of the outbox that brings the link."""
    run(
        db,
        "INSERT INTO portal_guest_request (ref, form, mailbox, held, choices, starts, introduction, expires, mail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        draft.ref,
        draft.form,
        introduction.guest.mailbox,
        draft.held,
        json.dumps(draft.choices),
        draft.starts,
        json.dumps(asdict(introduction)),
        draft.expires,
        mail,
    )


def by_ref(db: Database, ref: str) -> Draft | None:
    return _draft(db, "ref = ?", ref)


def by_form(db: Database, form: str) -> Draft | None:
    return _draft(db, "form = ?", form)


def _draft(db: Database, where: str, value: str) -> Draft | None:
    row = run(db, f"{_SELECT} WHERE {where}", value).fetchone()
    if row is None:
        return None
    ref, form, held, choices, starts, introduction, expires, appointment = row
    return Draft(
        ref,
        form,
        bool(held),
        json.loads(choices),
        instant(starts),
        _introduction(json.loads(introduction)) if introduction else None,
        instant(expires),
        appointment,
    )


def _introduction(told: dict[str, object]) -> Introduction:
    answers = tuple(_answer(*answer) for answer in told["answers"])  # type: ignore[attr-defined]
    return Introduction(Guest(**told["guest"]), str(told["note"]), str(told["agreed"]), answers)  # type: ignore[arg-type]


def _answer(key: str, label: str, kind: str, answer: str) -> IntakeAnswer:
    return IntakeAnswer(key, label, QuestionKind(kind), answer)


def holds(db: Database, mailbox: str, form: str, now: datetime) -> bool:
    """Whether somebody holds a time for this mail address by another form."""
    query = "SELECT 1 FROM portal_guest_request WHERE mailbox = ? AND form <> ? AND held AND expires > ? LIMIT 1"
    return run(db, query, mailbox, form, now).fetchone() is not None


def drop(db: Database, draft: Draft) -> None:
    """Take back what the same form says anew, and its mail if that has not been sent."""
    run(
        db,
        "DELETE FROM portal_outbox WHERE sent IS NULL AND appointment IS NULL "
        "AND id = (SELECT mail FROM portal_guest_request WHERE ref = ?)",
        draft.ref,
    )
    run(db, "DELETE FROM portal_guest_request WHERE ref = ?", draft.ref)


_FORGET = "mailbox = '', introduction = '', held = FALSE"


def settle(db: Database, draft: Draft, appointment: int) -> bool:
    """Note that a draft became an appointment, whose answers are from now on, and its mail; false where it did already,
    or is no more.
    """
    row = run(
        db,
        f"UPDATE portal_guest_request SET appointment = ?, {_FORGET} "  # noqa: S608
        "WHERE ref = ? AND appointment IS NULL AND mailbox <> '' RETURNING mail",
        appointment,
        draft.ref,
    ).fetchone()
    if row is None:
        return False
    run(db, "UPDATE portal_outbox SET appointment = ? WHERE id = ?", appointment, row[0])
    for position, answer in enumerate(draft.introduction.answers if draft.introduction else ()):
        run(
            db,
            "INSERT INTO portal_intake (appointment, position, question, label, kind, answer) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            appointment,
            position,
            *answer,
        )
    return True


_EXPIRED = "expires <= ? AND mailbox <> ''"


def has_expired(db: Database, now: datetime) -> bool:
    """Whether anybody did not follow their link in time, and is still known."""
    return run(db, f"SELECT 1 FROM portal_guest_request WHERE {_EXPIRED} LIMIT 1", now).fetchone() is not None  # noqa: S608


def purge(db: Database, now: datetime) -> None:
    """Forget them and their mails. What they chose goes some days later."""
    theirs = f"id IN (SELECT mail FROM portal_guest_request WHERE {_EXPIRED})"  # noqa: S608
    run(db, f"DELETE FROM portal_outbox WHERE appointment IS NULL AND {theirs}", now)  # noqa: S608
    run(db, f"UPDATE portal_guest_request SET {_FORGET}, mail = NULL WHERE {_EXPIRED}", now)  # noqa: S608
    run(db, "DELETE FROM portal_guest_request WHERE expires <= ?", now - REMEMBERED)


def known_as(db: Database, ids: Sequence[str]) -> str | None:
    """That of these client ids which somebody came under last, if any."""
    query = f"SELECT client_id FROM portal_appointment WHERE client_id IN ({marks(ids)}) ORDER BY id DESC LIMIT 1"  # noqa: S608
    row = run(db, query, *ids).fetchone()
    return row[0] if row else None


def intake(db: Database, appointment: Appointment) -> list[IntakeAnswer]:
    """What a new client answered when asking for this appointment, or for the one that it was moved from."""
    query = """SELECT i.question, i.label, i.kind, i.answer FROM portal_intake i
        JOIN portal_appointment a ON a.id = i.appointment
        WHERE a.client_id = ? AND a.thread = ? ORDER BY i.appointment, i.position"""
    return [_answer(*row) for row in run(db, query, appointment.client.id, appointment.thread).fetchall()]


def intake_of_client(db: Database, client_id: str) -> list[tuple[str, IntakeAnswer]]:
    """All that a client answered, each with the appointment's reference."""
    query = """SELECT a.ref, i.question, i.label, i.kind, i.answer FROM portal_appointment a
        JOIN portal_intake i ON i.appointment = a.id WHERE a.client_id = ? ORDER BY i.appointment, i.position"""
    return [(ref, _answer(*row)) for ref, *row in run(db, query, client_id).fetchall()]
