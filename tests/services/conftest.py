"""One PostgreSQL database for the whole folder, emptied after each test: making one takes longer than most tests."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import fresh_database
from tests.services.steps import TABLES
from tests.support import execute, on_server


@pytest.fixture(scope="session")
def lasting_postgres(postgres: str, migrated_postgres: str) -> Iterator[str]:
    name = f"portal_{secrets.token_hex(6)}"
    execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated_postgres}")
    yield on_server(postgres, name)
    execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_schema() -> None:
    """For a test that changes the tables themselves: it gets a database that nobody else will use."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite" or "own_schema" in request.fixturenames:
        yield from fresh_database(request, tmp_path, request.param)
        return
    url: str = request.getfixturevalue("lasting_postgres")
    yield url
    with psycopg.connect(url, options="-c lock_timeout=10s") as connection:
        for table in ("history", "seal", "consent"):
            connection.execute(f"ALTER TABLE portal_{table} DISABLE TRIGGER USER".encode())
        for table in (*reversed(TABLES), "seal", "consent", "inbound_text", "practice"):
            connection.execute(f"DELETE FROM portal_{table}".encode())
        for table in ("history", "seal", "consent"):
            connection.execute(f"ALTER TABLE portal_{table} ENABLE TRIGGER USER".encode())
