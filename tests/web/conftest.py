"""Maya at her browser."""

import pytest
from flask.testing import FlaskClient

from tests.support import Host


@pytest.fixture
def maya(host: Host) -> FlaskClient:
    return host.browser("maya")
