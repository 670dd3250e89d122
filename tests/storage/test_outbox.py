"""Messages are leased to one worker at a time, tried again on a schedule, and given up on in the open."""

import os
import secrets
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import flask_mail
import pytest

from portal_plugin.delivery import mail as delivery
from portal_plugin.storage import outbox, outbox_entries
from portal_plugin.storage.database import open_database
from portal_plugin.storage.health import Queue, queues
from portal_plugin.storage.models import AppointmentRow
from portal_plugin.storage.outbox import Lane
from tests.support import MONDAY, TUESDAY_TEN

MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=5)
MAILS = Lane("mail")


@pytest.fixture
def db(either_host):
    """The host's database with one request, and so with one message."""
    either_host.request()
    return either_host.state.db


def another(db):
    """The one appointment again, under a reference of its own."""
    names = [column.column_name for column in AppointmentRow._meta.sorted_fields if column.column_name != "id"]
    copied = [
        "NULL"
        if name in {"claim", "request_key"}
        else f"'{secrets.token_hex(16)}'"
        if name in {"ref", "thread"}
        else name
        for name in names
    ]
    db.execute_sql(
        f"INSERT INTO portal_appointment ({', '.join(names)}) SELECT {', '.join(copied)} FROM portal_appointment "
        "ORDER BY id LIMIT 1"
    )
    return db.execute_sql("SELECT MAX(id) FROM portal_appointment").fetchone()[0]


def enqueue(db, most, appointment=None, **more):
    """Messages, each of an appointment of its own unless one is named."""
    for n in range(most):
        values = {
            "appointment": appointment or another(db),
            "channel": "mail",
            "topic": "received",
            "recipient": f"{n}@example.org",
            "facts": {"n": n},
            "now": MONDAY,
        }
        outbox.enqueue(db, **values | more)


def lease(db, now=MONDAY, most=20, lane=MAILS):
    return outbox.lease_due(db, lane, now, now + LEASE, most)


def look(db, *columns):
    (row,) = db.execute_sql(f"SELECT {', '.join(columns)} FROM portal_outbox ORDER BY id LIMIT 1")
    return row if len(columns) > 1 else row[0]


def test_a_message_carries_what_it_needs(db):
    (message,) = lease(db)

    assert (message.channel, message.topic, message.recipient) == ("mail", "received", "maya@example.org")
    assert (message.attempts, len(message.message_id)) == (0, 32)
    assert message.facts["provider"]["name"] == "Ada Moreau"
    assert message.facts["starts"] == TUESDAY_TEN.isoformat()


def test_a_leased_message_is_nobody_elses(db):
    assert len(lease(db)) == 1
    assert lease(db) == []


def test_two_workers_at_once_never_take_the_same_message(db, database_url):
    lease(db)
    enqueue(db, 60)
    databases = [open_database(database_url) for _ in range(4)]
    gate = threading.Barrier(4)

    def work(database):
        gate.wait(timeout=30)
        taken = []
        while batch := lease(database, most=3):
            taken += [message.id for message in batch]
        return taken

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, databases))
    for database in databases:
        database.close_all()

    everything = [message for taken in found for message in taken]
    assert len(everything) == len(set(everything)) == 60


def test_a_batch_is_no_larger_than_asked_and_begins_with_the_oldest(db):
    lease(db)
    enqueue(db, 5)

    assert [message.facts["n"] for message in lease(db, most=3)] == [0, 1, 2]
    assert [message.facts["n"] for message in lease(db, most=3)] == [3, 4]


def test_a_lease_that_ran_out_is_taken_again_as_the_same_message(db):
    (first,) = lease(db)
    assert lease(db, MONDAY + LEASE - timedelta(seconds=1)) == []

    (again,) = lease(db, MONDAY + LEASE)

    assert again.message_id == first.message_id
    assert (again.id, again.attempts, again.facts) == (first.id, 0, first.facts)
    assert again.lease != first.lease


def test_an_attempt_counts_once_it_is_begun(db):
    """Who waits behind a message that ends its worker is not given up on with it."""
    enqueue(db, 1)
    first, _ = lease(db)
    begun = outbox.take_up(db, first, MONDAY + LEASE)
    assert begun.attempts == 1
    assert [again.attempts for again in lease(db, MONDAY + LEASE)] == [1, 0]


def test_a_lease_tells_whose_it_is(db):
    lease(db)
    (entry,) = outbox_entries.listed(db)
    assert entry.worker == f"{socket.gethostname()}:{os.getpid()}"


