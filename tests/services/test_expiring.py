"""Before something expires without an answer, the practice is warned: exactly once, whoever works."""

import threading
from dataclasses import replace
from datetime import time, timedelta

import pytest

from portal_plugin import AlreadyDecided, TooLate, appointment_expiring
from portal_plugin.domain.lifecycle import Action
from portal_plugin.domain.staff_mail import StaffMail
from portal_plugin.services.expiring import warn_of_expiry
from portal_plugin.services.staff_mail import write_digests
from portal_plugin.storage import appointments, outbox
from portal_plugin.storage.database import run as run_sql
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import act, as_client, expire, history, invite, rows, status_of, together
from tests.support import MONDAY, TUESDAY_TEN

DESK = "desk@elmrow.example"
HOUR = timedelta(hours=1)
WORKERS = 8


@pytest.fixture
def staffed(either_host):
    """The host, whose front desk is told everything at once."""
    told(either_host)
    return either_host


def told(host, **how):
    object.__setattr__(host.state.settings, "staff_mail", (StaffMail(DESK, **how),))


def warn(host):
    with host.app.app_context():
        return warn_of_expiry(host.state)


def digest(host):
    with host.app.app_context():
        return write_digests(host.state)


def warnings(host):
    """The references that mails warn of, in order."""
    sql = (
        "SELECT a.ref, o.facts FROM portal_outbox o JOIN portal_appointment a ON a.id = o.appointment "
        "WHERE o.topic = 'staff' ORDER BY o.id"
    )
    return [ref for ref, facts in rows(host, sql) if '"news": "expiring"' in facts]


def test_a_day_before_or_when_a_third_of_its_time_is_left(host):
    short, long = host.request(), host.request("theo", TUESDAY_TEN + timedelta(days=7))
    assert short.warning == timedelta(hours=9), "it waits 27 hours"
    assert long.warning == timedelta(hours=24)


@pytest.mark.parametrize("make", [lambda host: host.request(), invite])
def test_the_warning_comes_once_and_is_announced(staffed, make):
    made = make(staffed)
    staffed.clock.now = made.expires - made.warning - timedelta(seconds=1)
    with captured(app=staffed.app) as signals:
        assert warn(staffed) == 0
        staffed.clock.advance(timedelta(seconds=1))
        assert warn(staffed) == 1
        assert warn(staffed) == 0
    assert [(name, one.ref, one.status) for name, one in signals] == [("appointment_expiring", made.ref, made.status)]
    assert warnings(staffed) == [made.ref]
    assert act(staffed, "appointment", made.ref).version == made.version + 1
    assert len(history(staffed, made.ref)) == 1, "nothing has changed"


def test_what_was_asked_late_and_is_not_to_be_warned_of_yet_hides_nothing_else(staffed):
    """Asked a day before, it expires first and has its warning last."""
    week = timedelta(days=7)
    early = staffed.request(starts=TUESDAY_TEN + week)
    staffed.clock.now = TUESDAY_TEN + week - timedelta(hours=26)
    late = staffed.request("theo", starts=TUESDAY_TEN + week - HOUR)
    assert late.expires < early.expires
    staffed.clock.advance(3 * HOUR)
    assert warn(staffed) == 1
    assert warnings(staffed) == [early.ref]


def test_what_is_decided_or_expired_is_not_warned_of(staffed):
    for n, verb in enumerate(("confirm", "decline", "cancel")):
        act(staffed, verb, staffed.request(starts=TUESDAY_TEN + (0, 1, 3)[n] * HOUR).ref)
    late = staffed.request(starts=TUESDAY_TEN + 4 * HOUR)
    staffed.clock.now = late.expires
    assert warn(staffed) == 0
    assert expire(staffed) == 1
    assert warn(staffed) == 0


def test_what_was_warned_of_can_still_be_answered(staffed):
    made = staffed.request()
    staffed.clock.now = made.expires - HOUR
    warn(staffed)
    assert act(staffed, "confirm", made.ref).status == "confirmed"


def test_a_receiver_that_raises_stops_no_other_warning(staffed):
    made = [staffed.request(starts=TUESDAY_TEN + hours * HOUR) for hours in (0, 1)]
    staffed.clock.now = TUESDAY_TEN - HOUR

    def raising(app, appointment):
        raise RuntimeError

    with appointment_expiring.connected_to(raising, sender=staffed.app):
        assert warn(staffed) == 2
    assert warnings(staffed) == [one.ref for one in made]


def test_a_crash_before_the_commit_leaves_the_warning_to_the_next_round(staffed, monkeypatch):
    made = staffed.request()
    staffed.clock.now = made.expires - HOUR
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "enqueue", lambda *args, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            warn(staffed)
    assert warnings(staffed) == []
    assert warn(staffed) == 1
    assert warnings(staffed) == [made.ref]


def test_many_workers_at_once_warn_once(staffed):
    made = [staffed.request(starts=TUESDAY_TEN + hours * HOUR) for hours in (0, 1, 3, 4, 5)]
    staffed.clock.now = TUESDAY_TEN - HOUR
    with captured(app=staffed.app) as signals:
        answers = together(*[lambda: warn(staffed)] * WORKERS)
    assert sum(answers) == len(made) == len(signals)
    assert sorted(warnings(staffed)) == sorted(one.ref for one in made)


