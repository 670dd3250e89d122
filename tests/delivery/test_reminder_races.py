"""A cancellation meets the reminder that goes out: whoever looks after it was cancelled sends nothing."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.delivery import worker
from portal_plugin.services import reminders
from portal_plugin.storage import outbox
from portal_plugin.testing import Clock, Text, Texts
from tests.delivery.test_reminders import AFTERNOON, DAY, confirmed, planned
from tests.practices import practice
from tests.services.steps import act, refusals, rows, status_of, together
from tests.support import MONDAY, Host, make_host


class Watched(Texts):
    """A gateway that knows when the last look at an appointment began before each of its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: dict[str, float] = {}
        self.began: dict[str, float] = {}

    def send(self, to: str, text: str, key: str) -> str:
        self.began[key] = time.monotonic()
        return super().send(to, text, key)


@pytest.fixture
def gateway() -> Watched:
    return Watched()


@pytest.fixture
def racing(database_url: str, tmp_path: Path, clock: Clock, gateway: Watched, monkeypatch: Any) -> Iterator[Host]:
    host = make_host(database_url, tmp_path, clock, PORTAL_SMS=gateway)
    host.apply(practice(reminders=["24h"]))
    unwanted = reminders.unwanted

    def look(state: Any, message: Any) -> str | None:
        gateway.looked[message.message_id] = time.monotonic()
        return unwanted(state, message)

    monkeypatch.setattr(reminders, "unwanted", look)
    yield host
    host.state.db.close_all()


def race(host: Host, gateway: Watched, n: int) -> tuple[bool, Text | None, float]:
    """One round: was a text sent, which, and when the cancellation was through."""
    host.clock.now = MONDAY
    made = confirmed(host)
    host.deliver()
    host.clock.now = AFTERNOON - DAY
    before = len(gateway.sent)
    through: list[float] = []

    def cancel() -> None:
        time.sleep((n % 4) * 0.002)
        act(host, "cancel", made.ref)
        through.append(time.monotonic())

    def deliver() -> None:
        time.sleep((n // 4 % 4) * 0.002)
        host.deliver()

    assert refusals(together(cancel, deliver)) == []
    assert status_of(host, made.ref) == "cancelled"
    sent = gateway.sent[before:]
    assert len(sent) <= 1
    return bool(sent), sent[0] if sent else None, through[0]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [24, pytest.param(100, marks=pytest.mark.long)])
def test_a_reminder_whose_last_look_came_after_the_cancellation_is_never_sent(racing, gateway, rounds):
    won: Counter[bool] = Counter()
    for n in range(rounds):
        sent, text, cancelled = race(racing, gateway, n)
        won[sent] += 1
        if text:
            assert gateway.looked[text.key] < cancelled
        before = len(gateway.sent)
        racing.deliver()
        assert len(gateway.sent) == before, "nothing is left that could go out"
        assert planned(racing) == []

    marked = rows(racing, "SELECT COUNT(*) FROM portal_outbox WHERE channel = 'sms' AND sent IS NOT NULL")
    assert marked == [(won[True],)], "what went out is written down"
    assert len({text.key for text in gateway.sent}) == len(gateway.sent)
    assert won[False], won
    assert won[True], won


def test_without_the_looks_a_reminder_would_follow_the_cancellation(racing, gateway, monkeypatch):
    """The control."""
    monkeypatch.setattr(outbox, "drop_reminders_of", lambda *_: None)
    monkeypatch.setattr(worker, "held_back", lambda *_: False)

    late = [
        text
        for sent, text, cancelled in (race(racing, gateway, 4 * n) for n in range(1, 12))
        if sent and text and gateway.began[text.key] > cancelled
    ]

    assert late


def test_without_the_last_look_what_is_in_hand_would_follow_the_cancellation(racing, gateway, monkeypatch):
    """The other control: dropping what waits does not reach what a worker has taken."""
    monkeypatch.setattr(worker, "held_back", lambda *_: False)
    made = confirmed(racing)
    racing.deliver()
    take_up = outbox.take_up

    def slow(*args: Any) -> Any:
        monkeypatch.setattr(outbox, "take_up", take_up)
        act(racing, "cancel", made.ref)
        return take_up(*args)

    monkeypatch.setattr(outbox, "take_up", slow)
    racing.clock.now = AFTERNOON - DAY
    racing.deliver()

    assert len(gateway.sent) == 1
