"""The example practice system beside a real server and worker, and one call at once to four server processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from portal_plugin.domain.webhooks import new_secret
from portal_plugin.storage import api_keys
from portal_plugin.storage.api_keys import Scope
from tests.api.site import wall_host
from tests.api.support import API, WANTED
from tests.delivery.test_faults import free_port
from tests.practices import PRACTICE
from tests.races.servers import ROOT, Servers, all_at_once, started
from tests.services.steps import act
from tests.support import MONDAY, PEOPLE

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


class Processes:
    """The site's server and worker and the example, each a process of its own, and the same site in this one."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.folder = folder
        self.site_port, self.hook_port, self.secret = free_port(), free_port(), new_secret()
        webhooks = [{"url": f"http://127.0.0.1:{self.hook_port}/", "secret": self.secret}]
        self.host = wall_host(database_url, folder, webhooks)
        self.host.apply(PRACTICE)
        key = api_keys.create(self.host.state.db, "Practice system", tuple(Scope), datetime.now(UTC))[1]
        self.environment = os.environ | {
            "SYSTEM_DATABASE_URL": database_url,
            "SYSTEM_FOLDER": str(folder),
            "SYSTEM_WEBHOOKS": json.dumps(webhooks),
            "PORTAL_API": f"http://127.0.0.1:{self.site_port}{API}",
            "PORTAL_KEY": key,
            "WEBHOOK_SECRET": self.secret,
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path) -> None:
        with (self.folder / name).open("wb") as output, (self.folder / f"{name} errors").open("wb") as errors:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=output, stderr=errors
            )

    def said(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines()

    def wait_for(self, line: str) -> None:
        end = time.monotonic() + 60
        while line not in self.said("example"):
            assert time.monotonic() < end, (line, *((one, self.said(f"{one} errors")[-20:]) for one in self.running))
            time.sleep(0.05)

    def request(self) -> str:
        """Maya asks for the first time there is."""
        wish = {"type": "visit", "contact": "phone"}
        first = next(iter(act(self.host, "find_slots", **wish)))
        return str(act(self.host, "request", PEOPLE["maya"], starts=first.starts, **wish).ref)


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Processes]:
    found = Processes(database_url, tmp_path)
    yield found
    for process in found.running.values():
        process.terminate()
    for process in found.running.values():
        process.wait(20)
    found.host.state.db.close_all()
    for name in found.running:
        assert "Traceback" not in "\n".join(found.said(f"{name} errors"))


def test_the_example_books_confirms_and_follows_the_webhooks(processes: Processes) -> None:
    before = processes.request()
    site = ("-m", "flask", "--app", "tests.api.site:create_app")
    processes.start("server", *site, "run", "--port", str(processes.site_port))
    processes.start("worker", *site, "portal", "worker")
    processes.start("example", EXAMPLE, str(processes.hook_port))
    processes.wait_for(f"appointment.confirmed {before} confirmed")
    later = processes.request()
    processes.wait_for(f"appointment.confirmed {later} confirmed")
    act(processes.host, "cancel", later, message="Ada is away.")
    processes.wait_for(f"appointment.cancelled {later} cancelled")
    [theo_s] = act(processes.host, "appointments", client="theo")
    processes.wait_for(f"appointment.confirmed {theo_s.ref} confirmed")

    assert sorted(processes.said("example")) == sorted(
        [
            f"booked {theo_s.ref}",
            *(f"appointment.requested {ref} confirmed" for ref in (before, later)),
            *(f"appointment.confirmed {ref} confirmed" for ref in (before, later, theo_s.ref)),
            f"appointment.cancelled {later} cancelled",
        ]
    )
    assert act(processes.host, "appointment", before).message == "See you then."
    decided = act(processes.host, "history", before)[-1]
    assert (decided.actor, decided.action) == ("Practice system", "confirm")
    address = f"http://127.0.0.1:{processes.hook_port}/"
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(address, b"{}", {"webhook-id": "forged"}))


def test_the_example_is_short() -> None:
    code = EXAMPLE.read_text().partition('"""\n\n')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 60


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
