"""How fast workers send what waits, and whether a booking page feels a dead mail server: `python -m benchmarks.drain`.

10,000 mails and 1,000 text reminders, each sent once as the receiving end counts, by two workers; then pages and
requests in turn on a site whose mail server works and on one whose does not. SQLite, unless `--database` names an empty
PostgreSQL database, in which the mails wait then. Seconds are those of a clock on the wall: run it on a machine that
has nothing else to do.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask

from portal_plugin import Client, Portal
from portal_plugin.domain.consent import ReminderConsent
from portal_plugin.domain.instants import instant
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.practice_file import from_dict
from portal_plugin.services import requests
from portal_plugin.services.practices import apply_practice
from portal_plugin.storage import outbox
from portal_plugin.storage.database import Database, migrate, run
from portal_plugin.storage.models import AppointmentRow, columns
from portal_plugin.testing import Clock

from .bench import ANYBODY, BOOK, SOMEBODY, TIME, conditions, filled_forms
from .measure import Host, Work, page, posts
from .seed import NOW, practice

ROOT = Path(__file__).parents[1]
CLIENT = Client("client-7", "Maya Lindqvist", "maya@example.org", "+1 212 555 0187")
PROVIDERS = 20


class Sink:
    """Whoever receives, in a process of its own."""

    def __init__(self, notes: Path, kind: str) -> None:
        self.notes = notes
        command = [sys.executable, "-m", "benchmarks.sink", str(notes), kind]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: S603
        self.port = int(self.process.stdout.readline() if self.process.stdout else 0)

    def received(self) -> list[tuple[float, str]]:
        """When each came, in seconds since 1970, and under which id."""
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [(float(moment), name) for moment, name in lines]


@contextmanager
def sink(notes: Path, kind: str) -> Iterator[Sink]:
    one = Sink(notes, kind)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def site(database: str, port: int, now: datetime = NOW) -> Host:
    """Mails and texts go to that port."""

    def text(to: str, words: str, key: str) -> None:
        gateway = HTTPConnection("127.0.0.1", port, timeout=20)
        gateway.request("POST", "/", f"{to} {words}".encode(), {"Idempotency-Key": key})
        gateway.getresponse().read()
        gateway.close()

    app = Flask("host")
    app.config.update(
        SECRET_KEY="a secret for measuring, 32 bytes.",  # noqa: S106 - measured, not kept
        PORTAL_DATABASE_URL=database,
        PORTAL_BASE_URL="https://www.elmrow.example",
        PORTAL_SIGN_IN="sign_in",
        PORTAL_SMS=text,
        PORTAL_CLOCK=Clock(now),
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=port,
        MAIL_DEFAULT_SENDER=("Elm Row Practice", "desk@elmrow.example"),
    )
    portal = Portal(app)
    portal.current_client(lambda: CLIENT)
    return Host(app, portal)


def create_app() -> Flask:
    """What the worker processes serve."""
    now = datetime.fromisoformat(os.environ["DRAIN_NOW"])
    return site(os.environ["DRAIN_DATABASE"], int(os.environ["DRAIN_PORT"]), now).app


def start_worker(database: str, port: int, now: datetime, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "flask", "--app", "benchmarks.drain:create_app", "portal", "worker", *options]
    told = {"DRAIN_DATABASE": database, "DRAIN_PORT": str(port), "DRAIN_NOW": now.isoformat()}
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | told, stdout=subprocess.DEVNULL)  # noqa: S603


def lay_down(database: str, port: int) -> Host:
    one = site(database, port)
    migrate(one.state.db)
    apply_practice(one.state.db, from_dict(practice(PROVIDERS)), NOW)
    return one


def fill(one: Host, channel: str, topic: str, most: int) -> datetime:
    """So many messages like the first of its kind, each of an appointment of its own; when they are due."""
    db = one.state.db
    with one.app.app_context():
        slot = next(iter(one.portal.find_slots(**ANYBODY)))
        wish = one.portal.practice().wish(**ANYBODY)
        consent = ReminderConsent(CLIENT.phone, wish.zone, "", "", "", "Yes.")
        asking = requests.Asking(wish, CLIENT, slot.starts, Actor(ActorKind.CLIENT, CLIENT.id), consent=consent)
        one.portal.confirm(requests.request_appointment(one.state, one.portal.practice(), asking).ref)
    copied = "channel, topic, recipient, facts, created, due, attempts, error"
    query = f"SELECT {copied} FROM portal_outbox WHERE channel = ? AND topic = ? ORDER BY due LIMIT 1"  # noqa: S608
    [values] = run(db, query, channel, topic).fetchall()
    run(db, "DELETE FROM portal_outbox")
    with db.atomic():
        for _ in range(most):
            run(
                db,
                f"INSERT INTO portal_outbox (appointment, message_id, {copied}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                _another(db),
                secrets.token_hex(16),
                *values,
            )
    return instant(values[5])


def _another(db: Database) -> int:
    """The one appointment again under a reference of its own, without its claim."""
    ref = f"'{secrets.token_hex(16)}'"
    new = {"claim": "NULL", "request_key": "NULL", "ref": ref, "thread": ref}
    names = [name for name in columns(AppointmentRow) if name != "id"]
    query = (
        f"INSERT INTO portal_appointment ({', '.join(names)}) "  # noqa: S608
        f"SELECT {', '.join(new.get(name, name) for name in names)} FROM portal_appointment "
        "WHERE id = (SELECT MIN(id) FROM portal_appointment) RETURNING id"
    )
    return int(run(db, query).fetchone()[0])


def drain(database: str, folder: Path, kind: str, most: int, workers: int) -> str:
    """A line of what came. Raises SystemExit unless it is each message once."""
    channel, topic = {"mail": ("mail", "confirmed"), "texts": ("sms", "reminder")}[kind]
    with sink(folder / f"{kind}.notes", kind) as server:
        one = lay_down(database, server.port)
        due = fill(one, channel, topic, most)
        written = {name for (name,) in run(one.state.db, "SELECT message_id FROM portal_outbox").fetchall()}
        running = [start_worker(database, server.port, due, "--once") for _ in range(workers)]
        codes = [process.wait() for process in running]
        got = server.received()
    ids, left = [name for _, name in got], outbox.waiting(one.state.db)
    one.state.db.close_all()
    if any(codes) or left or len(ids) != most or set(ids) != written:
        raise SystemExit(f"{kind}: {len(set(ids) & written)} of {most} came, {len(ids)} in all, {left} wait; {codes}.")
    rate = (most - 1) / (got[-1][0] - got[0][0])
    return f"{most:,} {kind}, {workers} workers: {rate:.0f} a second, each once"


def felt(folder: Path, rounds: int) -> Iterator[str]:
    """What page and request take beside a dead mail server, against the same beside a live one, in turn."""
    with sink(folder / "live.notes", "mail") as live, sink(folder / "dead.notes", "dead") as dead:
        databases = {port: f"sqlite:///{folder}/{port}.db" for port in (live.port, dead.port)}
        hosts = [lay_down(database, port) for port, database in databases.items()]
        for one in hosts:
            fill(one, "mail", "confirmed", 50)
        workers = [start_worker(database, port, NOW) for port, database in databases.items()]
        try:
            while len(live.received()) < 50:
                time.sleep(0.1)
            pages = [page(one.app, TIME, SOMEBODY) for one in hosts]
            sent = [posts(one.app, BOOK, list(islice(filled_forms(one, PROVIDERS), rounds + 2))) for one in hosts]
            for name, works in (("step 2", pages), ("a request sent", sent)):
                with_live, with_dead = in_turn(works, rounds)
                ratio = with_dead / with_live
                yield f"{name} beside a dead mail server: {ratio:.2f} ({with_dead:.2f} ms against {with_live:.2f} ms)"
        finally:
            for process in workers:
                process.kill()
                process.wait()


def in_turn(works: Sequence[Work], rounds: int) -> list[float]:
    """The median of each in milliseconds on the wall, since waiting is what is looked for."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            begun = time.perf_counter()
            work()
            taken.append((time.perf_counter() - begun) * 1000)
    return [statistics.median(taken) for taken in times]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drain", description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", help="address of an empty PostgreSQL database")
    given = parser.parse_args(arguments)
    print(conditions())
    with TemporaryDirectory() as name:
        folder = Path(name)
        mails = given.database or f"sqlite:///{folder}/mails.db"
        print(drain(mails, folder, "mail", given.mails, given.workers), flush=True)
        print(drain(f"sqlite:///{folder}/texts.db", folder, "texts", given.texts, given.workers), flush=True)
        for line in felt(folder, given.rounds):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
