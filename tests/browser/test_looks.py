"""Pictures for people to look at: PORTAL_SCREENSHOTS=folder make test ARGS="-k pictures"."""

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.browser.conftest import Visit
from tests.browser.desk import furnished_desk
from tests.browser.panels import furnished, furnished_for_visitors
from tests.browser.site import Site
from tests.browser.visitor import UPCOMING, Visitor
from tests.browser.wordy import ARABIC, GERMAN, LONG, wordy
from tests.practices import PRACTICE

FOLDER = os.environ.get("PORTAL_SCREENSHOTS", "")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not FOLDER, reason="PORTAL_SCREENSHOTS names no folder")]


class Look(NamedTuple):
    """How a page is looked at: the screen, the practice it is about, and the browser's language."""

    width: int
    scheme: str = "light"
    practice: dict[str, Any] = PRACTICE
    language: str = ""
    zoom: int = 1

    @property
    def screen(self) -> dict[str, Any]:
        """A page zoomed to 200 % has half the pixels, each twice as large."""
        viewport = {"width": self.width // self.zoom, "height": 844 // self.zoom}
        return {"viewport": viewport, "device_scale_factor": self.zoom, "color_scheme": self.scheme}

    def take(self, visitor: Visitor, path: Path) -> None:
        if self.language:
            # The way here was in English; only what is looked at is not.
            visitor.page.set_extra_http_headers({"Accept-Language": self.language})
            visitor.page.reload()
            visitor.page.set_extra_http_headers({})
        # What stays in view while somebody scrolls belongs where it stands.
        visitor.page.evaluate("scrollTo(0, 0)")
        visitor.page.screenshot(path=path, full_page=True)


LOOKS = {
    f"{width}-{scheme}": Look(width, scheme) for width in (320, 390, 768, 1280) for scheme in ("light", "dark")
} | {
    "zoomed": Look(1280, zoom=2),
    "long-320": Look(320, practice=wordy(LONG)),
    "long-1280": Look(1280, practice=wordy(LONG)),
    "german-320": Look(320, practice=wordy(GERMAN), language="de"),
    "german-768": Look(768, "dark", practice=wordy(GERMAN), language="de"),
    "arabic-390": Look(390, practice=wordy(ARABIC), language="ar"),
    "arabic-1280": Look(1280, "dark", practice=wordy(ARABIC), language="ar"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_pictures_of_every_panel_are_taken(visit: Visit, site: Site, name: str) -> None:
    look, folder = LOOKS[name], Path(FOLDER) / name
    site.host.apply(look.practice)
    nobody_yet, maya = visit(who="theo", **look.screen), visit(**look.screen)
    panels = furnished(site, look.practice)
    nobody_yet.open(UPCOMING)
    look.take(nobody_yet, folder / "empty-list.png")
    for panel, show in panels.items():
        show(maya)
        look.take(maya, folder / f"{panel.replace(' ', '-')}.png")
    mails = visit(who=None, **look.screen)
    site.host.deliver()
    for message in site.host.mailbox:
        mails.page.set_content(message.html)
        subject = re.sub(r"\W+", "-", message.subject.lower())
        mails.page.screenshot(path=folder / f"mail-{subject}.png", full_page=True)


@pytest.mark.parametrize("name", LOOKS)
def test_pictures_of_what_a_visitor_meets_are_taken(visit: Visit, site: Site, name: str) -> None:
    look, folder = LOOKS[name], Path(FOLDER) / name
    nina = visit(who=None, **look.screen)
    for panel, show in furnished_for_visitors(site, look.practice).items():
        show(nina)
        look.take(nina, folder / f"{panel.replace(' ', '-')}.png")


@pytest.mark.parametrize("name", [name for name, look in LOOKS.items() if look.practice is PRACTICE])
def test_pictures_of_the_review_page_are_taken(visit: Visit, site: Site, name: str) -> None:
    look, folder = LOOKS[name], Path(FOLDER) / name
    rosa = visit(who="rosa", **look.screen)
    rosa.open("/portal/review/")
    look.take(rosa, folder / "review-empty-queue.png")
    for panel, show in furnished_desk(site).items():
        show(rosa)
        look.take(rosa, folder / f"review-{panel.replace(' ', '-')}.png")
