"""Asking for a time: what is stored, what is refused, and what sending it again does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal_plugin import AlreadyDecided, NotOffered, Refused, SetupError, SlotTaken
from portal_plugin.domain.lifecycle import Action
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import (
    act,
    as_client,
    claims,
    free_times,
    full_history,
    in_status,
    send_form,
    snapshot,
    status_of,
    topics,
)
from tests.services.steps import history as history_of
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN

NEW_YORK = ZoneInfo("America/New_York")
HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)


def test_a_request_is_stored_with_its_claim_its_history_and_its_mail(either_host):
    made = either_host.request(note="My knee")

    assert (made.status, made.version, made.note) == ("requested", 1, "My knee")
    assert (made.starts, made.ends) == (TUESDAY_TEN, TUESDAY_TEN + timedelta(minutes=50))
    assert made.starts.tzinfo is UTC
    assert made.created == MONDAY
    assert made.client == PEOPLE["maya"]
    assert claims(either_host) == [(1, made.starts.timestamp(), made.ends.timestamp() + 600)], "buffer included"
    assert topics(either_host, made.ref) == ["received"]
    assert full_history(either_host, made.ref) == [
        ("request", None, "requested", "host", "host", "", MONDAY.timestamp())
    ]


def test_buffers_before_and_after_are_claimed_and_not_shown(either_host):
    data = practice()
    data["appointment_types"][0]["buffer_before"] = 15
    either_host.apply(data)

    made = either_host.request()

    assert (made.starts, made.ends) == (TUESDAY_TEN, TUESDAY_TEN + timedelta(minutes=50))
    assert claims(either_host) == [(1, TUESDAY_TEN.timestamp() - 900, TUESDAY_TEN.timestamp() + 3600)]


def test_a_reference_says_nothing_and_is_hard_to_guess(either_host):
    first, second = either_host.request(), either_host.request(starts=TUESDAY_TEN + HOUR)

    assert first.ref != second.ref
    assert len(first.ref) == 32
    int(first.ref, 16)


def test_a_request_holds_its_time(either_host):
    assert TUESDAY_TEN in free_times(either_host)
    either_host.request()

    assert TUESDAY_TEN not in free_times(either_host)
    assert TUESDAY_TEN - HALF_HOUR not in free_times(either_host)
    with pytest.raises(SlotTaken):
        either_host.request("theo")


def test_time_right_before_and_right_after_is_free(either_host):
    either_host.request()

    either_host.request("theo", TUESDAY_TEN - HOUR)
    either_host.request("theo", TUESDAY_TEN + HOUR)


def test_another_provider_has_the_same_time_to_give(either_host):
    either_host.request()

    other = either_host.request("theo", location="annex")

    assert other.provider.key == "ben"


@pytest.mark.parametrize("status", ["declined", "cancelled", "withdrawn"])
def test_what_ends_before_it_begins_gives_its_time_back(either_host, status):
    in_status(either_host, status)

    assert claims(either_host) == []
    assert TUESDAY_TEN in free_times(either_host)
    either_host.request("theo")


def test_what_expires_gives_its_time_back(either_host):
    either_host.apply(practice(request_expiry_hours=1))
    made = either_host.request(starts=TUESDAY_TEN + timedelta(days=1))
    either_host.clock.advance(HOUR)

    with either_host.app.app_context():
        either_host.portal.deliver()

    assert status_of(either_host, made.ref) == "expired"
    assert claims(either_host) == []
    either_host.request("theo", TUESDAY_TEN + timedelta(days=1))


def test_a_refused_request_stores_nothing(either_host):
    either_host.request()
    before = snapshot(either_host)

    with captured(app=either_host.app) as told, pytest.raises(SlotTaken):
        either_host.request("theo", TUESDAY_TEN + HALF_HOUR)

    assert snapshot(either_host) == before
    assert told == []


# Where requests do not hold their time.


@pytest.fixture
def first_come(either_host):
    either_host.apply(practice(requests_hold_time=False))
    return either_host


def test_several_may_wait_for_one_time(first_come):
    first_come.request()
    first_come.request("theo")

    assert claims(first_come) == []
    assert TUESDAY_TEN in free_times(first_come)


def test_the_first_confirmation_wins_and_the_second_stays_requested(first_come):
    maya, theo = first_come.request(), first_come.request("theo")
    act(first_come, "confirm", theo.ref)
    before = snapshot(first_come)

    with captured(app=first_come.app) as told, pytest.raises(SlotTaken):
        act(first_come, "confirm", maya.ref)

    assert snapshot(first_come) == before
    assert status_of(first_come, maya.ref) == "requested"
    assert told == []


def test_whoever_waited_in_vain_is_declined_and_the_time_stays_with_the_other(first_come):
    maya, theo = first_come.request(), first_come.request("theo")
    act(first_come, "confirm", theo.ref)

    assert act(first_come, "decline", maya.ref).status == "declined"
    assert len(claims(first_come)) == 1


def test_a_time_that_was_confirmed_is_no_longer_offered(first_come):
    act(first_come, "confirm", first_come.request().ref)

    assert TUESDAY_TEN not in free_times(first_come)


def test_a_cancelled_confirmation_lets_the_second_be_confirmed(first_come):
    maya, theo = first_come.request(), first_come.request("theo")
    act(first_come, "confirm", theo.ref)
    act(first_come, "cancel", theo.ref)

    assert act(first_come, "confirm", maya.ref).status == "confirmed"


# What the practice does not offer.


def tuesday(hour: int, minute: int = 0, **more: int) -> datetime:
    return datetime(2026, 12, 8, hour, minute, tzinfo=NEW_YORK, **more)


PASSED = "That time has passed. Choose one that lies ahead."
TOO_SOON = "That is too soon: Elm Row Practice needs 24 hours' notice. Call +1 212 555 0100 if it is urgent."
TOO_FAR = "That is too far ahead: choose a day within 60 days."
NOT_OFFERED = "That is not a time the practice offers. Choose one from the list."


@pytest.mark.parametrize(
    ("starts", "sentence"),
    [
        (MONDAY, PASSED),
        (MONDAY - timedelta(days=4000), PASSED),
        (datetime.min.replace(tzinfo=UTC), PASSED),
        (MONDAY + timedelta(hours=2), TOO_SOON),
        (MONDAY + timedelta(days=61), TOO_FAR),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), TOO_FAR),
        (tuesday(10, 10), NOT_OFFERED),
        (tuesday(10) + timedelta(seconds=1), "Choose a time on a full minute."),
        (tuesday(10) + timedelta(microseconds=1), "Choose a time on a full minute."),
        (tuesday(12, 30), NOT_OFFERED),
        (tuesday(16, 30), NOT_OFFERED),
        (tuesday(3), TOO_SOON),
        (tuesday(20), NOT_OFFERED),
        (tuesday(10) + timedelta(days=4), NOT_OFFERED),
    ],
)
def test_a_time_that_is_not_offered_is_refused_in_words(host, starts, sentence):
    before = snapshot(host)

    with pytest.raises(NotOffered) as refusal:
        host.request(starts=starts)

    assert refusal.value.field == "starts"
    assert str(refusal.value) == sentence
    assert snapshot(host) == before


def test_one_hour_and_one_day_are_said_in_the_singular(host):
    data = practice()
    data["appointment_types"][0] |= {"notice_hours": 1, "horizon_days": 1}
    host.apply(data)

    with pytest.raises(NotOffered, match=r"^That is too soon: Elm Row Practice needs 1 hour's notice\."):
        host.request(starts=MONDAY + HALF_HOUR)
    with pytest.raises(NotOffered, match=r"^That is too far ahead: choose a day within 1 day\.$"):
        host.request(starts=TUESDAY_TEN + timedelta(days=2))


def test_a_day_on_which_the_practice_is_closed_is_refused(host):
    host.apply(practice() | {"closures": [{"first": TUESDAY_TEN.date()}]})

    with pytest.raises(NotOffered, match="not a time the practice offers"):
        host.request()


def test_a_time_without_a_zone_is_no_time(host):
    with pytest.raises(ValueError, match="time zone"):
        host.request(starts=datetime(2026, 12, 8, 10))  # noqa: DTZ001


def test_both_passes_of_a_repeated_hour_can_be_asked_for(host):
    host.clock.now = datetime(2026, 10, 30, 12, tzinfo=UTC)
    early = practice()
    early["providers"][0]["hours"] = [{"sunday": ["0:00-4:00"]}]
    host.apply(early)
    first = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)

    one = host.request(starts=first)
    other = host.request("theo", starts=first.replace(fold=1))

    assert other.starts - one.starts == HOUR


def test_a_time_told_on_a_local_clock_lasts_as_long_across_a_clock_change(host):
    """1:30 in New York, and 30 minutes later the clock goes back."""
    host.clock.now = datetime(2026, 10, 30, 12, tzinfo=UTC)
    early = practice()
    early["providers"][0]["hours"] = [{"sunday": ["0:00-4:00"]}]
    host.apply(early)

    made = host.request(starts=datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK))

    assert made.ends - made.starts == timedelta(minutes=50)
    assert claims(host) == [(1, made.starts.timestamp(), made.starts.timestamp() + 3600)]


def test_a_clock_that_shows_local_time_does_not_shift_the_notice(host):
    """Five hours before the clocks go forward, seven hours' notice ends seven hours later."""
    host.clock.now = datetime(2027, 3, 13, 21, tzinfo=NEW_YORK)
    sunday = practice()
    sunday["providers"][0]["hours"] = [{"sunday": ["0:00-9:00"]}]
    sunday["appointment_types"][0]["notice_hours"] = 7
    host.apply(sunday)
    day = datetime(2027, 3, 14, tzinfo=UTC).date()

    with host.app.app_context():
        slots = host.portal.find_slots(type="visit", contact="phone", provider="ada", since=day, until=day)
        first = next(iter(slots)).starts

    assert first == datetime(2027, 3, 14, 5, tzinfo=NEW_YORK)


