"""A new time takes the place of an appointment only when it is confirmed, and nobody slips in between."""

from datetime import datetime, timedelta

import pytest
from flask_mail import email_dispatched

from portal_plugin import (
    AlreadyDecided,
    NotAllowed,
    NotFound,
    NotOffered,
    SlotTaken,
    TooLate,
    appointment_cancelled,
)
from portal_plugin.domain.appointment import Appointment
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind
from portal_plugin.services import requests
from portal_plugin.services.slots import free_slots
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import act, as_client, expire
from tests.support import PEOPLE, TUESDAY_TEN, Host

HALF, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
VISIT = {"type": "visit", "contact": "in-person", "location": "main"}


def ask_to_move(host: Host, old: Appointment, starts: datetime, who: str = "maya", **choices: str) -> Appointment:
    """A client's own wish for another time."""
    chosen = {**VISIT, "provider": None} | choices
    with host.app.app_context():
        now = host.portal.practice()
        wish = now.wish(**chosen)
        client = Actor(ActorKind.CLIENT, who)
        return requests.request_appointment(
            host.state, now, requests.Asking(wish, PEOPLE[who], starts, client, moving=host.portal.appointment(old.ref))
        )


def confirmed(host: Host, who: str = "maya", starts: datetime = TUESDAY_TEN) -> Appointment:
    return act(host, "confirm", host.request(who, starts).ref)


def status(host: Host, one: Appointment) -> str:
    return str(act(host, "appointment", one.ref).status)


def taken(host: Host) -> list[str]:
    """Claimed stretches on the wall clock, such as `10:00-11:00`."""
    with host.app.app_context():
        rows = host.state.db.execute_sql("SELECT starts, ends FROM portal_claim ORDER BY provider, starts").fetchall()
    local = [[datetime.fromtimestamp(at, TUESDAY_TEN.tzinfo) - 5 * HOUR for at in row] for row in rows]
    return [f"{starts:%H:%M}-{ends:%H:%M}" for starts, ends in local]


def test_the_old_time_stands_until_the_new_one_is_confirmed(either_host):
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + 3 * HOUR)
    assert (status(either_host, old), status(either_host, new)) == ("confirmed", "requested")
    assert new.replaces == old.ref
    assert new.thread == old.thread == old.ref
    assert taken(either_host) == ["10:00-11:00", "13:00-14:00"]

    act(either_host, "confirm", new.ref)
    assert (status(either_host, old), status(either_host, new)) == ("cancelled", "confirmed")
    assert taken(either_host) == ["13:00-14:00"]


@pytest.mark.parametrize("ending", ["decline", "cancel", "expire"])
def test_a_new_time_that_is_not_to_be_leaves_the_old_one_as_it_was(either_host, ending):
    either_host.apply(practice(request_expiry_hours=2))
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + HALF)
    assert taken(either_host) == ["10:00-11:30"], "nobody slips in between"
    if ending == "expire":
        either_host.clock.advance(3 * HOUR)
        assert expire(either_host) == 1
    elif ending == "cancel":
        as_client(either_host, new.ref, Action.CANCEL)
    else:
        act(either_host, "decline", new.ref, message="Sorry, no.")
    assert status(either_host, old) == "confirmed"
    assert taken(either_host) == ["10:00-11:00"]


@pytest.mark.parametrize("shift", [-HALF, HALF])
def test_a_move_by_less_than_its_length_is_no_obstacle_to_itself(either_host, shift):
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + shift)
    for starts in (TUESDAY_TEN, TUESDAY_TEN + shift):
        with pytest.raises(SlotTaken):
            either_host.request("theo", starts)
    act(either_host, "confirm", new.ref)
    assert taken(either_host) == (["10:30-11:30"] if shift > timedelta() else ["09:30-10:30"])
    assert status(either_host, old) == "cancelled"


def test_a_widened_time_does_not_reach_into_another_appointment(either_host):
    old = confirmed(either_host)
    confirmed(either_host, "theo", TUESDAY_TEN + HOUR)
    with pytest.raises(SlotTaken):
        ask_to_move(either_host, old, TUESDAY_TEN + HALF)
    assert taken(either_host) == ["10:00-11:00", "11:00-12:00"]


