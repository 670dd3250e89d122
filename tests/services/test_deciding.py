"""The practice decides and the client answers: what each decision stores, and what it refuses."""

from datetime import timedelta

import pytest

from portal_plugin import AlreadyDecided, NotAllowed, NotFound, NotOffered, SlotTaken, TooEarly, TooLate
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind, Status
from portal_plugin.services import decisions
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import (
    act,
    as_client,
    claims,
    full_history,
    history,
    in_status,
    invite,
    rows,
    snapshot,
    topics,
)
from tests.support import MONDAY, TUESDAY_TEN

HOUR = timedelta(hours=1)
VERBS = ("confirm", "decline", "cancel", "accept", "withdraw", "complete", "no_show")
OPEN_TO = {
    "requested": {"confirm", "decline", "cancel"},
    "invited": {"accept", "cancel", "withdraw"},
    "confirmed": {"cancel", "complete", "no_show"},
}
DONE = {
    "confirmed": {"confirm", "accept"},
    "declined": {"decline"},
    "cancelled": {"cancel"},
    "withdrawn": {"withdraw"},
    "completed": {"complete"},
    "no_show": {"no_show"},
}


@pytest.mark.parametrize("status", Status)
def test_what_the_product_does_not_allow_is_refused_and_changes_nothing(either_host, status):
    made = in_status(either_host, status)
    before = snapshot(either_host)
    refused = set(VERBS) - OPEN_TO.get(status, set()) - DONE.get(status, set())

    with captured(app=either_host.app) as told:
        for verb in sorted(refused):
            with pytest.raises(AlreadyDecided) as refusal:
                act(either_host, verb, made.ref)
            assert refusal.value.status == status

    assert refused
    assert snapshot(either_host) == before
    assert told == []


@pytest.mark.parametrize("status", DONE)
def test_the_same_decision_again_changes_nothing_and_says_nothing(either_host, status):
    made = in_status(either_host, status)
    before = snapshot(either_host)

    with captured(app=either_host.app) as told:
        for verb in sorted(DONE[status]):
            assert act(either_host, verb, made.ref) == made

    assert snapshot(either_host) == before
    assert told == []


@pytest.mark.parametrize(
    ("start", "verb", "status", "topic", "signal"),
    [
        ("requested", "confirm", "confirmed", "confirmed", "appointment_confirmed"),
        ("requested", "decline", "declined", "declined", "appointment_declined"),
        ("requested", "cancel", "cancelled", "cancelled", "appointment_cancelled"),
        ("invited", "accept", "confirmed", "confirmed", "appointment_accepted"),
        ("invited", "cancel", "cancelled", "cancelled", "appointment_cancelled"),
        ("invited", "withdraw", "withdrawn", "cancelled", "appointment_cancelled"),
        ("confirmed", "cancel", "cancelled", "cancelled", "appointment_cancelled"),
        ("confirmed", "complete", "completed", None, "appointment_completed"),
        ("confirmed", "no_show", "no_show", None, "appointment_missed"),
    ],
)
def test_a_decision_is_one_change_one_history_row_one_message_and_one_signal(
    either_host, start, verb, status, topic, signal
):
    before = in_status(either_host, start)
    if verb in {"complete", "no_show"}:
        either_host.clock.now = TUESDAY_TEN
    told_before, rows_before = topics(either_host, before.ref), history(either_host, before.ref)

    with captured(app=either_host.app) as told:
        after = act(either_host, verb, before.ref)

    assert (after.status, after.version) == (status, before.version + 1)
    assert history(either_host, before.ref) == [*rows_before, (start, status)]
    assert topics(either_host, before.ref) == told_before + ([topic] if topic else [])
    assert [(name, appointment) for name, appointment in told] == [(signal, after)]
    holds = status in {"confirmed", "completed", "no_show"}
    assert len(claims(either_host)) == holds


def test_the_history_says_who_when_from_what_to_what_and_why(either_host):
    made = either_host.request()
    either_host.clock.advance(HOUR)
    act(either_host, "confirm", made.ref, message="See you then.", by="front desk")
    as_client(either_host, made.ref, Action.CANCEL, "I am ill.")

    at = MONDAY.timestamp()
    assert full_history(either_host, made.ref) == [
        ("request", None, "requested", "host", "host", "", at),
        ("confirm", "requested", "confirmed", "staff", "front desk", "See you then.", at + 3600),
        ("cancel", "confirmed", "cancelled", "client", "maya", "I am ill.", at + 3600),
    ]


def test_the_practices_word_goes_to_the_client_and_the_clients_stays_with_the_practice(either_host):
    made = either_host.request()
    confirmed = act(either_host, "confirm", made.ref, message="Bring your card.")
    cancelled = as_client(either_host, made.ref, Action.CANCEL, "Private matters.")

    assert (confirmed.message, confirmed.reason) == ("Bring your card.", "")
    assert cancelled.reason == "Private matters."
    facts = [text for (text,) in rows(either_host, "SELECT facts FROM portal_outbox")]
    assert not any("Private matters" in text for text in facts)


