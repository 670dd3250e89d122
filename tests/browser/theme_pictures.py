"""The pictures of docs/theming.md: one page of the portal, and what a few lines of a host's stylesheet make of it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, expect

from portal_plugin.storage.database import migrate, open_database
from portal_plugin.testing import Clock
from tests.browser.capture import captured
from tests.browser.frameworks import stylesheet
from tests.browser.site import Site, served
from tests.browser.visitor import STEP_2
from tests.practices import PRACTICE
from tests.support import MONDAY

WINDOW = {"width": 900, "height": 720}

FRAME = "#host-header { padding: 1rem; } main { display: block; }"
PLAIN = f"body {{ margin: 0; font-family: system-ui, sans-serif; }} {FRAME}"
OWN = """
body { color: #2c1b24; background: #fdf8f3; font-family: Georgia, "DejaVu Serif", serif; }
#host-header { color: white; background: #7a2e4d; }
#host-header a { color: inherit; }
:root { --portal-accent: #7a2e4d; --portal-on-accent: white; --portal-tint: #f6e8ee; --portal-line: #ead9d0;
  --portal-radius: 0; --portal-heading-weight: 400; }
"""
BOOTSTRAP = """
#host-header { background: #f8f9fa; border-block-end: 1px solid #dee2e6; }
:root { --portal-accent: #0a58ca; --portal-on-accent: white; --portal-tint: #e7f1ff; --portal-line: #dee2e6;
  --portal-radius: 0.375rem; --portal-heading-weight: 500; }
"""
PICO = """
:root { --portal-accent: #f6b26b; --portal-on-accent: #2b1a05; --portal-tint: #3a2c1b; --portal-surface: #1a1f2b;
  --portal-line: #2f3748; --portal-radius: 1.5rem; }
"""
LOOKS = (("plain", "", PLAIN), ("own", "", PLAIN + OWN), ("bootstrap", "Bootstrap", FRAME + BOOTSTRAP))
LOOKS += (("pico", "Pico", FRAME + PICO),)


def take_theme_pictures(browser: Browser, folder: Path) -> None:
    with TemporaryDirectory() as place:
        url = f"sqlite:///{place}/portal.db"
        database = open_database(url)
        migrate(database)
        database.close_all()
        with served(url, Path(place), Clock(MONDAY)) as site:
            site.host.apply(PRACTICE)
            for name, framework, own in LOOKS:
                css = stylesheet(framework, Path(place)) + own if framework else own
                scheme: Any = "dark" if framework == "Pico" else "light"
                context = browser.new_context(base_url=site.address, viewport=WINDOW, color_scheme=scheme)
                (folder / f"theme-{name}.webp").write_bytes(picture(context, site, css))
                context.close()


def picture(context: BrowserContext, site: Site, css: str) -> bytes:
    """Step 2 with a time chosen, in a page of that stylesheet."""
    session = site.host.browser("maya").get_cookie("session")
    assert session is not None
    context.add_cookies([{"name": "session", "value": session.value, "url": site.address}])
    page = context.new_page()
    page.route("**/host.css", lambda route: route.fulfill(body=css, content_type="text/css"))
    page.goto(STEP_2)
    page.locator(".portal-slot input").nth(2).check()
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    # The chosen time has to have its colours.
    page.wait_for_timeout(300)
    return captured(page)
