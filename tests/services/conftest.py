"""One PostgreSQL database for the whole folder, emptied after each test: making one takes longer than most tests."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.domain.conftest import elsewhere
from tests.services.steps import empty
from tests.support import execute, on_server

__all__ = ["elsewhere"]


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
    empty(url)