def test_a_naive_clock_of_the_host_is_named_at_once(host):
    host.clock.now = datetime(2026, 12, 7)  # noqa: DTZ001

    with pytest.raises(SetupError, match="PORTAL_CLOCK"):
        host.request()


# Sent again.


def test_the_same_form_sent_again_is_the_same_request(either_host):
    first = send_form(either_host, "key")
    before = snapshot(either_host)

    with captured(app=either_host.app) as told:
        again = send_form(either_host, "key")

    assert again == first
    assert snapshot(either_host) == before
    assert told == []


def test_the_same_form_sent_again_is_the_same_request_though_another_provider_is_free(either_host):
    first = send_form(either_host, "key", provider=None)

    assert send_form(either_host, "key", provider=None).ref == first.ref
    assert len(claims(either_host)) == 1


def test_the_same_form_sent_again_is_the_same_request_where_requests_hold_no_time(first_come):
    first = send_form(first_come, "key")

    assert send_form(first_come, "key").ref == first.ref
    assert topics(first_come, first.ref) == ["received"]


def test_a_form_sent_again_after_its_request_has_ended_is_refused(either_host):
    first = send_form(either_host, "key")
    as_client(either_host, first.ref, Action.CANCEL)

    with pytest.raises(AlreadyDecided) as refusal:
        send_form(either_host, "key")

    assert refusal.value.status == "cancelled"


