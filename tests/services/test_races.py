"""Two at once, a hundred times each, on both databases: what is told to either of them, and what is stored, agree.

A pair is what is prepared, two callables, and every legal end: what the first was told, what the second was told, and
the statuses that came of it. The rounds of a pair are prepared together, at times that do not touch; then two threads
meet before each round, and once more where each of them has looked at its clock and neither has written.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_mail import Message, email_dispatched

from portal_plugin import Appointment, Client, SlotTaken
from portal_plugin.domain.errors import PortalError
from portal_plugin.domain.lifecycle import Action
from portal_plugin.hooks import ANNOUNCED
from portal_plugin.services import holding, requests
from portal_plugin.storage import appointments, claims, outbox
from portal_plugin.storage import practice as documents
from portal_plugin.storage.models import AppointmentRow
from tests.practices import practice
from tests.services.agreement import Stored, disagreements, misdelivered, remove_claim_guard
from tests.services.steps import act, as_client, expire, invite, refusals, send_form, together
from tests.services.test_rescheduling import ask_to_move, confirmed
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host

ROUNDS = 100
FEWER = 25
"""Of the further pairs, and without a guard, where nearly every round goes wrong."""
HALF, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
NINE = TUESDAY_TEN - HOUR
VISIT = {"type": "visit", "contact": "in-person", "location": "main"}
# Inside this window a client may cancel a request but not an appointment: only one of the two can happen.
NO_WAY_BACK = {"cancellation_hours": 8760, "reschedule_hours": 0}


class MeetingClock:
    """A clock on which the two of a round wait for each other: each has read, and neither has written yet."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.barrier = threading.Barrier(2)
        self.expected = threading.local()
        self.at_looks = True

    def __call__(self) -> datetime:
        if self.at_looks:
            self.meet()
        return self.now

    def meet(self) -> None:
        if getattr(self.expected, "here", False):
            self.expected.here = False
            self.barrier.wait()
            # Who is a little late loses: not always the same.
            time.sleep(random.choice((0, 0, 0.0005, 0.001)))


@dataclass
class Round:
    """One meeting: a number, a time of its own with an hour around it, and what was prepared for it."""

    number: int
    starts: datetime
    made: list[Appointment] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return self.made[-1].ref

    @property
    def old(self) -> Appointment:
        return self.made[0]


Side = Callable[[Host, Round], Any]


@dataclass(frozen=True)
class Race:
    """`legal` has the ends: "told the first | told the second | statuses in the order in which they were made"."""

    name: str
    prepare: Callable[[Host, Round], list[Appointment]]
    first: Side
    second: Side
    legal: set[str]
    settings: dict[str, Any] = field(default_factory=dict)
    type: dict[str, Any] = field(default_factory=dict)
    prepared_at: Callable[[int], datetime] = lambda _: MONDAY
    raced_at: Callable[[int], datetime] = lambda _: MONDAY
    equip: Callable[[Host], None] = lambda _: None
    rounds: int = ROUNDS
    equal: bool = False
    """Both do the same, so each end is legal the other way round as well."""

    def practice(self) -> dict[str, Any]:
        data = practice(**self.settings)
        data["appointment_types"][0] |= {"horizon_days": 200} | self.type
        return data


def verb(name: str, **more: Any) -> Side:
    return lambda host, one: act(host, name, one.ref, **more)


def client(action: Action) -> Side:
    return lambda host, one: as_client(host, one.ref, action)


def on_old(name: str) -> Side:
    return lambda host, one: act(host, name, one.old.ref)


def request(who: str, later: timedelta = timedelta()) -> Side:
    return lambda host, one: host.request(who, one.starts + later)


def request_of_its_own(later: timedelta = timedelta()) -> Side:
    """By a client whom only this round knows."""

    def ask(host: Host, one: Round) -> Any:
        who = Client(f"client-{one.number}", "Ann Reyes", "ann@example.org")
        return act(host, "request", who, starts=one.starts + later, **VISIT)

    return ask


def nothing(host: Host, one: Round) -> list[Appointment]:
    return []


def requested(host: Host, one: Round) -> list[Appointment]:
    return [host.request("maya", one.starts)]


