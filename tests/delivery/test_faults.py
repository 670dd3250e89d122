"""Mail servers that are away, say no, hang up or fall silent: nothing is lost, sent twice, or held for ever."""

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_mail import email_dispatched
from peewee import OperationalError

from portal_plugin.delivery import mail as mail_module
from portal_plugin.delivery.mail import RETRIES
from portal_plugin.delivery.worker import LEASE, run
from portal_plugin.domain.instants import instant
from portal_plugin.storage import outbox
from portal_plugin.storage.database import migrate, open_database
from portal_plugin.storage.outbox import Lane
from portal_plugin.testing import Clock
from tests.delivery.conftest import posting_host
from tests.delivery.mailbox import Mailbox
from tests.postgres_server import postgres_server
from tests.support import TUESDAY_TEN, Host, on_server
from tests.web.pages import ref_of, send, step_2

SECOND = timedelta(seconds=1)


class Row:
    """The outbox row of a number, read again at each look."""

    def __init__(self, host: Host, number: int = 1) -> None:
        self.host, self.number = host, number

    def __getattr__(self, name: str) -> Any:
        [(value,)] = self.host.state.db.execute_sql(
            f"SELECT {name} FROM portal_outbox WHERE id = {self.number}"
        ).fetchall()
        return value

    @property
    def due_at(self) -> datetime:
        return instant(self.due)

    @property
    def mail_id(self) -> str:
        return f"<{self.message_id}@www.elmrow.example>"


@pytest.fixture
def posting(either_posting: Host) -> Host:
    return either_posting


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


# Away.


