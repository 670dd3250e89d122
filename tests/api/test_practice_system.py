"""The example practice system, a process of its own, against four real server processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from portal_plugin.storage import api_keys
from portal_plugin.storage.api_keys import Scope
from tests.api.support import API, WANTED
from tests.practices import PRACTICE
from tests.races.servers import ROOT, Servers, all_at_once, started
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN

pytestmark = pytest.mark.slow
EXAMPLE = ROOT / "docs" / "examples" / "practice_system.py"


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[Servers]:
    with started(database_url, tmp_path) as running:
        running.apply(PRACTICE)
        yield running
        assert "Traceback" not in running.log.read_text(), running.log.read_text()


@pytest.fixture
def key(servers: Servers) -> str:
    return api_keys.create(servers.state.db, "Practice system", tuple(Scope), MONDAY)[1]


def call(servers: Servers, key: str, method: str, path: str, body: str = "", once: str = "", *, here: bool) -> int:
    """The status that the servers answer with or, with `here`, the same site in the process of the test."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": once} if once else {}
    if here:
        return servers.app.test_client().open(API + path, method=method, data=body, headers=headers).status_code
    connection = HTTPConnection("127.0.0.1", servers.port, timeout=60)
    connection.request(method, API + path, body or None, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_it_confirms_what_waits_and_books_into_a_free_time(servers: Servers, key: str) -> None:
    with servers.app.app_context():
        waiting = servers.portal.request(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN
        )
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        env=os.environ | {"PORTAL_API": f"http://127.0.0.1:{servers.port}{API}", "PORTAL_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "confirmed Maya Lindqvist 2026-12-08T15:00:00Z",
        "booked ada 2026-12-08T14:00:00Z",
    ]
    with servers.app.app_context():
        assert servers.portal.appointment(waiting.ref).message == "See you then."
        assert [one.status for one in servers.portal.appointments()] == ["confirmed", "confirmed"]


# On the phone either provider would do, so nothing but the Idempotency-Key keeps a second one from being made.
BY_PHONE = json.dumps(WANTED | {"contact": "phone", "location": None})


def test_one_call_sent_to_several_processes_at_once_is_done_once(servers: Servers, key: str) -> None:
    answers, _ = all_at_once(
        range(40), lambda n: call(servers, key, "POST", "/requests", BY_PHONE, "a", here=n % 4 == 0)
    )
    assert 201 in answers
    assert set(answers) <= {201, 409}
    assert {call(servers, key, "POST", "/requests", BY_PHONE, "a", here=here) for here in (True, False)} == {201}
    assert servers.count("appointment") == servers.count("outbox") == 1


def test_without_the_idempotency_key_it_is_done_again(servers: Servers, key: str) -> None:
    """The control: the race is there."""
    all_at_once(range(40), lambda n: call(servers, key, "POST", "/requests", BY_PHONE, here=n % 4 == 0))
    assert servers.count("appointment") == 2


def test_several_processes_count_the_calls_of_a_key_together(servers: Servers, key: str) -> None:
    answers, _ = all_at_once(range(40), lambda n: call(servers, key, "GET", "/types", here=n % 4 == 0))
    assert set(answers) == {200}
    assert servers.rows("SELECT hits FROM portal_rate") == [(40,)]