def test_a_lease_does_not_read_all_that_waits(host):
    """Or ten thousand messages would be read ten thousand times."""
    host.request()
    db = host.state.db
    asked = []
    db.connection().set_trace_callback(asked.append)
    lease(db)
    db.connection().set_trace_callback(None)
    [statement] = [one for one in asked if one.startswith("SELECT") and "EXISTS" in one]
    plan = str(db.execute_sql(f"EXPLAIN QUERY PLAN {statement}").fetchall())
    assert "portal_outbox_due" in plan
    assert "portal_outbox_appointment" in plan
    assert "portal_outbox_sent" not in plan


def test_a_lease_from_before_the_clock_was_put_back_is_nobodys(db):
    (first,) = lease(db, MONDAY + timedelta(days=1))
    assert outbox.lanes_due(db, MONDAY) == [MAILS]
    (again,) = lease(db, MONDAY)
    assert (again.id, outbox.take_up(db, first, MONDAY + LEASE)) == (first.id, None)


def test_two_clocks_a_little_apart_break_no_lease(db):
    lease(db, MONDAY + timedelta(minutes=4))
    assert lease(db, MONDAY) == []


def test_a_row_that_cannot_be_read_is_given_up_on_and_the_others_are_taken(db):
    enqueue(db, 1)
    db.execute_sql("UPDATE portal_outbox SET facts = 'no json' WHERE id = (SELECT MIN(id) FROM portal_outbox)")
    assert [message.recipient for message in lease(db)] == ["0@example.org"]
    (given_up,) = outbox_entries.listed(db, failed=True)
    assert given_up.error == "what it says cannot be read"


def test_what_was_sent_long_ago_is_deleted_in_small_batches_and_nothing_else(db):
    enqueue(db, 5)
    first, *others, waits = lease(db)
    outbox.settle(db, others[0], failed=MONDAY)
    for message in (first, *others[1:]):
        outbox.settle(db, message, sent=MONDAY)
    day_later = MONDAY + timedelta(days=1)
    assert outbox.purge(db, MONDAY, 10) == 0
    assert [outbox.purge(db, day_later, 3) for _ in range(3)] == [3, 1, 0]
    left = {number for (number,) in db.execute_sql("SELECT id FROM portal_outbox").fetchall()}
    assert left == {others[0].id, waits.id}


def test_what_overtakes_a_message_that_was_given_up_on_stays(db):
    (early,) = lease(db)
    outbox.settle(db, early, failed=MONDAY, error="refused")
    enqueue(db, 1, early.appointment, recipient=early.recipient)
    (later,) = lease(db)
    outbox.settle(db, later, sent=MONDAY)
    assert outbox.purge(db, MONDAY + timedelta(days=365), 10) == 0
    outbox.send_again(db, early.id, MONDAY)
    assert outbox.overtaken(db, early)


def test_the_queues_are_told_by_channel(db):
    assert queues(db, MONDAY) == [Queue("mail", 1, 1, 0, MONDAY, 0, 0)]
    enqueue(db, 2)
    hooks(db, 1)
    taken, *_ = lease(db, most=2)
    later = MONDAY + 4 * MINUTE
    assert queues(db, later) == [Queue("mail", 3, 3, 2, MONDAY, 0, 0), Queue("webhook", 1, 1, 0, MONDAY, 0, 0)]
    assert [queue.stalled(later, 3 * MINUTE) for queue in queues(db, later)] == [False, True]
    outbox.settle(db, taken, failed=MONDAY)
    assert queues(db, MONDAY + LEASE)[0] == Queue("mail", 2, 2, 0, MONDAY, 1, 0)


def test_a_worker_that_lost_its_lease_settles_nothing(db):
    (slow,) = lease(db)
    (quick,) = lease(db, MONDAY + LEASE)

    outbox.settle(db, slow, failed=MONDAY, error="SMTPServerDisconnected")
    assert look(db, "failed", "lease") == (None, quick.lease)

    outbox.settle(db, quick, sent=MONDAY + LEASE)
    assert look(db, "sent", "failed") == ((MONDAY + LEASE).timestamp(), None)


def test_a_lease_can_be_prolonged_by_the_one_who_holds_it(db):
    (message,) = lease(db)

    assert outbox.take_up(db, message, MONDAY + 2 * LEASE)
    assert lease(db, MONDAY + LEASE) == []
    (other,) = lease(db, MONDAY + 2 * LEASE)
    assert not outbox.take_up(db, message, MONDAY + 9 * LEASE)
    assert outbox.take_up(db, other, MONDAY + 3 * LEASE)


def test_what_was_sent_cannot_be_held_any_more(db):
    (message,) = lease(db)
    outbox.settle(db, message, sent=MONDAY)

    assert not outbox.take_up(db, message, MONDAY + LEASE)