def test_while_the_server_is_away_booking_works_and_the_mail_comes_when_it_is_back(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    host = posting_host(database_url, tmp_path, clock, free_port())
    browser = host.browser("maya")
    ref_of(send(browser, step_2(browser)))
    row = Row(host)
    for pause in RETRIES[:2]:
        host.deliver()
        assert row.due_at == clock.now + pause
        clock.now = row.due_at
    before = row.mail_id
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.folder.mkdir()
    try:
        mailbox.start(host.app.config["MAIL_PORT"])
        host.deliver()
        assert [mail.id for mail in mailbox.mails] == [before]
        assert instant(row.sent) == clock.now
    finally:
        mailbox.stop()
        host.state.db.close_all()


@pytest.mark.parametrize("reply", ["550 5.1.1 <maya@example.org> unknown", "421 4.3.2 closing", "450 4.2.0 try later"])
def test_a_refused_mail_is_tried_again_ever_more_rarely_and_then_stays_to_be_seen(
    posting: Host, mailbox: Mailbox, reply: str
) -> None:
    posting.request()
    mailbox.answer(reply)
    row = Row(posting)
    pauses = []
    for attempt in range(1, len(RETRIES) + 1):
        posting.deliver()
        assert row.attempts == attempt
        pauses.append(row.due_at - posting.clock.now)
        posting.clock.now = row.due_at - SECOND
        posting.deliver()
        assert row.attempts == attempt
        posting.clock.now = row.due_at
    assert pauses == sorted(set(pauses))
    assert pauses == list(RETRIES)
    assert row.failed is None
    posting.deliver()
    assert instant(row.failed) == posting.clock.now
    assert row.error
    assert "maya" not in row.error
    mailbox.answer("")
    posting.clock.advance(timedelta(days=30))
    posting.deliver()
    received = [mail.id for mail in mailbox.mails]
    assert row.mail_id not in received
    assert row.sent is None


@pytest.mark.parametrize("fault", ["cut", "550 no", "421 no"])
def test_what_failed_once_is_delivered_later_with_the_same_id(posting: Host, mailbox: Mailbox, fault: str) -> None:
    posting.request()
    mailbox.answer(fault)
    posting.deliver()
    assert mailbox.mails == []
    mailbox.answer("")
    posting.clock.advance(RETRIES[0])
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [Row(posting).mail_id]
    posting.clock.advance(timedelta(days=1))
    posting.deliver()
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_not_delivered_leaves_no_thread_behind(
    posting: Host, mailbox: Mailbox, sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    """Neither a server that is away nor one that refuses, or a long queue would leave thousands."""
    away = posting_host(sqlite_url, tmp_path, clock, free_port())
    away.request()
    before = threading.active_count()
    away.deliver()
    mailbox.answer("550 no")
    clock.advance(RETRIES[0])
    posting.deliver()
    assert Row(posting).attempts == 2
    end = time.monotonic() + 2
    while threading.active_count() > before:
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.01)
    away.state.db.close_all()


@pytest.mark.parametrize("settings", [{"MAIL_USE_TLS": True}, {"MAIL_USERNAME": "u", "MAIL_PASSWORD": "p"}])
def test_a_server_that_refuses_starttls_or_sign_in_gets_no_mail(
    posting: Host, mailbox: Mailbox, settings: dict[str, Any]
) -> None:
    posting.app.config.update(settings)
    posting.request()
    posting.deliver()
    assert mailbox.mails == []
    assert Row(posting).attempts == 1
    assert Row(posting).sent is None


def many(host: Host) -> list[str]:
    """Mails to Maya and, in the middle, one to Theo; the Message-IDs of hers."""
    for number, hour in enumerate((-1, 0, 1, 3, 4)):
        host.request("theo" if number == 2 else "maya", TUESDAY_TEN + timedelta(hours=hour))
    return [Row(host, number).mail_id for number in (1, 2, 4, 5)]


def test_one_connection_serves_many_mails_and_one_that_is_refused_costs_no_other(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(mail_module.smtplib.SMTP, "connect", connecting(made))
    hers = many(posting)
    mailbox.answer("not theo@example.org")
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == hers
    assert len(made) == 2, "after a failure the next begins anew"
    mailbox.answer("")
    posting.clock.advance(RETRIES[0])
    posting.deliver()
    assert mailbox.mails[-1].id == Row(posting, 3).mail_id


def connecting(made: list[Any]) -> Any:
    real = mail_module.smtplib.SMTP.connect

    def connect(host: Any, *address: Any) -> Any:
        made.append(address)
        return real(host, *address)

    return connect


@pytest.mark.parametrize("settings", [{}, {"MAIL_MAX_EMAILS": 2}])
def test_a_server_that_hangs_up_after_each_mail_gets_them_all_once(
    posting: Host, mailbox: Mailbox, settings: dict[str, Any]
) -> None:
    posting.app.config.update(settings)
    many(posting)
    mailbox.answer("one each")
    posting.deliver()
    ids = [mail.id for mail in mailbox.mails]
    assert ids == [Row(posting, number).mail_id for number in range(1, 6)]
    assert outbox.waiting(posting.state.db) == 0


# Silent.


@pytest.fixture
def silence() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def test_a_server_that_never_answers_holds_nobody_longer_than_the_time_out(
    sqlite_url: str, tmp_path: Path, clock: Clock, silence: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module, "TIMEOUT", 0.3)
    host = posting_host(sqlite_url, tmp_path, clock, silence)
    browser = host.browser("maya")
    ref_of(send(browser, step_2(browser)))
    assert Row(host).attempts == 0
    began = time.monotonic()
    host.deliver()
    assert time.monotonic() - began < 5
    assert Row(host).due_at == clock.now + RETRIES[0]
    host.state.db.close_all()


def test_so_does_one_that_falls_silent_with_the_mail_in_hand(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module, "TIMEOUT", 0.5)
    mailbox.answer("silent")
    posting.request()
    began = time.monotonic()
    posting.deliver()
    assert time.monotonic() - began < 5
    assert Row(posting).due_at == posting.clock.now + RETRIES[0]


def test_a_server_that_sends_a_byte_at_a_time_holds_nobody_for_ever(
    sqlite_url: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_plugin.delivery.mail.DEADLINE", 1)
    monkeypatch.setattr(mail_module, "TIMEOUT", 0.5)
    enough = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                while not enough.wait(0.2):
                    try:
                        connection.send(b"2")
                    except OSError:
                        return

        server = threading.Thread(target=drip)
        server.start()
        host = posting_host(sqlite_url, tmp_path, clock, listener.getsockname()[1])
        host.request()
        # Left alone, the server would go on for half an hour.
        give_up = threading.Timer(3, enough.set)
        give_up.start()
        began = time.monotonic()
        host.deliver()
        took = time.monotonic() - began
        enough.set()
        give_up.cancel()
        server.join()
        host.state.db.close_all()
    assert took < 2.5


# Leases.


def test_what_a_worker_holds_no_other_takes_until_its_lease_runs_out(posting: Host, mailbox: Mailbox) -> None:
    """As after kill -9 between taking a message and sending it."""
    posting.request()
    now = posting.clock.now
    [taken] = outbox.lease_due(posting.state.db, Lane("mail"), now, now + LEASE, 20)
    posting.deliver()
    posting.clock.now = now + LEASE - SECOND
    posting.deliver()
    assert mailbox.mails == []
    posting.clock.now = now + LEASE
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [f"<{taken.message_id}@www.elmrow.example>"]
    outbox.settle(posting.state.db, taken, failed=now, error="late")
    assert Row(posting).failed is None


def test_killed_after_the_server_took_it_the_mail_comes_again_with_the_same_id(posting: Host, mailbox: Mailbox) -> None:
    posting.request()

    def die(_: Any, message: Any) -> None:
        raise KeyboardInterrupt

    with email_dispatched.connected_to(die, sender=posting.app), pytest.raises(KeyboardInterrupt):
        posting.deliver()
    posting.clock.advance(LEASE)
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [Row(posting).mail_id] * 2


def test_a_worker_that_lost_its_lease_does_not_send_what_another_sent(posting: Host, mailbox: Mailbox) -> None:
    posting.request()
    posting.request(starts=TUESDAY_TEN + timedelta(days=1))
    resumed = []

    def paused_past_its_lease(_: Any, message: Any) -> None:
        if not resumed:
            resumed.append(message)
            posting.clock.advance(LEASE + SECOND)
            posting.deliver()

    with email_dispatched.connected_to(paused_past_its_lease, sender=posting.app):
        posting.deliver()
    # The first was in its hands when it fell asleep and may come twice; the second may not.
    assert [mail.id for mail in mailbox.mails].count(Row(posting, 2).mail_id) == 1


def test_two_workers_share_the_work_and_send_each_mail_once(
    database_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox
) -> None:
    host = posting_host(database_url, tmp_path, clock, mailbox.port)
    for day in range(4):
        for hour in (-1, 0, 1, 3, 4, 5, 6):
            host.request(starts=TUESDAY_TEN + timedelta(days=day, hours=hour))
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        host.deliver()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ids = [mail.id for mail in mailbox.mails]
    assert len(ids) == len(set(ids)) == 28
    assert outbox.waiting(host.state.db) == 0
    host.state.db.close_all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "waiting", [120, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=str
)
def test_however_many_wait_each_goes_out_once_the_oldest_first(posting: Host, mailbox: Mailbox, waiting: int) -> None:
    posting.request()
    db = posting.state.db
    names = "appointment, channel, topic, facts, created, due, attempts, error"
    with db.atomic():
        for number in range(1, waiting):
            db.execute_sql(
                f"INSERT INTO portal_outbox ({names}, recipient, message_id) "
                f"SELECT {names}, '{number}@example.org', 'copy{number}' FROM portal_outbox WHERE id = 1"
            )
    posting.deliver()
    assert [mail.recipients for mail in mailbox.mails] == [
        ["maya@example.org"],
        *([f"{number}@example.org"] for number in range(1, waiting)),
    ]
    assert outbox.waiting(db) == 0


# Order, and what must not be said any more.


def test_one_that_cannot_be_written_does_not_stop_the_others(posting: Host, mailbox: Mailbox) -> None:
    posting.request()
    posting.request(starts=TUESDAY_TEN + timedelta(days=1))
    posting.state.db.execute_sql("UPDATE portal_outbox SET facts = '{}' WHERE id = 1")
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [Row(posting, 2).mail_id]
    assert Row(posting, 1).attempts == 1
    assert Row(posting, 1).error


def test_one_that_ends_its_worker_each_time_is_given_up_on_and_holds_up_nobody_else_for_ever(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting.request()
    posting.request("theo", TUESDAY_TEN + timedelta(days=1))
    real = mail_module.compose

    def compose(state: Any, row: Any) -> Any:
        if row.id == 1:
            raise KeyboardInterrupt
        return real(state, row)

    monkeypatch.setattr(mail_module, "compose", compose)
    for _ in range(len(RETRIES) + 1):
        with pytest.raises(KeyboardInterrupt):
            posting.deliver()
        posting.clock.advance(LEASE)
    posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [Row(posting, 2).mail_id]
    assert Row(posting, 2).attempts == 1
    assert Row(posting, 1).error == "the worker ended whenever it was tried"
    monkeypatch.setattr(mail_module, "compose", real)
    assert outbox.send_again(posting.state.db, 1, posting.clock.now)
    posting.deliver()
    assert mailbox.mails[-1].id == Row(posting, 1).mail_id


# The clock.


def test_a_clock_that_leaps_forward_costs_at_most_a_second_copy_with_the_same_id(
    posting: Host, mailbox: Mailbox
) -> None:
    posting.request()
    posting.request(starts=TUESDAY_TEN + timedelta(days=1))
    leapt = []

    def leap(_: Any, message: Any) -> None:
        if not leapt:
            leapt.append(message)
            posting.clock.advance(timedelta(hours=3))
            posting.deliver()

    with email_dispatched.connected_to(leap, sender=posting.app):
        posting.deliver()
    copies = Counter(mail.id for mail in mailbox.mails)
    assert copies == {Row(posting, 1).mail_id: 2, Row(posting, 2).mail_id: 1}


def test_a_clock_that_is_put_back_holds_nothing_for_ever_and_sends_nothing_twice(
    posting: Host, mailbox: Mailbox
) -> None:
    """The worker died an hour before, by a clock that was a day ahead."""
    right = posting.clock.now
    posting.request()
    posting.clock.advance(timedelta(days=1))
    outbox.lease_due(posting.state.db, Lane("mail"), posting.clock.now, posting.clock.now + LEASE, 20)
    posting.clock.now = right
    for _ in range(3):
        posting.deliver()
    assert [mail.id for mail in mailbox.mails] == [Row(posting).mail_id]
    assert posting.deliver() == []


# Keys, room, and the database.


def test_a_key_changed_with_a_full_queue_invalidates_no_link(
    posting: Host, mailbox: Mailbox, database_url: str, tmp_path: Path
) -> None:
    for day in range(2):
        ref = posting.request(starts=TUESDAY_TEN + timedelta(days=day)).ref
        with posting.app.app_context():
            posting.portal.decline(ref)
        if not day:
            posting.deliver()
    old = posting.app.config["SECRET_KEY"]
    after = posting_host(
        database_url,
        tmp_path,
        posting.clock,
        mailbox.port,
        SECRET_KEY="the key of tomorrow",
        SECRET_KEY_FALLBACKS=[old],
    )
    after.deliver()
    links = [re.search(r"https://www\.elmrow\.example(/portal/link/\S+)", mail.text) for mail in mailbox.mails]
    found = [link[1] for link in links if link]
    assert len(found) == 2
    for link in found:
        assert after.browser().get(link, follow_redirects=True).status_code == 200
    after.state.db.close_all()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_a_full_disk_a_change_is_stored_with_its_message_or_not_at_all(posting: Host, mailbox: Mailbox) -> None:
    db = posting.state.db
    [(pages,)] = db.execute_sql("PRAGMA page_count").fetchall()
    # For the connections of the worker's threads, too.
    db.pragma("max_page_count", pages + 2, permanent=True)
    stored, refused = 0, 0
    slots = [TUESDAY_TEN + timedelta(days=day, hours=hour) for day in (0, 1, 2, 3) for hour in (-1, 0, 1, 3, 4, 5, 6)]
    for starts in slots:
        try:
            posting.request(starts=starts)
            stored += 1
        except OperationalError:
            refused += 1
    assert refused > 0
    counts = [
        db.execute_sql(f"SELECT COUNT(*) FROM portal_{table}").fetchone()[0]
        for table in ("appointment", "outbox", "claim", "history")
    ]
    assert counts == [stored] * 4
    posting.deliver()
    assert len(mailbox.mails) == stored
    db.pragma("max_page_count", pages + 1000, permanent=True)
    posting.request("theo", slots[-1])
    posting.deliver()
    assert len({mail.id for mail in mailbox.mails}) == len(mailbox.mails) == stored + 1


@pytest.mark.postgres
@pytest.mark.slow
def test_a_database_that_restarts_loses_nothing_and_the_worker_goes_on(
    tmp_path: Path, clock: Clock, mailbox: Mailbox
) -> None:
    with postgres_server() as server:
        migrate(database := open_database(on_server(server.address, "postgres")))
        database.close_all()
        host = posting_host(on_server(server.address, "postgres"), tmp_path, clock, mailbox.port)
        for day in range(4):
            for hour in (-1, 0, 1, 3, 4, 5):
                host.request(starts=TUESDAY_TEN + timedelta(days=day, hours=hour))
        restarted = threading.Event()

        def restart(_: Any, message: Any) -> None:
            """Between the mail server's answer and the mark, of the third mail."""
            if len(mailbox.mails) == 3 and not restarted.is_set():
                restarted.set()
                server.stop()
                server.start()

        stop = threading.Event()
        worker = threading.Thread(target=run, args=(host.app, host.state, stop, 0.05), daemon=True)
        with email_dispatched.connected_to(restart, sender=host.app):
            worker.start()
            end = time.monotonic() + 60
            while len({mail.id for mail in mailbox.mails}) < 24:
                assert time.monotonic() < end
                clock.advance(timedelta(seconds=10))
                time.sleep(0.1)
            stop.set()
            worker.join(60)
        assert restarted.is_set()
        assert len(mailbox.mails) == 24, "the mark waited for the database"
        assert outbox.waiting(host.state.db) == 0
        host.state.db.close_all()


# Order again.


def test_after_a_cancellation_no_confirmation_is_delivered(posting: Host, mailbox: Mailbox) -> None:
    ref = posting.request().ref
    posting.deliver()
    mailbox.answer("421 not now")
    with posting.app.app_context():
        posting.portal.confirm(ref)
        posting.deliver()
        mailbox.answer("")
        posting.portal.cancel(ref)
    for _ in range(10):
        posting.deliver()
        posting.clock.advance(timedelta(minutes=1))
    subjects = [mail.subject.partition(":")[0] for mail in mailbox.mails]
    assert "Cancelled" in subjects
    assert "Confirmed" not in subjects[subjects.index("Cancelled") :]


def test_no_message_without_a_change_and_no_change_without_its_message(posting: Host, mailbox: Mailbox) -> None:
    """A transaction that fails half-way leaves neither."""
    ref = posting.request().ref
    posting.state.db.execute_sql("ALTER TABLE portal_outbox RENAME TO portal_outbox_away")
    with posting.app.app_context():
        with pytest.raises(Exception, match="portal_outbox"):
            posting.portal.confirm(ref)
        posting.state.db.execute_sql("ALTER TABLE portal_outbox_away RENAME TO portal_outbox")
        assert posting.portal.appointment(ref).status == "requested"
        posting.portal.confirm(ref)
    posting.deliver()
    assert [mail.subject.split()[0] for mail in mailbox.mails] == ["We", "Confirmed:"]
