"""`flask portal request, book, confirm ...`: every verb, and that it comes to what the HTTP API says."""

import json
from datetime import timedelta
from typing import Any

import pytest

from portal_plugin import Refused
from tests.api.support import System, make_key
from tests.cli.test_commands import lines, run
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import standing, stored

VISIT = ("visit", "in-person", "2026-12-08T10:00", "--location", "main")
"""Tuesday, 10:00 in New York, with Ada."""
MAYA = ("--client", "maya", "--name", "Maya Lindqvist", "--email", "maya@example.org", "--phone", "+1 212 555 0187")


@pytest.fixture
def system(either_host: Host) -> System:
    return System(either_host.app.test_client(), make_key(either_host))


def told(host: Host, *command: object) -> dict[str, Any]:
    """What --json says of a command that does what it is told."""
    result = run(host, *command, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(host: Host, *command: object, exit_code: int) -> dict[str, Any]:
    """What --json says of a refusal, on stderr; a person is told the same sentence."""
    result = run(host, *command, "--json")
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    found: dict[str, Any] = json.loads(result.stderr)
    said = run(host, *command)
    assert said.exit_code == exit_code
    assert found["detail"] in said.stderr
    return found


def actors(host: Host, ref: str) -> list[tuple[str, str, str]]:
    with host.app.app_context():
        return [(entry.action, entry.actor_kind, entry.actor) for entry in host.portal.history(ref)]


def invited(host: Host) -> str:
    with host.app.app_context():
        return host.portal.invite(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN
        ).ref


def booked(host: Host) -> str:
    with host.app.app_context():
        return host.portal.book(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN
        ).ref


@pytest.mark.parametrize(
    ("verb", "status", "word"),
    [("request", "requested", "--note"), ("invite", "invited", "--message"), ("book", "confirmed", "--message")],
)
def test_an_appointment_is_made_with_all_that_the_api_takes(
    either_host: Host, system: System, verb: str, status: str, word: str
) -> None:
    own = ("--reference", "case-17", "--data", '{"room": 3}', "--by", "Rosa")
    made = told(either_host, verb, *VISIT, *MAYA, "--provider", "ada", word, "Bring your card", *own)
    assert made == system.get(f"/appointments/{made['ref']}").json
    assert (made["status"], made["starts"]) == (status, "2026-12-08T15:00:00Z")
    assert (made["reference"], made["data"]) == ("case-17", {"room": 3})
    assert made[word.removeprefix("--")] == "Bring your card"
    assert actors(either_host, made["ref"]) == [(verb, "staff", "Rosa")]


@pytest.mark.parametrize(
    ("verb", "make", "status"),
    [
        ("confirm", "request", "confirmed"),
        ("decline", "request", "declined"),
        ("cancel", "request", "cancelled"),
        ("accept", "invite", "confirmed"),
        ("withdraw", "invite", "withdrawn"),
        ("complete", "book", "completed"),
        ("no-show", "book", "no_show"),
    ],
)
def test_a_decision_is_made_once_and_told_the_second_time(
    either_host: Host, system: System, verb: str, make: str, status: str
) -> None:
    ref = {"request": lambda: either_host.request().ref, "invite": lambda: invited(either_host)}.get(
        make, lambda: booked(either_host)
    )()
    if make == "book":
        either_host.clock.now = TUESDAY_TEN
    first = told(either_host, verb, ref, "--by", "Rosa")
    assert first == system.get(f"/appointments/{ref}").json
    assert first["status"] == status
    assert told(either_host, verb, ref) == first
    assert actors(either_host, ref)[1:] == [(actors(either_host, ref)[1][0], "staff", "Rosa")]
    [line] = lines(run(either_host, verb, ref))
    assert line == f"{ref}  {status}  2026-12-08 10:00 EST  Ada Moreau  Maya Lindqvist"


def test_a_move_keeps_provider_and_place_and_ends_the_old_one(either_host: Host, system: System) -> None:
    old = booked(either_host)
    moved = told(either_host, "reschedule", old, "2026-12-09T14:00", "--message", "Ada has another meeting")
    assert moved == system.get(f"/appointments/{moved['ref']}").json
    assert (moved["status"], moved["replaces"], moved["starts"]) == ("confirmed", old, "2026-12-09T19:00:00Z")
    assert (moved["provider"], moved["location"]) == ("ada", "main")
    assert system.get(f"/appointments/{old}").json["status"] == "cancelled"
    assert actors(either_host, moved["ref"]) == [("book", "staff", "command line")]


def test_a_move_is_read_in_the_zone_of_where_it_leads(host: Host) -> None:
    data = practice()
    data["locations"].append({"key": "coast", "name": "Coast", "zone": "America/Los_Angeles"})
    data["providers"][0]["locations"] = ["main", "coast"]
    data["providers"][0]["hours"][0]["location"] = "main"
    data["providers"][0]["hours"].append({"location": "coast", "saturday": ["9:00-12:00"]})
    host.apply(data)
    moved = told(host, "reschedule", booked(host), "2026-12-12T10:00", "--location", "coast")
    assert (moved["starts"], moved["zone"]) == ("2026-12-12T18:00:00Z", "America/Los_Angeles")


def test_what_replaces_another_says_so_and_is_the_same_client_s(host: Host) -> None:
    old = booked(host)
    later = ("visit", "in-person", "2026-12-09T10:00", "--location", "main", "--replaces", old)
    theo = ("--client", "theo", "--name", "Theo Brandt")
    assert refused(host, "request", *later, *theo, exit_code=3)["error"] == "not_found"
    assert told(host, "request", *later, *MAYA)["replaces"] == old


def test_what_a_rule_forbids_ends_with_1_and_what_has_changed_meanwhile_with_4(host: Host) -> None:
    ref = host.request().ref
    before = standing(host)
    taken = refused(host, "book", *VISIT, "--provider", "ada", *MAYA, exit_code=4)
    assert taken["error"] == "slot_taken"
    assert [slot["starts"] for slot in taken["slots"]][:2] == ["2026-12-08T14:00:00Z", "2026-12-08T16:00:00Z"]
    assert refused(host, "complete", ref, exit_code=4)["appointment_status"] == "requested"
    assert refused(host, "accept", ref, exit_code=4)["error"] == "already_decided"
    night = ("visit", "in-person", "2026-12-08T23:00", "--location", "main")
    assert refused(host, "request", *night, *MAYA, exit_code=1)["field"] == "starts"
    assert refused(host, "book", "massage", *VISIT[1:], *MAYA, exit_code=1)["field"] == "type"
    nobody = refused(host, "book", *VISIT, "--provider", "zoe", *MAYA, exit_code=1)
    assert (nobody["error"], nobody["field"]) == ("not_offered", "provider")
    assert standing(host) == before


def test_too_early_is_a_conflict_with_the_clock(host: Host) -> None:
    assert refused(host, "no-show", booked(host), exit_code=4)["error"] == "too_early"


@pytest.mark.parametrize("verb", ["accept", "cancel", "complete", "confirm", "decline", "no-show", "withdraw"])
def test_no_verb_knows_a_reference_that_is_none(host: Host, verb: str) -> None:
    for ref in ("0" * 32, "x", "\udcff", "' OR 1=1"):
        assert refused(host, verb, ref, exit_code=3) == {
            "error": "not_found",
            "detail": "There is no such appointment.",
        }


@pytest.mark.parametrize("verb", ["request", "invite", "book"])
@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ("tomorrow", "write a time as 2027-01-05T10:00"),
        ("2026-12-08", "write a time as 2027-01-05T10:00"),
        ("2026-12-08T25:00", "write a time as 2027-01-05T10:00"),
        ("2026-12-08T10:00 America/New_York", "write a time as 2027-01-05T10:00"),
        ("9" * 500, "write a time as 2027-01-05T10:00"),
        ("2027-03-14T02:30", "02:30 does not exist on 2027-03-14 in America/New_York"),
        ("2027-11-07T01:30", "say which, 2027-11-07T01:30-04:00 or 2027-11-07T01:30-05:00"),
    ],
)
def test_a_start_that_is_no_instant_is_a_usage_error(host: Host, verb: str, start: str, sentence: str) -> None:
    before = stored(host)
    said = refused(host, verb, "visit", "in-person", start, "--location", "main", *MAYA, exit_code=2)
    assert said["error"] == "usage"
    assert "START" in said["detail"]
    assert sentence in said["detail"]
    assert stored(host) == before


