"""A chosen time is kept for a client who fills in the form: one at a time, for some minutes, and for nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal_plugin import Client, NotOffered, SlotTaken
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.services import requests
from tests.practices import practice
from tests.services.steps import expire
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host, filled_form, offered_times

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
VISIT = {"type": "visit", "contact": "in-person", "location": "main"}
HOLD = "/portal/appointments/book/hold"
TEN = "2026-12-08T15:00:00Z"


@pytest.fixture
def holding(either_host: Host) -> Host:
    either_host.apply(practice(hold_minutes=10))
    return either_host


def hold(host: Host, who: str = "maya", starts=TUESDAY_TEN, client: Client | None = None):
    with host.app.app_context():
        now = host.portal.practice()
        client = client or PEOPLE[who]
        actor = Actor(ActorKind.CLIENT, client.id)
        return requests.hold_time(host.state, now, requests.Asking(now.wish(**VISIT), client, starts, actor))


def claims(host: Host) -> list[tuple]:
    with host.app.app_context():
        return list(host.state.db.execute_sql("SELECT holder, held_until IS NULL FROM portal_claim ORDER BY starts"))


def test_a_held_time_is_nobody_else_s_and_one_s_own(holding):
    assert hold(holding) == holding.clock() + 10 * MINUTE
    with pytest.raises(SlotTaken):
        hold(holding, "theo")
    with pytest.raises(SlotTaken):
        holding.request("theo")
    day = f"{STEP_2}&date=2026-12-08"
    assert TEN not in offered_times(holding.browser("theo").get(day).text)
    assert TEN in offered_times(holding.browser("maya").get(day).text)

    assert holding.request("maya").status == "requested"
    assert claims(holding) == [(None, 1)]


def test_a_client_holds_one_time_at_a_time(holding):
    hold(holding)
    hold(holding, starts=TUESDAY_TEN + HOUR)
    assert len(claims(holding)) == 1
    assert holding.request("theo").status == "requested"


def test_a_hold_ends_by_itself_without_anybody_tidying_up(holding):
    hold(holding)
    holding.clock.advance(10 * MINUTE)
    assert TEN in offered_times(holding.browser("theo").get(f"{STEP_2}&date=2026-12-08").text)
    assert holding.request("theo").status == "requested"
    assert claims(holding) == [(None, 1)]


def test_the_worker_gives_back_what_is_held_no_longer(holding):
    hold(holding)
    holding.clock.advance(11 * MINUTE)
    assert expire(holding) == 0
    assert claims(holding) == []


def test_only_what_is_offered_can_be_held(holding):
    for starts in (TUESDAY_TEN - 24 * HOUR, TUESDAY_TEN + 10 * MINUTE, TUESDAY_TEN + 400 * 24 * HOUR):
        with pytest.raises(NotOffered):
            hold(holding, starts=starts)
    assert claims(holding) == []


def test_a_practice_that_holds_nothing_keeps_nothing(either_host):
    assert hold(either_host) is None
    either_host.apply(practice(hold_minutes=10, requests_hold_time=False))
    assert hold(either_host) is None
    assert claims(either_host) == []


@pytest.mark.slow
def test_of_forty_who_choose_one_time_at_once_one_holds_it(holding):
    def attempt(number: int) -> bool:
        try:
            hold(holding, client=Client(f"c{number}", "Somebody", ""))
        except SlotTaken:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(40))) == 1


@pytest.mark.slow
def test_clients_who_change_their_minds_at_once_never_block_each_other(holding):
    """Each gives one time back while taking another, in every order."""

    def wander(number: int) -> None:
        client = Client(f"c{number}", "Somebody", "")
        for turn in range(8):
            try:
                hold(holding, client=client, starts=TUESDAY_TEN + (0, 1, 3)[(number + turn) % 3] * HOUR)
            except SlotTaken:
                continue

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(wander, range(6)))
    assert len(claims(holding)) <= 3


# From the page.


def test_choosing_a_time_says_until_when_it_is_kept(holding):
    maya = holding.browser()
    page = maya.get(f"{STEP_2}&date=2026-12-08").text
    assert f'data-hx-post="{HOLD}"' in page
    answer = maya.post(HOLD, data=filled_form(page, starts=TEN), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Kept for you until 7:10 AM." in answer.text


def test_a_time_that_is_gone_is_said_at_once_with_those_that_are_free(holding):
    maya = holding.browser()
    form = filled_form(maya.get(f"{STEP_2}&date=2026-12-08").text, starts=TEN, note="My knee")
    holding.request("theo")
    answer = maya.post(HOLD, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#portal-panel"
    assert "taken a moment ago" in answer.text
    assert "My knee" in answer.text
    assert TEN not in offered_times(answer.text)


def test_a_hold_needs_the_form_s_own_token_and_a_time(holding):
    maya = holding.browser()
    form = filled_form(maya.get(f"{STEP_2}&date=2026-12-08").text, starts=TEN)
    for wrong in (form | {"portal_token": "x"}, form | {"starts": "soon"}, form | {"starts": ""}):
        assert maya.post(HOLD, data=wrong, headers={"HX-Request": "true"}).status_code == 400
    assert holding.browser(None).post(HOLD, data=form).status_code == 401
    assert claims(holding) == []
