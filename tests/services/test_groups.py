"""A group's session is one claim that several clients share, up to its capacity."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest

from portal_plugin import Client, NotOffered, PortalError, SlotTaken
from portal_plugin.domain.errors import AlreadyDecided
from portal_plugin.services.slots import free_slots
from tests.practices import PRACTICE
from tests.support import TUESDAY_TEN, Host

ANN, BEA, CAL, DOT = (Client(name, name.title(), f"{name}@example.org") for name in ("ann", "bea", "cal", "dot"))
GROUP = {"type": "group", "contact": "in-person", "location": "main"}


def with_group(capacity: int = 3, **settings: object) -> dict:
    data = deepcopy(PRACTICE)
    data["appointment_types"].append(
        {
            "key": "group",
            "name": "Anxiety group",
            "minutes": 60,
            "buffer_after": 30,
            "increment": 60,
            "capacity": capacity,
            "contact_types": ["in-person", "phone"],
        }
    )
    data["providers"][0]["types"].append("group")
    data["practice"] |= settings
    return data


@pytest.fixture
def group(either_host: Host) -> Host:
    either_host.apply(with_group())
    return either_host


def ask(host: Host, client: Client, starts: datetime = TUESDAY_TEN, **choices: str):
    with host.app.app_context():
        return host.portal.request(client, starts=starts, **(GROUP | choices))


def seats(host: Host, **choices: str) -> dict[str, int]:
    """Seats left on Tuesday, by local time."""
    day = datetime(2026, 12, 8, tzinfo=UTC).date()
    with host.app.app_context():
        found = host.portal.find_slots(**(GROUP | choices), since=day, until=day)
        return {f"{slot.starts - timedelta(hours=5):%H:%M}": slot.seats for slot in found}


def claims(host: Host) -> list[tuple[int, int]]:
    with host.app.app_context():
        return list(host.state.db.execute_sql("SELECT provider, seats_taken FROM portal_claim ORDER BY starts"))


def test_clients_of_one_session_share_a_claim_until_it_is_full(group):
    for client in (ANN, BEA, CAL):
        ask(group, client)

    assert claims(group) == [(1, 3)]
    with pytest.raises(SlotTaken):
        ask(group, DOT)
    assert claims(group) == [(1, 3)]


def test_seats_left_are_told_and_a_full_session_is_not_offered(group):
    assert seats(group) == {"09:00": 3, "10:00": 3, "11:00": 3, "13:00": 3, "14:00": 3, "15:00": 3, "16:00": 3}
    ask(group, ANN)
    # The session and its half hour afterwards stand in the way of the one at eleven, and of the one at nine.
    assert seats(group) == {"10:00": 2, "13:00": 3, "14:00": 3, "15:00": 3, "16:00": 3}
    ask(group, BEA)
    ask(group, CAL)
    assert seats(group) == {"13:00": 3, "14:00": 3, "15:00": 3, "16:00": 3}


def test_a_seat_that_is_given_up_is_free_again_and_the_last_one_frees_the_time(group):
    first, second = ask(group, ANN), ask(group, BEA)
    with group.app.app_context():
        group.portal.decline(first.ref)
        assert claims(group) == [(1, 1)]
        assert seats(group)["10:00"] == 2
        group.portal.cancel(second.ref)
    assert claims(group) == []
    assert seats(group)["11:00"] == 3


def test_another_way_to_meet_is_another_session(group):
    ask(group, ANN)
    assert "10:00" not in seats(group, contact="phone", location="")
    with pytest.raises(SlotTaken):
        ask(group, BEA, contact="phone", location="")


def test_one_client_has_one_seat(group):
    ask(group, ANN)
    with pytest.raises(PortalError):
        ask(group, ANN)
    with group.app.app_context(), pytest.raises(NotOffered, match="a place for you at that time already"):
        group.portal.invite(ANN, starts=TUESDAY_TEN, **GROUP)
    assert claims(group) == [(1, 1)]


def test_whoever_has_a_seat_is_offered_no_second_and_others_are(group):
    ask(group, ANN)
    with group.app.app_context():
        practice = group.portal.practice()
        day = {"since": TUESDAY_TEN, "until": TUESDAY_TEN + timedelta(hours=4), "now": group.clock()}
        ann, bea = (
            [slot.starts for slot in free_slots(group.state, practice, practice.wish(**GROUP), client=client, **day)]
            for client in (ANN, BEA)
        )

    assert TUESDAY_TEN not in ann
    assert bea == [TUESDAY_TEN, *ann]


def test_a_single_appointment_and_a_group_do_not_overlap(group):
    group.request("maya")
    assert "10:00" not in seats(group)
    with pytest.raises(SlotTaken):
        ask(group, ANN)


def test_requests_that_hold_no_time_fill_the_session_as_they_are_confirmed(either_host):
    either_host.apply(with_group(capacity=2, requests_hold_time=False))
    asked = [ask(either_host, client) for client in (ANN, BEA, CAL)]
    assert claims(either_host) == []
    with either_host.app.app_context():
        either_host.portal.confirm(asked[0].ref)
        either_host.portal.confirm(asked[1].ref)
        with pytest.raises(SlotTaken):
            either_host.portal.confirm(asked[2].ref)
    assert claims(either_host) == [(1, 2)]


def test_a_larger_capacity_opens_a_full_session_and_a_smaller_one_sends_nobody_away(group):
    for client in (ANN, BEA, CAL):
        ask(group, client)
    group.apply(with_group(capacity=4))
    assert seats(group)["10:00"] == 1
    group.apply(with_group(capacity=2))
    assert "10:00" not in seats(group)
    assert claims(group) == [(1, 3)]


def test_any_available_fills_a_session_that_has_begun_before_it_begins_another(either_host):
    data = with_group()
    data["providers"][1] |= {"types": ["visit", "group"], "locations": ["main", "annex"]}
    data["providers"][1]["hours"] = [{"location": "main", "tuesday": ["9:00-17:00"]}]
    either_host.apply(data)
    assert ask(either_host, ANN, provider="ben").provider.key == "ben"
    assert ask(either_host, BEA).provider.key == "ben"
    assert seats(either_host)["10:00"] == 1 + 3, "one with Ben, three with Ada"


@pytest.mark.slow
def test_forty_at_once_get_three_seats(group):
    def attempt(number: int) -> bool:
        try:
            ask(group, Client(f"c{number}", "Somebody", f"c{number}@example.org"))
        except SlotTaken:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(40))) == 3
    assert claims(group) == [(1, 3)]


@pytest.mark.slow
def test_leaving_and_joining_at_once_loses_no_seat(group):
    def come_and_go(number: int) -> None:
        client = Client(f"c{number}", "Somebody", f"c{number}@example.org")
        for _ in range(5):
            try:
                asked = ask(group, client)
            except SlotTaken:
                continue
            with group.app.app_context():
                try:
                    group.portal.decline(asked.ref)
                except AlreadyDecided:
                    raise AssertionError("nobody else decides") from None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_and_go, range(8)))
    assert claims(group) == []
