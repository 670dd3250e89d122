"""The pictures in docs/images: the demonstration site on a day that stays the same. `make pictures` takes them anew."""

import base64
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from example_app import MAYA, create_app, portal
from portal_plugin import Client
from portal_plugin.testing import Clock
from tests.browser.capture import captured
from tests.browser.conftest import SWITCHES
from tests.browser.site import Silent
from tests.browser.theme_pictures import take_theme_pictures

ROOT = Path(__file__).parents[2]
MORNING = datetime(2027, 1, 11, 13, 30, tzinfo=UTC)
"""A Monday, 8:30 in Portland: the holidays are over, and the weeks ahead are half full."""

BOOK = "/portal/appointments/book"
SCHEDULE = "/portal/review/schedule"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1100, "height": 780}
DESK: ViewportSize = {"width": 1100, "height": 900}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = "light", "dark"
LEFT_OUT = {f"step-{step}-{size}-dark" for step in (1, 3) for size in ("phone", "desktop")}
"""Two steps are enough to see what the dark looks like."""

TOGETHER = """
<!doctype html>
<style>
  body { margin: 0; display: flex; gap: 24px; width: max-content; padding: 24px; background: #dfe5e4; }
  img { width: 390px; height: 844px; border-radius: 18px; }
</style>
"""


@contextmanager
def served(folder: str) -> Iterator[tuple[Flask, str]]:
    """The demonstration site on a port of its own, with its own practice."""
    app = create_app(
        folder, TESTING=True, PORTAL_CLOCK=Clock(MORNING), PORTAL_DATABASE_URL=f"sqlite:///{folder}/portal.db"
    )
    for args in (["init"], ["apply", str(ROOT / "docs/examples/practice.toml"), "--yes"]):
        app.test_cli_runner().invoke(args=["portal", *args], catch_exceptions=False)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    address = f"http://127.0.0.1:{server.port}"
    app.config["PORTAL_BASE_URL"] = address
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield app, address
    finally:
        server.shutdown()
        thread.join()


def furnish(app: Flask) -> None:
    """Maya has an appointment, a request and an invitation."""
    session = {"type": "individual", "contact": "in-person", "location": "harbor-street", "provider": "daniel-reyes"}
    call = {"type": "check-in", "contact": "phone", "provider": "amara-okafor"}
    with app.app_context():
        times = [slot.starts for slot in islice(portal.find_slots(**session), 12)]
        booked = portal.request(MAYA.as_client(), starts=times[0], **session)
        portal.confirm(booked.ref, message="The side door is open, the main entrance is being painted.")
        portal.request(MAYA.as_client(), starts=times[9], **session)
        late = [slot.starts for slot in islice(portal.find_slots(**call, since=MORNING + timedelta(days=9)), 5)]
        portal.invite(MAYA.as_client(), starts=late[4], **call)


def keep(page: Page, path: Path) -> None:
    if path.stem not in LEFT_OUT:
        path.write_bytes(captured(page))


def to_panel(page: Page) -> None:
    """The portal is what the picture is about; a little of the site's frame stays in sight."""
    page.evaluate("document.querySelector('.portal').scrollIntoView({ block: 'start' }); scrollBy(0, -96)")


def walk(page: Page, folder: Path, look: str) -> None:
    """All of one visit, a picture at each step."""
    page.goto(BOOK)
    for name in ("Individual session", "In person", "Harbor Street"):
        page.get_by_role("radio", name=name, exact=False).first.check()
        expect(page.locator(".htmx-request")).to_have_count(0)
    page.get_by_role("radio", name="Daniel Reyes").check()
    to_panel(page)
    keep(page, folder / f"step-1-{look}.webp")
    page.get_by_role("button", name="Confirm Type").click()
    expect(page.locator(".portal-slot").nth(2)).to_be_visible()
    page.locator(".portal-slot input").nth(2).check()
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    if page.viewport_size == PHONE:
        page.locator(".portal-slot:has(:checked)").evaluate(
            "(each) => { each.scrollIntoView(false); scrollBy(0, 24); }"
        )
    else:
        to_panel(page)
    keep(page, folder / f"step-2-{look}.webp")
    page.get_by_role("button", name="Request Appointment").click()
    expect(page.get_by_role("heading", name="What happens next")).to_be_visible()
    to_panel(page)
    keep(page, folder / f"step-3-{look}.webp")


