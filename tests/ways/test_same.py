"""Every verb through every way in leaves the same row, history, messages and signals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from portal_plugin.services import decisions
from portal_plugin.storage import chain
from portal_plugin.testing import captured
from portal_plugin.web.api import acting
from tests.services.steps import act, in_status, invite
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.ways.conftest import NewHost
from tests.ways.left import Left, left_behind
from tests.ways.ways import API, MAKING, NOT_OFFERED, PYTHON, VERBS, WAYS, WISH, WORDLESS, Deed, Way

TUESDAY_ELEVEN = TUESDAY_TEN + timedelta(hours=1)


def another_time(host: Host, verb: str) -> str:
    """An appointment that waits to take a confirmed one's place."""
    old = in_status(host, "confirmed")
    made = act(host, verb, PEOPLE["maya"], **WISH, starts=TUESDAY_ELEVEN, replaces=old.ref)
    return str(made.ref)


def begun(host: Host) -> str:
    made = in_status(host, "confirmed")
    host.clock.now = made.starts + timedelta(minutes=1)
    return made.ref


class Case(NamedTuple):
    """A verb, and what it is done to."""

    verb: str
    what: str = ""
    prepare: Callable[[Host], str] = lambda _: ""

    def __str__(self) -> str:
        return f"{self.verb} {self.what}".strip()


CASES = (
    *(Case(verb) for verb in MAKING),
    Case("reschedule", "a request", lambda host: host.request().ref),
    Case("reschedule", "an appointment", lambda host: in_status(host, "confirmed").ref),
    Case("confirm", "a request", lambda host: host.request().ref),
    Case("confirm", "another time", lambda host: another_time(host, "request")),
    Case("decline", "a request", lambda host: host.request().ref),
    Case("decline", "another time", lambda host: another_time(host, "request")),
    *(
        Case("cancel", what, lambda host, what=what: in_status(host, what).ref)
        for what in ("requested", "invited", "confirmed")
    ),
    Case("accept", "an invitation", lambda host: invite(host).ref),
    Case("accept", "another time", lambda host: another_time(host, "invite")),
    Case("withdraw", "an invitation", lambda host: invite(host).ref),
    Case("complete", "an appointment", begun),
    Case("no_show", "an appointment", begun),
)


def done(host: Host, case: Case, way: Way, word: str = "Bring the <red> folder.\nAda") -> Left:
    """What is left behind once it is done."""
    ref = case.prepare(host)
    starts = TUESDAY_ELEVEN if case.verb == "reschedule" else TUESDAY_TEN
    with captured(app=host.app) as told:
        answer = way.act(host, Deed(case.verb, ref, starts, "" if case.verb in WORDLESS else word))
    assert answer.refused == ""
    assert act(host, "appointment", answer.ref), "it answers with what came of it"
    with host.app.app_context():
        chain.seal_settled(host.state.db)
        assert chain.verify(host.state.db).sound
    left = left_behind(host, way, told)
    assert left["signals"]
    assert any(row["actor"] == "whoever acts" for row in left["history"])
    return left


def offered(case: Case, way: Way) -> bool:
    return (way, case.verb) not in NOT_OFFERED


@pytest.mark.parametrize(
    ("case", "way"),
    [(case, way) for case in CASES for way in WAYS if way is not PYTHON and offered(case, way)],
    ids=str,
)
def test_it_leaves_the_same_behind_as_python(new_host: NewHost, case: Case, way: Way) -> None:
    assert done(new_host(), case, way) == done(new_host(), case, PYTHON)


def test_every_verb_has_its_case() -> None:
    assert {case.verb for case in CASES} == set(VERBS)


@pytest.mark.parametrize(("way", "verb"), NOT_OFFERED, ids=str)
def test_what_a_way_is_said_not_to_offer_it_does_not_do(host: Host, way: Way, verb: str) -> None:
    assert way.act(host, Deed(verb)).refused
    assert act(host, "appointments") == []


# The control: these faults of one way would not be missed.


def drop_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(state: Any, ref: str, action: Any, actor: Any, _: str = "") -> Any:
        return decisions.decide(state, ref, action, actor)

    monkeypatch.setattr(acting, "decide", decide)


FAULTS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "drops the word": ("appointment", drop_the_word),
    "tells nobody": ("outbox", lambda patch: patch.setattr(decisions, "enqueue", lambda *_: None)),
    "announces nothing": ("signals", lambda patch: patch.setattr(decisions, "announce_change", lambda *_: None)),
    "forgets what happened": ("history", lambda patch: patch.setattr(decisions.history, "record", lambda *_: None)),
    "keeps the time": ("claim", lambda patch: patch.setattr(decisions.holding, "let_go", lambda *_: None)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_way_that_goes_wrong_is_found_out(new_host: NewHost, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table, break_it = FAULTS[fault]

    def left(way: Way) -> Left:
        host = new_host()
        ref = host.request().ref
        with captured(app=host.app) as told:
            if way is not PYTHON:
                break_it(monkeypatch)
            way.act(host, Deed("decline", ref, word="No."))
        return left_behind(host, way, told)

    right = left(PYTHON)
    assert left(API)[table] != right[table]
