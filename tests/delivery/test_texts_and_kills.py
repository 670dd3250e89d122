"""A worker that is killed while it sends a text costs at most a second copy, with the same key."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal_plugin.delivery.worker import LEASE
from portal_plugin.testing import Clock
from tests.delivery.calendar_host import raw, says
from tests.delivery.receiver import receiver
from tests.delivery.site import by_twilio
from tests.delivery.test_reminders import confirmed
from tests.delivery.test_twilio import form_of
from tests.delivery.test_worker_process import ROOT, wait_for
from tests.practices import practice
from tests.services.steps import rows
from tests.support import MONDAY, Host, make_host

MESSAGES = "/2010-04-01/Accounts/AC1/Messages.json"


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 3])
def test_texts_are_at_most_one_more_than_kills_and_have_one_key(
    database_url: str, tmp_path: Path, clock: Clock, kills: int
) -> None:
    with receiver() as there:
        there.answers[MESSAGES] = raw(then=there.closing)
        more = {"PORTAL_PRIVATE_ADDRESSES": True} | by_twilio(there.address(""))
        host = make_host(database_url, tmp_path, clock, **more)
        host.apply(practice(remind_between="0:00-24:00", reminders=["2h"]))
        confirmed(host)
        host.deliver()
        environment = os.environ | {
            "DELIVERY_DATABASE_URL": database_url,
            "DELIVERY_FOLDER": str(tmp_path),
            "DELIVERY_PORT": "1",
            "DELIVERY_TWILIO": there.address(""),
        }
        for kill in range(1, kills + 1):
            rows_due(host, MONDAY.timestamp())
            worker = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "flask",
                    "--app",
                    "tests.delivery.site:create_app",
                    "portal",
                    "worker",
                    "--once",
                ],
                cwd=ROOT,
                env=environment,
                process_group=0,
            )
            wait_for(lambda most=kill: len(there.at(MESSAGES)) == most)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        there.answers[MESSAGES] = says(b'{"sid": "SM1"}', status=201)
        clock.advance(LEASE)
        host.deliver()
        host.deliver()

        forms = [form_of(call) for call in there.at(MESSAGES)]
        assert len(forms) == kills + 1
        assert len({form["StatusCallback"] for form in forms}) == 1
        sent = "SELECT provider_id, sent IS NOT NULL FROM portal_outbox WHERE channel = 'sms'"
        assert [tuple(map(str, row)) for row in rows(host, sent)] in ([("SM1", "1")], [("SM1", "True")])
        host.state.db.close_all()


def rows_due(host: Host, moment: float) -> None:
    """Make what a killed worker had in hand due at once, as when its lease had run out."""
    with host.app.app_context():
        host.state.db.execute_sql(
            f"UPDATE portal_outbox SET due = {int(moment)}, leased_until = NULL WHERE channel = 'sms'"
        )
