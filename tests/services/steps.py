"""What these tests do and look at, in a word each."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from portal_plugin import Appointment
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind
from portal_plugin.services import decisions, requests
from portal_plugin.storage.database import is_postgres
from portal_plugin.testing import make_appointment
from tests.support import PEOPLE, TUESDAY_TEN, Host

TABLES = ("claim", "appointment", "history", "outbox")
"""Each refers to those before it."""


def empty(url: str) -> None:
    """Take everything out of a PostgreSQL database but its tables."""
    with psycopg.connect(url, options="-c lock_timeout=10s") as connection:
        for table in ("history", "seal", "consent"):
            connection.execute(f"ALTER TABLE portal_{table} DISABLE TRIGGER USER".encode())
        others = ("seal", "consent", "inbound_text", "waitlist", "practice", "feed", "rate", "api_answer", "api_key")
        for table in ("intake", "guest_request", *reversed(TABLES), *others):
            connection.execute(f"DELETE FROM portal_{table}".encode())
        for table in ("history", "seal", "consent"):
            connection.execute(f"ALTER TABLE portal_{table} ENABLE TRIGGER USER".encode())


def act(host: Host, verb: str, *args: Any, **more: Any) -> Any:
    """Call a verb of the host's Portal as one web request would."""
    with host.app.app_context():
        return getattr(host.portal, verb)(*args, **more)


def as_client(host: Host, ref: str, action: Action, message: str = "", who: str = "maya") -> Appointment:
    with host.app.app_context():
        return decisions.decide(host.state, ref, action, Actor(ActorKind.CLIENT, who), message)


def expire(host: Host) -> int:
    with host.app.app_context():
        return decisions.expire_lapsed(host.state)


def invite(host: Host, starts: datetime = TUESDAY_TEN, who: str = "maya", **choices: Any) -> Appointment:
    chosen = {"type": "visit", "contact": "in-person", "location": "main"} | choices
    return act(host, "invite", PEOPLE[who], starts=starts, **chosen)


def send_form(host: Host, key: str | None, starts: datetime = TUESDAY_TEN, **choices: Any) -> Appointment:
    """A client's own request, as the form sends it."""
    chosen = {"type": "visit", "contact": "phone", "provider": "ada", "location": None} | choices
    with host.app.app_context():
        practice = host.portal.practice()
        wish = practice.wish(**chosen)
        maya = Actor(ActorKind.CLIENT, "maya")
        return requests.request_appointment(
            host.state, practice, requests.Asking(wish, PEOPLE["maya"], starts, maya, key=key)
        )


def in_status(host: Host, status: str) -> Appointment:
    """Maya's appointment in that status; the clock moves as far as it must."""
    over = status in {"completed", "no_show", "expired"}
    made = make_appointment(host.app, status, client=PEOPLE["maya"], starts=TUESDAY_TEN)
    if over:
        host.clock.now = made.starts + timedelta(minutes=1)
    return made


def rows(host: Host, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Of a query in plain SQL, read on a connection of its own."""
    mark = "%s" if is_postgres(host.state.db) else "?"
    with host.app.app_context():
        return [tuple(row) for row in host.state.db.execute_sql(sql.replace("?", mark), values)]


def snapshot(host: Host) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored about appointments, beside the record of what was refused."""
    where = {"history": "WHERE result = 'done'"}
    return {table: rows(host, f"SELECT * FROM portal_{table} {where.get(table, '')} ORDER BY id") for table in TABLES}


def history(host: Host, ref: str) -> list[tuple[str | None, str]]:
    """What was done, in order: from where to where."""
    return [(before, after) for _, before, after, *_ in full_history(host, ref)]


def full_history(host: Host, ref: str) -> list[tuple[Any, ...]]:
    return rows(
        host,
        "SELECT h.action, h.from_status, h.to_status, h.actor_kind, h.actor, h.reason, h.at "
        "FROM portal_history h JOIN portal_appointment a ON a.id = h.appointment "
        "WHERE a.ref = ? AND h.result = 'done' ORDER BY h.id",
        ref,
    )


def topics(host: Host, ref: str) -> list[str]:
    """What the client was told, in order."""
    sql = (
        "SELECT o.topic FROM portal_outbox o JOIN portal_appointment a ON a.id = o.appointment "
        "WHERE a.ref = ? ORDER BY o.id"
    )
    return [topic for (topic,) in rows(host, sql, ref)]


def status_of(host: Host, ref: str) -> str:
    return str(rows(host, "SELECT status FROM portal_appointment WHERE ref = ?", ref)[0][0])


def claims(host: Host) -> list[tuple[int, int, int]]:
    return [(p, s, e) for p, s, e in rows(host, "SELECT provider, starts, ends FROM portal_claim ORDER BY id")]


def free_times(host: Host, **choices: Any) -> list[datetime]:
    """Starts on offer on Tuesday, by default for a visit with Ada."""
    chosen = {"type": "visit", "contact": "phone", "provider": "ada"} | choices
    day = TUESDAY_TEN.date()
    with host.app.app_context():
        return [slot.starts for slot in host.portal.find_slots(since=day, until=day, **chosen)]


def together(*calls: Callable[[], object]) -> list[object]:
    """Run each in a thread of its own, starting at once; what each returned or raised, in order."""
    gate = threading.Barrier(len(calls))
    answers: list[object] = [None] * len(calls)

    def run(n: int, call: Callable[[], object]) -> None:
        gate.wait(timeout=30)
        try:
            answers[n] = call()
        except Exception as error:
            answers[n] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "a call hangs"
    return answers


def refusals(answers: Sequence[object]) -> list[Exception]:
    return [answer for answer in answers if isinstance(answer, Exception)]
