"""What comes free is offered to those who wait for it: in order, within their wishes, under every rule, once."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import Refused
from portal_plugin.delivery import worker
from portal_plugin.domain.errors import NotAllowed, NotAnswered
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind
from portal_plugin.domain.waitlist import Outcome, PartOfDay, Preferences
from portal_plugin.services import waitlist
from portal_plugin.services.people import erase_outdated
from portal_plugin.storage.database import run
from portal_plugin.storage.waitlist import sign
from portal_plugin.testing import Clock, captured
from tests.conftest import fresh_database
from tests.practices import practice
from tests.services.line import TUESDAY, WITH_WAITLIST, fill, join, line, offer, offers, open_offer, someone
from tests.services.steps import act, as_client, expire, full_history, rows, together, topics
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host
from tests.web.statements import statements

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEDNESDAY = TUESDAY + DAY
MORNING = frozenset({PartOfDay.MORNING})


@pytest.fixture
def full(either_host: Host) -> Host:
    """The practice with a waitlist, whose Tuesday and Wednesday with Ada are full."""
    either_host.apply(WITH_WAITLIST)
    fill(either_host, TUESDAY, WEDNESDAY)
    return either_host


@pytest.fixture
def sqlite_full(host: Host) -> Host:
    host.apply(WITH_WAITLIST)
    fill(host, TUESDAY, WEDNESDAY)
    return host


def release(host: Host, starts: datetime = TUESDAY_TEN) -> None:
    """Frida cancels."""
    theirs = act(host, "appointments", client="frida", status="confirmed")
    [one] = [one for one in theirs if one.starts == starts and one.provider.key == "ada"]
    act(host, "cancel", one.ref)


# Offered in order.


def test_who_came_first_is_offered_the_time_and_after_a_no_the_next(full: Host) -> None:
    join(full, "maya")
    join(full, "theo")
    assert (offer(full), line(full)) == (0, ["maya", "theo"])

    release(full)
    assert offer(full) == 1
    assert offers(full) == [("maya", TUESDAY_TEN, "invited")]
    assert offer(full) == 0

    as_client(full, open_offer(full, "maya").ref, Action.CANCEL, who="maya")
    assert offer(full) == 1
    assert offers(full)[1:] == [("theo", TUESDAY_TEN, "invited")]

    as_client(full, open_offer(full, "theo").ref, Action.ACCEPT, who="theo")
    assert line(full) == ["maya"]
    assert offer(full) == 0


def test_an_offer_that_nobody_answers_goes_to_the_next(full: Host) -> None:
    join(full, "maya", WEDNESDAY)
    join(full, "theo", WEDNESDAY)
    release(full, TUESDAY_TEN + DAY)
    offer(full)
    first = open_offer(full, "maya")
    assert first.expires == MONDAY + timedelta(seconds=2) + DAY

    full.clock.now = first.expires
    assert expire(full) == 1
    assert offer(full) == 1
    assert [(who, status) for who, _, status in offers(full)] == [("maya", "expired"), ("theo", "invited")]
    assert line(full) == ["maya", "theo"]


def test_what_was_declined_is_not_offered_again_and_another_time_is(full: Host) -> None:
    join(full, "maya", TUESDAY, WEDNESDAY)
    release(full)
    offer(full)
    as_client(full, open_offer(full, "maya").ref, Action.CANCEL, who="maya")
    assert offer(full) == 0, "the only free time is the one that she declined"

    release(full, TUESDAY_TEN + DAY)
    assert offer(full) == 1
    assert open_offer(full, "maya").starts == TUESDAY_TEN + DAY


def test_one_who_has_an_offer_to_answer_gets_no_second(full: Host) -> None:
    join(full, "maya", TUESDAY, WEDNESDAY)
    release(full)
    release(full, TUESDAY_TEN + DAY)
    assert offer(full) == 1
    assert (offer(full), len(offers(full))) == (0, 1)


def test_two_times_that_come_free_at_once_go_to_two(full: Host) -> None:
    for name in ("maya", "theo", "noor"):
        join(full, name)
    release(full)
    release(full, TUESDAY_TEN + HOUR)
    assert offer(full) == 2
    assert [(who, starts) for who, starts, _ in offers(full)] == [
        ("maya", TUESDAY_TEN),
        ("theo", TUESDAY_TEN + HOUR),
    ]


def test_an_offer_holds_its_time_and_is_an_invitation_like_any_other(full: Host) -> None:
    join(full, "maya")
    release(full)
    with captured(app=full.app) as signals:
        offer(full)
    made = open_offer(full, "maya")

    assert [(one.signal, one.appointment.ref) for one in signals] == [("appointment_invited", made.ref)]
    assert topics(full, made.ref) == ["invited"]
    [(action, before, after, kind, actor, *_)] = full_history(full, made.ref)
    assert (action, before, after, kind, actor) == ("invite", None, "invited", "system", "waitlist")
    with pytest.raises(Exception, match="taken a moment ago"):
        full.request("theo")


def test_a_declined_offer_with_nobody_left_in_line_is_free_for_all(full: Host) -> None:
    join(full, "maya")
    release(full)
    offer(full)
    as_client(full, open_offer(full, "maya").ref, Action.CANCEL, who="maya")
    offer(full)
    assert full.request("theo").starts == TUESDAY_TEN


def test_who_moves_an_offer_to_a_better_time_waits_no_more_once_it_is_confirmed(full: Host) -> None:
    join(full, "maya")
    release(full)
    offer(full)
    act(full, "reschedule", open_offer(full, "maya").ref, starts=TUESDAY_TEN + 2 * DAY)
    assert line(full) == []


# Within their wishes and the practice's rules.


def test_nothing_is_offered_outside_of_what_was_wished_for(sqlite_full: Host) -> None:
    host = sqlite_full
    join(host, "later", WEDNESDAY)
    join(host, "mornings", TUESDAY, WEDNESDAY, parts=MORNING)
    join(host, "wednesdays", TUESDAY, WEDNESDAY, weekdays=frozenset({2}))
    join(host, "ben", TUESDAY, provider="ben", location="annex")
    release(host, TUESDAY_TEN + 5 * HOUR)
    assert offer(host) == 1, "there is a visit with Ben"
    assert offers(host)[0][0] == "ben"
    release(host, TUESDAY_TEN + DAY + 5 * HOUR)
    assert offer(host) == 1
    assert offers(host)[1:] == [("later", TUESDAY_TEN + DAY + 5 * HOUR, "invited")]


def test_whoever_waits_for_anybody_is_offered_anybodys_time(sqlite_full: Host) -> None:
    fill(sqlite_full, contact="phone", provider="ben", location=None)
    join(sqlite_full, "maya", contact="phone", provider=None, location=None)
    assert offer(sqlite_full) == 0
    release(sqlite_full)
    assert offer(sqlite_full) == 1
    assert open_offer(sqlite_full, "maya").provider.key == "ada"


def test_an_offer_ends_when_the_notice_begins(sqlite_full: Host) -> None:
    join(sqlite_full, "maya")
    release(sqlite_full)
    offer(sqlite_full)
    assert open_offer(sqlite_full, "maya").expires == TUESDAY_TEN - DAY


def test_what_would_leave_less_than_an_hour_to_answer_is_offered_to_nobody(sqlite_full: Host) -> None:
    join(sqlite_full, "maya")
    release(sqlite_full)
    sqlite_full.clock.now = TUESDAY_TEN - DAY - HOUR + timedelta(seconds=1)
    assert offer(sqlite_full) == 0


def test_nobody_is_offered_a_time_at_which_they_are_elsewhere(sqlite_full: Host) -> None:
    act(
        sqlite_full,
        "book",
        someone("maya"),
        starts=TUESDAY_TEN,
        type="visit",
        contact="in-person",
        provider="ben",
        location="annex",
    )
    join(sqlite_full, "maya")
    release(sqlite_full)
    assert offer(sqlite_full) == 0


def test_the_days_between_two_of_a_type_bind_an_offer_too(host: Host) -> None:
    data = practice(waitlist_hours=24)
    data["appointment_types"][0] |= {"days_between": 7}
    host.apply(data)
    join(host, "maya", TUESDAY, TUESDAY + 9 * DAY)
    act(host, "book", someone("maya"), starts=TUESDAY_TEN, type="visit", contact="in-person", location="main")
    assert offer(host) == 1
    assert open_offer(host, "maya").starts.date() == TUESDAY + 7 * DAY


def test_whoever_has_as_many_requests_open_as_the_type_allows_is_offered_no_more(host: Host) -> None:
    data = practice(waitlist_hours=24)
    data["appointment_types"][0] |= {"open_requests": 1}
    host.apply(data)
    fill(host)
    join(host, "maya")
    asked = act(
        host, "request", someone("maya"), starts=TUESDAY_TEN + DAY, type="visit", contact="in-person", location="main"
    )
    release(host)
    assert offer(host) == 0
    act(host, "cancel", asked.ref)
    assert offer(host) == 1


def test_what_the_host_calls_busy_or_refuses_is_not_offered(sqlite_full: Host) -> None:
    refused: list[datetime] = []

    @sqlite_full.portal.busy_times
    def busy(provider: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        return [(TUESDAY_TEN, TUESDAY_TEN + HOUR)]

    @sqlite_full.portal.veto_request
    def not_after_noon(proposal) -> None:  # type: ignore[no-untyped-def]
        if proposal.starts == TUESDAY_TEN + 5 * HOUR:
            refused.append(proposal.starts)
            raise Refused("Not then.")

    join(sqlite_full, "maya")
    for starts in (TUESDAY_TEN, TUESDAY_TEN + 5 * HOUR):
        release(sqlite_full, starts)
    assert offer(sqlite_full) == 0
    release(sqlite_full, TUESDAY_TEN + 6 * HOUR)
    refused.clear()
    assert offer(sqlite_full) == 1
    assert refused == [TUESDAY_TEN + 5 * HOUR]
    assert open_offer(sqlite_full, "maya").starts == TUESDAY_TEN + 5 * HOUR + HOUR / 2


def test_the_worker_asks_the_host_as_a_request_does_in_whatever_thread_it_runs(sqlite_full: Host) -> None:
    host, asked = sqlite_full, []

    @host.portal.busy_times
    def busy(provider: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        asked.append(current_app.name)
        return []

    join(host, "maya")
    release(host)
    together(lambda: worker.run_once(host.app, host.state))
    assert set(asked) == {"host"}
    assert open_offer(host, "maya").starts == TUESDAY_TEN


def test_a_silent_host_is_asked_again_at_the_next_look_and_not_in_every_round(sqlite_full: Host) -> None:
    asked = []

    @sqlite_full.portal.busy_times
    def busy(provider: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        asked.append(provider)
        if len(asked) == 1:
            raise NotAnswered
        return []

    join(sqlite_full, "maya")
    release(sqlite_full)
    assert [offer(sqlite_full), offer(sqlite_full), len(asked)] == [0, 0, 1]
    sqlite_full.clock.advance(waitlist.LOOK)
    assert offer(sqlite_full) == 1


def test_a_practice_that_closes_its_waitlist_or_retires_the_type_offers_nothing(sqlite_full: Host) -> None:
    join(sqlite_full, "maya")
    release(sqlite_full)
    without = practice(waitlist_hours=24)
    without["appointment_types"][0]["waitlist"] = False
    retired = practice(waitlist_hours=24)
    retired["providers"] = [dict(one, types=["call"]) for one in retired["providers"][:1]]
    for data in (practice(), without, retired):
        sqlite_full.apply(data)
        assert (offer(sqlite_full), line(sqlite_full)) == (0, ["maya"])
    sqlite_full.apply(WITH_WAITLIST)
    assert offer(sqlite_full) == 1


def test_waiting_ends_when_the_latest_day_has_passed(full: Host) -> None:
    join(full, "maya")
    full.clock.now = datetime(2026, 12, 8, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    offer(full)
    assert line(full) == ["maya"]
    full.clock.advance(timedelta(minutes=5))
    offer(full)
    assert line(full) == []
    assert rows(full, "SELECT outcome FROM portal_waitlist") == [("expired",)]


def test_waiting_ends_with_the_day_of_the_place(host: Host) -> None:
    """Not with the practice's, where midnight comes three hours earlier."""
    data = practice(waitlist_hours=24)
    data["locations"][0]["zone"] = "America/Los_Angeles"
    host.apply(data)
    fill(host)
    join(host, "maya")
    host.clock.now = datetime(2026, 12, 8, 23, 59, tzinfo=ZoneInfo("America/Los_Angeles"))
    offer(host)
    assert line(host) == ["maya"]
    host.clock.advance(timedelta(minutes=5))
    offer(host)
    assert line(host) == []


