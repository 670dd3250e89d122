"""A text says STOP while a reminder goes out: what is already on its way arrives, and nothing after it."""

import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.domain.consent import ReminderConsent
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.domain.texting import Said
from portal_plugin.services import consents, requests
from portal_plugin.testing import Clock, Texts
from tests.practices import PRACTICE
from tests.services.steps import act, rows, together
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host

HOUR = timedelta(hours=1)
AFTERNOON = TUESDAY_TEN + 4 * HOUR
FIRST, SECOND = AFTERNOON - 24 * HOUR, AFTERNOON - 2 * HOUR
PHONE, OTHER = "+12125550187", "+12125550199"
ROUNDS = 100


class Telephone(Texts):
    """Calls back when a text arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.rings = lambda to: None

    def send(self, to: str, text: str, key: str) -> str:
        sid = super().send(to, text, key)
        self.rings(to)
        return sid


@pytest.fixture
def telephone() -> Telephone:
    return Telephone()


@pytest.fixture
def texting(database_url: str, tmp_path: Path, clock: Clock, telephone: Telephone) -> Iterator[Host]:
    host = make_host(database_url, tmp_path, clock, PORTAL_SMS=telephone)
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


def confirmed(host: Host, who: str, phone: str, provider: str = "ada", **more: Any) -> None:
    with host.app.app_context():
        wish = host.portal.practice().wish("visit", "phone", provider)
        consent = ReminderConsent(phone, wish.zone, "", "", "", "Yes.")
        asking = requests.Asking(wish, PEOPLE[who], AFTERNOON, Actor(ActorKind.CLIENT, who), consent=consent)
        ref = requests.request_appointment(host.state, host.portal.practice(), asking).ref
    act(host, "confirm", ref)


def stop(host: Host, message_id: str) -> object:
    with host.app.app_context():
        return consents.hear(host.state, PHONE, Said.STOP, "STOP", message_id, host.clock())


def begin_again(host: Host) -> None:
    host.clock.now = MONDAY
    with host.app.app_context():
        consents.hear(host.state, PHONE, Said.START, "START", secrets.token_hex(8), host.clock())


def waiting(host: Host) -> int:
    return int(
        rows(host, "SELECT COUNT(*) FROM portal_outbox WHERE topic = 'reminder' AND sent IS NULL AND failed IS NULL")[
            0
        ][0]
    )


def race(host: Host, telephone: Telephone, rounds: int) -> Counter[tuple[int, int]]:
    """How often so many texts went out while STOP came in, and so many afterwards."""
    confirmed(host, "maya", PHONE)
    seen: Counter[tuple[int, int]] = Counter()
    for number in range(rounds):
        begin_again(host)
        telephone.sent.clear()
        host.clock.now = FIRST
        together(lambda: act(host, "deliver"), lambda n=number: stop(host, f"race-{n}"))
        meanwhile = len(telephone.sent)
        for moment in (FIRST + HOUR, SECOND, SECOND + HOUR):
            host.clock.now = moment
            act(host, "deliver")
        seen[meanwhile, len(telephone.sent) - meanwhile] += 1
    return seen


def test_stop_while_a_reminder_goes_out(texting: Host, telephone: Telephone) -> None:
    """A hundred times on each engine: at most the one in hand arrives, none afterwards, and nothing waits."""
    seen = race(texting, telephone, ROUNDS)

    assert set(seen) <= {(0, 0), (1, 0)}, seen
    assert waiting(texting) == 0


def test_without_the_guards_reminders_would_come_after_stop(
    texting: Host, telephone: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_plugin.services.ledger.outbox.drop_reminders", lambda *_: None)
    monkeypatch.setattr("portal_plugin.services.ledger.may_text", lambda *_: True)

    seen = race(texting, telephone, 3)

    assert sum(count for (_, after), count in seen.items() if after) == 3, seen


def test_a_reminder_that_a_worker_has_in_hand_is_looked_at_again(texting: Host, telephone: Telephone) -> None:
    """Both are leased together; while the first is sent, the second's number says STOP."""
    confirmed(texting, "theo", OTHER, "ben")
    confirmed(texting, "maya", PHONE)
    telephone.rings = lambda to: stop(texting, "in hand") and None

    texting.clock.now = FIRST
    act(texting, "deliver")

    assert [text.to for text in telephone.sent] == [OTHER]
    errors = rows(texting, "SELECT error FROM portal_outbox WHERE failed IS NOT NULL")
    assert errors == [("that number opted out",)]
    assert rows(
        texting, "SELECT COUNT(*) FROM portal_outbox WHERE recipient = ? AND failed IS NULL AND channel = 'sms'", PHONE
    ) == [(0,)]
