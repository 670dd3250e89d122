"""Four real server processes over a database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.races.servers import Servers, started


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[Servers]:
    with started(database_url, tmp_path) as running:
        yield running
        assert "Traceback" not in running.log.read_text(), running.log.read_text()