@contextmanager
def signed_in(
    browser: Browser, who: str, furnish: Callable[[Flask], None], viewport: ViewportSize, scheme: Scheme
) -> Iterator[Page]:
    """Where the sign-in leads, in a site of its own that was furnished."""
    with TemporaryDirectory() as instance, served(instance) as (app, address):
        furnish(app)
        context = browser.new_context(base_url=address, viewport=viewport, color_scheme=scheme, device_scale_factor=1.5)
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_role("button", name=f"sign in as {who}").click()
        expect(page.locator(".portal-title")).to_be_visible()
        to_panel(page)
        yield page
        context.close()


def take_pictures(browser: Browser, folder: Path) -> None:
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in SCHEMES:
            with signed_in(browser, "Maya", furnish, viewport, scheme) as page:
                keep(page, folder / f"upcoming-{size}-{scheme}.webp")
                walk(page, folder, f"{size}-{scheme}")


def furnish_desk(app: Flask) -> None:
    """Clients have asked for times, at different times, and some were given one."""
    clients = [
        Client("noor", "Noor Haddad", "noor@example.org", "(207) 555-0131"),
        Client("sam", "Sam Okonkwo", "sam@example.org", "(207) 555-0142"),
        Client("priya", "Priya Raman-Wojciechowska", "priya@example.org"),
        Client("linh", "Linh Nguyen", "linh@example.org"),
    ]
    notes = ("My first visit since the summer.\nIs there a ramp?", "", "I come straight from work.", "")
    providers = ("amara-okafor", "daniel-reyes", "june-takahashi")
    clock = app.config["PORTAL_CLOCK"]
    with app.app_context():
        for turn in range(14):
            client, provider = clients[turn % len(clients)], providers[turn % len(providers)]
            clock.now = MORNING - timedelta(hours=26 - turn)
            wish = {"type": "individual", "contact": "telehealth", "provider": provider}
            times = [slot.starts for slot in islice(portal.find_slots(**wish), 1 + turn)]
            if turn % 3 == 2:
                portal.invite(client, starts=times[-1], **wish)
                continue
            asked = portal.request(client, starts=times[-1], note=notes[turn % len(notes)], **wish)
            if turn not in {0, 7, 13}:
                portal.confirm(asked.ref)
        clock.now = MORNING


def take_desk_pictures(browser: Browser, folder: Path) -> None:
    """What Rosa has before her in the morning: at the desk, and on a phone at night."""
    for end, viewport, scheme in (("", DESK, SCHEMES[0]), ("-phone", PHONE, SCHEMES[1])):
        with signed_in(browser, "Rosa", furnish_desk, viewport, scheme) as page:
            keep(page, folder / f"review-queue{end}.webp")
            page.goto(f"{SCHEDULE}?day=2027-01-13")
            to_panel(page)
            keep(page, folder / f"review-schedule{end}.webp")


def put_together(browser: Browser, folder: Path) -> None:
    """The picture at the top of the README: three steps on a phone, side by side."""
    page = browser.new_page(viewport={"width": 3 * 390 + 4 * 24, "height": 844 + 48}, device_scale_factor=1.25)
    sources = [
        f"data:image/webp;base64,{base64.b64encode((folder / f'step-{step}-phone-light.webp').read_bytes()).decode()}"
        for step in (1, 2, 3)
    ]
    page.set_content(TOGETHER + "".join(f'<img alt="" src="{source}">' for source in sources))
    keep(page, folder / "booking.webp")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        take_pictures(browser, folder)
        put_together(browser, folder)
        take_desk_pictures(browser, folder)
        take_theme_pictures(browser, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