def test_two_times_that_together_are_longer_than_a_day_are_not_held_as_one(either_host):
    """What the tables refuse, since a search looks back no further than a day, is told as a taken time."""
    data = practice()
    data["appointment_types"][0]["minutes"] = 16 * 60
    either_host.apply(data)
    old = act(either_host, "book", PEOPLE["maya"], starts=TUESDAY_TEN, **VISIT, provider="ada")
    before = taken(either_host)

    with pytest.raises(SlotTaken):
        act(either_host, "invite", PEOPLE["maya"], starts=TUESDAY_TEN + 10 * HOUR, replaces=old.ref, **VISIT)

    assert taken(either_host) == before
    assert act(either_host, "reschedule", old.ref, starts=TUESDAY_TEN + 10 * HOUR).status == "confirmed"


def test_when_the_old_one_is_cancelled_the_new_time_is_still_held(either_host):
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + HALF)
    act(either_host, "cancel", old.ref)
    assert taken(either_host) == ["10:30-11:30"]
    assert status(either_host, act(either_host, "confirm", new.ref)) == "confirmed"
    assert taken(either_host) == ["10:30-11:30"]


def test_one_new_time_waits_at_once(either_host):
    old = confirmed(either_host)
    first = ask_to_move(either_host, old, TUESDAY_TEN + DAY)
    with pytest.raises(NotAllowed, match="waiting for an answer already"):
        ask_to_move(either_host, old, TUESDAY_TEN + 2 * DAY)
    act(either_host, "decline", first.ref)
    assert ask_to_move(either_host, old, TUESDAY_TEN + 2 * DAY).status == "requested"


def test_a_new_time_that_waits_is_not_moved_itself(either_host):
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + DAY)
    with pytest.raises(NotAllowed, match="Cancel it to ask for another one"):
        ask_to_move(either_host, new, TUESDAY_TEN + 2 * DAY)
    with pytest.raises(NotAllowed):
        act(either_host, "reschedule", new.ref, starts=TUESDAY_TEN + 2 * DAY)


def test_the_time_it_has_is_not_another_time(host):
    old = confirmed(host)
    with pytest.raises(NotOffered, match="the time it has now"):
        ask_to_move(host, old, TUESDAY_TEN)


def test_inside_the_reschedule_window_clients_call_and_the_practice_moves(host):
    host.apply(practice(reschedule_hours=48))
    old = confirmed(host, starts=TUESDAY_TEN + DAY)
    host.clock.advance(6 * HOUR)
    with pytest.raises(TooLate, match=r"Please call Elm Row Practice at \+1 212 555 0100"):
        ask_to_move(host, old, TUESDAY_TEN + 7 * DAY)
    assert act(host, "reschedule", old.ref, starts=TUESDAY_TEN + 7 * DAY).status == "confirmed"


def test_what_has_ended_is_not_moved(host):
    old = confirmed(host)
    act(host, "cancel", old.ref)
    with pytest.raises(AlreadyDecided, match="cancelled and can no longer be moved"):
        ask_to_move(host, old, TUESDAY_TEN + DAY)
    with pytest.raises(NotFound):
        act(host, "reschedule", "0" * 32, starts=TUESDAY_TEN + DAY)


def test_nobody_moves_what_is_not_theirs(host):
    old = confirmed(host)
    with pytest.raises(NotFound):
        act(host, "request", PEOPLE["theo"], **VISIT, starts=TUESDAY_TEN + DAY, replaces=old.ref)


def test_the_practice_moves_at_once_with_one_mail_in_the_same_calendar_entry(either_host):
    old = confirmed(either_host)
    (first,) = [mail for mail in either_host.deliver() if "Confirmed" in mail.subject]
    moved = act(either_host, "reschedule", old.ref, starts=TUESDAY_TEN + HALF, message="Ada starts later.")
    (second,) = either_host.deliver()
    assert (status(either_host, old), moved.status, moved.replaces) == ("cancelled", "confirmed", old.ref)
    assert "Ada starts later." in second.text
    assert "instead of Tuesday, December 8, 2026, 10:00 AM" in second.text.replace("\n", " ")
    told = [{line.partition(":")[0]: line for line in calendar(mail)} for mail in (first, second)]
    assert told[0]["UID"] == told[1]["UID"]
    assert int(told[0]["SEQUENCE"].partition(":")[2]) < int(told[1]["SEQUENCE"].partition(":")[2])
    assert "METHOD:REQUEST" in told[1].values()