def test_an_invitations_message_is_still_there_when_the_client_accepts(either_host):
    made = invite(either_host, message="Your yearly review.")

    assert as_client(either_host, made.ref, Action.ACCEPT).message == "Your yearly review."


@pytest.mark.parametrize("verb", ["accept", "complete"])
def test_a_decision_without_a_word_does_not_unsay_the_last_one(host, verb):
    made = invite(host, message="Your yearly review.")
    act(host, "accept", made.ref) if verb == "accept" else as_client(host, made.ref, Action.ACCEPT)
    if verb == "complete":
        host.clock.now = TUESDAY_TEN
        act(host, "complete", made.ref)

    assert act(host, "appointment", made.ref).message == "Your yearly review."


def test_nobody_decides_on_what_is_not_there(either_host):
    for verb in VERBS:
        for ref in ("0" * 32, "", "1", "' OR 1=1 --", "x" * 10_000, "é"):
            with pytest.raises(NotFound):
                act(either_host, verb, ref)


@pytest.mark.parametrize("action", [Action.CONFIRM, Action.DECLINE, Action.EXPIRE])
def test_a_client_does_not_decide_for_the_practice(host, action):
    made = host.request()
    before = snapshot(host)

    with pytest.raises(NotAllowed):
        as_client(host, made.ref, action)

    assert snapshot(host) == before


def test_a_client_does_not_withdraw_an_invitation_or_complete_an_appointment(host):
    made = invite(host)
    with pytest.raises(NotAllowed):
        as_client(host, made.ref, Action.WITHDRAW)

    as_client(host, made.ref, Action.ACCEPT)
    host.clock.now = TUESDAY_TEN
    for action in (Action.COMPLETE, Action.MISS):
        with pytest.raises(NotAllowed):
            as_client(host, made.ref, action)


# When.


def test_inside_the_cancellation_window_the_client_reads_whom_to_call(either_host):
    made = in_status(either_host, "confirmed")
    either_host.clock.now = TUESDAY_TEN - timedelta(hours=24)
    before = snapshot(either_host)

    with pytest.raises(TooLate, match=r"Elm Row Practice at \+1 212 555 0100"):
        as_client(either_host, made.ref, Action.CANCEL)

    assert snapshot(either_host) == before


def test_until_the_window_opens_the_client_may_cancel(either_host):
    made = in_status(either_host, "confirmed")
    either_host.clock.now = TUESDAY_TEN - timedelta(hours=24, seconds=1)

    assert as_client(either_host, made.ref, Action.CANCEL).status == "cancelled"


def test_the_practice_may_cancel_at_any_time(either_host):
    made = in_status(either_host, "confirmed")
    either_host.clock.now = TUESDAY_TEN

    assert act(either_host, "cancel", made.ref).status == "cancelled"


def test_what_is_not_confirmed_can_be_cancelled_inside_the_window(host):
    request, invitation = host.request(), invite(host, TUESDAY_TEN + HOUR)
    host.clock.now = TUESDAY_TEN - HOUR

    assert as_client(host, request.ref, Action.CANCEL).status == "cancelled"
    assert as_client(host, invitation.ref, Action.CANCEL).status == "cancelled"


def test_a_window_of_no_hours_lets_clients_cancel_until_the_start(host):
    host.apply(practice(cancellation_hours=0))
    made = in_status(host, "confirmed")

    host.clock.now = TUESDAY_TEN
    with pytest.raises(TooLate):
        as_client(host, made.ref, Action.CANCEL)
    host.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    assert as_client(host, made.ref, Action.CANCEL).status == "cancelled"


def test_a_request_is_confirmed_until_its_time_has_come(host):
    made = host.request()

    host.clock.now = TUESDAY_TEN
    with pytest.raises(TooLate, match=r"^The time of this request has passed, so it can no longer be confirmed\.$"):
        act(host, "confirm", made.ref)
    host.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    assert act(host, "confirm", made.ref).status == "confirmed"


@pytest.mark.parametrize("verb", ["complete", "no_show"])
def test_how_it_went_is_told_only_after_it_began(either_host, verb):
    made = in_status(either_host, "confirmed")
    either_host.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    before = snapshot(either_host)

    with pytest.raises(TooEarly):
        act(either_host, verb, made.ref)
    assert snapshot(either_host) == before

    either_host.clock.now = TUESDAY_TEN
    assert act(either_host, verb, made.ref).version == made.version + 1


# Invitations.


