"""What a client's phone has to carry, and how long its owner waits: `make budgets`.

Chromium looks at the example as a slow phone on slow 4G. Prints a table, each figure the median of several runs, and
fails when a budget is missed; `--write` puts the table into docs/.
"""

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from playwright.sync_api import Browser, Page, expect, sync_playwright

from .bench import conditions, write_table
from .proxied import LEVEL, ROOT, Served, served

CPU_SLOWER = 4
LATENCY, DOWN, UP = 150, 1600, 750
"""Lighthouse's slow 4G: milliseconds until an answer begins, and kilobits a second."""
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

WEIGHT, PAINT, SHIFT, SWAP = (45.0, "kB"), (1500.0, "ms"), (0.02, ""), (200.0, "ms")
"""The budgets and their units."""
APPOINTMENTS = "/portal/appointments"
WISH = "type=individual&contact=in-person&location=harbor-street"

# Shifts are summed up over the visit: never less than Chromium's own figure, which is the worst five seconds of it. As
# there, what follows a touch within half a second is expected by whoever touched, and does not count.
WATCH = """
(() => {
  const seen = { paint: 0, shift: 0, swaps: [] };
  window.seen = seen;
  const watch = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (entry) => { seen.paint = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value; });
  document.addEventListener("htmx:after:swap", () => {
    const answered = performance.getEntriesByType("resource").filter((e) => e.initiatorType === "fetch").at(-1);
    // The task after the next frame's callbacks: the frame is painted.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => seen.swaps.push(performance.now() - answered.responseEnd);
      port2.postMessage(null);
    });
  });
})();
"""


@dataclass(frozen=True)
class Line:
    """A row of the table: a figure of each run."""

    figure: str
    most: float
    unit: str
    runs: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    @property
    def missed(self) -> bool:
        return self.median > self.most

    @property
    def cells(self) -> tuple[str, str, str, str]:
        between = f"{self._told(min(self.runs))} to {self._told(max(self.runs))}"
        return self.figure, self._told(self.median), self._told(self.most), between

    def _told(self, figure: float) -> str:
        places = {"kB": 1, "ms": 0}.get(self.unit, 3)
        return f"{figure:.{places}f} {self.unit}".strip()


class Table(dict[str, Line]):
    def add(self, figure: str, budget: tuple[float, str], measured: float) -> None:
        self.setdefault(figure, Line(figure, *budget)).runs.append(measured)


class Phone:
    """It has never been here, and is signed in as Maya."""

    def __init__(self, browser: Browser, site: Served, cookies: list[Any], latency: int) -> None:
        self.context = browser.new_context(base_url=site.address, **PHONE)
        self.context.add_cookies(cookies)
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.carried = 0
        """Bytes that came over the network, headers included."""
        wire = self.context.new_cdp_session(self.page)
        wire.on("Network.loadingFinished", self._loaded)
        wire.send("Network.enable")
        speed = {"downloadThroughput": DOWN * 125, "uploadThroughput": UP * 125}
        wire.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency} | speed)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})

    def _loaded(self, event: dict[str, Any]) -> None:
        self.carried += event["encodedDataLength"]

    def open(self, path: str) -> None:
        self.page.goto(path, wait_until="networkidle")
        # What still moves or grows afterwards counts.
        self.page.wait_for_timeout(500)

    def seen(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.page.evaluate("seen"))

    def swap(self, do: Callable[[], object]) -> float:
        """Milliseconds from the end of the answer to the new panel painted."""
        before = len(self.seen()["swaps"])
        do()
        self.page.wait_for_function("before => seen.swaps.length > before", arg=before)
        self.page.wait_for_timeout(500)
        return float(self.seen()["swaps"][before])


def sign_in(browser: Browser, site: Served) -> list[Any]:
    """Maya's cookies."""
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("maya@example.com")
    page.get_by_label("Password").fill("lighthouse")
    page.locator("form.form").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upcoming")
    cookies = list(context.cookies())
    context.close()
    return cookies


def one_run(visit: Callable[[], Phone], site: Served, table: Table) -> None:
    def first_seen(name: str, path: str) -> Phone:
        phone = visit()
        phone.open(path)
        seen = phone.seen()
        table.add(f"{name}: weight", WEIGHT, phone.carried / 1000)
        table.add(f"{name}: largest paint", PAINT, seen["paint"])
        table.add(f"{name}: layout shift", SHIFT, seen["shift"])
        return phone

    def swapped(name: str, do: Callable[[], object]) -> None:
        table.add(f"swap: {name}", SWAP, phone.swap(do))

    phone = first_seen("step 1", f"{APPOINTMENTS}/book")
    page = phone.page
    swapped("a type chosen", page.get_by_role("radio", name="Individual session").check)
    for name in ("In person", "Harbor Street"):
        phone.swap(page.get_by_role("radio", name=name).check)
    swapped("step 1 to step 2", page.get_by_role("button", name="Confirm Type").click)
    swapped("a month turned", page.get_by_role("link", name="Later").click)
    swapped("a day chosen", page.get_by_role("link", name="has free times").nth(2).click)
    swapped("a time kept", page.locator("input[name=starts]").first.check)
    swapped("step 2 to step 3", page.get_by_role("button", name="Request Appointment").click)
    ref = page.url.split("/")[-2]
    table.add("steps 1 to 3: layout shift", SHIFT, phone.seen()["shift"])
    phone.context.close()

    for name, path in (("step 2", f"book/time?{WISH}"), ("step 3", f"{ref}/requested")):
        first_seen(name, f"{APPOINTMENTS}/{path}").context.close()
    phone = first_seen("list", f"{APPOINTMENTS}/upcoming")
    swapped("a decision in the list", lambda: site.portal("confirm", ref))
    expect(phone.page.locator(".portal-status-confirmed")).to_be_visible()
    table.add("list through a decision: layout shift", SHIFT, phone.seen()["shift"])
    phone.context.close()
    site.portal("cancel", ref)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budgets", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency", type=int, default=LATENCY, help="in ms; Chrome's own Slow 4G has 562")
    parser.add_argument("--write", action="store_true", help="put the table into docs/")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where the results go")
    given = parser.parse_args(arguments)
    table = Table()
    with TemporaryDirectory() as folder, served(Path(folder)) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SWITCHES)
        version, cookies = browser.version, sign_in(browser, site)
        for _ in range(given.runs):
            one_run(lambda: Phone(browser, site, cookies, given.latency), site, table)
        browser.close()
    network = f"{DOWN} kbit/s down, {UP} up, {given.latency} ms latency"
    slow = f"Chromium {version}, processor {CPU_SLOWER} times slower, {network}"
    machine = f"{slow}; gzip -{LEVEL}; medians of {given.runs} runs; {conditions()}"
    print(f"{machine}\n\n{'figure':40}{'measured':>12}{'budget':>12}  between")
    for line in table.values():
        name, measured, most, between = line.cells
        print(f"{name:40}{measured:>12}{most:>12}  {between}{'  MISSED' if line.missed else ''}")
    given.build.mkdir(parents=True, exist_ok=True)
    told = [asdict(line) | {"conditions": machine} for line in table.values()]
    (given.build / "budgets.json").write_text(json.dumps(told, indent=1) + "\n")
    if given.write:
        heads = ("figure", "measured", "budget", "between")
        write_table("budgets", machine, heads, [line.cells for line in table.values()])
    return int(any(line.missed for line in table.values()))


if __name__ == "__main__":
    sys.exit(main())
