"""Pictures for people to look at: PORTAL_SCREENSHOTS=folder make test ARGS="-k pictures"."""

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.browser.desk import furnished_desk
from tests.browser.panels import furnished
from tests.browser.site import Site

FOLDER = os.environ.get("PORTAL_SCREENSHOTS", "")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not FOLDER, reason="PORTAL_SCREENSHOTS names no folder")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pictures_of_every_panel_are_taken(visit: Visit, site: Site, width: int, scheme: str) -> None:
    screen = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    nobody_yet, maya = visit(who="theo", **screen), visit(**screen)
    folder = Path(FOLDER) / f"{width}-{scheme}"
    panels = furnished(site)
    nobody_yet.open("/portal/appointments/upcoming")
    nobody_yet.page.screenshot(path=folder / "empty-list.png", full_page=True)
    for name, show in panels.items():
        show(maya)
        maya.page.screenshot(path=folder / f"{name.replace(' ', '-')}.png", full_page=True)
    mails = visit(who=None, **screen)
    for message in site.host.deliver():
        mails.page.set_content(message.html)
        name = re.sub(r"\W+", "-", message.subject.lower())
        mails.page.screenshot(path=folder / f"mail-{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pictures_of_the_review_page_are_taken(visit: Visit, site: Site, width: int, scheme: str) -> None:
    rosa = visit(who="rosa", viewport={"width": width, "height": 844}, color_scheme=scheme)
    folder = Path(FOLDER) / f"{width}-{scheme}"
    rosa.open("/portal/review/")
    rosa.page.screenshot(path=folder / "review-empty-queue.png", full_page=True)
    for name, show in furnished_desk(site).items():
        show(rosa)
        rosa.page.screenshot(path=folder / f"review-{name.replace(' ', '-')}.png", full_page=True)
