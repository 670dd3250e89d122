"""A host with markers in all of it, and somebody who reads whatever leaves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal_plugin.testing import Clock, mailbox
from tests.conftest import fresh_database
from tests.delivery.receiver import Receiver, receiver
from tests.secrecy.outlets import Watch
from tests.secrecy.site import CLIENT, STAFF, planted_host
from tests.support import PEOPLE, Host
from tests.support import STAFF as ON_DUTY
from tests.web.conftest import templates_are_compiled_once

__all__ = ["templates_are_compiled_once"]


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as host:
        yield host


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    with watch.logs():
        yield watch


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEOPLE, "maya", CLIENT)
    monkeypatch.setitem(ON_DUTY, "rosa", STAFF)


def _planted(database_url: str, folder: Path, clock: Clock, there: Receiver, watch: Watch) -> Iterator[Host]:
    host = planted_host(database_url, folder, clock, there.address(""))
    watch.listen(host.app)
    with mailbox(host.app) as host.mailbox:
        yield host
    host.state.db.close_all()


@pytest.fixture
def planted(
    sqlite_url: str, tmp_path: Path, clock: Clock, there: Receiver, watch: Watch, people: None
) -> Iterator[Host]:
    yield from _planted(sqlite_url, tmp_path, clock, there, watch)


@pytest.fixture
def either_planted(
    database_url: str, tmp_path: Path, clock: Clock, there: Receiver, watch: Watch, people: None
) -> Iterator[Host]:
    """The same on SQLite and on PostgreSQL."""
    yield from _planted(database_url, tmp_path, clock, there, watch)


@pytest.fixture
def on_postgres(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, there: Receiver, watch: Watch, people: None
) -> Iterator[Host]:
    for url in fresh_database(request, tmp_path, "postgres"):
        yield from _planted(url, tmp_path, clock, there, watch)