def calendar(mail) -> list[str]:
    return mail.content("calendar").splitlines()


def test_the_host_hears_of_both(host):
    old = confirmed(host)
    new = ask_to_move(host, old, TUESDAY_TEN + DAY)
    with captured(app=host.app) as told:
        act(host, "confirm", new.ref)
    assert [(name, one.ref) for name, one in told] == [
        ("appointment_confirmed", new.ref),
        ("appointment_cancelled", old.ref),
    ]


def test_a_chain_of_moves_is_one_thread(either_host):
    first = confirmed(either_host)
    second = act(either_host, "reschedule", first.ref, starts=TUESDAY_TEN + DAY)
    third = act(either_host, "reschedule", second.ref, starts=TUESDAY_TEN + 2 * DAY)
    assert [one.thread for one in (first, second, third)] == [first.ref] * 3
    assert first.version < second.version < third.version
    assert taken(either_host) == ["10:00-11:00"]


def test_a_client_answers_an_invitation_with_another_time(either_host):
    invited = act(either_host, "invite", PEOPLE["maya"], starts=TUESDAY_TEN, **VISIT)
    proposed = ask_to_move(either_host, invited, TUESDAY_TEN + HALF)
    assert (status(either_host, invited), proposed.status) == ("invited", "requested")
    act(either_host, "confirm", proposed.ref)
    assert status(either_host, invited) == "cancelled"
    assert taken(either_host) == ["10:30-11:30"]


def test_the_practice_may_propose_a_new_time_and_the_client_accept_it(either_host):
    old = confirmed(either_host)
    new = act(either_host, "invite", PEOPLE["maya"], starts=TUESDAY_TEN + HALF, replaces=old.ref, **VISIT)
    assert (status(either_host, old), new.status) == ("confirmed", "invited")
    as_client(either_host, new.ref, Action.ACCEPT)
    assert status(either_host, old) == "cancelled"
    assert taken(either_host) == ["10:30-11:30"]


def test_with_another_provider_the_old_time_is_free_after_the_confirmation(either_host):
    old = act(either_host, "confirm", either_host.request(contact="phone", location=None, provider="ada").ref)
    new = ask_to_move(either_host, old, TUESDAY_TEN, contact="phone", location=None, provider="ben")
    assert taken(either_host) == ["10:00-11:00", "10:00-11:00"]
    act(either_host, "confirm", new.ref)
    assert taken(either_host) == ["10:00-11:00"]
    assert either_host.request("theo", provider="ada", contact="phone", location=None).status == "requested"


def test_a_day_at_its_cap_still_lets_its_own_appointment_move(either_host):
    data = practice()
    data["appointment_types"][0] |= {"daily_cap": 1, "days_between": 3, "open_requests": 1}
    either_host.apply(data)
    old = confirmed(either_host)
    assert ask_to_move(either_host, old, TUESDAY_TEN + 3 * HOUR).status == "requested"


def test_who_may_have_one_open_request_still_moves_it(host):
    data = practice()
    data["appointment_types"][0]["open_requests"] = 1
    host.apply(data)
    old = host.request()
    with pytest.raises(NotOffered, match="You have 1 open request"):
        host.request(starts=TUESDAY_TEN + 3 * HOUR)

    assert ask_to_move(host, old, TUESDAY_TEN + 3 * HOUR).status == "requested"


def test_requests_that_hold_no_time_move_when_they_are_confirmed(either_host):
    either_host.apply(practice(requests_hold_time=False))
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + HALF)
    assert taken(either_host) == ["10:00-11:00"]
    act(either_host, "confirm", new.ref)
    assert taken(either_host) == ["10:30-11:30"]


def test_a_request_that_holds_no_time_and_goes_to_another_provider_frees_the_old_time_when_it_is_confirmed(either_host):
    either_host.apply(practice(requests_hold_time=False))
    call = {"contact": "phone", "location": None}
    old = act(either_host, "confirm", either_host.request(**call, provider="ada").ref)
    new = ask_to_move(either_host, old, TUESDAY_TEN + 3 * HOUR, **call, provider="ben")

    act(either_host, "confirm", new.ref)

    assert taken(either_host) == ["13:00-14:00"]