# Joining and leaving.


def test_one_has_one_place_in_the_line_of_a_type(full: Host) -> None:
    wish = {"weekdays": frozenset({1, 2}), "parts": frozenset({PartOfDay.MORNING, PartOfDay.AFTERNOON})}
    first = join(full, "maya", **wish)
    assert join(full, "maya", **wish).ref == first.ref, "the same form sent twice"
    with pytest.raises(NotAllowed, match="You are on the waitlist for Therapy visit already"):
        join(full, "maya", WEDNESDAY)
    join(full, "maya", type="call", contact="phone", location=None)
    assert len(line(full)) == 2


def test_nobody_waits_for_more_than_a_few_types(host: Host) -> None:
    data = practice(waitlist_hours=24)
    kinds = [dict(data["appointment_types"][0], key=f"visit-{n}", name=f"Visit {n}") for n in range(6)]
    data["appointment_types"] += kinds
    data["providers"][0]["types"] += [kind["key"] for kind in kinds]
    host.apply(data)
    for n in range(waitlist.MOST):
        join(host, "maya", type=f"visit-{n}")
    with pytest.raises(NotAllowed, match="You are on 5 waitlists"):
        join(host, "maya", type="visit-5")


def test_there_is_no_line_where_the_practice_has_none(host: Host) -> None:
    with pytest.raises(NotAllowed, match="There is no waitlist for Therapy visit"):
        join(host, "maya")


