"""The practice's other system, with a key that may do everything."""

import pytest

from tests.api.support import System, make_key
from tests.support import Host


@pytest.fixture
def system(host: Host) -> System:
    return System(host.app.test_client(), make_key(host))


@pytest.fixture
def either_system(either_host: Host) -> System:
    """The same, on SQLite and on PostgreSQL."""
    return System(either_host.app.test_client(), make_key(either_host))
