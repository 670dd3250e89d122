"""Requests without a network, taken in turn, and what the database is asked meanwhile."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from portal_plugin import Client, Portal
from portal_plugin.services.state import State
from portal_plugin.testing import Clock

from .seed import NOW

Work = Callable[[], Any]


@dataclass
class Host:
    """The smallest site that embeds the portal; `client` is always signed in."""

    app: Flask
    portal: Portal

    @property
    def state(self) -> State:
        state: State = self.app.extensions["portal"]
        return state


def host(database: Path, client: str = "client-7", clock: Callable[[], datetime] | None = None) -> Host:
    app = Flask("host")
    app.config.update(
        SECRET_KEY="a secret for measuring, 32 bytes.",  # noqa: S106 - measured, not kept
        PORTAL_DATABASE_URL=f"sqlite:///{database}",
        PORTAL_BASE_URL="https://www.elmrow.example",
        PORTAL_SIGN_IN="sign_in",
        PORTAL_CLOCK=clock or Clock(NOW),
        # Counted all the same.
        PORTAL_LIMITS={"client_forms": "1000000/hour", "network_forms": "1000000/hour"},
    )
    portal = Portal(app)
    who = Client(client, "Maya Lindqvist", "maya@example.org", "+1 212 555 0187")
    portal.current_client(lambda: who)
    return Host(app, portal)


def page(
    app: Flask, path: str, query: Mapping[str, str] | None = None, *, expected: str = "200", **headers: str
) -> Work:
    """A GET through the WSGI interface that returns the body."""
    environ = EnvironBuilder(path=path, query_string=query, headers=headers).get_environ()
    return lambda: _sent(app, dict(environ), expected)


def posts(app: Flask, path: str, forms: list[Mapping[str, str]]) -> Work:
    """A POST of the next form each time, which must end in a redirect."""
    ready: Iterator[dict[str, Any]] = iter(
        [EnvironBuilder(path=path, method="POST", data=form).get_environ() for form in forms]
    )
    return lambda: _sent(app, next(ready), "303")


def _sent(app: Flask, environ: dict[str, Any], expected: str) -> bytes:
    status = ""

    def start_response(line: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        nonlocal status
        status = line
        return lambda _: None

    answer = app.wsgi_app(environ, start_response)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if not status.startswith(expected):
        raise RuntimeError(f"{environ['PATH_INFO']} answered {status}")
    return body


def in_turn(works: list[Work], rounds: int, clock: Callable[[], float] = time.thread_time) -> list[float]:
    """The median cost of each in milliseconds, every round taking each once.

    By default it is the thread's processor time: a busy neighbour lengthens a wait, but hardly this. Nothing here waits
    for a disk, since SQLite in WAL mode does not do so at a commit.
    """
    times: list[list[float]] = [[] for _ in works]
    for turn in range(rounds + 2):
        for work, taken in zip(works, times, strict=True):
            begun = clock()
            work()
            if turn > 1:
                taken.append(clock() - begun)
    return [statistics.median(taken) * 1000 for taken in times]


def statements(host: Host, work: Work) -> int:
    """How many statements it sends to the database, BEGIN and COMMIT included."""
    seen: list[str] = []
    connection = host.state.db.connection()
    connection.set_trace_callback(seen.append)
    try:
        work()
    finally:
        connection.set_trace_callback(None)
    # What a trigger does is reported as a second run of the statement that set it off.
    return sum(1 for before, now in zip(["", *seen], seen, strict=False) if now != before or now.startswith("SELECT"))
