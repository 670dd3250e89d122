"""A limit is one limit, whatever the number of processes: one client, four of them, 150 forms at once."""

from collections import Counter
from pathlib import Path

import pytest

from portal_plugin.domain.limits import Limit
from tests.practices import PRACTICE
from tests.races.servers import Answer, Person, Servers, all_at_once, started

pytestmark = pytest.mark.slow

FORMS = 150
MOST = 60
LEAVE = "/portal/appointments/waitlist/none/leave"


def send_all(servers: Servers) -> list[Answer]:
    """Forms that cost next to nothing, from one client, each at whichever process is free."""
    servers.apply(PRACTICE)
    person = Person("maya", servers)
    person.sign_in()
    person.open_form("/portal/appointments/calendar")
    form = {"portal_token": person.form["portal_token"]}
    answers, _ = all_at_once(range(FORMS), lambda _: person.post(LEAVE, form))
    assert len({answer.process for answer in answers}) > 1
    return answers


def test_four_processes_let_through_what_one_would(servers: Servers) -> None:
    assert Limit.CLIENT_FORMS.rate == f"{MOST}/hour"
    answers = send_all(servers)
    assert Counter(answer.status for answer in answers) == {303: MOST, 429: FORMS - MOST}
    # Client and network, in step. Whoever is known to have to wait is not counted any more.
    [client, network] = servers.rows("SELECT hits FROM portal_rate")
    assert client == network
    assert MOST < client[0] <= FORMS


def test_when_each_process_counts_for_itself_more_get_through(database_url: str, tmp_path: Path) -> None:
    """The control."""
    with started(database_url, tmp_path, RACES_COUNT="alone") as servers:
        answers = send_all(servers)
    assert Counter(answer.status for answer in answers)[303] > MOST
