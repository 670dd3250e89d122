"""The questions the portal asks its host: when is a provider busy, and may this request be?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal_plugin import NotAnswered, NotOffered, Refused, SlotTaken
from portal_plugin.domain.lifecycle import Action
from portal_plugin.testing import captured
from tests.services.steps import act, as_client, claims, free_times, snapshot
from tests.support import PEOPLE, TUESDAY_TEN, filled_form

HOUR = timedelta(hours=1)


def test_a_time_at_which_the_host_says_busy_is_neither_offered_nor_taken(either_host):
    @either_host.portal.busy_times
    def calendar(provider, since, until):
        return [(TUESDAY_TEN, TUESDAY_TEN + HOUR)] if provider == "ada" else []

    assert TUESDAY_TEN not in free_times(either_host)
    assert TUESDAY_TEN + HOUR in free_times(either_host)
    with pytest.raises(SlotTaken):
        either_host.request()
    either_host.request(location="annex")


def test_the_host_is_asked_with_aware_datetimes_around_the_range(host):
    asked = []

    @host.portal.busy_times
    def calendar(provider, since, until):
        asked.append((provider, since, until))
        return []

    host.request(contact="phone", location=None)

    assert [provider for provider, _, _ in asked] == ["ada", "ben"]
    for _, since, until in asked:
        assert since.tzinfo is UTC
        assert until.tzinfo is UTC
        assert since <= TUESDAY_TEN - HOUR
        assert until >= TUESDAY_TEN + 2 * HOUR


@pytest.mark.parametrize(
    "told",
    [
        [(TUESDAY_TEN + HOUR, TUESDAY_TEN + 2 * HOUR), (TUESDAY_TEN - HOUR, TUESDAY_TEN + 90 * HOUR)],
        [(TUESDAY_TEN - 900 * HOUR, TUESDAY_TEN + 900 * HOUR)],
        [(TUESDAY_TEN, TUESDAY_TEN + timedelta(minutes=1))] * 3,
    ],
    ids=["unsorted and overlapping", "very long", "the same again"],
)
@pytest.mark.parametrize("made", [list, iter])
def test_the_host_may_answer_in_any_order_and_twice(host, told, made):
    host.portal.busy_times(lambda provider, since, until: made(told))

    with pytest.raises(SlotTaken):
        host.request()


def test_an_interval_that_ends_before_it_begins_takes_no_time(host):
    host.portal.busy_times(lambda provider, since, until: [(TUESDAY_TEN + HOUR, TUESDAY_TEN)])

    host.request()


def test_an_answer_without_a_zone_stops_the_request(host):
    naive = datetime(2026, 12, 8, 10)  # noqa: DTZ001
    host.portal.busy_times(lambda provider, since, until: [(naive, naive + HOUR)])
    before = snapshot(host)

    with pytest.raises(NotAnswered) as refusal:
        host.request()

    assert "time zone" in str(refusal.value.__cause__)

    assert snapshot(host) == before


# The veto.


def test_a_veto_stores_nothing_and_the_client_reads_its_sentence(either_host):
    @either_host.portal.veto_request
    def not_tuesdays(proposal):
        raise Refused("Dr. Moreau sees new clients on Mondays.")

    before = snapshot(either_host)

    with captured(app=either_host.app) as told, pytest.raises(Refused, match="new clients on Mondays"):
        either_host.request()

    assert snapshot(either_host) == before
    assert told == []
    assert TUESDAY_TEN in free_times(either_host)


def test_a_veto_and_the_calendar_are_asked_while_no_transaction_is_open(either_host):
    either_host.state.host.deadline = None  # in the thread whose transaction it would be
    open_then = []

    @either_host.portal.veto_request
    def look(proposal):
        open_then.append(either_host.state.db.in_transaction())

    @either_host.portal.busy_times
    def calendar(provider, since, until):
        open_then.append(either_host.state.db.in_transaction())
        return []

    either_host.request()

    assert open_then == [False, False]


def test_a_veto_sees_what_is_proposed(host):
    seen = []
    host.portal.veto_request(seen.append)

    made = host.request(note="My knee")

    (proposal,) = seen
    assert (proposal.client, proposal.note) == (PEOPLE["maya"], "My knee")
    assert (proposal.starts, proposal.ends) == (made.starts, made.ends)
    assert proposal.wish.type.key == "visit"
    assert proposal.wish.providers[0].key == "ada"


def test_a_veto_is_told_utc_whatever_the_caller_wrote(host):
    seen = []
    host.portal.veto_request(seen.append)

    host.request(starts=TUESDAY_TEN.astimezone(ZoneInfo("America/New_York")))

    assert (seen[0].starts.tzinfo, seen[0].ends.tzinfo) == (UTC, UTC)


def test_every_veto_is_asked_until_one_refuses(host):
    asked = []

    @host.portal.veto_request
    def first(proposal):
        asked.append("first")

    @host.portal.veto_request
    def second(proposal):
        asked.append("second")
        raise Refused("No.")

    @host.portal.veto_request
    def third(proposal):
        asked.append("third")

    with pytest.raises(Refused):
        host.request()

    assert asked == ["first", "second"]


def test_no_veto_is_asked_about_a_time_that_is_not_offered(host):
    asked = []
    host.portal.veto_request(asked.append)

    with pytest.raises(NotOffered):
        host.request(starts=TUESDAY_TEN + timedelta(minutes=7))

    assert asked == []


def test_a_slow_veto_does_not_keep_a_time_from_somebody_quicker(either_host):
    """While the veto thinks, the time is taken by another: then it is taken."""

    @either_host.portal.veto_request
    def meanwhile(proposal):
        if proposal.client.id == "maya":
            either_host.request("theo")

    with pytest.raises(SlotTaken):
        either_host.request()

    assert len(claims(either_host)) == 1


def no(appointment):
    raise Refused("Not while the auditors are here.")


@pytest.mark.parametrize(
    ("register", "ask"),
    [
        ("veto_confirmation", lambda host, made: act(host, "confirm", made.ref)),
        ("veto_cancellation", lambda host, made: act(host, "cancel", made.ref)),
        ("veto_cancellation", lambda host, made: as_client(host, made.ref, Action.CANCEL)),
    ],
)
def test_a_decision_that_the_host_refuses_changes_nothing(either_host, register, ask):
    made = either_host.request()
    getattr(either_host.portal, register)(no)
    before = snapshot(either_host)

    with pytest.raises(Refused, match="Not while the auditors are here"):
        ask(either_host, made)

    assert snapshot(either_host) == before


def test_a_veto_of_confirmations_is_asked_about_an_invitation_that_is_accepted_too(host):
    with host.app.app_context():
        invited = host.portal.invite(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN
        )
    host.portal.veto_confirmation(no)

    with pytest.raises(Refused):
        as_client(host, invited.ref, Action.ACCEPT)


def test_a_veto_of_decisions_is_asked_while_no_transaction_is_open_and_not_about_what_is_done(either_host):
    either_host.state.host.deadline = None
    asked = []
    made = either_host.request()
    either_host.portal.veto_confirmation(lambda one: asked.append((one.ref, either_host.state.db.in_transaction())))

    act(either_host, "confirm", made.ref)
    act(either_host, "confirm", made.ref)
    act(either_host, "cancel", made.ref)

    assert asked == [(made.ref, False)]


def test_the_client_reads_why_the_host_refuses_a_cancellation(host):
    ref = host.request().ref
    host.portal.veto_cancellation(no)
    maya = host.browser()
    page = maya.get(f"/portal/appointments/{ref}/cancel").text

    answer = maya.post(f"/portal/appointments/{ref}/cancel", data=filled_form(page))

    assert answer.status_code == 422
    assert "Not while the auditors are here." in answer.text
