"""The database goes away, or a process dies, while people book: nothing is lost, and it goes on by itself."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest
from peewee import Database

from benchmarks.fleet import PROCESSES, THREADS, Fleet, copied, fleet, laid_down, opened
from benchmarks.load import Step, come
from benchmarks.site import cookie
from portal_plugin.storage.database import run
from tests.postgres_server import PostgresServer, postgres_server
from tests.races.servers import all_at_once

pytestmark = pytest.mark.slow

RATE = 25
LIST = "/portal/appointments/upcoming"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laid_down(tmp_path_factory.mktemp("template"), 1_000)


@contextmanager
def crowd(site: Fleet, seconds: float) -> Iterator["Future[Step]"]:
    """People who come during the block and until they are done; afterwards, what they met."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(come, site, "everybody", RATE, seconds)


def status(site: Fleet, path: str = LIST) -> int:
    asked = Request(site.address + path, headers={"Cookie": cookie(who="maya")})
    try:
        return int(urlopen(asked, timeout=30).status)
    except HTTPError as error:
        return error.code


def pids(site: Fleet) -> set[int]:
    return {one.pid for one in psutil.Process(site.gunicorn.pid).children()}


def unexpected(step: Step, *allowed: str) -> dict[str, int]:
    """What nobody should meet, an outage or not."""
    return {what: count for what, count in step.errors.items() if not any(one in what for one in allowed)}


def wait_until_sent(database: Database) -> None:
    """All but what a worker held when it lost the database: that stays its own until the lease is over."""
    query = "SELECT count(*) FROM portal_outbox WHERE sent IS NULL AND failed IS NULL AND leased_until IS NULL"
    for _ in range(300):
        if not run(database, query).fetchone()[0]:
            return
        time.sleep(0.1)
    pytest.fail("The worker does not go on.")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("processes", "restarts"), [(2, 1), pytest.param(PROCESSES, 10, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_a_database_that_restarts_under_load_is_found_again_at_the_first_request(
    template: Path, tmp_path: Path, processes: int, restarts: int
) -> None:
    with postgres_server() as server, fleet(copied(template, tmp_path, server.address), tmp_path, processes) as site:
        before = pids(site)
        with crowd(site, 4 + 6 * restarts) as met:
            for mode in ("immediate", "fast") * restarts:
                time.sleep(2)
                away(server, site, mode)
                # All processes are asked, and each for more than the connections it had kept.
                answers, _ = all_at_once(range(60), lambda _: status(site))
                assert answers == [200] * 60, mode
        step = met.result()
        assert step.answers["a request sent: 303"] > 2
        assert unexpected(step, ": 503") == {}
        assert pids(site) == before
        assert site.worker is not None
        assert site.worker.poll() is None
        with opened(site.place.database) as database:
            wait_until_sent(database)
        assert site.wrong(copies=2 * restarts) == []


def away(server: PostgresServer, site: Fleet, mode: str) -> None:
    """Stop and start it, and see in between that people are told."""
    server.run("pg_ctl", "-m", mode, "stop")
    asked = Request(site.address + LIST, headers={"Cookie": cookie(who="maya")})
    with pytest.raises(HTTPError) as refused:
        urlopen(asked, timeout=30)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (503, "5")
    assert "Appointments are not available online right now" in refused.value.read().decode()
    server.start()


def test_a_process_killed_while_it_serves_is_replaced_and_costs_its_own_requests_alone(
    template: Path, tmp_path: Path
) -> None:
    with fleet(copied(template, tmp_path, None), tmp_path, 2) as site:
        before = pids(site)
        with crowd(site, 8) as met:
            time.sleep(4)
            os.kill(min(before), signal.SIGKILL)
        step = met.result()
        assert step.answers["a request sent: 303"] > 2
        assert unexpected(step, ": RemoteDisconnected", ": HTTPConnectionClosed", ": Connection") == {}
        assert sum(step.errors.values()) <= THREADS
        assert len(pids(site) - before) == 1
        assert len(pids(site)) == 2
        assert site.wrong() == []


@pytest.mark.long
def test_a_locked_sqlite_file_is_waited_for(template: Path, tmp_path: Path) -> None:
    """As somebody's backup or a shell with an open transaction may do."""
    with fleet(copied(template, tmp_path, None), tmp_path, 2) as site:
        with crowd(site, 8) as met:
            time.sleep(4)
            with closing(sqlite3.connect(tmp_path / "site.db", isolation_level=None)) as somebody:
                somebody.execute("BEGIN EXCLUSIVE")
                time.sleep(2)
                somebody.execute("ROLLBACK")
        step = met.result()
        assert step.answers["a request sent: 303"] > 2
        assert step.errors == {}
        assert site.wrong() == []
