"""The one lasting PostgreSQL database that the tests of services/ use too, and databases without any table."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal_plugin.storage.database import Database, open_database
from tests.services.conftest import database_url, elsewhere, lasting_postgres, own_schema
from tests.support import execute, on_server

__all__ = ["database_url", "elsewhere", "lasting_postgres", "own_schema"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table; on SQLite not even a file."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'portal.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"portal_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name}")
    yield on_server(server, name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    """Opens databases and closes them after the test."""
    databases = []

    def open_(url: str) -> Database:
        databases.append(open_database(url))
        return databases[-1]

    yield open_
    for database in databases:
        database.close_all()
