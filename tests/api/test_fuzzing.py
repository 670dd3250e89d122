"""schemathesis reads the document and tries what it allows, and what it does not: nothing may surprise it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from portal_plugin.web.api.routes import OPERATIONS
from tests.api.support import API, make_key
from tests.support import TUESDAY_TEN, Host

# What is allowed in form may still not be offered, and an Idempotency-Key may be another call's.
CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]
"""
KNOWN = {
    "type": ["visit", "call", "surgery"],
    "contact": ["in-person", "phone"],
    "provider": ["ada", "ben", "nobody"],
    "location": ["main", "annex"],
    "id": ["maya", "theo"],
    "starts": ["2026-12-08T15:00:00Z", "2026-12-09T10:00:00-05:00", "2026-12-08T15:07:00Z", "2020-01-01T00:00:00Z"],
}
"""Without choices of the practice's, hardly a call would come as far as the rules."""


class Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        pass


@contextmanager
def served(host: Host) -> Iterator[str]:
    """The address of the host on this machine."""
    server = make_server("127.0.0.1", 0, host.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_choices(document: dict[str, Any], refs: list[str]) -> dict[str, Any]:
    """The document as this practice would narrow it."""
    choices = KNOWN | {"ref": refs, "replaces": refs[:1]}

    def narrow(name: str, schema: dict[str, Any]) -> None:
        for one in (schema, *schema.get("anyOf", ())):
            if name in choices and one.get("type") == "string":
                one["enum"] = choices[name]
                # One rule is broken at a time, and what the enum says is said.
                one.pop("pattern", None)

    for name, schema in document["components"]["schemas"].items():
        if name in {"NewRequest", "Proposal", "NewTime"}:
            for field, described in schema["properties"].items():
                narrow(field, described)
    narrow("id", document["components"]["schemas"]["Person"]["properties"]["id"])
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                narrow(parameter["name"], parameter["schema"])
    return document


def fuzz(host: Host, folder: Path, *options: str) -> str:
    """What schemathesis says when it finds something; empty when it finds nothing."""
    # It tries wrong keys as well, and expects the answer to the first of them each time.
    host.limit(api_calls=None, wrong_keys=None)
    refs = [host.request(starts=TUESDAY_TEN.replace(hour=hour)).ref for hour in (18, 19, 20)]
    (folder / "schemathesis.toml").write_text(CONFIG)
    document = folder / "openapi.json"
    document.write_text(json.dumps(with_choices(host.app.test_client().get(f"{API}/openapi.json").json, refs)))
    program = [Path(sys.executable).with_name("schemathesis"), "run", document, "--checks", "all", "--no-color"]
    key = ["--header", f"Authorization: Bearer {make_key(host)}"]
    with served(host) as address:
        command = [*program, *key, "--url", address + API, *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert f"Tested: {len(OPERATIONS)}\n" in done.stdout, done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout


@pytest.mark.slow
def test_schemathesis_finds_nothing(host: Host, tmp_path: Path) -> None:
    found = fuzz(host, tmp_path, "--max-examples", "10", "--seed", "1")
    assert not found, found


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_schemathesis_finds_nothing_in_minutes(either_host: Host, tmp_path: Path) -> None:
    found = fuzz(either_host, tmp_path, "--max-examples", "300")
    assert not found, found
