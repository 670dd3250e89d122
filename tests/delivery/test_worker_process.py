"""`flask portal worker` as the process it is: it delivers, stops when asked, and may be killed at any moment."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from portal_plugin import appointment_requested
from portal_plugin.cli.running import BACKLOG
from portal_plugin.delivery.busy_calendars import EVERY
from portal_plugin.delivery.worker import LEASE
from portal_plugin.domain.staff_mail import read_staff_mail
from portal_plugin.services import webhooks
from portal_plugin.storage import busy_calendars, outbox
from portal_plugin.testing import Clock
from tests.delivery.calendar_host import CalendarHost, event, ics, raw, says
from tests.delivery.conftest import posting_host
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import OK, receiver
from tests.practices import with_calendars
from tests.services.steps import free_times, invite
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host

ROOT = Path(__file__).parents[2]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def posting(either_posting: Host) -> Host:
    return either_posting


only_on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def worker(posting: Host, mailbox: Mailbox, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes over the database and mail server of `posting`."""
    started = []

    def start(*options: str, stderr: int = subprocess.STDOUT) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "tests.delivery.site:create_app", "portal", "worker", *options],
            cwd=ROOT,
            env=os.environ
            | {
                "DELIVERY_DATABASE_URL": posting.state.settings.database_url,
                "DELIVERY_FOLDER": str(tmp_path),
                "DELIVERY_PORT": str(mailbox.port),
            },
            stdout=subprocess.PIPE,
            stderr=stderr,
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


def test_killed_after_the_mark_the_mail_does_not_come_again(posting: Host, mailbox: Mailbox, worker: Start) -> None:
    posting.request()
    process = worker()
    wait_for(lambda: posting.state.db.execute_sql("SELECT 1 FROM portal_outbox WHERE sent IS NOT NULL").fetchone())
    process.kill()
    process.wait()
    posting.clock.advance(2 * LEASE)
    posting.deliver()
    assert len(mailbox.mails) == 1
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


def test_a_worker_paused_past_its_lease_changes_nothing_when_it_wakes_up(
    posting: Host, tmp_path: Path, worker: Start, mailbox: Mailbox
) -> None:
    """It had the mail in hand: another sends it, and it comes once."""
    posting.request()
    mailbox.answer("silent")
    process = worker()
    wait_for(lambda: mailbox.has_begun)
    process.send_signal(signal.SIGSTOP)
    mailbox.answer("")
    posting.clock.advance(LEASE)
    posting.deliver()
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert len(mailbox.mails) == 1
    row = posting.state.db.execute_sql("SELECT attempts, sent IS NULL, failed, lease, error FROM portal_outbox")
    assert row.fetchall() == [(2, 0, None, None, "")]


def test_asked_to_stop_while_it_does_what_is_due_a_worker_finishes_one_and_gives_back_the_rest(
    posting: Host, mailbox: Mailbox, worker: Start
) -> None:
    for hour in (0, 1, 3):
        posting.request(starts=TUESDAY_TEN + timedelta(hours=hour))
    mailbox.answer("slow")
    process = worker("--once")
    wait_for(lambda: mailbox.has_begun)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "1 sent.\n")
    rows = posting.state.db.execute_sql("SELECT sent IS NULL, attempts, lease FROM portal_outbox ORDER BY id")
    assert rows.fetchall() == [(0, 1, None), (1, 0, None), (1, 0, None)]


@only_on_sqlite
def test_a_worker_says_in_the_end_what_it_did_and_what_waits(posting: Host, mailbox: Mailbox, worker: Start) -> None:
    posting.request()
    posting.request("theo", TUESDAY_TEN + timedelta(hours=1))
    mailbox.answer("not theo@example.org")
    process = worker()
    wait_for(lambda: mailbox.mails)
    wait_for(lambda: posting.state.db.execute_sql("SELECT 1 FROM portal_outbox WHERE error <> ''").fetchone())
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert output.splitlines()[-1] == "1 sent, 1 waiting; failed attempts: mail 1; given up on: 0."


@only_on_sqlite
def test_on_a_terminal_a_bar_shows_how_far_a_backlog_is(
    posting: Host, mailbox: Mailbox, worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting.request()
    names = "appointment, channel, topic, facts, created, due, attempts, error"
    for number in range(BACKLOG):
        posting.state.db.execute_sql(
            f"INSERT INTO portal_outbox ({names}, recipient, message_id) "
            f"SELECT {names}, '{number}@example.org', 'copy{number}' FROM portal_outbox WHERE id = 1"
        )
    monkeypatch.setenv("TERM", "xterm")
    ours, its = os.openpty()
    process = worker("--once", stderr=its)
    os.close(its)
    shown = b""
    with suppress(OSError):
        while piece := os.read(ours, 10_000):
            shown += piece
    os.close(ours)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, f"{BACKLOG + 1} sent.\n")
    assert b"Sending" in shown
    assert f"{BACKLOG + 1}/{BACKLOG + 1}".encode() in shown
    assert len({mail.id for mail in mailbox.mails}) == len(mailbox.mails) == BACKLOG + 1


@pytest.mark.parametrize(("dies", "stored"), [("before", 0), ("after", 1)])
def test_whoever_dies_around_the_commit_leaves_a_change_with_its_messages_or_neither(
    database_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox, dies: str, stored: int
) -> None:
    with receiver() as there:
        host = posting_host(database_url, tmp_path, clock, mailbox.port)
        webhooks.add(host.state.db, host.state.settings, there.address())
        process = multiprocessing.get_context("spawn").Process(
            target=request_and_die, args=(database_url, tmp_path, dies), daemon=True
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        counts = [
            host.state.db.execute_sql(f"SELECT COUNT(*) FROM portal_{table}").fetchone()[0]
            for table in ("appointment", "claim", "history", "outbox")
        ]
        assert counts == [stored, stored, stored, 2 * stored]
        host.deliver()
        assert (len(mailbox.mails), len(there.got)) == (stored, stored)
        assert host.request() if not stored else True, "the time is free, and nothing is locked"
        host.state.db.close_all()


def request_and_die(database_url: str, folder: Path, dies: str) -> None:
    host = make_host(database_url, folder, Clock(MONDAY))

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if dies == "after":
        appointment_requested.connect(die, weak=False)
    else:
        # The last thing that the transaction writes.
        real = outbox.enqueue

        def write_and_die(*args: Any, **values: Any) -> None:
            real(*args, **values)
            if values["channel"] == "webhook":
                die()

        outbox.enqueue = write_and_die
    host.request()


@only_on_sqlite
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


@only_on_sqlite
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


@only_on_sqlite
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


@only_on_sqlite
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
