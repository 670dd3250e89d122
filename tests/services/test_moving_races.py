"""While one appointment waits to replace another, whoever decides at once: time is neither lost nor given twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from portal_plugin import AlreadyDecided, Appointment, NotAllowed, SlotTaken
from portal_plugin.domain.lifecycle import Action
from portal_plugin.services import holding
from tests.services.steps import act, as_client
from tests.services.test_rescheduling import HALF, ask_to_move, confirmed, status, taken
from tests.support import TUESDAY_TEN, Host

ROUNDS = 12
DAY = timedelta(days=1)
STARTS = {"requested", "confirmed", "invited"}
Decision = Callable[[Host, Appointment, Appointment], Any]

DECISIONS: dict[str, Decision] = {
    "confirm the new": lambda host, old, new: act(host, "confirm", new.ref),
    "decline the new": lambda host, old, new: act(host, "decline", new.ref),
    "client cancels the new": lambda host, old, new: as_client(host, new.ref, Action.CANCEL),
    "cancel the old": lambda host, old, new: act(host, "cancel", old.ref),
    "client cancels the old": lambda host, old, new: as_client(host, old.ref, Action.CANCEL),
    "move the old": lambda host, old, new: act(host, "reschedule", old.ref, starts=TUESDAY_TEN + 3 * DAY),
}
PAIRS = [
    ("confirm the new", "cancel the old"),
    ("confirm the new", "client cancels the old"),
    ("confirm the new", "decline the new"),
    ("confirm the new", "confirm the new"),
    ("confirm the new", "client cancels the new"),
    ("decline the new", "cancel the old"),
    ("client cancels the new", "client cancels the old"),
    ("confirm the new", "move the old"),
    ("decline the new", "move the old"),
]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each returned or was refused with, all begun at the same moment."""
    start = threading.Barrier(len(calls))

    def attempt(call: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return call()
        except (AlreadyDecided, NotAllowed, SlotTaken) as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(attempt, calls))


def owners(host: Host) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Open appointments with the time that they need, buffers included, and what is claimed."""
    with host.app.app_context():
        rows = host.state.db.execute_sql(
            "SELECT busy_from, busy_until FROM portal_appointment "
            "WHERE status IN ('requested', 'invited', 'confirmed') ORDER BY busy_from"
        )
        needed = [tuple(row) for row in rows.fetchall()]
        rows = host.state.db.execute_sql("SELECT starts, ends FROM portal_claim ORDER BY starts")
        return needed, [tuple(row) for row in rows.fetchall()]


def check_time_agrees(host: Host) -> None:
    """Every open appointment lies within a claim, and no claim is wider than those that need it."""
    needed, claimed = owners(host)
    for starts, ends in needed:
        assert any(a <= starts and ends <= b for a, b in claimed), (needed, claimed)
    for a, b in claimed:
        inside = [(starts, ends) for starts, ends in needed if a <= starts and ends <= b]
        assert inside, (needed, claimed)
        assert (min(inside)[0], max(ends for _, ends in inside)) == (a, b), (needed, claimed)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [HALF, DAY], ids=["overlapping", "another day"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_decisions_at_once_leave_time_and_rows_in_agreement(either_host, first, second, shift):
    for _ in range(ROUNDS):
        old = confirmed(either_host)
        new = ask_to_move(either_host, old, TUESDAY_TEN + shift)
        at_once(
            lambda o=old, n=new: DECISIONS[first](either_host, o, n),
            lambda o=old, n=new: DECISIONS[second](either_host, o, n),
        )
        check_time_agrees(either_host)
        if status(either_host, new) == "confirmed":
            assert status(either_host, old) == "cancelled"
        for one in act(either_host, "appointments", status=STARTS):
            act(either_host, "cancel", one.ref)
        assert taken(either_host) == []


@pytest.mark.slow
def test_two_new_times_asked_for_at_once_are_one(either_host):
    for _ in range(ROUNDS):
        old = confirmed(either_host)
        answers = at_once(
            lambda o=old: ask_to_move(either_host, o, TUESDAY_TEN + HALF),
            lambda o=old: ask_to_move(either_host, o, TUESDAY_TEN + DAY),
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Appointment", "NotAllowed"]
        check_time_agrees(either_host)
        for one in act(either_host, "appointments", status=STARTS):
            act(either_host, "cancel", one.ref)


def test_without_the_widened_claim_somebody_slips_in_between(either_host, monkeypatch):
    """The control: a request that holds only what lies outside the old time would be too late after a cancellation."""
    monkeypatch.setattr(holding, "_widened", lambda db, appointment: False)
    old = confirmed(either_host)
    new = ask_to_move(either_host, old, TUESDAY_TEN + HALF)
    act(either_host, "cancel", old.ref)
    either_host.request("theo", TUESDAY_TEN + HALF)
    with pytest.raises(SlotTaken):
        act(either_host, "confirm", new.ref)