def test_whoever_left_is_offered_nothing_and_keeps_what_was_offered(full: Host) -> None:
    place = join(full, "maya")
    join(full, "theo")
    release(full)
    offer(full)
    with full.app.app_context():
        for _ in range(2):
            waitlist.leave(full.state, place, Outcome.LEFT, Actor(ActorKind.CLIENT, "maya"))
    release(full, TUESDAY_TEN + HOUR)
    offer(full)
    assert [who for who, *_ in offers(full)] == ["maya", "theo"]
    as_client(full, open_offer(full, "maya").ref, Action.ACCEPT, who="maya")
    assert rows(full, "SELECT client_id, outcome FROM portal_waitlist ORDER BY id") == [
        ("maya", "left"),
        ("theo", None),
    ]
    told = "SELECT action, actor, reason FROM portal_history WHERE action IN ('wait', 'wait_end') ORDER BY id"
    assert rows(full, told) == [("wait", "maya", ""), ("wait", "theo", ""), ("wait_end", "maya", "")]


def test_whoever_leaves_while_the_host_is_asked_is_offered_nothing(sqlite_full: Host) -> None:
    place = join(sqlite_full, "maya")

    @sqlite_full.portal.veto_request
    def meanwhile(proposal) -> None:  # type: ignore[no-untyped-def]
        waitlist.leave(sqlite_full.state, place, Outcome.LEFT, Actor(ActorKind.CLIENT, "maya"))

    release(sqlite_full)
    assert offer(sqlite_full) == 0
    assert offers(sqlite_full) == []


