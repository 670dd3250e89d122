"""Four server processes over one database, and people who talk to them over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from flask import Flask

from portal_plugin import Portal
from portal_plugin.practice_file import from_dict
from portal_plugin.services.practices import apply_practice
from portal_plugin.services.state import State
from portal_plugin.storage.database import is_postgres
from tests.races.site import create_app
from tests.support import MONDAY, filled_form

ROOT = Path(__file__).parents[2]
PROCESSES, THREADS = 4, 8


class Answer(NamedTuple):
    status: int
    page: str
    location: str
    cookie: str
    process: str


@dataclass
class Servers:
    """The site on a port of this machine; `app` is the same site in this process, for the practice's side."""

    port: int
    app: Flask
    log: Path

    @property
    def state(self) -> State:
        state: State = self.app.extensions["portal"]
        return state

    @property
    def portal(self) -> Portal:
        portal: Portal = self.app.extensions["races"]
        return portal

    def apply(self, practice: dict[str, Any]) -> None:
        apply_practice(self.state.db, from_dict(practice), MONDAY)

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM portal_{table}")[0][0])

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        mark = "%s" if is_postgres(self.state.db) else "?"
        return list(self.state.db.execute_sql(sql.replace("?", mark), values))

    def remove_guard(self) -> None:
        """Take away what keeps a provider's claims apart, and nothing else."""
        if is_postgres(self.state.db):
            self.state.db.execute_sql("ALTER TABLE portal_claim DROP CONSTRAINT portal_claim_apart")
        else:
            self.state.db.execute_sql("DROP TRIGGER portal_claim_apart_INSERT")
            self.state.db.execute_sql("DROP TRIGGER portal_claim_apart_UPDATE")


@dataclass
class Person:
    """Somebody with a browser of their own: their cookie, and the form they have open."""

    name: str
    servers: Servers
    cookie: str = ""
    form: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, form: dict[str, str]) -> Answer:
        return self._ask("POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})

    def sign_in(self) -> None:
        self.cookie = self.get(f"/sign-in?as={self.name}").cookie

    def open_form(self, path: str, **typed: str) -> None:
        answer = self.get(path)
        assert answer.status == 200, answer.page
        self.form = filled_form(answer.page, **typed)

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.servers.port, timeout=60)
        try:
            connection.request(method, path, body, {"Cookie": self.cookie, "Connection": "close", **(headers or {})})
            response = connection.getresponse()
            return Answer(
                response.status,
                response.read().decode(),
                response.getheader("Location", ""),
                response.getheader("Set-Cookie", "").partition(";")[0],
                response.getheader("X-Process", ""),
            )
        finally:
            connection.close()


@contextmanager
def started(database_url: str, folder: Path, **environment: str) -> Iterator[Servers]:
    """The site, served until the block ends. It listens from the first moment: no port to lose, no start to miss.
    `environment` is what else its processes are told.
    """
    log = folder / "gunicorn.log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, log.open("w") as output:
        command = [sys.executable, "-m", "gunicorn", "--workers", str(PROCESSES), "--threads", str(THREADS)]
        command += [
            "--preload",
            "--bind",
            f"fd://{listening.fileno()}",
            "--no-control-socket",
            "--log-level",
            "warning",
        ]
        process = subprocess.Popen(
            [*command, "tests.races.site:from_environment()"],
            cwd=ROOT,
            env=os.environ | {"RACES_DATABASE_URL": database_url} | environment,
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        servers = Servers(listening.getsockname()[1], create_app(database_url), log)
        try:
            yield servers
        finally:
            servers.state.db.close_all()
            process.send_signal(signal.SIGQUIT)  # gunicorn's word for "at once".
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                # Under load it now and then misses the word; its workers end with it.
                process.kill()
                process.wait(10)


Given, Result = TypeVar("Given"), TypeVar("Result")


def all_at_once(given: Iterable[Given], do: Callable[[Given], Result]) -> tuple[list[Result], float]:
    """What each came to, one thread each, none begun before all stand ready; and the seconds it took."""
    everybody = list(given)
    ready = threading.Barrier(len(everybody) + 1)

    def wait_and_do(one: Given) -> Result:
        ready.wait()
        return do(one)

    with ThreadPoolExecutor(len(everybody)) as pool:
        futures = [pool.submit(wait_and_do, one) for one in everybody]
        ready.wait()
        began = time.perf_counter()
        results = [future.result() for future in futures]
        return results, time.perf_counter() - began