def two_requested(host: Host, one: Round) -> list[Appointment]:
    return [host.request(who, one.starts) for who in PEOPLE]


def invited(host: Host, one: Round) -> list[Appointment]:
    return [invite(host, one.starts)]


def booked(host: Host, one: Round) -> list[Appointment]:
    return [confirmed(host, "maya", one.starts)]


def moving(host: Host, one: Round) -> list[Appointment]:
    """Confirmed, and a new time that overlaps the old one waits for an answer."""
    old = confirmed(host, "maya", one.starts)
    return [old, ask_to_move(host, old, one.starts + HALF)]


def moving_away(host: Host, one: Round) -> list[Appointment]:
    """The same without an overlap."""
    old = confirmed(host, "maya", one.starts)
    return [old, ask_to_move(host, old, one.starts + HOUR)]


def move_to(later: timedelta) -> Side:
    return lambda host, one: act(host, "reschedule", one.old.ref, starts=one.starts + later)


def wish_for(later: timedelta) -> Side:
    return lambda host, one: ask_to_move(host, one.old, one.starts + later)


def change_hours(host: Host, one: Round) -> str:
    """Close on every second round what the next one opens again; and what whoever asks from now on is told."""
    data = NAMED["request / provider's hours change"].practice()
    if one.number % 2 == 0:
        data["providers"][0]["hours"] = [{"saturday": ["9:00-12:00"]}]
    host.apply(data)
    try:
        afterwards = told(host.request("theo", one.starts))
    except PortalError as error:
        afterwards = told(error)
    return f"{'closed' if one.number % 2 == 0 else 'opened'}, {afterwards}"


def deliver(host: Host, one: Round) -> str:
    act(host, "deliver")
    return "delivered"


def and_deliver(side: Side) -> Side:
    """With another worker beside the first."""

    def both(host: Host, one: Round) -> Any:
        answer = side(host, one)
        act(host, "deliver")
        return answer

    return both


def minutes_after(hours: int) -> Callable[[int], datetime]:
    """A minute for each round, so that a worker finds what is due in this one and nothing of the next."""
    return lambda number: MONDAY + timedelta(hours=hours, minutes=number)


def meeting_in_the_veto(host: Host) -> None:
    """Later than at the clock: both have found the time free."""
    clock: Any = host.clock
    clock.at_looks = False
    host.portal.veto_request(lambda _: clock.meet())


def slow_and_raising(host: Host) -> None:
    def think(_: Appointment) -> None:
        time.sleep(random.choice((0, 0.001, 0.002)))

    def stumble(_: object, appointment: Appointment) -> None:
        raise RuntimeError("a receiver of the host's")

    host.portal.veto_confirmation(think)
    host.portal.veto_cancellation(think)
    host.stumble = stumble  # type: ignore[attr-defined]  # receivers are held weakly
    for signal in set(ANNOUNCED.values()):
        signal.connect(stumble, sender=host.app)


CONFIRM_OR_DECLINE = {
    "confirmed | AlreadyDecided confirmed | confirmed",
    "AlreadyDecided declined | declined | declined",
}
CONFIRM_OR_CANCEL = {"confirmed | TooLate | confirmed", "AlreadyDecided cancelled | cancelled | cancelled"}
NEW_OR_NOT = {
    "confirmed | AlreadyDecided confirmed | cancelled confirmed",
    "AlreadyDecided declined | declined | confirmed declined",
}
FIRST_COMES = {"requested | SlotTaken | requested"}

