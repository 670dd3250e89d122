"""Clients, staff, the clock, the host's hooks and the worker in any order, beside a model that foretells each answer.

After each step: what is stored agrees with itself and with the model, every change has its history row, its messages
and its signals and the other way round, nothing leaves a final state, and no mail contradicts an earlier one.
"""

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_mail import Message, email_dispatched
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from portal_plugin import Client, PortalError, Refused
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind
from portal_plugin.hooks import ANNOUNCED
from portal_plugin.services import decisions, requests
from portal_plugin.services.slots import free_slots
from portal_plugin.storage import chain, outbox
from portal_plugin.testing import Clock
from tests.services.agreement import Stored, disagreements, misdelivered
from tests.services.model_practice import KINDS, OPEN, PROVIDERS, RELEASED, TABLE, ZONE, Entry, Model, practice_file
from tests.services.steps import empty, rows
from tests.support import Host, make_host

BEGIN = datetime(2027, 3, 12, 15, 0, tzinfo=UTC)
"""A Friday, 10:00 in New York; the clock changes on Sunday."""

PEOPLE = {name: Client(name, name.title(), f"{name}@example.org") for name in ("ann", "bea", "cal")}
WHO = st.sampled_from(sorted(PEOPLE))
KIND = st.sampled_from(sorted(KINDS))
PROVIDER = st.sampled_from(PROVIDERS)
ANY_PROVIDER = st.sampled_from([*PROVIDERS, None])
PICK = st.integers(0, 30)
DAY = st.integers(0, 3)
# Mostly times that meet each other, and some that nobody offers.
CLOCK_TIME = st.sampled_from(
    [
        time(10),
        time(10, 30),
        time(11),
        time(9),
        time(9, 30),
        time(13),
        time(14),
        time(8),
        time(10, 10),
        time(12),
        time(23),
    ]
)
ACTIONS = {"miss": Action.MISS} | {action: Action[action.upper()] for _, action in TABLE}
FINAL = (*RELEASED, "completed", "no_show")


