"""A person with a browser. Whatever the browser complains of is kept and fails the test."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, Route, expect

from tests.browser.site import Site

BOOK = "/portal/appointments/book"
UPCOMING = "/portal/appointments/upcoming"
STEP_2 = f"{BOOK}/time?type=visit&contact=in-person&location=main"
TUESDAY = "Tuesday, December 8, 2026"
WEDNESDAY = "Wednesday, December 9, 2026"

TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Visitor:
    """`expects` holds the statuses above 399 that this visit is meant to meet."""

    def __init__(self, browser: Browser, site: Site, who: str | None, javascript: bool, screen: dict[str, Any]) -> None:
        self.site = site
        self.address = site.address
        self.javascript = javascript
        self.expects: set[int] = set()
        self.offline = False
        self.troubles: list[str] = []
        screen = {"viewport": {"width": 390, "height": 844}} | screen
        self.context = browser.new_context(base_url=site.address, java_script_enabled=javascript, **screen)
        self.context.set_default_timeout(6_000)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.troubles.append(f"page error: {error.error}"))
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)
        if who:
            self.sign_in(who)
        self.page: Page = self.context.new_page()

    def sign_in(self, who: str) -> None:
        cookie = self.site.host.browser(who).get_cookie("session")
        assert cookie is not None
        self.context.add_cookies([{"name": "session", "value": cookie.value, "url": self.address}])

    def open(self, path: str) -> None:
        self.page.goto(path)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Without a network."""
        self.offline = True
        self.context.set_offline(True)
        yield
        self.context.set_offline(False)

    def held_back(self, addresses: str) -> Callable[[], None]:
        """What is asked for from now on gets no answer, until a call lets the oldest that is still wanted have it."""
        late: list[Route] = []
        self.page.route(addresses, lambda route: late.append(route))

        def nobody_waits_for(request: Request) -> None:
            late[:] = [route for route in late if route.request != request]

        self.page.on("requestfailed", nobody_waits_for)

        def let_go() -> None:
            while not late:
                self.page.wait_for_timeout(20)
            with self.page.expect_response("**"):
                late.pop(0).continue_()

        return let_go

    # What is done on several pages.

    def heading(self, text: str) -> None:
        """The panel on show is the one with this heading."""
        expect(self.page.locator("#portal-panel").get_by_role("heading", level=1)).to_have_text(text)

    def step_1(self, *names: str) -> None:
        """Choose what step 1 asks for, one question after the other, and confirm."""
        for name in names:
            self.page.get_by_role("radio", name=name).check()
            if not self.javascript:
                self.page.get_by_role("button", name="Continue").or_(self.button("Confirm Type")).click()
            self.quiet()
        if self.javascript:
            self.button("Confirm Type").click()
        self.heading("Choose a date and time")

    def step_2(self, time: str, day: str = "") -> None:
        """Choose a day, unless the one on show will do, and a time, and send the request."""
        if day:
            self.page.get_by_role("link", name=day).click()
            expect(self.page.get_by_role("group", name=day)).to_be_visible()
        self.page.get_by_role("radio", name=time).check()
        self.button("Request Appointment").click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def quiet(self) -> None:
        """Nothing is being fetched any more, and what came stands in its place."""
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)

    def mark_document(self) -> None:
        """Remember the document and the host's own header, to see later whether they were replaced."""
        if self.javascript:
            self.page.evaluate("document.getElementById('host-header').mark = window.mark = 'still here'")

    def same_document(self) -> bool:
        """Neither the page was loaded anew nor what surrounds the portal replaced since it was marked."""
        both = "window.mark === 'still here' && document.getElementById('host-header').mark === 'still here'"
        return not self.javascript or self.page.evaluate(both) is True

    def focused(self) -> Locator:
        return self.page.locator("*:focus")

    # What is complained of.

    def _heard(self, message: ConsoleMessage) -> None:
        # Statuses are judged below, where they can be told apart.
        cut_off = self.offline and re.search("ERR_INTERNET|Failed to fetch", message.text)
        expected = cut_off or "status of" in message.text
        if message.type in {"error", "warning"} and not expected:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if "{}://{}".format(*urlsplit(request.url)) != self.address:
            self.troubles.append(f"asked another site: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expects:
            self.troubles.append(f"status {response.status}: {response.url}")
