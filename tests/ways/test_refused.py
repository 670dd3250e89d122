"""What a rule refuses is refused through every way in, changes nothing, and stands in the history once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from portal_plugin import Appointment, NotAllowed, Refused
from portal_plugin.domain.history import Result
from portal_plugin.domain.lifecycle import TRANSITIONS, Action, Actor, ActorKind, Status
from portal_plugin.services import decisions
from portal_plugin.storage import chain, history
from portal_plugin.storage.api_keys import Scope
from portal_plugin.testing import captured
from tests.api.support import System, make_key, problem
from tests.practices import practice
from tests.services.steps import act, as_client, expire, in_status, invite, rows, snapshot
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.ways.test_same import TUESDAY_ELEVEN, another_time, begun
from tests.ways.ways import MAKING, NOT_OFFERED, WAYS, WISH, WORDLESS, Answer, Deed, Way
from tests.web.desk import at
from tests.web.pages import open_page

NEXT_MONTH = TUESDAY_TEN + timedelta(weeks=4)
ACTIONS = {
    "confirm": Action.CONFIRM,
    "decline": Action.DECLINE,
    "cancel": Action.CANCEL,
    "accept": Action.ACCEPT,
    "withdraw": Action.WITHDRAW,
    "complete": Action.COMPLETE,
    "no_show": Action.MISS,
    "reschedule": Action.REPLACE,
}
"""What can be done to an appointment that there is. That it expires is the portal's own doing: no way offers it."""

SAME_AGAIN = (
    *((Status.CONFIRMED, verb) for verb in ("confirm", "accept")),
    (Status.DECLINED, "decline"),
    (Status.CANCELLED, "cancel"),
    (Status.WITHDRAWN, "withdraw"),
    (Status.COMPLETED, "complete"),
    (Status.NO_SHOW, "no_show"),
)


def word(verb: str) -> str:
    return "" if verb in WORDLESS else "PLANTED"


def refusals(host: Host) -> list[tuple[Any, ...]]:
    """All that the history has of what was refused."""
    return rows(
        host,
        """SELECT a.ref, h.actor_kind, h.actor, h.action, h.from_status, h.to_status, h.reason, h.request_id IS NOT NULL
        FROM portal_history h LEFT JOIN portal_appointment a ON a.id = h.appointment
        WHERE h.result = 'refused' ORDER BY h.id""",
    )


def recorded(way: Way, ref: str, verb: str, sentence: str) -> tuple[Any, ...]:
    return ref, "staff", way.actor, ACTIONS[verb].name.lower(), None, None, sentence, way.by_request


def refused(host: Host, way: Way, deed: Deed) -> Answer:
    """The refusal, after which everything is as it was: rows, history, messages, and nothing was announced."""
    before = snapshot(host)
    with captured(app=host.app) as told:
        answer = way.act(host, deed)
    assert answer.refused
    assert answer.ref == ""
    assert snapshot(host) == before
    assert told == []
    return answer


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("status", Status)
def test_what_a_state_does_not_allow_is_refused_with_the_state_it_is_in(host: Host, status: Status, way: Way) -> None:
    ref = in_status(host, status).ref
    expected = []
    for verb, action in ACTIONS.items():
        if (status, action) in TRANSITIONS or (status, verb) in SAME_AGAIN:
            continue
        sentence = f"This appointment is {status.replace('_', '-')} and can no longer be {action}."
        answer = refused(host, way, Deed(verb, ref, NEXT_MONTH, word(verb)))
        if not way.tells_programs:
            # People are also told who decided, and when.
            assert answer.refused.startswith(sentence)
            answer = answer._replace(refused=sentence)
        assert answer == Answer("", sentence, str(status) if way.tells_programs else None), verb
        expected.append(recorded(way, ref, verb, sentence))
    assert len(expected) >= 2
    assert refusals(host) == expected


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(("status", "verb"), SAME_AGAIN)
def test_the_same_decision_again_changes_nothing_and_leaves_no_row(
    host: Host, status: Status, verb: str, way: Way
) -> None:
    ref = in_status(host, status).ref
    before = snapshot(host)
    with captured(app=host.app) as told:
        assert way.act(host, Deed(verb, ref, word=word(verb))) == Answer(ref)
    assert (snapshot(host), told, refusals(host)) == (before, [], [])


# Rules beside the state.


class Rule(NamedTuple):
    """Why something is refused that the state would allow. `prepare` leaves the appointment's reference."""

    why: str
    verb: str
    prepare: Callable[[Host], str]
    sentence: str

    def __str__(self) -> str:
        return f"{self.verb}, {self.why}"