# What it costs.


def test_a_round_without_news_costs_the_look_for_it_alone(full: Host) -> None:
    for n in range(20):
        join(full, f"client-{n}")
    offer(full)
    with full.app.app_context(), statements() as seen:
        waitlist.offer_what_came_free(full.state)
    assert len(seen) == 2, "the practice's revision, and whether anything happened"
    full.request("theo", TUESDAY_TEN + 2 * DAY)
    with full.app.app_context(), statements() as seen:
        waitlist.offer_what_came_free(full.state)
    assert len(seen) == 2, "what was taken set nothing free"
    full.apply(practice())
    with full.app.app_context(), statements() as seen:
        waitlist.offer_what_came_free(full.state)
    assert not [statement for statement in seen if "portal_waitlist" in statement]


def test_many_who_wait_for_the_same_are_looked_through_by_one_search(full: Host) -> None:
    found = []
    for n in range(30):
        join(full, f"client-{n}")
        if n in {0, 29}:
            with full.app.app_context(), statements() as seen:
                waitlist.offer_what_came_free(full.state)
            found.append(len(seen))
    assert found[0] == found[1]


def test_the_look_reads_no_more_of_the_history_than_its_index(host: Host) -> None:
    with host.app.app_context(), statements() as seen:
        sign(host.state.db)
    plan = repr(rows(host, f"EXPLAIN QUERY PLAN {seen[-1]}"))
    assert "portal_history_released" in plan, plan