def test_an_hour_that_comes_twice_is_two_appointments_with_their_offsets(host: Host) -> None:
    made = [
        told(host, "book", "visit", "in-person", f"2027-11-07T01:30{offset}", "--location", "main", *MAYA)
        for offset in ("-04:00", "-05:00")
    ]
    assert [one["starts"] for one in made] == ["2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--name", ""), "--name"),
        (("--name", "x" * 201), "--name"),
        (("--name", "\u202e"), "--name"),
        (("--name", "half \udcff"), "--name"),
        (("--client", ""), "--client"),
        (("--client", "x\ny"), "--client"),
        (("--email", "a@b.c, d@e.f"), "--email"),
        (("--phone", "1" * 41), "--phone"),
        (("--reference", "x\ty"), "--reference"),
        (("--replaces", "x"), "--replaces"),
        (("--data", "[]"), "--data"),
        (("--data", "{"), "--data"),
        (("--data", '{"x": NaN}'), "--data"),
        (("--data", "[" * 100_000), "--data"),
        (("--data", json.dumps({"x": "y" * 4001})), "--data"),
        (("--message", "x" * 2001), "--message"),
        (("--by", "x" * 101), "--by"),
        (("--provider", ""), "--provider"),
    ],
)
def test_what_cannot_be_is_refused_by_the_option_s_name(host: Host, options: tuple[str, str], named: str) -> None:
    before = stored(host)
    said = refused(host, "book", *VISIT, *MAYA, *options, exit_code=2)
    assert named in said["detail"]
    assert stored(host) == before


