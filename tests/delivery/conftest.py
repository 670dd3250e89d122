"""A host whose mails go to a real mail server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.testing import Clock
from tests.delivery.calendar_host import CalendarHost, calendar_host
from tests.delivery.mailbox import Mailbox
from tests.practices import PRACTICE
from tests.support import Host, make_host
from tests.web.conftest import templates_are_compiled_once

__all__ = ["templates_are_compiled_once"]


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path_factory.mktemp("mail"))
    mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def mailbox(mail_server: Mailbox) -> Mailbox:
    """The server, empty and willing."""
    mail_server.empty()
    return mail_server


def posting_host(database_url: str, folder: Path, clock: Clock, port: int, **settings: Any) -> Host:
    host = make_host(
        database_url,
        folder,
        clock,
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=port,
        PORTAL_PRIVATE_ADDRESSES=True,
        **settings,
    )
    host.apply(PRACTICE)
    return host


@pytest.fixture
def posting(sqlite_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox) -> Iterator[Host]:
    """The host with the test practice, delivering over SMTP to `mailbox`."""
    yield from _posting(sqlite_url, tmp_path, clock, mailbox)


@pytest.fixture
def either_posting(database_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox) -> Iterator[Host]:
    """The same; the test runs on SQLite and on PostgreSQL."""
    yield from _posting(database_url, tmp_path, clock, mailbox)


def _posting(url: str, folder: Path, clock: Clock, mailbox: Mailbox) -> Iterator[Host]:
    host = posting_host(url, folder, clock, mailbox.port)
    yield host
    host.state.db.close_all()


@pytest.fixture
def calendars() -> Iterator[CalendarHost]:
    """A server of calendars on this machine."""
    with calendar_host() as host:
        yield host
