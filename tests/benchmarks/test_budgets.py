"""The budgets are measured in a real browser over a real server. How fast this machine is, is no test's business."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from werkzeug.test import Client

from benchmarks.budgets import Line, main
from benchmarks.proxied import compressed
from tests.support import require


@pytest.mark.browser
@pytest.mark.long
def test_every_page_and_every_swap_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("browser", which("chromium") is not None, "install Chromium")
    main(["--runs", "1", "--build", str(tmp_path)])
    lines = {line["figure"]: line for line in json.loads((tmp_path / "budgets.json").read_text())}
    for page in ("step 1", "step 2", "step 3", "list"):
        assert {f"{page}: {figure}" for figure in ("weight", "largest paint", "layout shift")} <= set(lines)
        assert 20 < lines[f"{page}: weight"]["runs"][0] <= lines[f"{page}: weight"]["most"] == 45
        assert lines[f"{page}: largest paint"]["runs"][0] > 300
    assert len([figure for figure in lines if figure.startswith("swap: ")]) == 7
    printed = capsys.readouterr().out
    assert all(figure in printed for figure in lines)


def test_a_budget_is_missed_when_the_median_is_above_it() -> None:
    assert not Line("swap", 200, "ms", [900, 100, 200]).missed
    assert Line("swap", 200, "ms", [201, 100, 300]).missed


def test_the_proxy_compresses_text_and_keeps_every_cookie() -> None:
    text = b"a day's times " * 100

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(text))), *cookies])
        return [text]

    answer = Client(compressed(app)).get("/")
    assert gzip.decompress(answer.data) == text
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(text)
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
