"""`flask portal worker` as the process it is: it delivers, stops when asked, and may be killed at any moment."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from portal_plugin.delivery.busy_calendars import EVERY
from portal_plugin.delivery.worker import LEASE
from portal_plugin.domain.staff_mail import read_staff_mail
from portal_plugin.services import webhooks
from portal_plugin.storage import busy_calendars, outbox
from tests.delivery.calendar_host import CalendarHost, event, ics, raw, says
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import OK, receiver
from tests.practices import with_calendars
from tests.services.steps import free_times, invite
from tests.support import MONDAY, TUESDAY_TEN, Host

ROOT = Path(__file__).parents[2]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def worker(posting: Host, mailbox: Mailbox, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes over the database and mail server of `posting`."""
    started = []

    def start(*options: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "tests.delivery.site:create_app", "portal", "worker", *options],
            cwd=ROOT,
            env=os.environ
            | {
                "DELIVERY_DATABASE_URL": f"sqlite:///{posting.state.db.database}",
                "DELIVERY_FOLDER": str(tmp_path),
                "DELIVERY_PORT": str(mailbox.port),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_once_does_what_is_due_and_stops(posting: Host, mailbox: Mailbox, worker: Start) -> None:
    posting.request()
    done = worker("--once")
    output, _ = done.communicate(timeout=60)
    assert (done.returncode, output) == (0, "1 sent.\n")
    assert len(mailbox.mails) == 1


def test_a_worker_goes_on_until_it_is_asked_to_stop(posting: Host, mailbox: Mailbox, worker: Start) -> None:
    process = worker()
    posting.request()
    wait_for(lambda: mailbox.mails)
    posting.request("theo", provider="ben", contact="phone", location=None)
    wait_for(lambda: len(mailbox.mails) == 2)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert outbox.waiting(posting.state.db) == 0


@pytest.mark.parametrize(("server", "copies"), [("silent", 1), ("silent after keeping", 2)])
def test_killed_before_the_mark_the_mail_comes_again_with_the_same_id(
    posting: Host, mailbox: Mailbox, worker: Start, server: str, copies: int
) -> None:
    """Before the server has the mail, it comes once; after it, twice: the worker cannot know."""
    posting.request()
    mailbox.answer(server)
    process = worker("--once")
    wait_for(lambda: mailbox.has_begun)
    process.kill()
    process.wait()
    mailbox.answer("")
    posting.deliver()
    assert len(mailbox.mails) == copies - 1
    posting.clock.advance(LEASE)
    posting.deliver()
    [(message_id,)] = posting.state.db.execute_sql("SELECT message_id FROM portal_outbox").fetchall()
    assert [mail.id for mail in mailbox.mails] == [f"<{message_id}@www.elmrow.example>"] * copies
    assert outbox.waiting(posting.state.db) == 0


def test_three_workers_at_once_send_one_warning_and_one_digest(
    posting: Host, mailbox: Mailbox, worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        {"to": "desk@elmrow.example", "events": ["expiring"]},
        {"to": "lead@elmrow.example", "events": ["requested"], "send": "daily at 18:00"},
    ]
    object.__setattr__(posting.state.settings, "staff_mail", tuple(map(read_staff_mail, entries)))
    monkeypatch.setenv("DELIVERY_STAFF_MAIL", json.dumps(entries))
    # The day before: the digest of its evening is still to be written when the workers begin.
    posting.clock.advance(-timedelta(hours=20))
    posting.request()
    invite(posting, MONDAY + timedelta(hours=3), contact="phone", location=None, provider="ben")
    processes = [worker("--once") for _ in range(3)]
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    subjects = [mail.subject for mail in mailbox.mails if mail.recipients != ["maya@example.org"]]
    assert sorted(subjects) == [
        "Expires soon: invitation for Monday, December 7, 2026, 10:00 AM",
        "One piece of news about appointments, one request waits for your answer",
    ]


def test_a_worker_reads_outside_calendars_beside_its_messages(
    posting: Host, mailbox: Mailbox, worker: Start, calendars: CalendarHost
) -> None:
    calendars.pages["/ada.ics"] = says(ics(event("20261208T150000Z", "20261208T160000Z")))
    posting.apply(with_calendars(ada=calendars.address()))
    posting.request(starts=TUESDAY_TEN + timedelta(hours=1))
    process = worker()
    wait_for(lambda: mailbox.mails and TUESDAY_TEN not in free_times(posting))
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert calendars.paths == ["/ada.ics"]


def test_killed_while_a_calendar_is_read_it_is_read_again_after_its_time(
    posting: Host, worker: Start, calendars: CalendarHost
) -> None:
    calendars.pages["/ada.ics"] = raw(then=calendars.closing)
    posting.apply(with_calendars(ada=calendars.address()))
    process = worker("--once")
    wait_for(lambda: calendars.asked)
    process.kill()
    process.wait()
    calendars.pages["/ada.ics"] = says(ics(event("20261208T150000Z", "20261208T160000Z")))
    posting.deliver()
    assert TUESDAY_TEN in free_times(posting)
    posting.clock.advance(EVERY)
    posting.deliver()
    assert TUESDAY_TEN not in free_times(posting)
    assert len(calendars.asked) == 2


def test_interrupted_at_the_terminal_a_worker_finishes_the_calendar_in_hand(
    posting: Host, worker: Start, calendars: CalendarHost
) -> None:
    """Ctrl+C reaches every process of the terminal, and so would the one that works out the calendar."""
    entry = event("20261208T150000Z", "20261208T150001Z", "RRULE:FREQ=MINUTELY;COUNT=19999")
    calendars.pages["/ada.ics"] = says(ics(entry))
    posting.apply(with_calendars(ada=calendars.address()))
    process = worker()
    wait_for(lambda: calendars.asked)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert busy_calendars.counts(posting.state.db) == {1: 19_999}


def test_a_worker_tells_endpoints_beside_its_mails(posting: Host, mailbox: Mailbox, worker: Start) -> None:
    with receiver() as there:
        process = worker()
        webhooks.add(posting.state.db, posting.state.settings, there.address())
        posting.request()
        wait_for(lambda: there.got and mailbox.mails)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert outbox.waiting(posting.state.db) == 0


def test_killed_between_an_endpoints_answer_and_the_mark_it_is_told_again_under_the_same_id(
    posting: Host, mailbox: Mailbox, worker: Start
) -> None:
    with receiver() as there:
        webhooks.add(posting.state.db, posting.state.settings, there.address())
        posting.request()
        posting.state.db.execute_sql("UPDATE portal_outbox SET sent = 1 WHERE channel = 'mail'")
        blocker = sqlite3.connect(posting.state.db.database, isolation_level=None, check_same_thread=False)
        answered = threading.Event()

        def answer_while_nobody_can_write(handler: BaseHTTPRequestHandler) -> None:
            blocker.execute("BEGIN IMMEDIATE")
            OK(handler)
            answered.set()

        there.answers["/hooks"] = answer_while_nobody_can_write
        process = worker("--once")
        assert answered.wait(60)
        process.kill()
        process.wait()
        blocker.execute("ROLLBACK")
        blocker.close()
        there.answers.clear()
        posting.deliver()
        assert len(there.got) == 1, "its lease has not run out"
        posting.clock.advance(LEASE)
        posting.deliver()
        first, second = there.got
    assert (first.id, first.body) == (second.id, second.body)
    assert outbox.waiting(posting.state.db) == 0
