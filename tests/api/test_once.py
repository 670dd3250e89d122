"""Idempotency-Key: the same call twice is done once, whatever happens in between."""

from datetime import timedelta
from typing import Any

import pytest

from portal_plugin.storage import api_answers
from tests.api.support import MAYA, WANTED, System, make_key, problem
from tests.services.steps import act, rows, together, topics
from tests.support import Host

# On the phone either provider would do, so nothing but the key keeps a second one from being made.
BY_PHONE = WANTED | {"contact": "phone", "location": None}


def count(host: Host, table: str = "appointment") -> int:
    return int(rows(host, f"SELECT count(*) FROM portal_{table}")[0][0])


@pytest.mark.parametrize("path", ["/requests", "/invitations", "/bookings"])
def test_the_same_call_again_is_answered_the_same_and_not_done(
    either_host: Host, either_system: System, path: str
) -> None:
    first = either_system.post(path, BY_PHONE, once="a")
    again = either_system.post(path, BY_PHONE, once="a")
    assert (again.status_code, again.json, again.headers["Location"]) == (201, first.json, first.headers["Location"])
    assert (count(either_host), count(either_host, "outbox")) == (1, 1)


def test_the_first_answer_is_repeated_after_the_appointment_went_on(host: Host, system: System) -> None:
    ref = system.make()
    first = system.post(f"/appointments/{ref}/confirm", {"message": "See you"}, once="a")
    act(host, "cancel", ref)
    again = system.post(f"/appointments/{ref}/confirm", {"message": "See you"}, once="a")
    assert (again.status_code, again.json) == (200, first.json)
    assert topics(host, ref) == ["received", "confirmed", "cancelled"]


def test_a_move_again_is_not_a_second_move(host: Host, system: System) -> None:
    ref = system.make("bookings")
    moved = {"starts": "2026-12-08T18:00:00Z"}
    first = system.post(f"/appointments/{ref}/reschedule", moved, once="a")
    again = system.post(f"/appointments/{ref}/reschedule", moved, once="a")
    assert (again.status_code, again.json) == (201, first.json)
    assert count(host) == 2


@pytest.mark.parametrize("changed", [{"note": "x"}, {"client": MAYA | {"id": "theo"}}])
def test_another_body_with_the_same_key_is_refused(host: Host, system: System, changed: dict[str, Any]) -> None:
    system.post("/requests", BY_PHONE, once="a")
    problem(system.post("/requests", BY_PHONE | changed, once="a"), 422, "idempotency_key_reused")
    assert count(host) == 1


def test_another_address_with_the_same_key_is_refused(system: System) -> None:
    ref = system.make()
    system.post(f"/appointments/{ref}/confirm", {}, once="a")
    problem(system.post(f"/appointments/{ref}/cancel", {}, once="a"), 422, "idempotency_key_reused")


def test_the_same_in_other_words_is_the_same(system: System) -> None:
    first = system.post("/requests", BY_PHONE, once="a")
    reordered = dict(reversed(BY_PHONE.items())) | {"note": "", "starts": "2026-12-08T10:00:00-05:00"}
    assert system.post("/requests", reordered, once="a").json == first.json


def test_a_key_belongs_to_whoever_sent_it(host: Host, system: System) -> None:
    other = System(system.client, make_key(host))
    assert (
        system.post("/bookings", BY_PHONE, once="a").json["ref"]
        != other.post("/bookings", BY_PHONE, once="a").json["ref"]
    )


def test_after_a_day_it_is_a_new_call(either_host: Host, either_system: System) -> None:
    later = BY_PHONE | {"starts": "2026-12-15T15:00:00Z"}
    first = either_system.post("/bookings", later, once="a")
    either_host.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert either_system.post("/bookings", later, once="a").json == first.json
    either_host.clock.advance(timedelta(seconds=1))
    assert either_system.post("/bookings", later, once="a").json["ref"] != first.json["ref"]
    assert count(either_host, "api_answer") == 1


def test_what_was_refused_may_be_asked_again(host: Host, system: System) -> None:
    blocking = host.request("theo")
    problem(system.post("/requests", WANTED, once="a"), 409, "slot_taken")
    act(host, "decline", blocking.ref)
    assert system.post("/requests", WANTED, once="a").status_code == 201


@pytest.mark.parametrize("path", ["/requests", "/bookings"])
def test_several_at_once_are_done_once(either_host: Host, path: str) -> None:
    key = make_key(either_host)
    systems = [System(either_host.app.test_client(), key) for _ in range(8)]
    answers = together(*(lambda s=system: s.post(path, BY_PHONE, once="a") for system in systems))
    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "in_progress")
            assert answer.headers["Retry-After"] == "1"
    assert len({answer.json["ref"] for answer in answers if answer.status_code == 201}) == 1
    assert count(either_host) == 1


@pytest.mark.parametrize("path", ["/requests", "/invitations", "/bookings"])
def test_a_server_killed_after_the_commit_leaves_one_appointment(
    either_host: Host, either_system: System, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(api_answers, "keep", die)
        with pytest.raises(Killed):
            either_system.post(path, BY_PHONE, once="a")
    problem(either_system.post(path, BY_PHONE, once="a"), 409, "in_progress")
    either_host.clock.advance(timedelta(seconds=60))
    answer = either_system.post(path, BY_PHONE, once="a")
    assert answer.status_code == 201
    assert answer.json["ref"] == rows(either_host, "SELECT ref FROM portal_appointment")[0][0]
    assert (count(either_host), count(either_host, "outbox")) == (1, 1)
    assert either_system.post(path, BY_PHONE, once="a").json == answer.json


def test_without_a_key_a_call_is_done_each_time(host: Host, system: System) -> None:
    system.post("/bookings", BY_PHONE)
    assert system.post("/bookings", BY_PHONE).status_code == 201
    assert count(host) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "é"])
def test_a_key_that_is_none_is_refused_before_anything_is_done(host: Host, system: System, key: str) -> None:
    answer = system.post("/bookings", BY_PHONE, once=key)
    problem(answer, 400, "bad_idempotency_key")
    assert count(host) == 0


def test_of_a_body_and_an_answer_nothing_readable_is_kept(host: Host, system: System) -> None:
    system.post("/requests", BY_PHONE | {"note": "Third floor"}, once="my-key-7")
    kept = str(rows(host, "SELECT * FROM portal_api_answer"))
    for word in ("Third", "Maya", "maya", "my-key-7", "visit"):
        assert word not in kept
