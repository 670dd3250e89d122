"""A site as it is deployed: gunicorn with several processes, a worker beside them, a mail server, a full database."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg

from portal_plugin.storage.database import Database, migrate, open_database

from .audit import audit, last_appointment
from .drain import ROOT, Sink, sink
from .seed import practice, stored, usual
from .site import Place

PROVIDERS, APPOINTMENTS = 20, 100_000
PROCESSES, THREADS = 4, 8


@dataclass
class Fleet:
    """`gunicorn` is the process above its workers; `worker` works for the portal, and there is none at the floor."""

    address: str
    place: Place
    gunicorn: "subprocess.Popen[bytes]"
    worker: "subprocess.Popen[bytes] | None"
    mails: Sink
    notes: Path
    log: Path
    since: int
    """The last appointment that was there before anybody came."""

    def wrong(self, copies: int = 0) -> list[str]:
        """What the audit complains of; so many mails may have come twice. Of the floor nothing is asked."""
        if self.worker is None:
            return []
        with opened(self.place.database) as db:
            return audit(db, self.since, self.notes, lambda: [name for _, name in self.mails.received()], copies)


@contextmanager
def opened(database: str) -> Iterator[Database]:
    db = open_database(database)
    try:
        yield db
    finally:
        db.close_all()


def laid_down(build: Path, appointments: int = APPOINTMENTS) -> Path:
    """A SQLite database of a practice that takes new clients, kept under `build`."""
    document = practice(PROVIDERS) | {"new_clients": {}}
    for kind in document["appointment_types"]:
        kind["who"] = "anyone"
    return stored(build, f"crowded-{appointments}", document, usual(PROVIDERS, appointments))


def copied(template: Path, folder: Path, server: str | None) -> str:
    """Address of a copy of it, in `folder`, or in a new database of that PostgreSQL server."""
    if server is None:
        return f"sqlite:///{shutil.copy(template, folder / 'site.db')}"
    name = f"crowded_{folder.name}"
    with psycopg.connect(_database(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    address = _database(server, name)
    with opened(address) as theirs:
        migrate(theirs)
    with opened(f"sqlite:///{template}") as ours, psycopg.connect(address, autocommit=True) as connection:
        for table in ("portal_practice", "portal_claim", "portal_appointment"):
            _copy(ours, connection, table)
        connection.execute("VACUUM ANALYZE")
    return address


def _copy(ours: Database, connection: "psycopg.Connection[Any]", table: str) -> None:
    rows = ours.execute_sql(f"SELECT * FROM {table}")  # noqa: S608
    names = ", ".join(name for name, *_ in rows.description)
    with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))")  # noqa: S608


def _database(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    return f"{head.rstrip('/')}/{name}" + (f"?{query}" if query else "")


@contextmanager
def fleet(database: str, folder: Path, processes: int = PROCESSES, app: str = "create_app") -> Iterator[Fleet]:
    """That database served until the block ends, by so many processes; `app` is a function of site.py."""
    with opened(database) as db:
        since = last_appointment(db)
    log, notes = folder / "gunicorn.log", folder / "crowd.notes"
    notes.touch()
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    with listening, log.open("w") as output, sink(folder / "mails.notes", "mail") as mails:
        place = Place(database, mails.port, time.time())
        # As the units of docs/deploying.md have it.
        environment = place.environment() | {"MALLOC_ARENA_MAX": "2"}
        command = [sys.executable, "-m", "gunicorn", "--workers", str(processes), "--threads", str(THREADS)]
        command += ["--bind", f"fd://{listening.fileno()}", "--no-control-socket", "--log-level", "warning"]
        command += [f"benchmarks.site:{app}()"]
        gunicorn = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=environment, pass_fds=[listening.fileno()], stdout=output, stderr=output
        )
        worker = None
        if app == "create_app":
            at_work = [sys.executable, "-m", "flask", "--app", "benchmarks.site:create_app", "portal", "worker"]
            worker = subprocess.Popen(at_work, cwd=ROOT, env=environment, stdout=output, stderr=output)  # noqa: S603
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            _wait_until_ready(address)
            yield Fleet(address, place, gunicorn, worker, mails, notes, log, since)
        finally:
            for process in filter(None, (gunicorn, worker)):
                process.terminate()
                _wait_for(process)


def _wait_until_ready(address: str) -> None:
    """Any answer will do, the floor's "not found" as well."""
    for _ in range(600):
        with suppress(OSError):
            with suppress(HTTPError):
                urlopen(f"{address}/portal/ready", timeout=60)  # noqa: S310
            return
        time.sleep(0.1)
    raise SystemExit("The site does not answer.")


def _wait_for(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
