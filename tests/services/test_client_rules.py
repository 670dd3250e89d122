"""What a type asks of its clients: who may come, how often, how many requests may wait; and of a provider's day."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta

import pytest

from portal_plugin import Client, NotOffered, PortalError, SlotTaken
from tests.practices import PRACTICE
from tests.support import PEOPLE, TUESDAY_TEN, Host

VISIT = {"type": "visit", "contact": "in-person", "location": "main"}
DAY = timedelta(days=1)


def with_rules(**rules: object) -> dict:
    """The practice whose visits follow these rules."""
    data = deepcopy(PRACTICE)
    data["appointment_types"][0] |= rules
    return data


def ask(host: Host, starts: datetime, client: Client = PEOPLE["maya"]):
    with host.app.app_context():
        return host.portal.request(client, starts=starts, **VISIT)


def offered(host: Host, day: date) -> int:
    with host.app.app_context():
        return len(list(host.portal.find_slots(**VISIT, since=day, until=day)))


@pytest.mark.parametrize(
    ("who", "new", "allowed"),
    [
        ("anyone", False, True),
        ("anyone", True, True),
        ("clients", False, True),
        ("clients", True, False),
        ("invited", False, False),
        ("invited", True, False),
    ],
)
def test_a_type_is_open_to_its_audience(host, who, new, allowed):
    host.apply(with_rules(who=who))
    client = Client("ann", "Ann", "ann@example.org", new=new)
    if allowed:
        assert ask(host, TUESDAY_TEN, client).status == "requested"
    else:
        with pytest.raises(NotOffered) as refused:
            ask(host, TUESDAY_TEN, client)
        assert refused.value.field == "type"


def test_the_practice_may_invite_to_a_type_that_nobody_can_ask_for(host):
    host.apply(with_rules(who="invited"))
    with host.app.app_context():
        assert host.portal.invite(PEOPLE["maya"], starts=TUESDAY_TEN, **VISIT).status == "invited"


def test_so_many_requests_of_one_client_may_wait_at_once(either_host):
    either_host.apply(with_rules(open_requests=2))
    first = ask(either_host, TUESDAY_TEN)
    ask(either_host, TUESDAY_TEN + DAY)
    with pytest.raises(NotOffered, match="You have 2 open requests for Therapy visit"):
        ask(either_host, TUESDAY_TEN + 2 * DAY)
    ask(either_host, TUESDAY_TEN + 2 * DAY, PEOPLE["theo"])
    with either_host.app.app_context():
        either_host.portal.confirm(first.ref)
    assert ask(either_host, TUESDAY_TEN + 3 * DAY).status == "requested"


def test_appointments_of_one_client_lie_so_many_days_apart(either_host):
    either_host.apply(with_rules(days_between=7))
    first = ask(either_host, TUESDAY_TEN + 7 * DAY)
    for days in (1, 3, 6, 7, 8, 13):
        with pytest.raises(NotOffered) as refused:
            ask(either_host, TUESDAY_TEN + days * DAY + timedelta(hours=3))
        assert refused.value.field == "starts"
        assert str(refused.value) == (
            "There are at least 7 days from one Therapy visit to the next. Choose a day further from your other one."
        )
    ask(either_host, TUESDAY_TEN)
    ask(either_host, TUESDAY_TEN + 14 * DAY)
    with either_host.app.app_context():
        either_host.portal.decline(first.ref)
    assert ask(either_host, TUESDAY_TEN + 7 * DAY).status == "requested", "what was declined keeps no distance"


def test_a_visit_that_is_over_keeps_its_distance_too(host):
    host.apply(with_rules(days_between=7, notice_hours=0))
    made = ask(host, TUESDAY_TEN)
    with host.app.app_context():
        host.portal.confirm(made.ref)
        host.clock.now = TUESDAY_TEN + 6 * DAY + timedelta(hours=1)
        host.portal.complete(made.ref)
    with pytest.raises(NotOffered, match="at least 7 days"):
        ask(host, TUESDAY_TEN + 6 * DAY + timedelta(hours=2))
    assert ask(host, TUESDAY_TEN + 7 * DAY).status == "requested"


def test_a_provider_gives_so_many_sessions_of_a_type_on_one_local_day(either_host):
    either_host.apply(with_rules(daily_cap=2))
    assert offered(either_host, date(2026, 12, 8)) > 2
    ask(either_host, TUESDAY_TEN)
    second = ask(either_host, TUESDAY_TEN + timedelta(hours=4), PEOPLE["theo"])
    assert offered(either_host, date(2026, 12, 8)) == 0
    assert offered(either_host, date(2026, 12, 9)) > 2
    with pytest.raises(SlotTaken):
        ask(either_host, TUESDAY_TEN + timedelta(hours=5))
    with either_host.app.app_context():
        either_host.portal.cancel(second.ref)
    assert ask(either_host, TUESDAY_TEN + timedelta(hours=5)).status == "requested"


@pytest.mark.parametrize(
    ("rule", "limit", "who", "error"),
    [
        ("daily_cap", 1, "theo", SlotTaken),
        ("open_requests", 1, "maya", NotOffered),
        ("days_between", 7, "maya", NotOffered),
    ],
)
def test_what_is_used_up_while_the_host_is_asked_is_noticed(either_host, rule, limit, who, error):
    """Between the look at what there is and the transaction, another request comes in."""
    either_host.apply(with_rules(**{rule: limit}))
    meanwhile = [TUESDAY_TEN + timedelta(hours=4)]

    @either_host.portal.veto_request
    def another_is_quicker(proposal):
        if meanwhile:
            ask(either_host, meanwhile.pop(), PEOPLE[who])

    with pytest.raises(error):
        ask(either_host, TUESDAY_TEN)

    with either_host.app.app_context():
        assert [one.client.id for one in either_host.portal.appointments()] == [who]


def attempt(host: Host, starts: datetime, client: Client) -> bool:
    try:
        ask(host, starts, client)
    except PortalError:
        return False
    return True


@pytest.mark.slow
def test_a_cap_holds_when_all_its_times_are_asked_for_at_once(either_host):
    either_host.apply(with_rules(daily_cap=2, buffer_after=0, increment=60))
    times = [datetime(2026, 12, 8, hour, tzinfo=UTC) for hour in (14, 15, 16, 18, 19, 20, 21)]
    clients = [Client(f"c{n}", "Somebody", f"c{n}@example.org") for n in range(len(times))]
    with ThreadPoolExecutor(7) as pool:
        won = list(pool.map(lambda pair: attempt(either_host, *pair), zip(times, clients, strict=True)))
    assert sum(won) == 2


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["open_requests", "days_between"])
def test_a_client_who_sends_several_at_once_gets_no_more_than_one(either_host, rule):
    either_host.apply(with_rules(**{rule: 1 if rule == "open_requests" else 30}))
    times = [TUESDAY_TEN + days * DAY for days in (0, 1, 2, 3, 6, 7)]
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda starts: attempt(either_host, starts, PEOPLE["maya"]), times))
    assert sum(won) == 1
