"""The client cancels through a server process while the practice confirms in another: exactly one of them wins."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import product

import pytest

from portal_plugin import Appointment, PortalError
from tests.practices import practice
from tests.races.servers import Person, Servers
from tests.support import PEOPLE, TUESDAY_TEN

pytestmark = pytest.mark.slow

ROUNDS = 30
# Inside this window a client may cancel a request but not an appointment, so that only one of the two can happen.
NO_WAY_BACK = practice(cancellation_hours=60 * 24)


def test_cancel_and_confirm_at_once_end_in_one_state_that_the_mailbox_agrees_with(servers: Servers) -> None:
    servers.apply(NO_WAY_BACK)
    maya = Person("maya", servers)
    maya.sign_in()
    wins: Counter[str] = Counter()
    # The one who won last starts a little later next time, so the two meet closer and closer.
    head_start, step = 0.0, 0.004
    began = time.perf_counter()
    for starts in thirty_times():
        ref = requested(servers, starts).ref
        maya.open_form(f"/portal/appointments/{ref}/cancel", reason="")
        told = both_at_once(servers, maya, ref, head_start)
        winner = agreed_outcome(servers, ref, *told)
        head_start += step if winner == "confirmed" else -step
        step = max(step * 0.8, 0.0005)
        wins[winner] += 1
    print(f"\n{ROUNDS} rounds: {dict(wins)} in {time.perf_counter() - began:.2f} s; at last {head_start * 1000:.1f} ms")
    assert sum(wins.values()) == ROUNDS
    assert len(wins) == 2, "One side won every round: the two never came close."


def thirty_times() -> list[datetime]:
    mornings = [TUESDAY_TEN + timedelta(weeks=week, days=day) for week, day in product(range(4), range(4))]
    return [start + timedelta(hours=hours) for start in mornings for hours in (-1, 4)][:ROUNDS]


def requested(servers: Servers, starts: datetime) -> Appointment:
    with servers.app.app_context():
        return servers.portal.request(PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=starts)


def both_at_once(servers: Servers, maya: Person, ref: str, head_start: float) -> tuple[int, str]:
    """The status the client got, and what the practice was told: the new state, or which refusal."""
    ready = threading.Barrier(2)

    def cancel() -> int:
        ready.wait()
        time.sleep(max(-head_start, 0))
        return maya.post(f"/portal/appointments/{ref}/cancel", maya.form).status

    def confirm() -> str:
        with servers.app.app_context():
            ready.wait()
            time.sleep(max(head_start, 0))
            try:
                return servers.portal.confirm(ref, by="front desk").status
            except PortalError as error:
                return type(error).__name__

    with ThreadPoolExecutor(2) as pool:
        client, desk = pool.submit(cancel), pool.submit(confirm)
        return client.result(), desk.result()


def agreed_outcome(servers: Servers, ref: str, client: int, desk: str) -> str:
    """The state it ended in, once everything that was said and written agrees with it."""
    [(row, status, claim)] = servers.rows("SELECT id, status, claim FROM portal_appointment WHERE ref = ?", ref)
    mails = [
        topic for (topic,) in servers.rows("SELECT topic FROM portal_outbox WHERE appointment = ? ORDER BY id", row)
    ]
    done = "SELECT to_status FROM portal_history WHERE appointment = ? AND result = 'done' ORDER BY id"
    past = [to for (to,) in servers.rows(done, row)]
    assert mails == ["received", status]
    assert past == ["requested", status]
    if status == "confirmed":
        assert (client, desk) == (409, "confirmed")
        assert claim is not None
    else:
        assert (client, desk) == (303, "AlreadyDecided")
        assert claim is None
    return str(status)
