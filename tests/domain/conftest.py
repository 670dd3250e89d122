"""The machine's own clock means nothing: in these rooms it runs where no practice of the tests is."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def elsewhere() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "Australia/Lord_Howe")
        time.tzset()
        yield
    time.tzset()
