"""One browser for all tests, a fresh context and a site of its own for each."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from portal_plugin.testing import Clock
from tests.browser.site import Site, served
from tests.browser.visitor import Visitor
from tests.practices import PRACTICE
from tests.support import require

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    require("browser", program is not None, "install Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    """A live site with the test practice."""
    with served(sqlite_url, tmp_path, clock) as site:
        site.host.apply(PRACTICE)
        yield site


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens visits, signed in as Maya with a phone's screen unless told otherwise; in the end none met trouble."""
    visitors: list[Visitor] = []

    def visit(who: str | None = "maya", javascript: bool = True, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, site, who, javascript, options))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.context.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture
def maya(visit: Visit) -> Visitor:
    return visit()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def either_maya(request: pytest.FixtureRequest, visit: Visit) -> Visitor:
    """Maya with JavaScript, and once more without."""
    return visit(javascript=request.param)
