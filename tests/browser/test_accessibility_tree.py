"""What a screen reader is given: the accessibility tree of every panel, in files to be read from top to bottom.

    WRITE_SNAPSHOTS=1 make test ARGS="tests/browser/test_accessibility_tree.py"

writes the files anew; look at what changed.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.panels import furnished, furnished_for_visitors
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TREES = Path(__file__).with_name("trees")
# References, secrets and tokens are others each time.
RANDOM = re.compile(r"(?<=/)[A-Za-z0-9_.~-]{32,}(?=[/\s\".]|$)")
PORT = re.compile(r"(http|webcal)://127\.0\.0\.1:\d+")


def tree(page: Page) -> str:
    told = page.locator(".portal").aria_snapshot()
    return RANDOM.sub("…", PORT.sub(r"\1://…", told)) + "\n"


def test_every_panel_is_told_as_it_was_approved(visit: Visit, site: Site) -> None:
    told = {}
    for who, panels in (("maya", furnished), (None, furnished_for_visitors)):
        visitor = visit(who=who)
        for name, show in panels(site).items():
            show(visitor)
            visitor.quiet()
            told[name] = tree(visitor.page)
    if os.environ.get("WRITE_SNAPSHOTS"):
        TREES.mkdir(exist_ok=True)
        for old in TREES.glob("*.yml"):
            old.unlink()
        for name, text in told.items():
            (TREES / f"{name}.yml").write_text(text, encoding="utf-8")
    approved = {file.stem: file.read_text(encoding="utf-8") for file in TREES.glob("*.yml")}
    assert told == approved
