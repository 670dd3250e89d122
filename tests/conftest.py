"""Real parts for every test: a host site, a database of each kind, a PostgreSQL server, a browser."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.storage.database import migrate, open_database
from portal_plugin.testing import Clock, mailbox
from tests.practices import PRACTICE
from tests.support import MONDAY, Host, execute, make_host, on_server, require


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a throw-away PostgreSQL server without a database name: the environment's, or one started here."""
    if given := os.environ.get("PORTAL_TEST_POSTGRES"):
        yield given.rstrip("/")
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    found = str(programs[-1]) if programs else shutil.which("pg_ctl")
    require("postgres", found is not None, "install PostgreSQL, or set PORTAL_TEST_POSTGRES to postgresql://user@host")
    bin_ = Path(str(found)).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    # PostgreSQL refuses to run as root.
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)

    run(str(bin_ / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
    run(str(bin_ / "pg_ctl"), "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")
    yield f"postgresql://postgres@/?host={folder}"
    run(str(bin_ / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """Name of a migrated database that others are copied from."""
    execute(postgres, "CREATE DATABASE portal_template")
    database = open_database(on_server(postgres, "portal_template"))
    migrate(database)
    database.close_all()
    return "portal_template"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "portal.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    database.close_all()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of its own for each test; such a test runs on both engines."""
    yield from fresh_database(request, tmp_path, request.param)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same on SQLite alone, for what does not depend on the engine."""
    yield from fresh_database(request, tmp_path, "sqlite")


def fresh_database(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> Iterator[str]:
    if engine == "sqlite":
        path = tmp_path / "portal.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"portal_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")
    yield on_server(server, name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY)


def _furnished(url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    host = make_host(url, tmp_path, clock)
    host.apply(PRACTICE)
    with mailbox(host.app) as host.mailbox:
        yield host
    host.state.db.close_all()


@pytest.fixture
def host(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """The host with the test practice, on SQLite."""
    yield from _furnished(sqlite_url, tmp_path, clock)


@pytest.fixture
def either_host(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """The host with the test practice; the test runs on SQLite and on PostgreSQL."""
    yield from _furnished(database_url, tmp_path, clock)
