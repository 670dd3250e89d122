"""Guests who come at once, on both databases: one time is one guest's, one link one request, and an hour an hour."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal_plugin import Appointment, SlotTaken
from portal_plugin.domain.guests import Guest, IntakeAnswer, Introduction, QuestionKind
from portal_plugin.services.guests import forget_drafts, keep_draft, new_draft, send_draft
from portal_plugin.services.tokens import LinkExpired
from portal_plugin.storage.guests import Draft
from tests.services.steps import together
from tests.support import Host
from tests.web.visiting import open_practice

ROUNDS = 25
FIRST = datetime.fromisoformat("2026-12-14T15:00:00+00:00")
ANSWER = IntakeAnswer("brings", "What brings you here?", QuestionKind.TEXT, "Sleep")


def at(number: int) -> datetime:
    """A time of its own for each round: mornings, on weekdays."""
    week, day = divmod(number, 5)
    return FIRST + timedelta(days=7 * week + day)


@pytest.fixture
def open_host(either_host: Host) -> Host:
    either_host.apply(open_practice())
    return either_host


def in_app(host: Host, call: Callable[[], Any]) -> Any:
    """As one web request would, with a connection of its own."""
    with host.app.app_context():
        return call()


def drafted(host: Host, starts: datetime, name: str) -> tuple[Draft, Callable[[], None]]:
    state = host.state
    practice = state.practice()
    wish = practice.wish("visit", "in-person", "ada", "main")
    chosen = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"}
    told = Introduction(Guest(name, f"{name}@example.org"), answers=(ANSWER,))
    assert practice.new_clients
    draft = new_draft(practice.new_clients, chosen, starts, secrets.token_hex(16), told, state.now())
    return draft, lambda: in_app(host, lambda: keep_draft(state, practice, wish, draft, told))


def sending(host: Host, draft: Draft) -> Callable[[], Appointment]:
    practice = host.state.practice()
    wish = practice.wish("visit", "in-person", "ada", "main")
    return lambda: in_app(host, lambda: send_draft(host.state, practice, draft, wish, None, None))  # type: ignore[no-any-return]


def count(host: Host, table: str) -> int:
    return int(host.state.db.execute_sql(f"SELECT COUNT(*) FROM portal_{table}").fetchone()[0])


def test_of_two_guests_at_one_time_one_holds_it_and_the_other_is_told(open_host: Host) -> None:
    for number in range(ROUNDS):
        _, one = drafted(open_host, at(number), f"one{number}")
        _, other = drafted(open_host, at(number), f"other{number}")
        answers = together(one, other)
        assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "SlotTaken"], answers
    assert count(open_host, "claim") == count(open_host, "guest_request") == count(open_host, "outbox") == ROUNDS


def test_a_form_sent_twice_at_once_is_one_draft_and_one_mail(open_host: Host) -> None:
    for number in range(ROUNDS):
        _, keep = drafted(open_host, at(number), f"one{number}")
        assert together(keep, keep) == [None, None]
    assert count(open_host, "claim") == count(open_host, "guest_request") == count(open_host, "outbox") == ROUNDS


def test_two_times_asked_for_at_once_by_one_address_are_one_hold(open_host: Host) -> None:
    for number in range(ROUNDS):
        _, one = drafted(open_host, at(number), f"same{number}")
        _, other = drafted(open_host, at(number) + timedelta(hours=1), f"same{number}")
        assert together(one, other) == [None, None]
    assert (count(open_host, "claim"), count(open_host, "guest_request")) == (ROUNDS, 2 * ROUNDS)


def test_a_button_pressed_twice_at_once_is_one_request(open_host: Host) -> None:
    for number in range(ROUNDS):
        draft, keep = drafted(open_host, at(number), f"one{number}")
        keep()
        one, other = together(sending(open_host, draft), sending(open_host, draft))
        assert isinstance(one, Appointment), one
        assert isinstance(other, Appointment), other
        assert one.ref == other.ref
    assert count(open_host, "appointment") == count(open_host, "intake") == count(open_host, "claim") == ROUNDS


def test_a_link_followed_as_its_time_ends_wins_or_loses_as_a_whole(open_host: Host) -> None:
    won = 0
    for number in range(ROUNDS):
        draft, keep = drafted(open_host, at(number) + timedelta(days=7), f"one{number}")
        keep()
        open_host.clock.now = draft.expires - timedelta(seconds=1)

        def somebody_else(draft: Draft = draft) -> Appointment:
            open_host.clock.now = draft.expires
            in_app(open_host, lambda: forget_drafts(open_host.state))
            return open_host.request("theo", draft.starts, provider="ada")

        guest, theo = together(sending(open_host, draft), somebody_else)
        assert isinstance(guest, Appointment) != isinstance(theo, Appointment), (guest, theo)
        assert isinstance(guest, Appointment | LinkExpired | SlotTaken), guest
        assert isinstance(theo, Appointment | SlotTaken), theo
        won += isinstance(guest, Appointment)
    assert count(open_host, "intake") == won
    assert count(open_host, "appointment") == count(open_host, "claim") == ROUNDS