def test_everything_that_is_wrong_is_told_at_once(host: Host) -> None:
    said = refused(host, "book", *VISIT, "--client", "", "--name", "", "--email", "?", exit_code=2)
    assert [line.split("'")[1] for line in said["detail"].splitlines()] == ["--client", "--name", "--email"]


def test_words_that_begin_with_a_hyphen_are_words(host: Host) -> None:
    made = told(host, "book", *VISIT, "--client", "-7", "--name", "--json", "--message", "-- see you")
    assert (made["client"]["id"], made["client"]["name"], made["message"]) == ("-7", "--json", "-- see you")
    assert json.loads(run(host, "export", "--json", "--", "-7").stdout)["client"] == "-7"
    assert run(host, "confirm", "-x").exit_code == 2
    assert run(host, "confirm", "--", "-x").exit_code == 3


def test_whoever_names_nobody_is_the_command_line(host: Host) -> None:
    ref = host.request().ref
    told(host, "confirm", ref, "--by", " \u200b ")
    assert actors(host, ref)[-1] == ("confirm", "staff", "command line")


def test_a_host_s_veto_is_told_and_its_mistake_is_not_shown(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    ref = host.request().ref

    @host.portal.veto_confirmation
    def no(_: object) -> None:
        raise Refused("Ask the front desk first.")

    assert refused(host, "confirm", ref, exit_code=1) == {"error": "refused", "detail": "Ask the front desk first."}

    @host.portal.veto_cancellation
    def broken(_: object) -> None:
        raise KeyError("PLANTED")

    said = run(host, "cancel", ref, "--json")
    assert (said.exit_code, said.stdout) == (5, "")
    assert json.loads(said.stderr)["error"] == "not_answered"
    assert "KeyError" in caplog.text


def test_an_unknown_client_for_a_type_that_is_not_open_to_them_is_refused_as_over_http(host: Host) -> None:
    data = practice()
    data["appointment_types"][0]["who"] = "clients"
    host.apply(data)
    assert refused(host, "request", *VISIT, *MAYA, "--new", exit_code=1)["field"] == "type"
    assert told(host, "request", *VISIT, *MAYA)["status"] == "requested"


def test_a_time_past_the_notice_is_told_in_the_sentence_of_the_page(host: Host) -> None:
    soon = host.clock() + timedelta(hours=2)
    said = refused(host, "request", "visit", "in-person", soon.isoformat(), "--location", "main", *MAYA, exit_code=1)
    assert said["detail"].startswith("That is too soon: Elm Row Practice needs 24 hours' notice.")
