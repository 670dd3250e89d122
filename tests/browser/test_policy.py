"""The strictest policy is enough, no code comes out of an attribute, and nobody else is asked for anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from portal_plugin.testing import Clock
from tests.browser.desk import furnished_desk
from tests.browser.panels import furnished, furnished_for_visitors
from tests.browser.site import Site, served
from tests.browser.visitor import STEP_2, Visitor
from tests.practices import PRACTICE
from tests.web.visiting import open_practice

pytestmark = pytest.mark.browser

INSERT = """
(html) => {
  window.ran = [];
  const box = Object.assign(document.createElement("div"), { innerHTML: html });
  document.querySelector("#portal-panel").append(box);
  window.htmx.process(box);
}
"""
_BUTTON = "<button id='bad' data-hx-get='/' data-hx-swap='none' {}='{}'>Press</button>"
EVALUATED = {
    "hx-on": "<button id='bad' data-hx-on:click='window.ran.push(1)'>Press</button>",
    "a value": _BUTTON.format("data-hx-vals", "js:{a: window.ran.push(1)}"),
    "a filter": _BUTTON.format("data-hx-trigger", "click[window.ran.push(1)]"),
    "a question": _BUTTON.format("data-hx-confirm", "js:window.ran.push(1)"),
}
"""What htmx can be told to run, as somebody would write it who got markup into a page."""


@pytest.fixture
def bare(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    """A site that says nothing about policies, with the portal in its own frame."""
    with served(sqlite_url, tmp_path, clock, PORTAL_BASE_TEMPLATE="portal/base.html", policy="") as site:
        site.host.apply(PRACTICE)
        yield site


@pytest.fixture
def without_policy(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    """A site that allows everything, with the portal in a frame of the site's own."""
    with served(sqlite_url, tmp_path, clock, policy="") as site:
        site.host.apply(PRACTICE)
        yield site


def pressed(page: Page, html: str) -> list[int]:
    """What ran when it was pressed."""
    page.evaluate(INSERT, html)
    page.locator("#bad").click()
    page.wait_for_timeout(100)
    ran: list[int] = page.evaluate("window.ran")
    return ran


@pytest.mark.parametrize("how", EVALUATED)
def test_our_htmx_runs_no_code_of_an_attribute_even_where_the_site_allows_everything(
    browser: Browser, without_policy: Site, how: str
) -> None:
    visitor = Visitor(browser, without_policy, "maya", True, {})
    visitor.open(STEP_2)
    assert pressed(visitor.page, EVALUATED[how]) == []
    visitor.context.close()


@pytest.mark.parametrize("how", EVALUATED)
def test_without_that_it_would(browser: Browser, without_policy: Site, how: str) -> None:
    """The control: the mark is gone, by which portal.js knows that the htmx is ours."""
    visitor = Visitor(browser, without_policy, "maya", True, {})
    visitor.page.route(
        "**/book/time**",
        lambda route: route.fulfill(response=(got := route.fetch()), body=got.text().replace("data-portal-htmx", "")),
    )
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    visitor.open(STEP_2)
    assert pressed(visitor.page, EVALUATED[how]) != []
    visitor.context.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "panels"), [("maya", furnished), (None, furnished_for_visitors), ("rosa", furnished_desk)]
)
def test_every_panel_works_under_the_portal_s_own_policy_and_asks_nobody_else_for_anything(
    browser: Browser, bare: Site, who: str | None, panels: object
) -> None:
    visitor = Visitor(browser, bare, who, True, {})
    asked: list[Request] = []
    visitor.context.on("request", lambda request: asked.append(request))
    for show in panels(bare).values():  # type: ignore[operator]
        show(visitor)
        visitor.quiet()
    visitor.context.close()
    # Violations of the policy are among the troubles.
    assert visitor.troubles == []
    assert len(asked) > 20
    assert {f"{urlsplit(one.url).scheme}://{urlsplit(one.url).netloc}" for one in asked} == {bare.address}
    paths = {urlsplit(one.url).path for one in asked}
    assert all(path.startswith("/portal/") or path in {"/", "/sign-in", "/favicon.ico"} for path in paths), paths


@pytest.mark.parametrize(
    ("framing", "outer", "shown"),
    [
        ("'none'", "127.0.0.1", False),
        ("'self'", "127.0.0.1", True),
        ("'self'", "localhost", False),
        ("'self' http://localhost:{port}", "localhost", True),
    ],
)
def test_a_page_is_shown_in_a_frame_by_whom_the_setting_names(
    browser: Browser, bare: Site, framing: str, outer: str, shown: bool
) -> None:
    """By the name localhost the same machine is another site."""
    port = str(urlsplit(bare.address).port)
    host = bare.host
    host.apply(open_practice())
    host.state.settings = replace(host.state.settings, framing=framing.format(port=port))
    frame = f"<!doctype html><iframe src='{bare.address}/portal/appointments/book'></iframe>"
    host.app.add_url_rule("/around", "around", lambda: frame)
    page = browser.new_page()
    page.goto(f"http://{outer}:{port}/around")
    page.wait_for_load_state("networkidle")
    within = page.frames[1].url
    assert within.startswith(bare.address if shown else "chrome-error:"), within
    page.close()
