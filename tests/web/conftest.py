"""Maya at her browser."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from tests.support import Host


@pytest.fixture(scope="session", autouse=True)
def templates_are_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each test has an app of its own, which would compile every template again: half of the time."""
    before = Flask.jinja_options
    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    Flask.jinja_options = before | {"bytecode_cache": cache}
    yield
    Flask.jinja_options = before


@pytest.fixture
def maya(host: Host) -> FlaskClient:
    return host.browser("maya")