def test_a_message_is_overtaken_once_a_later_one_of_its_appointment_went_out(db):
    (first,) = lease(db)
    enqueue(db, 1, first.appointment, topic="confirmed", recipient=first.recipient)
    assert lease(db) == [], "one after the other"
    outbox.settle(db, first, due=MONDAY + LEASE, error="SMTPServerDisconnected")
    (second,) = lease(db)
    assert not outbox.overtaken(db, first)

    outbox.settle(db, second, sent=MONDAY)

    assert outbox.overtaken(db, first)
    assert not outbox.overtaken(db, second)


def test_what_was_sent_is_not_taken_again(db):
    (message,) = lease(db)
    outbox.settle(db, message, sent=MONDAY)

    assert lease(db, MONDAY + timedelta(days=365)) == []
    assert outbox.waiting(db) == 0


def test_what_is_not_due_yet_waits(db):
    (message,) = lease(db)
    outbox.settle(db, message, due=MONDAY + MINUTE, error="SMTPConnectError")

    assert lease(db, MONDAY + MINUTE - timedelta(seconds=1)) == []
    assert [again.message_id for again in lease(db, MONDAY + MINUTE)] == [message.message_id]
    assert outbox.waiting(db) == 1


# Lanes: mails, and each endpoint.


ONE, OTHER = Lane("webhook", "one"), Lane("webhook", "other")


def hooks(db, most, lane=ONE, appointment=None):
    enqueue(db, most, appointment, channel="webhook", recipient=lane.recipient, topic="appointment.requested")


def test_each_lane_holds_its_own(db):
    hooks(db, 2)
    hooks(db, 1, OTHER)

    assert sorted(outbox.lanes_due(db, MONDAY), key=str) == sorted([MAILS, ONE, OTHER], key=str)
    assert [len(lease(db, lane=lane)) for lane in (ONE, OTHER, MAILS)] == [2, 1, 1]
    assert outbox.lanes_due(db, MONDAY) == [], "what is leased is nobody elses"
    assert len(outbox.lanes_due(db, MONDAY + LEASE)) == 3


def test_what_one_recipient_is_told_of_an_appointment_goes_out_in_order_and_waits_for_no_other_recipient(db):
    (mail,) = lease(db)
    hooks(db, 2, ONE, mail.appointment)
    hooks(db, 1, OTHER, mail.appointment)

    (first,) = lease(db, lane=ONE)
    assert len(lease(db, lane=OTHER)) == 1
    assert lease(db, lane=ONE) == []
    outbox.settle(db, first, sent=MONDAY)
    (second,) = lease(db, lane=ONE)
    assert second.id > first.id


def test_what_is_gathered_for_a_digest_holds_up_no_mail_to_the_same_address(db):
    (mail,) = lease(db)
    enqueue(db, 1, mail.appointment, channel=outbox.DIGEST, topic=outbox.STAFF_DIGEST, recipient="rosa@example.org")
    enqueue(db, 1, mail.appointment, topic=outbox.STAFF, recipient="rosa@example.org")

    assert [message.topic for message in lease(db)] == [outbox.STAFF]


def test_a_mail_is_not_overtaken_by_a_webhook(db):
    (mail,) = lease(db)
    hooks(db, 1, ONE, mail.appointment)
    (hook,) = lease(db, lane=ONE)
    outbox.settle(db, hook, sent=MONDAY)

    assert not outbox.overtaken(db, mail)


def test_holding_a_lane_off_touches_neither_another_nor_what_is_later_anyhow_nor_a_lease(db):
    hooks(db, 2)
    hooks(db, 1, OTHER)
    (held, *_) = lease(db, lane=ONE, most=1)
    later = MONDAY + 2 * LEASE
    enqueue(db, 1, channel="webhook", recipient="one", now=later)

    outbox.hold_off(db, ONE, MONDAY + MINUTE)

    assert lease(db, lane=ONE) == []
    assert len(lease(db, lane=OTHER)) == len(lease(db)) == 1
    assert outbox.take_up(db, held, MONDAY + LEASE)
    assert len(lease(db, MONDAY + MINUTE, lane=ONE)) == 1
    assert len(lease(db, later, lane=ONE)) == 3


def test_what_is_given_back_is_free_and_was_not_tried(db):
    (message,) = lease(db)
    outbox.give_back(db, message)

    (again,) = lease(db)
    assert again.attempts == 0


