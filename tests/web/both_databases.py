"""Imported by a module whose tests run on SQLite and on PostgreSQL: its `host` is on either."""

import pytest

from tests.services.conftest import database_url, lasting_postgres
from tests.support import Host

__all__ = ["database_url", "host", "lasting_postgres"]


@pytest.fixture
def host(either_host: Host) -> Host:
    return either_host