RACES = [
    Race("confirm / decline", requested, verb("confirm"), verb("decline"), CONFIRM_OR_DECLINE),
    Race("confirm / client cancels", requested, verb("confirm"), client(Action.CANCEL), CONFIRM_OR_CANCEL, NO_WAY_BACK),
    Race(
        "confirm / client cancels, who may cancel what is confirmed",
        requested,
        verb("confirm"),
        client(Action.CANCEL),
        {"confirmed | cancelled | cancelled", "AlreadyDecided cancelled | cancelled | cancelled"},
    ),
    Race("confirm / confirm", requested, verb("confirm"), verb("confirm"), {"confirmed | confirmed | confirmed"}),
    Race(
        "accept / withdraw",
        invited,
        client(Action.ACCEPT),
        verb("withdraw"),
        {"confirmed | AlreadyDecided confirmed | confirmed", "AlreadyDecided withdrawn | withdrawn | withdrawn"},
    ),
    Race(
        "accept / cancel in two tabs",
        invited,
        client(Action.ACCEPT),
        client(Action.CANCEL),
        CONFIRM_OR_CANCEL,
        NO_WAY_BACK,
    ),
    Race(
        "two requests, one time",
        nothing,
        request("maya"),
        request("theo"),
        FIRST_COMES,
        equip=meeting_in_the_veto,
        equal=True,
    ),
    Race(
        "two requests, times that overlap",
        nothing,
        request("maya"),
        request("theo", HALF),
        FIRST_COMES,
        equip=meeting_in_the_veto,
        equal=True,
    ),
    Race(
        "two confirmations of one time, where requests hold none",
        two_requested,
        on_old("confirm"),
        verb("confirm"),
        {"confirmed | SlotTaken | confirmed requested", "SlotTaken | confirmed | requested confirmed"},
        {"requests_hold_time": False},
    ),
    Race(
        "two requests of a client who may have one open",
        nothing,
        request_of_its_own(),
        request_of_its_own(HOUR),
        {"requested | NotOffered type | requested"},
        type={"open_requests": 1},
        equip=meeting_in_the_veto,
        equal=True,
    ),
    Race(
        "two requests for the last session of a day",
        nothing,
        request("maya"),
        request("theo", HOUR),
        FIRST_COMES,
        type={"daily_cap": 1},
        equip=meeting_in_the_veto,
        equal=True,
    ),
    Race(
        "request / provider's hours change",
        nothing,
        request("maya"),
        change_hours,
        {
            "requested | closed, NotOffered starts | requested",
            "NotOffered starts | closed, NotOffered starts | ",
            "NotOffered starts | opened, requested | requested",
            "requested | opened, SlotTaken | requested",
            "SlotTaken | opened, requested | requested",
        },
    ),
    Race(
        "confirm / expiry",
        requested,
        verb("confirm"),
        lambda host, one: expire(host),
        {"confirmed | 0 | confirmed", "AlreadyDecided expired | 1 | expired"},
        {"request_expiry_hours": 1},
        prepared_at=minutes_after(0),
        raced_at=minutes_after(1),
    ),
    # What goes out meanwhile. A text reminder is a message like these: its pairs stand here.
    Race(
        "cancel / confirmation mail goes out",
        booked,
        and_deliver(client(Action.CANCEL)),
        deliver,
        {"cancelled | delivered | cancelled"},
        prepared_at=minutes_after(0),
        raced_at=minutes_after(0),
    ),
    Race(
        "move / confirmation mail goes out",
        booked,
        and_deliver(move_to(HALF)),
        deliver,
        {"confirmed | delivered | cancelled confirmed"},
        prepared_at=minutes_after(0),
        raced_at=minutes_after(0),
    ),
    Race(
        "confirm / client cancels, with a slow and a raising hook in between",
        requested,
        verb("confirm"),
        client(Action.CANCEL),
        CONFIRM_OR_CANCEL,
        NO_WAY_BACK,
        equip=slow_and_raising,
    ),
    # Moving.
    Race(
        "practice moves / client cancels",
        booked,
        move_to(HALF),
        client(Action.CANCEL),
        {"confirmed | cancelled | cancelled confirmed", "AlreadyDecided cancelled | cancelled | cancelled"},
    ),
    Race(
        "client asks for another time / practice cancels",
        booked,
        wish_for(HALF),
        verb("cancel"),
        {"requested | cancelled | cancelled requested", "AlreadyDecided cancelled | cancelled | cancelled"},
    ),
    Race(
        "practice moves twice",
        booked,
        move_to(HALF),
        move_to(HOUR),
        {"confirmed | AlreadyDecided cancelled | cancelled confirmed"},
        equal=True,
    ),
    Race(
        "client asks for another time twice",
        booked,
        wish_for(HALF),
        wish_for(HOUR),
        {"requested | NotAllowed | confirmed requested"},
        equal=True,
    ),
    Race(
        "practice moves / client asks for another time",
        booked,
        move_to(HALF),
        wish_for(HOUR),
        {
            "confirmed | AlreadyDecided cancelled | cancelled confirmed",
            "NotAllowed | requested | confirmed requested",
        },
    ),
]
RACES += [
    Race(f"{name}, {how}", prepare, first, second, legal, rounds=FEWER)
    for how, prepare in (("which overlaps", moving), ("which does not overlap", moving_away))
    for name, first, second, legal in [
        (
            "confirm the new time / cancel the old",
            verb("confirm"),
            on_old("cancel"),
            {"confirmed | cancelled | cancelled confirmed"},
        ),
        (
            "confirm the new time / client cancels the old",
            verb("confirm"),
            lambda host, one: as_client(host, one.old.ref, Action.CANCEL),
            {"confirmed | cancelled | cancelled confirmed"},
        ),
        ("confirm the new time / decline it", verb("confirm"), verb("decline"), NEW_OR_NOT),
        (
            "confirm the new time / confirm it",
            verb("confirm"),
            verb("confirm"),
            {"confirmed | confirmed | cancelled confirmed"},
        ),
        (
            "confirm the new time / client cancels it",
            verb("confirm"),
            client(Action.CANCEL),
            {
                "confirmed | cancelled | cancelled cancelled",
                "AlreadyDecided cancelled | cancelled | confirmed cancelled",
            },
        ),
        (
            "decline the new time / cancel the old",
            verb("decline"),
            on_old("cancel"),
            {"declined | cancelled | cancelled declined"},
        ),
        (
            "client cancels the new time / and the old",
            client(Action.CANCEL),
            lambda host, one: as_client(host, one.old.ref, Action.CANCEL),
            {"cancelled | cancelled | cancelled cancelled"},
        ),
        (
            "confirm the new time / move the old",
            verb("confirm"),
            move_to(timedelta(days=120)),
            {
                "confirmed | AlreadyDecided cancelled | cancelled confirmed",
                "confirmed | NotAllowed | cancelled confirmed",
            },
        ),
        (
            "decline the new time / move the old",
            verb("decline"),
            move_to(timedelta(days=120)),
            {
                "declined | confirmed | cancelled declined confirmed",
                "declined | NotAllowed | confirmed declined",
            },
        ),
    ]
]
NAMED = {race.name: race for race in RACES}


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Host]:
    """A host whose clock two threads meet on, and its mailbox."""
    host = make_host(database_url, tmp_path, MeetingClock())  # type: ignore[arg-type]

    def keep(_: object, message: Message) -> None:
        host.mailbox.append(message)

    with email_dispatched.connected_to(keep, sender=host.app):
        yield host
    host.state.db.close_all()