# Two workers.


def race(host: Host, rounds: int) -> int:
    """How many clients had two offers to answer at once, over so many rounds of two workers each."""
    twice = 0
    for n in range(rounds):
        join(host, f"client-{n}", TUESDAY, WEDNESDAY)
        for starts in (TUESDAY_TEN, TUESDAY_TEN + DAY):
            release(host, starts)
        states = [
            host.state,
            make_host(str(host.app.config["PORTAL_DATABASE_URL"]), Path(host.app.instance_path), host.clock).state,
        ]

        def work(state=host.state) -> None:  # type: ignore[no-untyped-def]
            with host.app.app_context():
                state.waitlist_looked = None
                waitlist.offer_what_came_free(state)

        together(*[lambda state=state: work(state) for state in states])  # type: ignore[misc]
        made = act(host, "appointments", client=f"client-{n}", status="invited")
        twice += len(made) > 1
        for one in made:
            act(host, "withdraw", one.ref)
        run(host.state.db, "UPDATE portal_waitlist SET ended = 0, outcome = 'left'")
        fill(host, TUESDAY, WEDNESDAY)
    return twice


def test_two_workers_at_once_never_make_one_client_two_offers(full: Host) -> None:
    assert race(full, 8) == 0


def test_without_the_guard_of_the_database_they_would(full: Host) -> None:
    """The control: the race is real."""
    run(full.state.db, "DROP INDEX portal_appointment_offer")
    assert race(full, 8) > 0


# Forgotten, and a copy.


def test_the_copy_holds_the_waiting_and_erasing_takes_it_away(full: Host) -> None:
    join(full, "maya", parts=MORNING)
    join(full, "theo")
    [told] = act(full, "export_client", "maya")["waitlist"]
    assert (told["client_email"], told["type"], told["parts"], told["ended"]) == (
        *("maya@example.org", "visit", "morning"),
        None,
    )
    assert "id" not in told, "a number of ours says how many others wait"
    assert "theo" not in json.dumps(act(full, "export_client", "maya")).lower()

    assert act(full, "erase_client", "maya") == 0
    assert line(full) == ["theo"]
    for table in ("waitlist", "history"):
        assert "maya" not in repr(rows(full, f"SELECT * FROM portal_{table}")).lower()


