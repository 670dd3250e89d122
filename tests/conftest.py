"""Real parts for every test: a host site, a database of each kind, a PostgreSQL server, a browser."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Rule

from portal_plugin.storage.database import migrate, open_database
from portal_plugin.testing import Clock, mailbox
from tests.postgres_server import postgres_server
from tests.practices import PRACTICE
from tests.support import MONDAY, Host, execute, make_host, on_server


@pytest.fixture(scope="session", autouse=True)
def addresses_compiled_once() -> Iterator[None]:
    """Each test has an app of its own, with the same addresses, and to compile those is most of what an app costs."""
    compiled: dict[object, Any] = {}
    compile_builder = Rule._compile_builder

    def remembered(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, *rule._trace, repr(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", remembered)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a throw-away PostgreSQL server without a database name: the environment's, or one started here."""
    if given := os.environ.get("PORTAL_TEST_POSTGRES"):
        yield given.rstrip("/")
        return
    with postgres_server() as server:
        yield server.address


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
