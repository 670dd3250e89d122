"""Fixtures for pytest: `pytest_plugins = ["portal_plugin.testing.fixtures"]` in your conftest.py.

Each takes your own fixture `app`, a Flask app with its portal set up.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from . import Clock, Heard, Mail, captured, frozen, mailbox

MONDAY = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)


@pytest.fixture
def portal_clock(app: Flask) -> Iterator[Clock]:
    """The portal's clock for this test: it stands on Monday, December 7, 2026, 12:00 UTC until you move it."""
    with frozen(app, MONDAY) as clock:
        yield clock


@pytest.fixture
def portal_mailbox(app: Flask) -> Iterator[list[Mail]]:
    """The mails that the worker would have sent during this test."""
    with mailbox(app) as mails:
        yield mails


@pytest.fixture
def portal_heard(app: Flask) -> Iterator[list[Heard]]:
    """Every signal that the portal sent during this test."""
    with captured(app=app) as heard:
        yield heard