def lapsed(host: Host) -> str:
    made = invite(host)
    host.clock.now = made.expires
    return made.ref


def vetoed(host: Host) -> str:
    @host.portal.veto_confirmation
    @host.portal.veto_cancellation
    def no(_: Appointment) -> None:
        raise Refused("Ada\0 has to\nagree first.")

    return host.request().ref


def given_away(host: Host) -> str:
    """A request that did not hold its time, which another one got."""
    host.apply(practice(requests_hold_time=False))
    ref = host.request("theo").ref
    act(host, "confirm", host.request().ref)
    return ref


def beside_another(host: Host) -> str:
    act(host, "book", PEOPLE["theo"], **WISH, starts=TUESDAY_ELEVEN)
    return in_status(host, "confirmed").ref


TAKEN = "That time was taken a moment ago."
RULES = (
    Rule("too early", "complete", lambda host: in_status(host, "confirmed").ref, "This appointment has not begun yet."),
    Rule("too early", "no_show", lambda host: in_status(host, "confirmed").ref, "This appointment has not begun yet."),
    Rule("too late", "accept", lapsed, "This invitation has expired. Please call Elm Row Practice at +1 212 555 0100."),
    Rule(
        "too late",
        "reschedule",
        begun,
        "It is too close to the appointment to move it here. Please call Elm Row Practice at +1 212 555 0100.",
    ),
    Rule("vetoed", "confirm", vetoed, "Ada has to agree first."),
    Rule("vetoed", "cancel", vetoed, "Ada has to agree first."),
    Rule("taken", "confirm", given_away, TAKEN),
    Rule("taken", "reschedule", beside_another, TAKEN),
    Rule(
        "waiting itself",
        "reschedule",
        lambda host: another_time(host, "request"),
        "This new time is waiting for an answer. Cancel it to ask for another one.",
    ),
)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_a_rule_forbids_is_refused_and_recorded(host: Host, rule: Rule, way: Way) -> None:
    ref = rule.prepare(host)
    answer = refused(host, way, Deed(rule.verb, ref, TUESDAY_ELEVEN, word(rule.verb)))
    assert " ".join(answer.refused.replace("\0", "").split()) == rule.sentence
    assert answer.state is None
    assert refusals(host) == [recorded(way, ref, rule.verb, rule.sentence)]


@pytest.mark.parametrize(
    ("verb", "way"), [(verb, way) for verb in MAKING for way in WAYS if (way, verb) not in NOT_OFFERED], ids=str
)
def test_a_first_time_that_is_taken_is_refused_and_no_decision_about_anything(host: Host, verb: str, way: Way) -> None:
    act(host, "book", PEOPLE["theo"], **WISH, starts=TUESDAY_TEN)
    assert refused(host, way, Deed(verb)).refused == TAKEN
    assert refusals(host) == []


# The wrong kind of actor.


@pytest.mark.parametrize("kind", ActorKind)
def test_what_is_not_theirs_to_do_is_refused_to_each_kind_of_actor(host: Host, kind: ActorKind) -> None:
    """Python, HTTP, command line and review page act for the practice alone; this is the one place they all come to."""
    for (status, action), rule in TRANSITIONS.items():
        if kind in rule.actors:
            continue
        ref = in_status(host, status).ref
        before = snapshot(host)
        with host.app.app_context(), captured(app=host.app) as told, pytest.raises(NotAllowed, match=f"by the {kind}"):
            decisions.decide(host.state, ref, action, Actor(kind, "somebody"))
        assert (snapshot(host), told) == (before, [])
        act(host, "cancel", ref)
    mine = [row for row in refusals(host) if row[2] == "somebody"]
    assert bool(mine) == (kind is not ActorKind.SYSTEM), "nobody decided anything where the portal did"


@pytest.mark.parametrize("verb", ACTIONS)
def test_a_client_reaches_none_of_it(host: Host, verb: str) -> None:
    ref = in_status(host, "requested").ref
    before = snapshot(host)
    maya = host.browser("maya")
    where = at(ref, "/move") if verb == "reschedule" else at(ref)
    with captured(app=host.app) as told:
        assert maya.post(where, data={"verb": verb}).status_code == 404
        path = f"/portal/api/v1/appointments/{ref}/{verb.replace('_', '-')}"
        assert maya.post(path, json={}).status_code == 401
        if verb not in {"cancel", "accept", "reschedule"}:
            assert maya.post(f"/portal/appointments/{ref}/{verb}").status_code == 404
    assert (snapshot(host), told) == (before, [])


