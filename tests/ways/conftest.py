"""As many hosts as a test asks for, each with an empty database and endpoints that are told of everything."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal_plugin.domain.webhooks import new_secret
from portal_plugin.testing import Clock
from tests.practices import PRACTICE
from tests.services.conftest import empty, lasting_postgres
from tests.support import MONDAY, Host, make_host
from tests.web.conftest import templates_are_compiled_once

__all__ = ["lasting_postgres", "templates_are_compiled_once"]

ENDPOINTS = [
    {"url": "https://records.example.org/hooks", "secret": new_secret()},
    {"url": "https://front.example.org/hooks", "secret": new_secret(), "body": "full"},
]

NewHost = Callable[[], Host]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewHost]:
    """On PostgreSQL it takes the place of the one before."""
    made: list[Host] = []

    def url() -> str:
        if request.param == "postgres":
            return str(request.getfixturevalue("lasting_postgres"))
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"

    def clear() -> None:
        if made:
            made[-1].state.db.close_all()
            if request.param == "postgres":
                empty(url())

    def make() -> Host:
        clear()
        host = make_host(url(), tmp_path, Clock(MONDAY), PORTAL_WEBHOOKS=ENDPOINTS)
        host.apply(PRACTICE)
        made.append(host)
        return host

    yield make
    clear()


@pytest.fixture
def host(new_host: NewHost) -> Host:
    return new_host()
