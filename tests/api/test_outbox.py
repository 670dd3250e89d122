"""What a practice system may know of the messages: which, about what, and how far they came."""

from datetime import timedelta
from typing import Any

import pytest

from portal_plugin.storage.api_keys import Scope
from tests.api.support import System, make_key, problem
from tests.services.steps import act
from tests.support import PEOPLE, TUESDAY_TEN, Host


@pytest.fixture
def outbox(either_host: Host) -> Host:
    """Four messages: one sent, one given up on, two that wait."""
    refs = [either_host.request(who, TUESDAY_TEN + timedelta(hours=n)).ref for n, who in enumerate(("maya", "theo"))]
    act(either_host, "confirm", refs[0], message="PLANTED")
    act(either_host, "decline", refs[1], message="PLANTED")
    execute = either_host.state.db.execute_sql
    execute("UPDATE portal_outbox SET sent = due WHERE topic = 'confirmed'")
    execute("UPDATE portal_outbox SET failed = due, error = 'refused', attempts = 9 WHERE topic = 'declined'")
    return either_host


def listed(system: System, **query: Any) -> list[str]:
    answer = system.get("/outbox", **query)
    assert answer.status_code == 200, answer.text
    return [f"{one['topic']} {one['state']}" for one in answer.json["items"]]


WAITS, SENT, FAILED = "received waiting", "confirmed sent", "declined failed"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [WAITS, WAITS, SENT, FAILED]),
        ({"state": "waiting"}, [WAITS, WAITS]),
        ({"state": "sent"}, [SENT]),
        ({"state": "failed"}, [FAILED]),
        ({"state": ["failed", "sent"]}, [SENT, FAILED]),
    ],
)
def test_it_is_listed_as_it_was_written_and_by_state(
    outbox: Host, either_system: System, query: dict[str, Any], expected: list[str]
) -> None:
    assert listed(either_system, **query) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_its_pages_make_up_the_whole_whatever_comes_in_meanwhile(
    outbox: Host, either_system: System, limit: int
) -> None:
    whole, seen, cursor = listed(either_system), [], {}
    while True:
        page = either_system.get("/outbox", limit=limit, **cursor).json
        seen += [f"{one['topic']} {one['state']}" for one in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        if len(seen) == limit:
            outbox.request(starts=TUESDAY_TEN + timedelta(days=1))
    assert seen[:4] == whole
    assert seen[4:] == ([WAITS] if limit < 4 else [])


def test_a_message_says_how_far_it_came_and_neither_what_it_says_nor_whom_it_names(
    outbox: Host, either_system: System
) -> None:
    answer = either_system.get("/outbox", state="failed")
    [told] = answer.json["items"]
    assert told["ref"] == act(outbox, "appointments", status="declined")[0].ref
    assert len(told.pop("message_id")) == 32
    assert {name: told[name] for name in ("channel", "topic", "recipient", "attempts", "error", "sent", "failed")} == {
        "channel": "mail",
        "topic": "declined",
        "recipient": "t…@…",
        "attempts": 9,
        "error": "refused",
        "sent": None,
        "failed": "2026-12-07T12:00:00Z",
    }
    everything = either_system.get("/outbox").text
    for person in PEOPLE.values():
        for word in (person.name, person.email, "example.org", "PLANTED", "Therapy"):
            assert word not in everything


def test_an_empty_outbox_is_an_empty_page(either_system: System) -> None:
    assert either_system.get("/outbox").json == {"items": [], "next": None}
    assert either_system.get("/outbox", cursor=2**63 - 1).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "lost"), ("cursor", "0"), ("cursor", "-1"), ("cursor", str(2**63)), ("cursor", "x"), ("limit", "501")],
)
def test_a_parameter_that_cannot_be_is_named(system: System, name: str, value: str) -> None:
    told = problem(system.get("/outbox", **{name: value}), 422, "invalid")
    assert told["errors"][0]["parameter"] == name


def test_it_is_for_keys_that_may_read(host: Host) -> None:
    system = System(host.app.test_client(), make_key(host, Scope.DECIDE, Scope.BOOK))
    problem(system.get("/outbox"), 403, "insufficient_scope")