def meetings(race: Race, rounds: int) -> Iterator[Round]:
    """A time for each round, with an hour on either side of it that is nobody else's."""
    days = 1 if race.type.get("daily_cap") else 3
    for number in range(rounds):
        day, nth = divmod(number, days)
        week, weekday = divmod(day, 5)
        # Weekdays from Tuesday on.
        ahead = week * 7 + weekday + (2 if weekday == 4 else 0)
        yield Round(number, NINE + timedelta(days=ahead, hours=(0, 4, 6)[nth]))


def told(answer: object) -> str:
    """An answer in a word or two; what is no refusal of the portal's is told as it is."""
    if isinstance(answer, Appointment):
        return str(answer.status)
    if isinstance(answer, PortalError):
        detail = getattr(answer, "status", "") or getattr(answer, "field", "")
        return f"{type(answer).__name__} {detail}".strip()
    return answer if isinstance(answer, str) else repr(answer)


def run(host: Host, race: Race, rounds: int) -> list[str]:
    """Race it; everything that is not as it has to be, a sentence each."""
    clock: Any = host.clock
    host.apply(race.practice())
    race.equip(host)
    prepared = list(meetings(race, rounds))
    for one in prepared:
        clock.now = race.prepared_at(one.number)
        one.made = race.prepare(host, one)
    answers: tuple[list[str], list[str]] = ([], [])

    def attend(side: Side, heard: list[str]) -> None:
        for one in prepared:
            gate.wait()
            clock.expected.here = True
            try:
                heard.append(told(side(host, one)))
            except Exception as error:
                heard.append(told(error))
            if getattr(clock.expected, "here", False):
                # It came to its end without a look at the clock: the other is not to wait for it.
                clock.expected.here = False
                clock.barrier.wait()

    def begin_round() -> None:
        clock.now = race.raced_at(len(answers[0]))

    gate = threading.Barrier(2, action=begin_round)
    threads = [
        threading.Thread(target=attend, args=pair, daemon=True)
        for pair in zip((race.first, race.second), answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=100)
    if any(thread.is_alive() for thread in threads):
        return [f"round {len(answers[0])} hangs"]
    faults = [*unlawful(host, race, prepared, answers), *disagreements(host)]
    clock.now += DAY
    act(host, "deliver")
    return [*faults, *misdelivered(host)]


def unlawful(host: Host, race: Race, rounds: list[Round], answers: tuple[list[str], list[str]]) -> Iterator[str]:
    """Rounds that ended in a way that is not in the table."""
    by_thread = {made.thread: one.number for one in rounds for made in one.made}
    by_start = {int((one.starts + shift).timestamp()): one.number for one in rounds for shift in (0 * HALF, HALF, HOUR)}
    ends: dict[int, list[str]] = {one.number: [] for one in rounds}
    for row in Stored(host).rows.values():
        ends[by_thread[row.thread] if row.thread in by_thread else by_start[row.busy_from]].append(row.status)
    legal = {tuple(end.split(" | ")) for end in race.legal}
    if race.equal:
        legal |= {(second, first, end) for first, second, end in legal}
    seen = Counter(
        (first, second, " ".join(ends[one.number])) for one, first, second in zip(rounds, *answers, strict=True)
    )
    print(f"{race.name}: {dict(seen)}")
    for end, times in seen.items():
        if end not in legal:
            yield f"{times} times: {' | '.join(end)}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_each_round_ends_lawfully_and_what_is_told_and_stored_agrees(site: Host, name: str) -> None:
    race = NAMED[name]
    assert run(site, race, race.rounds) == []


# The controls: without its guard, each race shows.


def without_version_check(host: Host, patch: pytest.MonkeyPatch) -> None:
    def unguarded(db: Any, appointment: Appointment, to: str, **changes: Any) -> Appointment:
        changes |= {"status": to, "version": appointment.version + 1}
        AppointmentRow.update(**changes).where(AppointmentRow.id == appointment.id).execute(db)
        return replace(appointment, **changes)

    patch.setattr(appointments, "move", unguarded)


def without_claims_apart(host: Host, patch: pytest.MonkeyPatch) -> None:
    remove_claim_guard(host)


def without_row_locks(host: Host, patch: pytest.MonkeyPatch) -> None:
    def pending(db: Any, practice: Any, ref: str) -> Appointment | None:
        found = (
            AppointmentRow.select(AppointmentRow.ref)
            .where(AppointmentRow.replaces == ref, AppointmentRow.status.in_(["requested", "invited"]))
            .tuples()
            .execute(db)
        )
        return next((appointments.by_ref(db, practice, waiting) for (waiting,) in found), None)

    patch.setattr(appointments, "locked", appointments.by_ref)
    patch.setattr(appointments, "pending_replacement", pending)


def without_a_second_look_at_the_old(host: Host, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(requests, "locked_to_move", lambda db, practice, moving: moving)


def without_one_new_time_at_once(host: Host, patch: pytest.MonkeyPatch) -> None:
    """Without the index that lets one wait, the look that tells so sooner, and what keeps claims apart: the two new
    times overlap.
    """
    without_a_second_look_at_the_old(host, patch)
    remove_claim_guard(host)
    with host.app.app_context():
        host.state.db.execute_sql("DROP INDEX portal_appointment_pending")


def without_a_second_look_at_the_rules(host: Host, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(requests, "check_again", lambda *_: None)


def without_counting_alone(host: Host, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(appointments, "one_at_a_time", lambda *_: None)
    patch.setattr(claims, "one_at_a_time", lambda *_: None)


def without_widened_claims(host: Host, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holding, "_widened", lambda *_: False)


def without_a_look_at_the_practice(host: Host, patch: pytest.MonkeyPatch) -> None:
    """Each process stays with the one that it read first."""
    patch.setattr(documents, "latest_revisions", lambda db: (1, 0))


def without_leases(host: Host, patch: pytest.MonkeyPatch) -> None:
    lease = outbox.lease_due
    patch.setattr(outbox, "lease_due", lambda db, lane, now, until, most: lease(db, lane, now, now, most))
    patch.setattr(outbox, "take_up", lambda db, message, until: message)


Remove = Callable[[Host, pytest.MonkeyPatch], None]
CONTROLS: list[tuple[Remove, str]] = [
    (without_version_check, "confirm / decline"),
    (without_version_check, "accept / withdraw"),
    (without_version_check, "confirm / client cancels"),
    (without_version_check, "confirm / expiry"),
    (without_version_check, "confirm / confirm"),
    (without_version_check, "accept / cancel in two tabs"),
    (without_version_check, "confirm / client cancels, with a slow and a raising hook in between"),
    (without_a_look_at_the_practice, "request / provider's hours change"),
    (without_one_new_time_at_once, "client asks for another time twice"),
    (without_claims_apart, "two requests, one time"),
    (without_claims_apart, "two requests, times that overlap"),
    (without_claims_apart, "two confirmations of one time, where requests hold none"),
    (without_a_second_look_at_the_old, "practice moves twice"),
    (without_a_second_look_at_the_old, "practice moves / client cancels"),
    (without_a_second_look_at_the_rules, "two requests of a client who may have one open"),
    (without_a_second_look_at_the_rules, "two requests for the last session of a day"),
    (without_widened_claims, "client asks for another time / practice cancels"),
    (without_leases, "cancel / confirmation mail goes out"),
]
WHERE_ROWS_ARE_LOCKED: list[tuple[Remove, str]] = [
    (without_row_locks, "confirm the new time / cancel the old, which overlaps"),
    (without_row_locks, "practice moves / client asks for another time"),
    (without_counting_alone, "two requests of a client who may have one open"),
    (without_counting_alone, "two requests for the last session of a day"),
]
"""SQLite's writers queue; on PostgreSQL these are guards of their own."""


@pytest.mark.parametrize(("remove", "name"), CONTROLS)
def test_without_its_guard_the_race_shows(
    own_schema: None, site: Host, monkeypatch: pytest.MonkeyPatch, remove: Remove, name: str
) -> None:
    remove(site, monkeypatch)
    assert run(site, NAMED[name], FEWER) != []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize(("remove", "name"), WHERE_ROWS_ARE_LOCKED)
@pytest.mark.postgres
def test_without_its_lock_the_race_shows(
    own_schema: None, site: Host, monkeypatch: pytest.MonkeyPatch, remove: Remove, name: str
) -> None:
    remove(site, monkeypatch)
    assert run(site, NAMED[name], FEWER) != []


# Many at once.


def test_one_form_sent_twenty_times_at_once_is_one_request(either_host: Host) -> None:
    answers = together(*[lambda: send_form(either_host, "key")] * 20)

    assert refusals(answers) == []
    assert len({answer.ref for answer in answers}) == 1
    assert len(Stored(either_host).rows) == 1
    assert disagreements(either_host) == []


def test_one_form_for_any_provider_sent_twenty_times_at_once_takes_one_providers_time(either_host: Host) -> None:
    answers = together(*[lambda: send_form(either_host, "key", provider=None)] * 20)

    assert refusals(answers) == []
    assert len({answer.ref for answer in answers}) == 1
    assert len(Stored(either_host).claims) == 1


def test_twelve_requests_for_overlapping_times(either_host: Host) -> None:
    calls = [lambda n=n: either_host.request("maya", TUESDAY_TEN + HALF * (n % 2)) for n in range(12)]

    answers = together(*calls)

    assert Counter(type(answer) for answer in answers) == {Appointment: 1, SlotTaken: 11}
    assert disagreements(either_host) == []