def test_whoever_waits_is_not_outdated_and_whoever_has_waited_is_forgotten_in_time(full: Host) -> None:
    join(full, "maya")
    with full.app.app_context():
        erase_outdated(full.state, MONDAY + 400 * DAY)
    assert line(full) == ["maya"]
    full.clock.now = MONDAY + 30 * DAY
    offer(full)
    assert line(full) == []
    with full.app.app_context():
        erase_outdated(full.state, MONDAY + 31 * DAY)
    assert rows(full, "SELECT * FROM portal_waitlist") == []
    assert "maya" not in repr(rows(full, "SELECT * FROM portal_history"))


def test_whoever_waits_is_kept_however_long_ago_they_came(full: Host) -> None:
    full.request("maya", TUESDAY_TEN + 2 * DAY)
    full.clock.now = MONDAY + 300 * DAY
    join(full, "maya", (MONDAY + 310 * DAY).date())
    with full.app.app_context():
        erase_outdated(full.state, MONDAY + 200 * DAY)
    assert line(full) == ["maya"]


# Order holds, whoever waits for what.

HOURS = [TUESDAY_TEN + n * HOUR for n in (-1, 0, 1, 3, 4, 5, 6)]
WISHES = st.builds(
    Preferences,
    st.just(TUESDAY),
    st.sampled_from([TUESDAY, WEDNESDAY]),
    st.frozensets(st.sampled_from([1, 2]), max_size=1),
    st.frozensets(st.sampled_from([PartOfDay.MORNING, PartOfDay.AFTERNOON]), max_size=1),
)
ANSWERS = st.sampled_from(["accept", "decline", "wait"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wishes=st.lists(WISHES, min_size=1, max_size=4),
    steps=st.lists(st.tuples(st.sampled_from(HOURS), st.sampled_from([0, 1]), ANSWERS), max_size=5),
)
def test_nobody_is_passed_over(request, tmp_path_factory, wishes, steps) -> None:  # type: ignore[no-untyped-def]
    """Each time goes to the first in line whom it suits, who has no offer to answer and did not have this one before;
    what stays free suits nobody of those.
    """
    folder = tmp_path_factory.mktemp("line")
    with_line = fresh_database(request, folder, "sqlite")
    host = make_host(next(with_line), folder, Clock(MONDAY))
    host.apply(WITH_WAITLIST)
    fill(host, TUESDAY, WEDNESDAY)
    wanted = dict(zip((f"client-{n}" for n in range(len(wishes))), wishes, strict=True))
    for name, wish in wanted.items():
        join(host, name, wish.earliest, wish.latest, wish.weekdays, wish.parts)
    told: set[tuple[str, datetime]] = set()
    zone = ZoneInfo("America/New_York")
    for starts, days, answer in steps:
        starts += days * DAY
        booked = [one for one in act(host, "appointments", client="frida", status="confirmed") if one.starts == starts]
        for one in booked:
            act(host, "cancel", one.ref)
        before = {who for who, _, status in offers(host) if status == "invited"}
        waiting = [name for name in line(host) if name not in before]
        free = sorted(
            slot.starts
            for slot in act(
                host,
                "find_slots",
                type="visit",
                contact="in-person",
                provider="ada",
                location="main",
                since=TUESDAY,
                until=WEDNESDAY,
            )
        )
        expected = []
        for name in waiting:
            for one in free:
                if wanted[name].suit(one.astimezone(zone)) and (name, one) not in told:
                    expected.append((name, one))
                    free = [other for other in free if abs(other - one) >= HOUR]
                    break
        offer(host)
        made = [(who, at) for who, at, status in offers(host) if status == "invited" and (who, at) not in told]
        assert made == expected
        told.update(made)
        for name, _ in made:
            if answer != "wait":
                act(host, "accept" if answer == "accept" else "cancel", open_offer(host, name).ref)
    host.state.db.close_all()
