"""Each verb over HTTP does what the same verb does in Python: one rule set."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin import Proposal, Refused
from portal_plugin.testing import Clock, captured
from tests.api.support import MAYA, WANTED, System, problem
from tests.conftest import fresh_database
from tests.practices import PRACTICE, practice
from tests.services.steps import act, in_status, invite, rows, status_of, topics
from tests.support import PEOPLE, TUESDAY_TEN, Host, make_host

LATER = "2026-12-08T18:00:00Z"
CHOSEN = {"type": "visit", "contact": "in-person", "location": "main"}
MOVED = TUESDAY_TEN.replace(hour=18)


def desk(host: Host, verb: str, *args: Any, **more: Any) -> Any:
    """The verb in Python, by somebody whom the host names."""
    return act(host, verb, *args, by="Front desk", **more)


# What is there before, how Python says it, how HTTP says it: {} stands for the reference.
VERBS: dict[str, tuple[str | None, Callable[[Host, str], Any], str, dict[str, Any]]] = {
    "request": (
        None,
        lambda host, _: desk(host, "request", PEOPLE["maya"], starts=TUESDAY_TEN, note="Third floor", **CHOSEN),
        "/requests",
        WANTED | {"note": "Third floor"},
    ),
    "invite": (
        None,
        lambda host, _: desk(host, "invite", PEOPLE["maya"], starts=TUESDAY_TEN, message="Please come", **CHOSEN),
        "/invitations",
        WANTED | {"message": "Please come"},
    ),
    "book": (
        None,
        lambda host, _: desk(
            host, "book", PEOPLE["maya"], starts=TUESDAY_TEN, reference="A-1", data={"a": 1}, **CHOSEN
        ),
        "/bookings",
        WANTED | {"reference": "A-1", "data": {"a": 1}},
    ),
    "book in another's place": (
        "requested",
        lambda host, ref: desk(host, "book", PEOPLE["maya"], starts=MOVED, replaces=ref, **CHOSEN),
        "/bookings",
        WANTED | {"replaces": "{}", "starts": LATER},
    ),
    "confirm": (
        "requested",
        lambda host, ref: desk(host, "confirm", ref, message="See you"),
        "/appointments/{}/confirm",
        {"message": "See you"},
    ),
    "decline": (
        "requested",
        lambda host, ref: desk(host, "decline", ref, message="Sorry"),
        "/appointments/{}/decline",
        {"message": "Sorry"},
    ),
    "cancel": ("confirmed", lambda host, ref: desk(host, "cancel", ref), "/appointments/{}/cancel", {}),
    "accept": ("invited", lambda host, ref: desk(host, "accept", ref), "/appointments/{}/accept", {}),
    "withdraw": ("invited", lambda host, ref: desk(host, "withdraw", ref), "/appointments/{}/withdraw", {}),
    "reschedule": (
        "confirmed",
        lambda host, ref: desk(host, "reschedule", ref, starts=MOVED, message="Moved"),
        "/appointments/{}/reschedule",
        {"starts": LATER, "message": "Moved"},
    ),
    "complete": ("begun", lambda host, ref: desk(host, "complete", ref), "/appointments/{}/complete", {}),
    "no-show": ("begun", lambda host, ref: desk(host, "no_show", ref), "/appointments/{}/no-show", {}),
}


def before(host: Host, status: str | None) -> str:
    """The reference of an appointment in that status, or nothing."""
    if status is None:
        return ""
    ref = in_status(host, "confirmed" if status == "begun" else status).ref
    if status == "begun":
        host.clock.now = TUESDAY_TEN + timedelta(minutes=1)
    return ref


def left(host: Host) -> tuple[Any, ...]:
    """What the call before left in the tables, but for what is random."""
    columns = """status, version, type, contact, provider, location, starts, ends, client_id, client_name, client_email,
        client_phone, note, message, reason, host_reference, host_data, claim IS NULL"""
    appointments = rows(host, f"SELECT {columns} FROM portal_appointment ORDER BY id")
    history = rows(
        host, "SELECT action, from_status, to_status, actor_kind, actor, reason, at FROM portal_history ORDER BY id"
    )
    outbox = rows(host, "SELECT channel, topic, recipient, due FROM portal_outbox ORDER BY id")
    claims = rows(host, "SELECT provider, starts, ends FROM portal_claim ORDER BY starts")
    return appointments, history, outbox, claims


@pytest.fixture
def other_host(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """A second site that is in all the same."""
    folder = tmp_path / "other"
    folder.mkdir()
    for url in fresh_database(request, folder, "sqlite"):
        other = make_host(url, folder, clock)
        other.apply(PRACTICE)
        yield other
        other.state.db.close_all()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_over_http_leaves_the_same_as_in_python(host: Host, other_host: Host, system: System, verb: str) -> None:
    status, in_python, path, body = VERBS[verb]
    began = host.clock.now
    ref = before(other_host, status)
    with captured(app=other_host.app) as told_by_python:
        in_python(other_host, ref)
    host.clock.now = began

    ref = before(host, status)
    body = {name: value.format(ref) if value == "{}" else value for name, value in body.items()}
    with captured(app=host.app) as told_by_http:
        answer = system.post(path.format(ref), body)
    assert answer.status_code in {200, 201}, answer.text
    assert left(host) == left(other_host)
    assert [name for name, _ in told_by_http] == [name for name, _ in told_by_python]
    assert answer.json["ref"] in {appointment.ref for _, appointment in told_by_http}


def test_history_names_the_key_and_whom_it_acts_for(system: System) -> None:
    ref = system.make(by="Rosa")
    system.headers["X-Request-Id"] = "0123456789abcdef"
    system.post(f"/appointments/{ref}/confirm", {"by": "Ro\u202esa\n", "message": "See you"})
    system.post(f"/appointments/{ref}/cancel")
    made, confirmed, cancelled = system.get(f"/appointments/{ref}/history").json["items"]
    assert (made["actor_kind"], made["actor"], made["from_status"]) == ("staff", "Front desk: Rosa", None)
    assert cancelled["actor"] == "Front desk"
    assert confirmed == {
        "at": "2026-12-07T12:00:00Z",
        "actor_kind": "staff",
        "actor": "Front desk: Rosa",
        "action": "confirm",
        "from_status": "requested",
        "to_status": "confirmed",
        "result": "done",
        "reason": "See you",
        "request_id": "0123456789abcdef",
    }
    problem(system.get(f"/appointments/{'0' * 32}/history"), 404, "not_found")


def test_what_is_answered_is_what_is_stored(host: Host, system: System) -> None:
    ref = system.make(note="Third floor", reference="A-1", data={"room": [1, None, "é"]})
    read = system.get(f"/appointments/{ref}").json
    assert read == {
        "ref": ref,
        "status": "requested",
        "type": "visit",
        "contact": "in-person",
        "provider": "ada",
        "location": "main",
        "starts": "2026-12-08T15:00:00Z",
        "ends": "2026-12-08T15:50:00Z",
        "zone": "America/New_York",
        "client": MAYA | {"new": False, "language": "", "zone": ""},
        "note": "Third floor",
        "message": "",
        "reason": "",
        "text_reminders": False,
        "version": 1,
        "created": "2026-12-07T12:00:00Z",
        "expires": "2026-12-08T15:00:00Z",
        "replaces": None,
        "thread": ref,
        "reference": "A-1",
        "data": {"room": [1, None, "é"]},
    }


def test_a_new_appointment_is_answered_with_its_address(system: System) -> None:
    answer = system.post("/bookings", WANTED)
    assert answer.status_code == 201
    assert (
        system.client.get(answer.headers["Location"], headers={"Authorization": f"Bearer {system.key}"}).json
        == answer.json
    )


def test_the_clients_language_and_zone_are_kept(system: System) -> None:
    own = {"new": False, "language": "es-MX", "zone": "America/Los_Angeles"}
    told = system.get(f"/appointments/{system.make(client=MAYA | own)}").json["client"]
    assert told == MAYA | own


def test_the_client_hears_of_it(host: Host, system: System) -> None:
    ref = system.make("bookings", message="See you")
    [mail] = host.deliver()
    assert mail.to == ["maya@example.org"]
    assert topics(host, ref) == ["confirmed"]


def test_the_same_decision_again_changes_nothing(host: Host, system: System) -> None:
    ref = system.make()
    first = system.post(f"/appointments/{ref}/confirm")
    again = system.post(f"/appointments/{ref}/confirm")
    assert (again.status_code, again.json) == (200, first.json)
    assert topics(host, ref) == ["received", "confirmed"]


# Refusals.


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        (status, verb)
        for status in ("declined", "cancelled", "withdrawn", "expired", "completed", "no_show")
        for verb in ("confirm", "decline", "cancel", "accept", "withdraw", "complete", "no-show", "reschedule")
        if (status, verb)
        not in {
            ("declined", "decline"),
            ("cancelled", "cancel"),
            ("withdrawn", "withdraw"),
            ("completed", "complete"),
            ("no_show", "no-show"),
        }
    ],
)
def test_nothing_leaves_a_final_state(host: Host, system: System, status: str, verb: str) -> None:
    ref = in_status(host, status).ref
    # In time to come, so that a move is refused for its state and not for its time.
    starts = (host.clock() + timedelta(days=1)).replace(minute=0).isoformat()
    answer = system.post(f"/appointments/{ref}/{verb}", {"starts": starts} if verb == "reschedule" else {})
    assert problem(answer, 409, "already_decided")["appointment_status"] == status
    assert status_of(host, ref) == status


def test_a_request_whose_time_has_come_cannot_be_confirmed(host: Host, system: System) -> None:
    ref = system.make()
    host.clock.now = TUESDAY_TEN
    said = problem(system.post(f"/appointments/{ref}/confirm"), 409, "too_late")
    assert said["detail"] == "The time of this request has passed, so it can no longer be confirmed."
    assert status_of(host, ref) == "requested"


def test_a_time_that_is_taken_is_answered_with_the_nearest_free_ones(host: Host, system: System) -> None:
    host.request("theo")
    for how in ("requests", "invitations", "bookings"):
        told = problem(system.post(f"/{how}", WANTED), 409, "slot_taken")
        starts = [slot["starts"][11:16] for slot in told["slots"]]
        assert starts == ["14:00", "16:00", "18:00", "18:30", "19:00"]
        assert {slot["starts"][:10] for slot in told["slots"]} == {"2026-12-08"}
    assert system.post("/requests", WANTED | {"starts": told["slots"][0]["starts"]}).status_code == 201


def test_a_request_whose_time_went_is_answered_with_the_nearest_free_ones(host: Host, system: System) -> None:
    host.apply(practice(requests_hold_time=False))
    first, second = system.make(), system.make(client=MAYA | {"id": "theo"})
    system.post(f"/appointments/{first}/confirm")
    told = problem(system.post(f"/appointments/{second}/confirm"), 409, "slot_taken")
    assert len(told["slots"]) == 5
    assert status_of(host, second) == "requested"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"type": "surgery"}, "type"),
        ({"contact": "telehealth"}, "contact"),
        ({"provider": "ben"}, "provider"),
        ({"location": "moon"}, "location"),
        ({"starts": "2020-01-01T00:00:00Z"}, "starts"),
        ({"starts": "2026-12-08T15:07:00Z"}, "starts"),
        ({"starts": "2026-12-08T15:00:30Z"}, "starts"),
        ({"starts": "2999-12-08T15:00:00Z"}, "starts"),
        ({"starts": "2026-12-07T15:00:00Z"}, "starts"),
    ],
)
def test_what_is_not_offered_is_answered_with_the_field(system: System, changed: dict[str, str], field: str) -> None:
    told = problem(system.post("/requests", WANTED | changed), 422, "not_offered")
    assert told["errors"] == [{"detail": told["detail"], "pointer": f"#/{field}"}]


def test_a_hosts_veto_is_answered_with_its_sentence(host: Host, system: System) -> None:
    @host.portal.veto_request
    def no(_: Proposal) -> None:
        raise Refused("Not on a Tuesday.")

    assert problem(system.post("/requests", WANTED), 422, "refused")["detail"] == "Not on a Tuesday."


def test_what_is_too_early_or_too_late_is_answered_as_such(host: Host, system: System) -> None:
    booked, invited = system.make("bookings"), invite(host, MOVED).ref
    problem(system.post(f"/appointments/{booked}/complete"), 409, "too_early")
    host.clock.now = MOVED + timedelta(minutes=1)
    problem(system.post(f"/appointments/{invited}/accept"), 409, "too_late")


def test_another_clients_appointment_cannot_be_replaced(host: Host, system: System) -> None:
    ref = host.request("theo").ref
    problem(system.post("/bookings", WANTED | {"replaces": ref, "starts": LATER}), 404, "not_found")
    problem(system.post("/bookings", WANTED | {"replaces": "0" * 32, "starts": LATER}), 404, "not_found")


def test_a_host_that_does_not_answer_is_asked_again_by_the_same_call(host: Host, system: System) -> None:
    """Nothing was done, so the Idempotency-Key is still good."""
    broken = [True]

    @host.portal.veto_request
    def sometimes(proposal: Proposal) -> None:
        if broken.pop():
            broken.append(False)
            raise ConnectionError

    answer = system.post("/requests", WANTED, once="a-key")

    assert "Nothing was changed" in problem(answer, 503, "not_answered")["detail"]
    assert answer.headers["Retry-After"] == "5"
    assert system.post("/requests", WANTED, once="a-key").status_code == 201


def test_a_time_that_is_gone_is_told_even_when_the_host_cannot_say_what_is_free(host: Host, system: System) -> None:
    system.make()
    asked: list[str] = []

    @host.portal.busy_times
    def breaks_later(provider: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        asked.append(provider)
        if len(asked) > 1:
            raise ConnectionError
        return []

    told = problem(system.post("/requests", WANTED), 409, "slot_taken")

    assert "slots" not in told


def test_while_a_new_time_waits_a_second_one_is_refused(host: Host, system: System) -> None:
    ref = system.make("bookings")
    system.make(replaces=ref, starts=LATER)
    another = WANTED | {"replaces": ref, "starts": "2026-12-08T19:00:00Z"}
    problem(system.post("/invitations", another), 409, "not_allowed")
