"""A provider is never in two places, whatever the number of processes: 200 clients, four processes, one time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.practices import PRACTICE
from tests.races.servers import Answer, Person, Servers, all_at_once
from tests.support import TUESDAY_TEN, offered_times

pytestmark = pytest.mark.slow

CLIENTS = 200
TAKES = timedelta(minutes=60)
"""A visit of 50 minutes and 10 to tidy up."""

NEARBY = deepcopy(PRACTICE)
NEARBY["appointment_types"][0]["increment"] = 5


@dataclass(frozen=True)
class Rush:
    """What everybody wants at once: starts so close together that each visit would overlap each other one."""

    provider: str
    starts: tuple[datetime, ...]
    winners: int

    @property
    def step_2(self) -> str:
        day = f"{self.starts[0]:%Y-%m-%d}"
        return f"/portal/appointments/book/time?type=visit&contact=phone&provider={self.provider}&date={day}"


RUSHES = [
    pytest.param(Rush("ada", (TUESDAY_TEN,), 1), id="one time"),
    pytest.param(
        Rush("ada", tuple(TUESDAY_TEN + timedelta(minutes=5 * n) for n in range(12)), 1), id="overlapping times"
    ),
    pytest.param(Rush("", (TUESDAY_TEN,), 2), id="one time, any of two providers"),
]


@pytest.mark.parametrize("rush", RUSHES)
def test_as_many_win_as_there_are_providers_and_the_others_are_shown_fresh_times(servers: Servers, rush: Rush) -> None:
    answers = everybody_asks(servers, rush)
    assert Counter(answer.status for answer in answers) == {303: rush.winners, 409: CLIENTS - rush.winners}
    assert len({answer.process for answer in answers}) > 1

    for table in ("appointment", "claim", "outbox", "history"):
        assert servers.count(table) == rush.winners, table
    stored = servers.rows("SELECT provider, starts FROM portal_appointment WHERE claim IS NOT NULL")
    assert len({provider for provider, _ in stored}) == rush.winners
    won = datetime.fromtimestamp(stored[0][1], TUESDAY_TEN.tzinfo)
    for number, answer in enumerate(answers):
        if answer.status == 409:
            assert "That time was taken a moment ago." in answer.page
            assert f"Note {number}" in answer.page
            fresh = [datetime.fromisoformat(value) for value in offered_times(answer.page)]
            assert fresh
            assert all(abs(starts - won) >= TAKES for starts in fresh)


@pytest.mark.parametrize("rush", RUSHES[:2])
def test_without_the_guard_in_the_database_more_of_them_win(servers: Servers, rush: Rush) -> None:
    """The control: the same clients, servers and host. Were nothing to go wrong here, the test above would show
    nothing."""
    servers.remove_guard()
    answers = everybody_asks(servers, rush)
    won = sum(answer.status == 303 for answer in answers)
    assert won > rush.winners
    assert servers.count("claim") == won


def everybody_asks(servers: Servers, rush: Rush) -> list[Answer]:
    """Each signs in and opens the form in peace; then all send it in the same moment."""
    servers.apply(NEARBY)
    people = [Person(f"client-{number}", servers) for number in range(CLIENTS)]

    def prepare(number: int) -> None:
        starts = rush.starts[number % len(rush.starts)]
        people[number].sign_in()
        people[number].open_form(rush.step_2, starts=f"{starts:%Y-%m-%dT%H:%M:%SZ}", note=f"Note {number}.")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(prepare, range(CLIENTS)))
    answers, took = all_at_once(people, lambda person: person.post("/portal/appointments/book", person.form))
    counts = Counter(answer.status for answer in answers)
    share = sorted(Counter(answer.process for answer in answers).values())
    print(f"\n{CLIENTS} requests at once: {dict(counts)} in {took:.2f} s; answers by process {share}")
    return answers