class Practising(RuleBasedStateMachine):
    """`open_host` makes a site over an empty database."""

    open_host: Callable[[Clock], Host]
    emptied: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(BEGIN)
        self.host = type(self).open_host(self.clock)
        self.mail_is_away = False
        self.heard: list[tuple[str, str]] = []
        self.receivers = [self._receiver(signal.name) for signal in set(ANNOUNCED.values())]
        for signal, receiver in zip(set(ANNOUNCED.values()), self.receivers, strict=True):
            signal.connect(receiver, sender=self.host.app)
            signal.connect(self._stumble, sender=self.host.app)
        email_dispatched.connect(self._receive, sender=self.host.app)
        # It tells of each receiver that raises.
        logging.getLogger("portal_plugin").disabled = True
        self.ended: dict[str, str] = {}

    def _receiver(self, name: str) -> Callable[..., None]:
        def hear(_: object, appointment: Any) -> None:
            self.heard.append((name, appointment.ref))

        return hear

    def _stumble(self, _: object, appointment: Any) -> None:
        raise RuntimeError("a receiver of the host's")

    def _receive(self, _: object, message: Message) -> None:
        if self.mail_is_away:
            raise ConnectionError
        self.host.mailbox.append(message)

    @initialize(hold=st.booleans())
    def open_practice(self, hold: bool) -> None:
        self.model = Model(BEGIN, hold)
        self.host.apply(practice_file("long", hold))
        portal, model = self.host.portal, self.model

        def veto(what: str) -> Callable[[object], None]:
            def ask(_: object) -> None:
                if what in model.refusing:
                    raise Refused("The host says no.")

            return ask

        portal.veto_request(veto("request"))
        portal.veto_confirmation(veto("confirm"))
        portal.veto_cancellation(veto("cancel"))

        @portal.busy_times
        def busy(provider: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
            return ((a, b) for key, a, b in model.busy if key == provider and a < until and since < b)

    # Helpers.

    def at(self, day: int, clock_time: time) -> datetime:
        """A wall time in the days ahead."""
        today = self.clock.now.astimezone(ZONE).date()
        return datetime.combine(today + timedelta(days=day), clock_time, ZONE).astimezone(UTC)

    def attempt(self, call: Callable[[], Any]) -> tuple[str, Any]:
        """The name of the refusal, or what it came to."""
        with self.host.app.app_context():
            try:
                return "", call()
            except PortalError as refusal:
                return type(refusal).__name__, None

    def entry(self, pick: int, statuses: tuple[str, ...] = ()) -> Entry | None:
        """One that there is, newest first, and rather one in one of these states."""
        among = [one for one in self.model.entries if one.status in statuses] or self.model.entries
        return among[-1 - pick % len(among)] if among else None

    def ask(self, who: str, kind: str, provider: str | None, starts: datetime, old: Entry | None) -> tuple[str, Any]:
        """As the client's own form does."""

        def send() -> Any:
            practice = self.host.portal.practice()
            moving = self.host.portal.appointment(old.ref) if old else None
            wish = practice.wish(kind, "phone", provider)
            client = Actor(ActorKind.CLIENT, who)
            asking = requests.Asking(wish, PEOPLE[who], starts, client, moving=moving)
            return requests.request_appointment(self.host.state, practice, asking)

        return self.attempt(send)

    def made(self, answer: Any, who: str, kind: str, starts: datetime, action: str, old: Entry | None) -> None:
        self.model.made(answer.ref, who, kind, answer.provider.key, starts, action, old)

    # Clients.

    @rule(who=WHO, kind=KIND, provider=ANY_PROVIDER, day=DAY, clock_time=CLOCK_TIME)
    def request(self, who: str, kind: str, provider: str | None, day: int, clock_time: time) -> None:
        starts = self.at(day, clock_time)
        expected, able = self.model.may_request(who, kind, provider, starts, None)
        refusal, answer = self.ask(who, kind, provider, starts, None)
        assert refusal == expected
        if answer:
            assert answer.provider.key in able
            self.made(answer, who, kind, starts, "request", None)

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, provider=ANY_PROVIDER, day=DAY, clock_time=CLOCK_TIME)
    def ask_to_move(self, pick: int, provider: str | None, day: int, clock_time: time) -> None:
        old = self.entry(pick, OPEN)
        if old is None or old.who is None:
            return
        starts = self.at(day, clock_time)
        expected, able = self.model.may_request(old.who, old.kind, provider, starts, old)
        refusal, answer = self.ask(old.who, old.kind, provider, starts, old)
        assert refusal == expected
        if answer:
            assert answer.provider.key in able
            self.made(answer, old.who, old.kind, starts, "request", old)

    @precondition(lambda self: "request" not in self.model.refusing)
    @rule(who=WHO, kind=KIND, provider=ANY_PROVIDER, nth=PICK)
    def take_what_is_offered(self, who: str, kind: str, provider: str | None, nth: int) -> None:
        """Offered slots are takeable."""
        self._take_offered(who, kind, provider, nth, None)

    @precondition(lambda self: "request" not in self.model.refusing and self._movable())
    @rule(provider=ANY_PROVIDER, nth=PICK, pick=PICK, near=st.booleans())
    def move_to_what_is_offered(self, provider: str | None, nth: int, pick: int, near: bool) -> None:
        movable = self._movable()
        old = movable[-1 - pick % len(movable)]
        self._take_offered(str(old.who), old.kind, old.provider if near else provider, nth, old)

    def _movable(self) -> list[Entry]:
        return [one for one in self.model.entries if one.who and not self.model.may_move(one, by_client=True)]

    def _take_offered(self, who: str, kind: str, provider: str | None, nth: int, old: Entry | None) -> None:
        with self.host.app.app_context():
            practice = self.host.portal.practice()
            found = free_slots(
                self.host.state,
                practice,
                practice.wish(kind, "phone", provider),
                since=self.clock.now,
                until=self.clock.now + timedelta(days=3),
                now=self.clock.now,
                client=PEOPLE[who],
                moving=self.host.portal.appointment(old.ref) if old else None,
            )
            slots = [slot for _, slot in zip(range(nth + 1), found, strict=False)]
        if slots:
            refusal, answer = self.ask(who, kind, provider, slots[-1].starts, old)
            assert refusal == "", slots[-1]
            self.made(answer, who, kind, slots[-1].starts, "request", old)

    @rule(who=WHO, kind=KIND, provider=PROVIDER, day=DAY, clock_time=CLOCK_TIME)
    def hold(self, who: str, kind: str, provider: str, day: int, clock_time: time) -> None:
        starts = self.at(day, clock_time)
        expected = self.model.may_hold(who, kind, provider, starts)

        def fill_in() -> Any:
            practice = self.host.portal.practice()
            asking = requests.Asking(
                practice.wish(kind, "phone", provider), PEOPLE[who], starts, Actor(ActorKind.CLIENT, who)
            )
            return requests.hold_time(self.host.state, practice, asking)

        refusal, until = self.attempt(fill_in)
        assert refusal == (expected or "")
        assert (until is None) == (expected != "")
        if until:
            self.model.held(who, kind, provider, starts)

    # Staff.

    @rule(
        who=WHO, kind=KIND, provider=PROVIDER, day=DAY, clock_time=CLOCK_TIME, verb=st.sampled_from(["invite", "book"])
    )
    def propose(self, who: str, kind: str, provider: str, day: int, clock_time: time, verb: str) -> None:
        self._propose(verb, who, kind, provider, self.at(day, clock_time), None)

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, provider=PROVIDER, day=DAY, clock_time=CLOCK_TIME, verb=st.sampled_from(["invite", "book"]))
    def propose_another(self, pick: int, provider: str, day: int, clock_time: time, verb: str) -> None:
        """A counter-proposal, or a move at once."""
        old = self.entry(pick, OPEN)
        if old is not None and old.who is not None:
            self._propose(verb, old.who, old.kind, provider, self.at(day, clock_time), old)

    def _propose(self, verb: str, who: str, kind: str, provider: str, starts: datetime, old: Entry | None) -> None:
        expected = self.model.may_propose(who, kind, provider, starts, old, at_once=verb == "book")
        refusal, answer = self.attempt(
            lambda: getattr(self.host.portal, verb)(
                PEOPLE[who],
                type=kind,
                contact="phone",
                provider=provider,
                starts=starts,
                replaces=old.ref if old else None,
            )
        )
        assert refusal == expected
        if answer:
            self.made(answer, who, kind, starts, verb, old)

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, choice=PICK)
    def decide(self, pick: int, choice: int) -> None:
        """Something that the state allows."""
        entry = self.entry(pick, OPEN)
        assert entry is not None
        ways = [
            (action, by) for (status, action), (_, who) in TABLE.items() if status == entry.status for by in sorted(who)
        ]
        if ways:
            self._decide(entry, *ways[choice % len(ways)])

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, action=st.sampled_from(sorted(ACTIONS)), by=st.sampled_from(["staff", "client"]))
    def decide_anything(self, pick: int, action: str, by: str) -> None:
        entry = self.entry(pick)
        assert entry is not None
        self._decide(entry, action, by)

    @precondition(lambda self: any(entry.status == "confirmed" for entry in self.model.entries))
    @rule(pick=PICK, missed=st.booleans())
    def take_place(self, pick: int, missed: bool) -> None:
        """The time comes, and the practice notes how it went."""
        entry = self.entry(pick, ("confirmed",))
        assert entry is not None
        self._go_to(max(self.clock.now, entry.starts))
        self._decide(entry, "miss" if missed else "complete", "staff")

    @precondition(lambda self: any(entry.waits_to_replace for entry in self.model.entries))
    @rule(pick=PICK, about=st.sampled_from(["the new one", "the old one", "both"]), yes=st.booleans())
    def answer_a_move(self, pick: int, about: str, yes: bool) -> None:
        """While one waits to take another's place."""
        waiting = [entry for entry in self.model.entries if entry.waits_to_replace]
        new = waiting[pick % len(waiting)]
        assert new.replaces is not None
        if about != "the new one":
            self._decide(new.replaces, "cancel", "staff")
        if about != "the old one":
            words = ("accept", "withdraw") if new.status == "invited" else ("confirm", "decline")
            self._decide(new, words[0] if yes else words[1], "staff")

    def _decide(self, entry: Entry, action: str, by: str) -> None:
        expected = self.model.may_decide(entry, action, by)
        kind = ActorKind.STAFF if by == "staff" else ActorKind.CLIENT
        refusal, answer = self.attempt(
            lambda: decisions.decide(self.host.state, entry.ref, ACTIONS[action], Actor(kind, entry.who or by))
        )
        assert refusal == (expected or "")
        if expected == "":
            self.model.moved(entry, action)
        if answer:
            assert answer.status == entry.status

    # The practice, the host and the clock.

    @rule(hours=st.sampled_from(["long", "short"]))
    def change_hours(self, hours: str) -> None:
        self.model.hours = hours
        self.host.apply(practice_file(hours, self.model.requests_hold_time))

    @rule(what=st.sampled_from([None, None, "request", "confirm", "cancel"]))
    def host_changes_its_mind(self, what: str | None) -> None:
        self.model.refusing = {what} if what else set()

    @rule(provider=PROVIDER, day=DAY, clock_time=CLOCK_TIME)
    def host_is_busy(self, provider: str, day: int, clock_time: time) -> None:
        starts = self.at(day, clock_time)
        self.model.busy = [(provider, starts, starts + timedelta(hours=1))]

    @rule(
        by=st.sampled_from([timedelta(minutes=7), timedelta(minutes=45), timedelta(hours=5), timedelta(hours=24)]),
        working=st.sampled_from([None, "mail is there", "mail is away"]),
    )
    def time_passes(self, by: timedelta, working: str | None) -> None:
        self._go_to(self.clock.now + by)
        if working:
            self.work(working == "mail is away")

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, what=st.sampled_from(["starts", "expires"]), early=st.booleans())
    def time_passes_until(self, pick: int, what: str, early: bool) -> None:
        """To the very moment, or the second before it."""
        entry = self.entry(pick, OPEN)
        moment = getattr(entry, what) - timedelta(seconds=early)
        if self.clock.now < moment:
            self._go_to(moment)

    def _go_to(self, moment: datetime) -> None:
        self.clock.now = self.model.now = moment

    # The worker.

    @rule(mail_is_away=st.booleans())
    def work(self, mail_is_away: bool) -> None:
        self.mail_is_away = mail_is_away
        self.model.expire()
        with self.host.app.app_context():
            self.host.portal.deliver()
            assert chain.verify(self.host.state.db).sound

    @precondition(lambda self: self.model.entries)
    @rule(pick=PICK, choice=PICK)
    def decide_while_mail_is_away(self, pick: int, choice: int) -> None:
        """What was to be said before waits for another try, and the newer word goes out at once."""
        self.work(mail_is_away=True)
        self.decide(pick, choice)
        self.work(mail_is_away=False)

    @rule(who=WHO, cancel=st.booleans())
    def erase(self, who: str, cancel: bool) -> None:
        ahead = self.model.ahead(who)
        expected = ""
        if ahead:
            expected = "AppointmentsAhead" if not cancel else "Refused" if "cancel" in self.model.refusing else ""
        refusal, kept = self.attempt(lambda: self.host.portal.erase_client(who, cancel=cancel))
        assert refusal == expected
        if not refusal:
            for entry in sorted(ahead, key=lambda one: one.starts):
                if entry.status in OPEN:
                    self.model.moved(entry, "cancel")
            assert kept == self.model.forget(who)
            left = rows(self.host, "SELECT count(*) FROM portal_outbox WHERE recipient = ?", PEOPLE[who].email)
            assert left == [(0,)]

    # What never bends.

    @invariant()
    def stored_and_model_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        assert disagreements(self.host) == []
        assert misdelivered(self.host) == []
        stored = Stored(self.host)
        assert set(stored.by_ref) == {entry.ref for entry in self.model.entries}
        for entry in self.model.entries:
            row = stored.by_ref[entry.ref]
            assert row.status == entry.status
            assert stored.history[row.id] == entry.steps
            assert self.ended.get(entry.ref, row.status) == row.status, "nothing leaves a final state"
            if row.status in FINAL:
                self.ended[entry.ref] = row.status
        assert Counter(self.heard) == Counter(self.model.signals)

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                self._deliver_everything()
        finally:
            logging.getLogger("portal_plugin").disabled = False
            email_dispatched.disconnect(self._receive, sender=self.host.app)
            self.host.state.db.close_all()
            type(self).emptied()

    def _deliver_everything(self) -> None:
        """In the end, whatever was to be said has been said, or was overtaken."""
        self.mail_is_away = False
        with self.host.app.app_context():
            for _ in range(4):
                self._go_to(self.clock.now + timedelta(days=1))
                self.host.portal.deliver()
            assert outbox.waiting(self.host.state.db) == 0
            assert chain.verify(self.host.state.db).sound
        assert misdelivered(self.host) == []
        overtaken = rows(self.host, "SELECT DISTINCT error FROM portal_outbox WHERE failed IS NOT NULL")
        assert overtaken in ([], [("overtaken by a later message",)])


@pytest.fixture
def practising(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> type[Practising]:
    """A machine over an empty database of this test's engine."""

    class Here(Practising):
        pass

    if database_url.startswith("sqlite"):
        template: Path = request.getfixturevalue("migrated_sqlite")

        def open_host(clock: Clock) -> Host:
            path = Path(tempfile.mkdtemp(dir=tmp_path)) / "portal.db"
            shutil.copy(template, path)
            return make_host(f"sqlite:///{path}", path.parent, clock)

        Here.open_host, Here.emptied = staticmethod(open_host), staticmethod(lambda: None)
    else:
        Here.open_host = staticmethod(lambda clock: make_host(database_url, tmp_path, clock))
        Here.emptied = staticmethod(lambda: empty(database_url))
    return Here


SMALL = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
LARGE = settings(SMALL, max_examples=250, stateful_step_count=60, derandomize=False)


@pytest.mark.slow
@pytest.mark.timeout(600)  # Once something does, it is made as short as can be.
def test_nothing_bends_in_a_few_short_histories(practising: type[Practising]) -> None:
    run_state_machine_as_test(practising, settings=SMALL)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_bends_in_many_long_histories(practising: type[Practising]) -> None:
    run_state_machine_as_test(practising, settings=LARGE)