def test_what_waits_and_what_was_given_up_on_is_listed_and_sent_again(db):
    (mail,) = lease(db)
    outbox.settle(db, mail, sent=MONDAY)
    hooks(db, 3)
    failed, sent, waits = lease(db, lane=ONE)
    outbox.settle(db, failed, failed=MONDAY, error="the server answered 500")
    outbox.settle(db, sent, sent=MONDAY)
    outbox.settle(db, waits, due=MONDAY + LEASE)

    assert [entry.id for entry in outbox_entries.listed(db)] == [failed.id, waits.id]
    assert outbox_entries.listed(db, channel="mail") == []
    (entry,) = outbox_entries.listed(db, channel="webhook", failed=True)
    assert (entry.failed, entry.error, entry.message_id) == (MONDAY, "the server answered 500", failed.message_id)
    assert len(entry.ref) == 32

    assert [outbox.send_again(db, one.id, MONDAY) for one in (failed, waits, sent)] == [True, True, False]
    again = lease(db, lane=ONE)
    assert [(one.id, one.attempts) for one in again] == [(failed.id, 0), (waits.id, 0)]
    assert not outbox.send_again(db, failed.id, MONDAY), "somebody has it in hand"


# The worker.


class BrokenMail:
    """A mail server that refuses every connection until it is mended."""

    def __init__(self, monkeypatch):
        self.tries, self.broken, self.ids = 0, True, set()
        real = flask_mail.Connection.send

        def send(connection, message, *more):
            self.tries += 1
            self.ids.add(message.msgId)
            if self.broken:
                raise ConnectionRefusedError("maya@example.org")
            return real(connection, message, *more)

        monkeypatch.setattr(flask_mail.Connection, "send", send)


@pytest.fixture
def mail(monkeypatch):
    return BrokenMail(monkeypatch)


def test_a_failed_message_is_tried_again_on_a_schedule_and_given_up_on_in_the_open(either_host, mail):
    either_host.request(starts=TUESDAY_TEN + timedelta(days=7))
    db = either_host.state.db
    waited = []

    while look(db, "failed") is None:
        before = mail.tries
        assert either_host.deliver() == []
        assert mail.tries == before + 1, "one attempt a round"
        if look(db, "failed") is None:
            due = look(db, "due") - either_host.clock.now.timestamp()
            waited.append(int(due) // 60)
            either_host.clock.advance(timedelta(seconds=due - 1))
            assert either_host.deliver() == []
            assert mail.tries == before + 1, "not a second early"
            either_host.clock.advance(timedelta(seconds=1))

    assert waited == [pause // MINUTE for pause in delivery.RETRIES]
    assert waited == sorted(waited)
    assert look(db, "attempts", "error") == (len(waited) + 1, "ConnectionRefusedError"), "and no address in it"
    assert len(mail.ids) == 1, "the same Message-ID at every attempt"
    either_host.clock.advance(timedelta(days=1))
    either_host.deliver()
    assert mail.tries == len(waited) + 1, "given up is given up"


def test_a_message_is_sent_as_soon_as_the_server_is_back(either_host, mail):
    either_host.request()
    either_host.deliver()
    mail.broken = False
    either_host.clock.advance(MINUTE)

    (sent,) = either_host.deliver()

    assert sent.to == ["maya@example.org"]
    assert {sent.id} == mail.ids
    assert outbox.waiting(either_host.state.db) == 0


def test_one_message_that_cannot_be_sent_does_not_hold_up_the_others(either_host, monkeypatch):
    either_host.request()
    either_host.request("theo", TUESDAY_TEN + timedelta(hours=1))
    real = delivery.compose

    def compose(state, row):
        if row.recipient == "maya@example.org":
            raise ZeroDivisionError
        return real(state, row)

    monkeypatch.setattr(delivery, "compose", compose)

    assert [mail.to for mail in either_host.deliver()] == [["theo@example.org"]]
    assert outbox.waiting(either_host.state.db) == 1


def test_a_confirmation_that_was_late_is_not_sent_after_the_cancellation(either_host, mail):
    made = either_host.request()
    with either_host.app.app_context():
        either_host.portal.confirm(made.ref)
    either_host.deliver()
    mail.broken = False
    with either_host.app.app_context():
        either_host.portal.cancel(made.ref)

    (cancellation,) = either_host.deliver()
    either_host.clock.advance(timedelta(days=1))

    assert "cancelled" in cancellation.subject.lower()
    assert either_host.deliver() == []
    assert outbox.waiting(either_host.state.db) == 0, "given up on, and to be seen"


def test_a_log_names_no_client(either_host, mail, caplog):
    either_host.request()
    either_host.deliver()

    assert "was not delivered (ConnectionRefusedError, attempt 1)" in caplog.text
    assert "maya" not in caplog.text.lower()