@pytest.mark.parametrize("verb", [*ACTIONS, "request", "invite", "book"])
def test_a_key_without_the_scope_reaches_none_of_it(host: Host, verb: str) -> None:
    ref = in_status(host, "requested").ref
    before = snapshot(host)
    system = System(host.app.test_client(), make_key(host, Scope.READ))
    making = {"request": "/requests", "invite": "/invitations", "book": "/bookings"}
    path = making.get(verb) or f"/appointments/{ref}/{verb.replace('_', '-')}"
    problem(system.post(path, {}), 403, "insufficient_scope")
    assert (snapshot(host), refusals(host)) == (before, [])


# What becomes of a refusal.


def with_a_refusal(host: Host) -> str:
    """Maya's request, which Rosa declines, and which she would confirm then."""
    ref = host.request().ref
    act(host, "decline", ref)
    assert WAYS[-1].act(host, Deed("confirm", ref)).refused
    return ref


SENTENCE = "This appointment is declined and can no longer be confirmed."


def test_a_refusal_is_told_wherever_the_history_is(host: Host) -> None:
    ref = with_a_refusal(host)
    last = act(host, "history", ref)[-1]
    assert (last.action, last.result, last.reason) == ("confirm", Result.REFUSED, SENTENCE)
    told = System(host.app.test_client(), make_key(host)).get(f"/appointments/{ref}/history").json["items"][-1]
    assert (told["actor"], told["result"], told["to_status"], told["reason"]) == (
        "Rosa Delgado",
        "refused",
        None,
        SENTENCE,
    )
    page = open_page(host.browser("rosa"), at(ref))
    assert "Confirmed, refused, by Rosa Delgado" in page.words
    assert SENTENCE in page.words
    output = host.app.test_cli_runner().invoke(args=["portal", "history", ref]).output
    assert f"confirm  refused                staff Rosa Delgado  {SENTENCE}" in output
    ended = host.app.test_cli_runner().invoke(args=["portal", "verify", "--json"])
    assert (ended.exit_code, json.loads(ended.stdout)["rows"]) == (0, 3)


def test_a_refusal_is_part_of_the_client_s_export_and_loses_its_words_with_them(host: Host) -> None:
    ref = with_a_refusal(host)
    as_client_refused(host, ref)
    told = [entry["reason"] for entry in act(host, "export_client", "maya")["history"] if entry["result"] == "refused"]
    assert told == [SENTENCE, "This appointment is declined and can no longer be accepted."]
    act(host, "erase_client", "maya")
    assert [row[2:4] + row[6:7] for row in refusals(host)] == [("Rosa Delgado", "confirm", ""), ("", "accept", "")]
    with host.app.app_context():
        chain.seal_settled(host.state.db)
        assert chain.verify(host.state.db).sound


def as_client_refused(host: Host, ref: str) -> None:
    with pytest.raises(decisions.AlreadyDecided):
        as_client(host, ref, Action.ACCEPT)


def test_a_client_s_refused_decision_is_recorded_with_the_request_it_came_by(host: Host) -> None:
    ref = in_status(host, "confirmed").ref
    host.clock.now = TUESDAY_TEN - timedelta(hours=1)
    maya = host.browser("maya")
    address = f"/portal/appointments/{ref}/cancel"
    token = open_page(host.browser("maya"), "/portal/appointments/book/time?type=visit&contact=phone").form[
        "portal_token"
    ]
    answer = maya.post(address, data={"portal_token": token, "reason": "PLANTED"})
    assert answer.status_code == 409
    [(_, kind, who, action, _, _, reason, by_request)] = refusals(host)
    assert (kind, who, action, by_request) == ("client", "maya", "cancel", 1)
    assert "too close to the appointment" in reason


def test_nobody_fills_the_history_with_refusals(host: Host) -> None:
    ref = with_a_refusal(host)
    for _ in range(history.REFUSALS_OF_ONE + 5):
        assert refused(host, WAYS[0], Deed("confirm", ref)).refused == SENTENCE
    assert len([row for row in refusals(host) if row[2] == WAYS[0].actor]) == history.REFUSALS_OF_ONE
    assert refused(host, WAYS[1], Deed("confirm", ref)).refused == SENTENCE
    assert refusals(host)[-1][2] == WAYS[1].actor, "it hides nobody else"


def test_an_expiry_that_comes_too_late_is_nobody_s_refusal(host: Host) -> None:
    made = in_status(host, "confirmed")
    host.clock.now = made.starts
    assert expire(host) == 0
    with host.app.app_context(), pytest.raises(decisions.AlreadyDecided):
        decisions.decide(host.state, made.ref, Action.EXPIRE, Actor(ActorKind.SYSTEM, "expiry"))
    assert refusals(host) == []
