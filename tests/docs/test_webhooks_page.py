"""The page on webhooks: its receiver receives, its tables say what the code does."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal_plugin.delivery.webhooks import DEADLINE, RETRIES
from portal_plugin.domain.webhooks import NAMES, new_secret, read_endpoint
from portal_plugin.services.messages import full, thin
from portal_plugin.testing import Clock
from tests.delivery.test_faults import free_port
from tests.practices import PRACTICE
from tests.services.steps import invite
from tests.support import Host, make_host

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
RECEIVER, SETTING = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_receiver_has_15_lines() -> None:
    assert len([line for line in RECEIVER.splitlines() if line]) == 15


def test_the_receiver_hears_what_the_worker_sends_and_believes_nobody_else(sqlite_url: str, tmp_path: Path) -> None:
    """In a process of its own, by the clock on the wall."""
    secret, port = new_secret(), free_port()
    url = f"http://127.0.0.1:{port}/hooks"
    (tmp_path / "app.py").write_text(RECEIVER)
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "run", "--port", str(port)],
        cwd=tmp_path,
        env=os.environ | {"WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        host = make_host(
            sqlite_url,
            tmp_path,
            Clock(datetime.now(UTC)),
            PORTAL_PRIVATE_ADDRESSES=True,
            PORTAL_WEBHOOKS=[{"url": url, "secret": secret}],
        )
        host.apply(PRACTICE)
        wait_until_it_answers(url)
        starts = (host.clock.now + timedelta(days=7)).replace(second=0, microsecond=0)
        ref = invite(host, starts).ref
        host.deliver()
        again(host)
        with host.app.app_context():
            host.portal.accept(ref)
        host.deliver()
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(urllib.request.Request(url, b"{}", {"webhook-id": "forged"}))
        host.state.db.close_all()
        process.terminate()
        output, errors = process.communicate(timeout=30)
    heard = [line for line in output.splitlines() if line.startswith("appointment.")]
    assert heard == [f"appointment.invited {ref} invited", f"appointment.accepted {ref} confirmed"], errors
    assert errors.count('" 204 -') == 3, "the second copy was answered like the first"


def wait_until_it_answers(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url)
        except urllib.error.HTTPError:
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def again(host: Host) -> None:
    host.state.db.execute_sql("UPDATE portal_outbox SET sent = NULL WHERE channel = 'webhook'")
    host.deliver()


def test_the_setting_is_one() -> None:
    found: dict[str, list[dict[str, object]]] = {}
    exec(SETTING.replace("whsec_…", new_secret()), found)
    endpoint = read_endpoint(found["PORTAL_WEBHOOKS"][0], private=False)
    assert endpoint.events == {"appointment.requested", "appointment.cancelled"}


def test_every_event_stands_in_its_table_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `(appointment\.\w+)` \|", PAGE, re.MULTILINE)) == sorted(NAMES)


def test_the_bodies_are_those_that_are_sent(host: Host) -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    made = host.request()
    assert json.loads(example)["data"].keys() == thin(made, "appointment.requested").keys()
    bodies = PAGE.partition("## Bodies")[2].partition("## Delivery")[0]
    for name in full(made):
        assert f"`{name}`" in bodies


def test_the_pauses_are_those_that_are_kept() -> None:
    words = "after 5 seconds, 5 and 30 minutes, and 2, 5, 10, 14, 20 and 24 hours"
    assert words in PAGE
    seconds, *minutes, two, five, ten, fourteen, twenty, day = (pause.total_seconds() for pause in RETRIES)
    assert seconds == 5
    assert [pause / 60 for pause in minutes] == [5, 30]
    assert [pause / 3600 for pause in (two, five, ten, fourteen, twenty, day)] == [2, 5, 10, 14, 20, 24]
    assert f"none within {DEADLINE} seconds" in PAGE
