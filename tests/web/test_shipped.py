"""The style and scripts: kept by browsers for good under the address a page names, asked for anew under any other."""

import os
from pathlib import Path

import pytest
from flask import url_for

from portal_plugin.web import shipped
from tests.support import Host
from tests.web.pages import BOOK, open_page

FOR_GOOD = "public, max-age=31536000, immutable"


def addresses(host: Host) -> list[str]:
    """Of every file of ours that a page loads."""
    page = open_page(host.browser(), BOOK)
    found = [tag["href"] for tag in page.named("link")] + [tag["src"] for tag in page.named("script")]
    return [address for address in found if "/static/" in address]


def test_what_a_page_loads_may_be_kept_for_good(host: Host) -> None:
    loaded = addresses(host)
    assert len(loaded) == 3
    for address in loaded:
        answer = host.browser(None).get(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOR_GOOD)


@pytest.mark.parametrize("version", ["", "?v=", "?v=0123456789ab"])
def test_under_another_version_or_none_it_is_asked_for_each_time(host: Host, version: str) -> None:
    answer = host.browser(None).get(f"/portal/static/portal.css{version}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["missing.css", "../portal_plugin/__init__.py", "vendor", "a\0b"])
def test_what_is_not_there_has_no_version_and_is_not_found(host: Host, name: str) -> None:
    with host.app.test_request_context():
        address = url_for("portal.static", filename=name)
    assert "?v=" not in address
    answer = host.browser(None).get(f"{address}?v=None")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_while_debugging_a_changed_file_has_another_address_at_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "STATIC", tmp_path)
    host.app.debug = True
    file = tmp_path / "portal.css"
    seen = set()
    for text, time in (("a {}", 1), ("b {}", 2), ("b {}", 3)):
        file.write_text(text)
        os.utime(file, ns=(time, time))
        with host.app.test_request_context():
            seen.add(url_for("portal.static", filename="portal.css"))
    assert len(seen) == 2