def test_the_same_form_sent_again_does_not_ask_the_veto_again(first_come):
    """A veto that allows one request a client would refuse the request it has just allowed."""

    @first_come.portal.veto_request
    def one_each(proposal):
        if first_come.portal.appointments(client=proposal.client.id):
            raise Refused("One request at a time, please.")

    first = send_form(first_come, "key")

    assert send_form(first_come, "key").ref == first.ref


def test_the_same_form_sent_again_is_the_same_request_after_its_notice_began(either_host):
    first = send_form(either_host, "key")
    either_host.clock.advance(timedelta(hours=6))

    assert send_form(either_host, "key").ref == first.ref


def test_one_key_of_two_clients_makes_two_requests(first_come):
    first = send_form(first_come, "key")
    other = first_come.request("theo")

    assert other.ref != first.ref


def test_requests_without_a_key_are_never_taken_for_each_other(first_come):
    assert send_form(first_come, None).ref != send_form(first_come, None).ref


# Confirmed by itself.


def test_a_type_may_confirm_by_itself(either_host):
    starts = TUESDAY_TEN

    with captured(app=either_host.app) as told:
        made = either_host.request(starts=starts, type="call", contact="phone", location=None)

    assert (made.status, made.version) == ("confirmed", 2)
    assert history_of(either_host, made.ref) == [(None, "requested"), ("requested", "confirmed")]
    assert full_history(either_host, made.ref)[1][3:6] == ("system", "automatic confirmation", "")
    assert made.message == ""
    assert topics(either_host, made.ref) == ["confirmed"], "one mail, not two"
    assert [(name, appointment.status) for name, appointment in told] == [
        ("appointment_requested", "requested"),
        ("appointment_confirmed", "confirmed"),
    ]
    assert len(claims(either_host)) == 1


def test_a_type_that_confirms_by_itself_holds_its_time_whatever_requests_do(first_come):
    first_come.request(type="call", contact="phone", location=None)

    with pytest.raises(SlotTaken):
        first_come.request("theo", type="call", contact="phone", location=None)


# Any available provider.


def anybody(host, starts=TUESDAY_TEN, who="theo"):
    return host.request(who, starts, contact="phone", location=None).provider.key


def test_any_available_is_whoever_has_fewest_appointments_that_day(either_host):
    either_host.request(starts=TUESDAY_TEN + timedelta(hours=3))

    assert anybody(either_host) == "ben"


def test_with_equally_many_the_order_of_the_practice_file_decides(either_host):
    assert anybody(either_host) == "ada"
    assert anybody(either_host, TUESDAY_TEN + HOUR) == "ben"
    assert anybody(either_host, TUESDAY_TEN + 2 * HOUR) == "ben", "Ada has gone to lunch"


def test_appointments_of_another_day_do_not_count(either_host):
    either_host.request(starts=TUESDAY_TEN + timedelta(days=1))

    assert anybody(either_host) == "ada"


def test_any_available_takes_the_one_who_is_free(either_host):
    either_host.request(contact="phone", location=None, provider="ada")
    either_host.request(starts=TUESDAY_TEN + HOUR, contact="phone", location=None, provider="ben")

    assert anybody(either_host) == "ben"
    with pytest.raises(SlotTaken):
        anybody(either_host)


def test_two_appointments_that_touch_are_two_also_when_the_host_knows_of_others(either_host):
    """Asked the host or not, Ada with two appointments in a row is busier than Ben with one."""
    either_host.portal.busy_times(lambda provider, since, until: [])
    for hours in (3, 4):
        either_host.request(starts=TUESDAY_TEN + hours * HOUR)
    either_host.request(starts=TUESDAY_TEN + 3 * HOUR, location="annex")

    assert anybody(either_host) == "ben"
