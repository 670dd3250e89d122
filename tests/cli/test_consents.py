"""`flask portal consents`: who agreed to text reminders, and who ended them."""

import json
from datetime import timedelta

import pytest

from tests.cli.test_commands import lines, run
from tests.support import Host
from tests.web.pages import send, step_2

PHONE = "+12125550187"


@pytest.fixture
def said(host: Host) -> Host:
    """Maya agreed and ended it by text; somebody unknown did so as well."""
    maya = host.browser()
    assert send(maya, step_2(maya, text_reminders="1", phone=PHONE)).status_code == 303
    host.clock.advance(timedelta(minutes=5))
    with host.app.app_context():
        host.portal.incoming_text(PHONE, "Stop\nMaya", "1")
        host.portal.incoming_text("+12125550199", "STOP", "2")
    return host


def test_the_ledger_is_listed_oldest_first_a_line_each(said: Host) -> None:
    first, second, third = lines(run(said, "consents"))

    assert first.startswith("2026-12-07 07:00 EST  agreed  request  +12125550187  maya  text ")
    assert second == "2026-12-07 07:05 EST  ended   text     +12125550187  maya"
    assert third == "2026-12-07 07:05 EST  ended   text     +12125550199"


@pytest.mark.parametrize(
    "chosen", [("--client", "maya"), ("--phone", "212 555 0187"), ("--phone", "２１２ ５５５ ０１８７")]
)
def test_one_client_s_or_one_number_s_rows_are_listed(said: Host, chosen: tuple[str, str]) -> None:
    assert len(lines(run(said, "consents", *chosen))) == 2


def test_json_holds_all_that_proves_it(said: Host) -> None:
    agreed, ended = json.loads(run(said, "consents", "--client", "maya", "--json").output)["items"]

    assert (agreed["unticked"], agreed["page"], agreed["address"]) == (True, "/portal/appointments/book", "127.0.0.1")
    assert agreed["text"].startswith("Yes, send me text reminders.")
    assert (ended["choice"], ended["way"], ended["said"]) == ("out", "text", "Stop\nMaya")
    assert ended["at"] == "2026-12-07T12:05:00Z"


def test_an_erased_number_is_found_by_the_number_alone(said: Host) -> None:
    assert run(said, "erase", "maya", "--cancel", "--yes").exit_code == 0

    assert PHONE not in run(said, "consents", "--json").output
    found = lines(run(said, "consents", "--phone", PHONE))
    assert [line.split()[3:6:2] for line in found] == [["agreed", "(erased)"], ["ended", "(erased)"]]


def test_nobody_and_no_number_are_said_so(host: Host) -> None:
    nobody = run(host, "consents", "--client", "nobody")
    assert (nobody.exit_code, nobody.output.strip()) == (0, "Nobody said anything.")
    assert run(host, "consents", "--client", "nobody", "--json").output.split() == ["{", '"items":', "[]", "}"]
    wrong = run(host, "consents", "--phone", "12")
    assert wrong.exit_code == 2
    assert "whole phone number" in wrong.output