def together_after_reading(host, monkeypatch):
    """Two workers that have both read what is to be warned of before either writes."""
    both, read = threading.Barrier(2), appointments.unwarned

    def reading(*args):
        found = read(*args)
        both.wait(timeout=30)
        return found

    monkeypatch.setattr(appointments, "unwarned", reading)
    return together(*[lambda: warn(host)] * 2)


def test_two_workers_that_have_read_the_same_warn_once(staffed, monkeypatch):
    made = staffed.request()
    staffed.clock.now = made.expires - HOUR
    assert sorted(together_after_reading(staffed, monkeypatch)) == [0, 1]
    assert warnings(staffed) == [made.ref]


def test_without_the_mark_two_workers_would_both_warn(staffed, monkeypatch):
    """The control."""

    def unguarded(db, appointment):
        run_sql(db, "UPDATE portal_appointment SET warned = expires WHERE id = ?", appointment.id)
        return replace(appointment, version=appointment.version + 1)

    monkeypatch.setattr(appointments, "warn", unguarded)
    made = staffed.request()
    staffed.clock.now = made.expires - HOUR
    assert together_after_reading(staffed, monkeypatch) == [1, 1]
    assert warnings(staffed) == [made.ref] * 2


@pytest.mark.parametrize("verb", ["confirm", "decline", "cancel"])
def test_a_decision_and_a_warning_at_once_leave_no_warning_after_the_decision(staffed, monkeypatch, verb):
    """The one decided while the worker had it in hand is not warned of."""
    made = staffed.request()
    staffed.clock.now = made.expires - HOUR
    read = appointments.unwarned

    def read_and_then_somebody_decides(*args):
        found = read(*args)
        act(staffed, verb, made.ref)
        return found

    monkeypatch.setattr(appointments, "unwarned", read_and_then_somebody_decides)
    assert warn(staffed) == 0
    assert warnings(staffed) == []


# A request whose time has come.


def test_a_request_whose_time_has_come_cannot_be_confirmed_even_before_the_expiry_job_ran(either_host):
    made = either_host.request()
    either_host.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    other = either_host.request("theo", TUESDAY_TEN + timedelta(days=2))
    either_host.clock.now = TUESDAY_TEN
    with pytest.raises(TooLate, match="time of this request has passed"):
        act(either_host, "confirm", made.ref)
    assert status_of(either_host, made.ref) == "requested"
    assert act(either_host, "confirm", other.ref).status == "confirmed"
    assert act(either_host, "decline", made.ref).status == "declined"


def test_after_its_stated_expiry_and_before_its_time_it_can_be_confirmed_until_the_job_has_run(either_host):
    either_host.apply(practice(request_expiry_hours=3))
    first, second = either_host.request(), either_host.request("theo", TUESDAY_TEN + HOUR)
    either_host.clock.now = MONDAY + 3 * HOUR
    assert act(either_host, "confirm", first.ref).status == "confirmed"
    expire(either_host)
    with pytest.raises(AlreadyDecided):
        act(either_host, "confirm", second.ref)


# The digest of a day.


def digests(host):
    return rows(host, "SELECT recipient FROM portal_outbox WHERE topic = 'staff_digest'")


def gathered(host):
    return rows(host, "SELECT COUNT(*) FROM portal_outbox WHERE channel = 'digest'")[0][0]


@pytest.fixture
def daily(either_host):
    """The host, whose front desk gets one mail a day; some news waits for it and is due."""
    told(either_host, daily=time(18))
    for hours in (0, 1, 3, 4, 5):
        as_client(either_host, either_host.request(starts=TUESDAY_TEN + hours * HOUR).ref, Action.CANCEL)
    either_host.clock.now = MONDAY + 12 * HOUR
    return either_host


def test_many_workers_at_once_write_one_digest_of_everything(daily):
    assert gathered(daily) == 10
    answers = together(*[lambda: digest(daily)] * WORKERS)
    assert sorted(answers) == [0] * (WORKERS - 1) + [1]
    assert (gathered(daily), digests(daily)) == (0, [(DESK,)])


def test_two_workers_that_have_both_seen_that_it_is_time_write_one(daily, monkeypatch):
    assert sorted(both_see_that_it_is_time(daily, monkeypatch)) == [0, 1]
    assert digests(daily) == [(DESK,)]


def both_see_that_it_is_time(host, monkeypatch):
    both, look = threading.Barrier(2), outbox.gathered

    def looking(*args):
        found = look(*args)
        both.wait(timeout=30)
        return found

    monkeypatch.setattr(outbox, "gathered", looking)
    return together(*[lambda: digest(host)] * 2)


def test_if_they_did_not_take_it_out_both_would_write_one(daily, monkeypatch):
    """The control."""

    def only_read(db, due):
        found = run_sql(db, "SELECT recipient, id, appointment FROM portal_outbox WHERE channel = 'digest'").fetchall()
        return sorted(outbox.Gathered(*row, [{}]) for row in found)

    monkeypatch.setattr(outbox, "take_gathered", only_read)
    assert both_see_that_it_is_time(daily, monkeypatch) == [1, 1]
    assert digests(daily) == [(DESK,)] * 2


def test_a_crash_before_the_commit_leaves_the_digest_to_the_next_round(daily, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "enqueue", lambda *args, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            digest(daily)
    assert (gathered(daily), digests(daily)) == (10, [])
    assert digest(daily) == 1


def test_what_is_gathered_is_no_message_of_any_lane(daily):
    with daily.app.app_context():
        lanes = outbox.lanes_due(daily.state.db, daily.clock())
    assert [lane.channel for lane in lanes] == ["mail"]
