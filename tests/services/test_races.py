"""Two at once: exactly one wins, the other is told, and history and outbox agree with the row."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from portal_plugin import AlreadyDecided, NotOffered, SlotTaken, TooLate
from portal_plugin.domain.lifecycle import Action
from portal_plugin.storage import appointments
from portal_plugin.storage.database import is_postgres
from portal_plugin.storage.models import AppointmentRow
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import (
    act,
    as_client,
    claims,
    expire,
    history,
    invite,
    refusals,
    rows,
    send_form,
    status_of,
    together,
    topics,
)
from tests.support import MONDAY, TUESDAY_TEN

ROUNDS = 20
HOLDING = {"requested", "invited", "confirmed", "completed", "no_show"}
TOPIC_OF = {"requested": "received", "withdrawn": "cancelled"}


class Meeting:
    """A clock on which threads wait for each other: each has read the row, and none has written it yet."""

    def __init__(self, parties, now=MONDAY):
        self.now = now
        self.barrier = threading.Barrier(parties)
        self.been = threading.local()

    def __call__(self):
        if self.armed and not hasattr(self.been, "here"):
            self.been.here = True
            self.barrier.wait(timeout=30)
        return self.now

    armed = False


@pytest.fixture
def meeting(either_host):
    """Armed, the first look at the clock of two threads happens at the same moment."""
    meeting = Meeting(2)
    object.__setattr__(either_host.state.settings, "clock", meeting)
    return meeting


def agreed(host, ref):
    """The row's status, after checking that history and messages lead there."""
    status, steps = status_of(host, ref), history(host, ref)
    assert [before for before, _ in steps] == [None, *(after for _, after in steps[:-1])]
    assert steps[-1][1] == status
    assert topics(host, ref) == [TOPIC_OF.get(after, after) for _, after in steps]
    assert len(claims(host)) == (status in HOLDING)
    return status


def race(host, meeting, first, second, make=None):
    """Twenty times a fresh request and both at once; who won how often."""
    won = Counter()
    for _ in range(ROUNDS):
        made = make() if make else host.request()
        meeting.armed = True
        answers = together(lambda ref=made.ref: first(ref), lambda ref=made.ref: second(ref))
        meeting.armed = False
        losers = refusals(answers)
        assert all(isinstance(loser, (AlreadyDecided, TooLate)) for loser in losers), losers
        status = agreed(host, made.ref)
        won[status, len(losers)] += 1
        with host.app.app_context():
            host.state.db.execute_sql("UPDATE portal_appointment SET claim = NULL")
            host.state.db.execute_sql("DELETE FROM portal_claim")
    return won


def test_confirm_and_decline_at_once(either_host, meeting):
    won = race(
        either_host,
        meeting,
        lambda ref: act(either_host, "confirm", ref),
        lambda ref: act(either_host, "decline", ref),
    )

    assert set(won) <= {("confirmed", 1), ("declined", 1)}


def test_a_client_cancels_while_the_practice_confirms(either_host, meeting):
    """Inside the cancellation window a confirmation, once made, is the practice's alone to cancel."""
    either_host.apply(practice(cancellation_hours=8760))
    won = race(
        either_host,
        meeting,
        lambda ref: act(either_host, "confirm", ref),
        lambda ref: as_client(either_host, ref, Action.CANCEL),
    )

    assert set(won) <= {("confirmed", 1), ("cancelled", 1)}


def test_a_client_who_may_cancel_always_ends_up_cancelled(either_host, meeting):
    """Either the cancellation comes first and the confirmation is refused, or it cancels what was confirmed."""
    won = race(
        either_host,
        meeting,
        lambda ref: act(either_host, "confirm", ref),
        lambda ref: as_client(either_host, ref, Action.CANCEL),
    )

    assert {status for status, _ in won} == {"cancelled"}


def test_confirm_and_confirm_at_once_is_one_confirmation(either_host, meeting):
    def confirm(ref):
        return act(either_host, "confirm", ref)

    with captured(app=either_host.app) as told:
        won = race(either_host, meeting, confirm, confirm)

    assert won == {("confirmed", 0): ROUNDS}
    assert Counter(name for name, _ in told)["appointment_confirmed"] == ROUNDS


def test_a_client_accepts_while_the_practice_withdraws(either_host, meeting):
    won = race(
        either_host,
        meeting,
        lambda ref: as_client(either_host, ref, Action.ACCEPT),
        lambda ref: act(either_host, "withdraw", ref),
        make=lambda: invite(either_host),
    )

    assert set(won) <= {("confirmed", 1), ("withdrawn", 1)}


def test_a_client_accepts_in_one_tab_and_says_no_in_another(either_host, meeting):
    either_host.apply(practice(cancellation_hours=8760))
    won = race(
        either_host,
        meeting,
        lambda ref: as_client(either_host, ref, Action.ACCEPT),
        lambda ref: as_client(either_host, ref, Action.CANCEL),
        make=lambda: invite(either_host),
    )

    assert set(won) <= {("confirmed", 1), ("cancelled", 1)}


def test_one_form_sent_twenty_times_at_once_is_one_request(either_host):
    answers = together(*[lambda: send_form(either_host, "key")] * 20)

    assert refusals(answers) == []
    assert len({answer.ref for answer in answers}) == 1
    assert rows(either_host, "SELECT count(*) FROM portal_appointment") == [(1,)]
    assert topics(either_host, answers[0].ref) == ["received"]


