"""How fast two workers send what waits, each message once, as the receiving end counts: `python -m benchmarks.drain`.

Prints a line for each round. SQLite in a temporary folder, unless `--database` names an empty PostgreSQL database.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from flask import Flask

from portal_plugin import Client, Portal
from portal_plugin.practice_file import from_dict
from portal_plugin.services.practices import apply_practice
from portal_plugin.storage import outbox
from portal_plugin.storage.database import Database, migrate, run
from portal_plugin.storage.models import AppointmentRow, columns

from .bench import ROOT, conditions
from .measure import Host
from .seed import practice

CLIENT = Client("client-7", "Maya Lindqvist", "maya@example.org", "+1 212 555 0187")
ANYBODY = {"type": "visit", "contact": "in-person", "location": "main"}


class Received(NamedTuple):
    """What a sink noted: when each came, in seconds since 1970, and under which id."""

    moments: list[float]
    ids: list[str]

    @property
    def a_second(self) -> float:
        return (len(self.ids) - 1) / (self.moments[-1] - self.moments[0])


class Sink:
    """A mail server in a process of its own."""

    def __init__(self, notes: Path, *options: str) -> None:
        self.notes = notes
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sink", str(notes), *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def received(self) -> Received:
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return Received([float(moment) for moment, _ in lines], [name for _, name in lines])


@contextmanager
def sink(notes: Path, *options: str) -> Iterator[Sink]:
    one = Sink(notes, *options)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def site(database: str, port: int) -> Host:
    app = Flask("host")
    app.config.update(
        SECRET_KEY="a secret for measuring, 32 bytes.",  # noqa: S106 - measured, not kept
        PORTAL_DATABASE_URL=database,
        PORTAL_BASE_URL="https://www.elmrow.example",
        PORTAL_SIGN_IN="sign_in",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=port,
        MAIL_DEFAULT_SENDER=("Elm Row Practice", "desk@elmrow.example"),
    )
    portal = Portal(app)
    portal.current_client(lambda: CLIENT)
    return Host(app, portal)


def create_app() -> Flask:
    """What the worker processes serve."""
    return site(os.environ["DRAIN_DATABASE"], int(os.environ["DRAIN_PORT"])).app


def lay_down(one: Host, providers: int = 1) -> None:
    """The practice in an empty database."""
    migrate(one.state.db)
    apply_practice(one.state.db, from_dict(practice(providers)), datetime.now(UTC))


def fill(one: Host, most: int) -> set[str]:
    """A confirmation that waits for each of so many appointments; the ids of the mails."""
    db = one.state.db
    with one.app.app_context():
        slot = next(iter(one.portal.find_slots(**ANYBODY)))
        made = one.portal.request(CLIENT, **ANYBODY, starts=slot.starts)
        one.portal.confirm(made.ref)
    [(facts,)] = run(db, "SELECT facts FROM portal_outbox WHERE topic = 'confirmed'").fetchall()
    run(db, "DELETE FROM portal_outbox")
    with db.atomic():
        for _ in range(most):
            run(
                db,
                "INSERT INTO portal_outbox (appointment, channel, topic, recipient, message_id, facts, created, due, "
                "attempts, error) VALUES (?, 'mail', 'confirmed', 'maya@example.org', ?, ?, ?, ?, 0, '')",
                _another(db),
                secrets.token_hex(16),
                facts,
                one.state.now(),
                one.state.now(),
            )
    return {f"<{name}@www.elmrow.example>" for (name,) in run(db, "SELECT message_id FROM portal_outbox").fetchall()}


def _another(db: Database) -> int:
    """The one appointment again under a reference of its own, without its claim."""
    new = {"claim": "NULL", "request_key": "NULL", "ref": f"'{secrets.token_hex(16)}'"}
    names = [name for name in columns(AppointmentRow) if name != "id"]
    copied = ", ".join(new.get(name, name) for name in names)
    query = (
        f"INSERT INTO portal_appointment ({', '.join(names)}) SELECT {copied} FROM portal_appointment "  # noqa: S608
        "WHERE id = (SELECT MIN(id) FROM portal_appointment) RETURNING id"
    )
    return int(run(db, query).fetchone()[0])


def start_worker(database: str, port: int, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "benchmarks.drain:create_app", "portal", "worker", *options],
        cwd=ROOT,
        env=os.environ | {"DRAIN_DATABASE": database, "DRAIN_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )


def drain(database: str, folder: Path, most: int, workers: int) -> Received:
    """What came at the mail server; raises SystemExit unless it is each mail once."""
    with sink(folder / "notes") as server:
        one = site(database, server.port)
        lay_down(one)
        waiting = fill(one, most)
        running = [start_worker(database, server.port, "--once") for _ in range(workers)]
        codes = [process.wait() for process in running]
        got = server.received()
    if any(codes) or len(got.ids) != most or set(got.ids) != waiting:
        raise SystemExit(
            f"Of {most} mails {len(set(got.ids) & waiting)} came, {len(got.ids)} in all; exit codes {codes}."
        )
    if left := outbox.waiting(one.state.db):
        raise SystemExit(f"{left} still wait.")
    one.state.db.close_all()
    return got


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drain", description=__doc__)
    parser.add_argument("--most", type=int, default=10_000, help="how many mails wait")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", help="address of an empty PostgreSQL database")
    given = parser.parse_args(arguments)
    print(conditions())
    with TemporaryDirectory() as folder:
        database = given.database or f"sqlite:///{folder}/portal.db"
        begun = time.monotonic()
        got = drain(database, Path(folder), given.most, given.workers)
        print(
            f"{given.most:,} mails, {given.workers} workers: {got.a_second:.0f} a second, each once, "
            f"{time.monotonic() - begun:.0f} s with everything"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