def test_an_invitation_holds_its_time_and_waits_for_the_client(either_host):
    with captured(app=either_host.app) as told:
        made = invite(either_host, message="Your yearly review.")

    assert made.status == "invited"
    assert made.message == "Your yearly review."
    assert len(claims(either_host)) == 1
    assert topics(either_host, made.ref) == ["invited"]
    assert history(either_host, made.ref) == [(None, "invited")]
    assert [name for name, _ in told] == ["appointment_invited"]


def test_a_client_accepts_an_invitation(either_host):
    made = invite(either_host)

    accepted = as_client(either_host, made.ref, Action.ACCEPT)

    assert accepted.status == "confirmed"
    assert accepted.claim == made.claim
    assert topics(either_host, made.ref) == ["invited", "confirmed"]


def test_a_client_says_no_to_an_invitation(either_host):
    made = invite(either_host)

    assert as_client(either_host, made.ref, Action.CANCEL, "Not then.").status == "cancelled"
    assert claims(either_host) == []


def test_a_practice_may_invite_outside_its_hours_and_notice(either_host):
    early = MONDAY + HOUR

    assert invite(either_host, early).starts == early


def test_a_practice_does_not_invite_into_taken_time(either_host):
    either_host.request()
    before = snapshot(either_host)

    with pytest.raises(SlotTaken):
        invite(either_host, TUESDAY_TEN + timedelta(minutes=55))

    assert snapshot(either_host) == before


def test_a_practice_does_not_invite_into_the_past(host):
    with pytest.raises(NotOffered, match="ahead"):
        invite(host, MONDAY)


# Expiry.


def test_an_unanswered_request_expires_and_the_client_is_told(either_host):
    either_host.apply(practice(request_expiry_hours=3))
    made = either_host.request()
    either_host.clock.advance(timedelta(hours=3))

    with captured(app=either_host.app) as told:
        either_host.deliver()

    assert history(either_host, made.ref) == [(None, "requested"), ("requested", "expired")]
    assert full_history(either_host, made.ref)[-1][3] == "system"
    assert topics(either_host, made.ref) == ["received", "expired"]
    assert claims(either_host) == []
    assert [name for name, _ in told] == ["appointment_expired"]


@pytest.mark.parametrize("hours", [None, 8760])
def test_a_request_does_not_outlive_its_own_start(either_host, hours):
    either_host.apply(practice(request_expiry_hours=hours))
    made = either_host.request()
    either_host.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    either_host.deliver()
    assert act(either_host, "appointment", made.ref).status == "requested"

    either_host.clock.now = TUESDAY_TEN
    either_host.deliver()
    assert act(either_host, "appointment", made.ref).status == "expired"


def test_an_expired_invitation_cannot_be_accepted_even_before_the_expiry_job_ran(either_host):
    either_host.apply(practice(request_expiry_hours=3))
    made = invite(either_host)
    either_host.clock.advance(timedelta(hours=3))

    with pytest.raises(TooLate, match=r"expired.*\+1 212 555 0100"):
        as_client(either_host, made.ref, Action.ACCEPT)

    either_host.deliver()
    with pytest.raises(AlreadyDecided):
        as_client(either_host, made.ref, Action.ACCEPT)


def test_a_second_round_expires_nothing_more(either_host):
    either_host.apply(practice(request_expiry_hours=3))
    either_host.request()
    either_host.clock.advance(timedelta(hours=3))
    either_host.deliver()
    before = snapshot(either_host)

    assert either_host.deliver() == []
    assert snapshot(either_host) == before


def test_what_is_decided_does_not_expire(host):
    host.apply(practice(request_expiry_hours=3))
    for starts, verb in ((TUESDAY_TEN, "confirm"), (TUESDAY_TEN + HOUR, "decline")):
        act(host, verb, host.request(starts=starts).ref)
    host.clock.advance(timedelta(days=30))

    host.deliver()

    assert {status for (status,) in rows(host, "SELECT status FROM portal_appointment")} == {"confirmed", "declined"}


def test_a_request_that_was_answered_meanwhile_does_not_stop_the_expiry_of_the_others(either_host, monkeypatch):
    """Between reading what lapsed and expiring it, the practice decided: that one is left alone."""
    either_host.apply(practice(request_expiry_hours=3))
    first, second = either_host.request(), either_host.request("theo", TUESDAY_TEN + HOUR)
    either_host.clock.advance(timedelta(hours=3))
    read = decisions.appointments.lapsed

    def read_and_then_somebody_confirms(*args):
        lapsed = read(*args)
        decisions.decide(either_host.state, first.ref, Action.CONFIRM, Actor(ActorKind.STAFF, "front desk"))
        return lapsed

    monkeypatch.setattr(decisions.appointments, "lapsed", read_and_then_somebody_confirms)

    with either_host.app.app_context():
        decisions.expire_lapsed(either_host.state)

    assert act(either_host, "appointment", first.ref).status == "confirmed"
    assert act(either_host, "appointment", second.ref).status == "expired"