def test_one_form_for_any_provider_sent_twenty_times_at_once_takes_one_providers_time(either_host):
    answers = together(*[lambda: send_form(either_host, "key", provider=None)] * 20)

    assert refusals(answers) == []
    assert len({answer.ref for answer in answers}) == 1
    assert len(claims(either_host)) == 1


def test_confirm_and_expiry_at_once(either_host, meeting):
    either_host.apply(practice(request_expiry_hours=1))
    won = Counter()
    for _ in range(ROUNDS):
        meeting.now = MONDAY
        made = either_host.request()
        meeting.now = MONDAY + timedelta(hours=1)
        answers = together(lambda ref=made.ref: act(either_host, "confirm", ref), lambda: expire(either_host))
        assert answers[1] in {0, 1}, "the expiry job goes on whoever won"
        status = agreed(either_host, made.ref)
        assert bool(refusals(answers)) == (status == "expired")
        won[status] += 1
        if status == "confirmed":
            act(either_host, "cancel", made.ref)

    assert set(won) <= {"confirmed", "expired"}


def test_two_requests_for_one_time(either_host, meeting):
    for n in range(ROUNDS):
        starts = TUESDAY_TEN + timedelta(days=7 * (n // 5), hours=(0, 1, 3, 4, 5)[n % 5])
        meeting.armed = True
        answers = together(
            lambda s=starts: either_host.request("maya", s), lambda s=starts: either_host.request("theo", s)
        )
        meeting.armed = False
        (loser,) = refusals(answers)
        assert isinstance(loser, SlotTaken), loser

    assert len(claims(either_host)) == ROUNDS
    assert rows(either_host, "SELECT count(*) FROM portal_appointment") == [(ROUNDS,)]
    assert rows(either_host, "SELECT count(*) FROM portal_history") == [(ROUNDS,)]
    assert rows(either_host, "SELECT count(*) FROM portal_outbox") == [(ROUNDS,)]


def test_twelve_requests_for_overlapping_times(either_host):
    calls = [lambda n=n: either_host.request("maya", TUESDAY_TEN + timedelta(minutes=30 * (n % 2))) for n in range(12)]

    answers = together(*calls)

    assert len(refusals(answers)) == 11
    assert {type(refusal) for refusal in refusals(answers)} == {SlotTaken}
    assert len(claims(either_host)) == 1


def test_two_confirmations_of_one_time_where_requests_hold_none(either_host, meeting):
    either_host.apply(practice(requests_hold_time=False))
    for _ in range(ROUNDS):
        maya, theo = either_host.request(), either_host.request("theo")
        meeting.armed = True
        answers = together(
            lambda ref=maya.ref: act(either_host, "confirm", ref),
            lambda ref=theo.ref: act(either_host, "confirm", ref),
        )
        meeting.armed = False
        (loser,) = refusals(answers)
        assert isinstance(loser, SlotTaken), loser
        assert sorted(status_of(either_host, ref) for ref in (maya.ref, theo.ref)) == ["confirmed", "requested"]
        assert len(claims(either_host)) == 1
        for ref in (maya.ref, theo.ref):
            act(either_host, "cancel", ref)


def test_a_request_meets_a_change_of_the_providers_hours(either_host, meeting):
    """Whichever comes first, what is stored can be read, and what was refused is told as such."""
    closed = practice()
    closed["providers"][0]["hours"] = [{"friday": ["9:00-12:00"]}]
    for _ in range(ROUNDS // 4):
        either_host.apply(practice())
        answers = together(either_host.request, lambda: either_host.apply(closed))
        for refusal in refusals(answers):
            assert isinstance(refusal, NotOffered)
        for made in act(either_host, "appointments", status="requested"):
            act(either_host, "cancel", made.ref)

    assert claims(either_host) == []


# The controls: without its guard, each race shows.


def test_without_the_version_check_both_would_be_told_success(either_host, meeting, monkeypatch):
    def unguarded(db, appointment, to, **changes):
        changes |= {"status": to, "version": appointment.version + 1}
        AppointmentRow.update(**changes).where(AppointmentRow.id == appointment.id).execute(db)
        return replace(appointment, **changes)

    monkeypatch.setattr(appointments, "move", unguarded)
    made = either_host.request()
    meeting.armed = True

    answers = together(
        lambda: act(either_host, "confirm", made.ref),
        lambda: act(either_host, "decline", made.ref),
    )

    assert refusals(answers) == []
    assert len(history(either_host, made.ref)) == 3


def test_without_the_databases_guard_one_time_would_be_given_twice(own_schema, either_host):
    with either_host.app.app_context():
        if is_postgres(either_host.state.db):
            either_host.state.db.execute_sql("ALTER TABLE portal_claim DROP CONSTRAINT portal_claim_apart")
        else:
            either_host.state.db.execute_sql("DROP TRIGGER portal_claim_apart_INSERT")
    thinking = threading.Barrier(2)
    either_host.portal.veto_request(lambda proposal: thinking.wait(timeout=30))

    answers = together(either_host.request, lambda: either_host.request("theo"))

    assert refusals(answers) == []
    assert len(claims(either_host)) == 2