def test_a_request_that_holds_no_time_is_given_none_when_the_old_one_is_cancelled(either_host):
    either_host.apply(practice(requests_hold_time=False))
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + HALF)

    act(either_host, "cancel", old.ref)

    assert taken(either_host) == []
    assert act(either_host, "appointment", new.ref) == new


def test_what_took_place_meanwhile_keeps_its_time_when_another_one_is_confirmed(either_host):
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + DAY)
    either_host.clock.now = TUESDAY_TEN
    completed = act(either_host, "complete", old.ref)

    act(either_host, "confirm", new.ref)

    assert act(either_host, "appointment", old.ref) == completed
    assert taken(either_host) == ["10:00-11:00"] * 2


def test_the_host_keeps_its_own_reference_and_data(either_host):
    made = act(
        either_host, "book", PEOPLE["maya"], starts=TUESDAY_TEN, **VISIT, reference="A-17", data={"room": 4, "é": None}
    )
    moved = act(either_host, "reschedule", made.ref, starts=TUESDAY_TEN + DAY)
    assert (moved.host_reference, moved.host_data) == ("A-17", {"room": 4, "é": None})
    assert act(either_host, "appointment", moved.ref) == moved


def test_what_waits_to_be_replaced_is_not_moved_as_well(either_host):
    """Otherwise the practice could confirm both, and a client would have two appointments of one."""
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + DAY)
    with pytest.raises(NotAllowed, match="waiting for an answer already"):
        act(either_host, "reschedule", old.ref, starts=TUESDAY_TEN + 2 * DAY)
    act(either_host, "decline", new.ref)
    assert act(either_host, "reschedule", old.ref, starts=TUESDAY_TEN + 2 * DAY).status == "confirmed"


def test_a_client_is_told_that_their_own_new_time_waits_and_not_that_somebody_has_it(host):
    old = confirmed(host)
    ask_to_move(host, old, TUESDAY_TEN + HALF)
    with pytest.raises(NotAllowed, match="waiting for an answer already"):
        ask_to_move(host, old, TUESDAY_TEN + HOUR)


def test_what_was_cancelled_before_is_not_announced_again_when_its_new_time_is_confirmed(host):
    told = []
    old = confirmed(host)
    new = ask_to_move(host, old, TUESDAY_TEN + DAY)
    act(host, "cancel", old.ref)

    def hear(_, appointment):
        told.append(appointment.ref)

    with appointment_cancelled.connected_to(hear, sender=host.app):
        act(host, "confirm", new.ref)
    assert told == []


def test_a_late_mail_about_the_old_time_does_not_follow_the_one_about_the_new(either_host):
    def away(_, message):
        raise ConnectionError

    old = confirmed(either_host)
    with email_dispatched.connected_to(away, sender=either_host.app):
        either_host.deliver()
    act(either_host, "reschedule", old.ref, starts=TUESDAY_TEN + DAY)
    (moved,) = either_host.deliver()
    assert "Moved" in moved.subject
    either_host.clock.advance(2 * HOUR)
    assert either_host.deliver() == [], "nobody is sent to the old time any more"


def test_a_member_of_a_group_is_offered_no_time_that_overlaps_the_session(host):
    """The session goes on with the others, so that time can be had by nobody."""
    data = practice()
    data["appointment_types"][0] |= {"capacity": 2}
    host.apply(data)
    old = confirmed(host)
    with host.app.app_context():
        now = host.portal.practice()
        found = free_slots(
            host.state,
            now,
            now.wish(**VISIT),
            since=TUESDAY_TEN - HOUR,
            until=TUESDAY_TEN + 2 * HOUR,
            now=host.clock.now,
            client=PEOPLE["maya"],
            moving=old,
        )
        offered = [slot.starts for slot in found]
    assert offered == [TUESDAY_TEN - HOUR, TUESDAY_TEN + HOUR]


def test_what_begins_this_very_second_is_not_offered(host):
    data = practice()
    data["appointment_types"][0] |= {"notice_hours": 0}
    host.apply(data)
    host.clock.now = TUESDAY_TEN
    with host.app.app_context():
        first = next(iter(host.portal.find_slots(**VISIT)))
    assert host.request(starts=first.starts).starts == TUESDAY_TEN + HALF
