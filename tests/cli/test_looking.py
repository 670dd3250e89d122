"""`flask portal appointments, requests, show, history, slots, explain, practice`: the same as over HTTP."""

from datetime import timedelta

import pytest

from tests.api.support import System, make_key
from tests.cli.test_acting import refused, told
from tests.cli.test_commands import lines, run
from tests.practices import practice
from tests.support import TUESDAY_TEN, Host

VISIT = ("visit", "in-person", "--location", "main")


@pytest.fixture
def system(either_host: Host) -> System:
    return System(either_host.app.test_client(), make_key(either_host))


@pytest.fixture
def some(either_host: Host) -> list[str]:
    """Three: Maya's on Tuesday and Wednesday with Ada, of which the later is confirmed; Theo's with Ben between."""
    with either_host.app.app_context():
        maya, later = (either_host.request(starts=TUESDAY_TEN + timedelta(days=days)).ref for days in (0, 1))
        either_host.portal.confirm(later)
        theo = either_host.request("theo", TUESDAY_TEN + timedelta(hours=1), provider="ben", location="annex").ref
    return [maya, theo, later]


def test_the_filters_are_those_of_the_api(either_host: Host, system: System, some: list[str]) -> None:
    maya, theo, later = some
    for options, query, found in (
        ((), {}, [maya, theo, later]),
        (("--status", "confirmed"), {"status": "confirmed"}, [later]),
        (("--status", "confirmed", "--status", "requested"), {"status": ["confirmed", "requested"]}, some),
        (("--client", "theo"), {"client": "theo"}, [theo]),
        (("--provider", "ada"), {"provider": "ada"}, [maya, later]),
        (("--type", "call"), {"type": "call"}, []),
        (("--since", "2026-12-08T15:00:01Z"), {"since": "2026-12-08T15:00:01Z"}, [theo, later]),
        (("--until", "2026-12-08T11:00-05:00"), {"until": "2026-12-08T16:00:00Z"}, [maya]),
        (("--limit", "1"), {"limit": 1}, [maya]),
        (("--limit", "1", "--cursor", maya), {"limit": 1, "cursor": maya}, [theo]),
        (("--reference", "none"), {"reference": "none"}, []),
    ):
        listed = told(either_host, "appointments", *options)
        assert listed == system.get("/appointments", **query).json
        assert [one["ref"] for one in listed["items"]] == found


def test_days_and_times_without_an_offset_are_the_practice_s(host: Host) -> None:
    tuesday, wednesday = (host.request(starts=TUESDAY_TEN + timedelta(days=days)).ref for days in (0, 1))
    for options, found in (
        (("--since", "2026-12-08", "--until", "2026-12-08"), [tuesday]),
        (("--since", "2026-12-08T10:00"), [tuesday, wednesday]),
        (("--since", "2026-12-08T10:01"), [wednesday]),
        (("--until", "2026-12-09 10:00"), [tuesday]),
    ):
        assert [one["ref"] for one in told(host, "appointments", *options)["items"]] == found


def test_the_list_is_aligned_and_names_the_client_alone(either_host: Host, some: list[str]) -> None:
    maya, theo, later = some
    assert lines(run(either_host, "appointments")) == [
        f"{maya}  requested  2026-12-08 10:00 EST  Ada Moreau  Maya Lindqvist",
        f"{theo}  requested  2026-12-08 11:00 EST  Ben Ito     Theo Brandt",
        f"{later}  confirmed  2026-12-09 10:00 EST  Ada Moreau  Maya Lindqvist",
    ]
    assert told(either_host, "requests")["items"] == told(either_host, "appointments", "--status", "requested")["items"]


def test_what_is_for_people_alone_is_on_stderr(host: Host) -> None:
    none = run(host, "appointments")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "There is no such appointment.\n")
    assert told(host, "appointments") == {"items": [], "next": None}
    ref = host.request().ref
    host.request(starts=TUESDAY_TEN + timedelta(days=1))
    more = run(host, "appointments", "--limit", "1")
    assert f"--cursor {ref}" in more.stderr


@pytest.mark.parametrize(
    ("options", "exit_code", "says"),
    [
        (("--provider", "zoe"), 1, "The practice has none with this key."),
        (("--type", "massage"), 1, "The practice has none with this key."),
        (("--cursor", "0" * 32), 1, "This cursor leads nowhere"),
        (("--cursor", "x"), 2, "--cursor"),
        (("--status", "eaten"), 2, "--status"),
        (("--client", "half \udcff"), 2, "--client"),
        (("--reference", ""), 2, "--reference"),
        (("--limit", "0"), 2, "--limit"),
        (("--limit", "501"), 2, "--limit"),
        (("--since", "yesterday"), 2, "--since"),
        (("--until", "2026-02-30"), 2, "--until"),
        (("--since", "2026-11-01T01:30"), 2, "comes twice on 2026-11-01"),
        (("--until", "2027-03-14T02:30"), 2, "does not exist on 2027-03-14"),
    ],
)
def test_a_filter_that_cannot_be_lists_nothing(host: Host, options: tuple[str, str], exit_code: int, says: str) -> None:
    host.request()
    assert says in refused(host, "appointments", *options, exit_code=exit_code)["detail"]
    assert options[0] in run(host, "appointments", *options).stderr


def test_one_appointment_is_told_in_full(either_host: Host, system: System) -> None:
    ref = either_host.request(note="Second floor,\nplease").ref
    assert told(either_host, "show", ref) == system.get(f"/appointments/{ref}").json
    assert lines(run(either_host, "show", ref)) == [
        f"ref       {ref}",
        "status    requested",
        "starts    2026-12-08 10:00 EST",
        "ends      2026-12-08 10:50 EST",
        "type      Therapy visit",
        "contact   In person",
        "provider  Ada Moreau",
        "location  Main Street",
        "client    Maya Lindqvist (maya)",
        "email     maya@example.org",
        "phone     +1 212 555 0187",
        "note      Second floor, please",
        "expires   2026-12-08 10:00 EST",
    ]


def test_its_history_is_the_api_s(either_host: Host, system: System, some: list[str]) -> None:
    ref = some[-1]
    assert told(either_host, "history", ref) == system.get(f"/appointments/{ref}/history").json
    for command in ("show", "history"):
        assert refused(either_host, command, "0" * 32, exit_code=3)["error"] == "not_found"


def test_free_times_are_the_api_s(either_host: Host, system: System, some: list[str]) -> None:
    query = {"type": "visit", "contact": "in-person", "location": "main"}
    for options, more in (
        ((), {}),
        (("--provider", "ada", "--limit", "3"), {"provider": "ada", "limit": 3}),
        (
            ("--since", "2026-12-09", "--until", "2026-12-09"),
            {"since": "2026-12-09T05:00:00Z", "until": "2026-12-10T05:00:00Z"},
        ),
    ):
        assert told(either_host, "slots", *VISIT, *options) == system.get("/slots", **query, **more).json
    assert lines(run(either_host, "slots", *VISIT, "--since", "2026-12-08T11:00", "--limit", "1")) == [
        "2026-12-08 11:00 EST  ada"
    ]


def test_the_seats_of_a_group_are_told(host: Host) -> None:
    data = practice()
    data["appointment_types"][0]["capacity"] = 4
    host.apply(data)
    host.request()
    assert lines(run(host, "slots", *VISIT, "--since", "2026-12-08T10:00", "--limit", "2")) == [
        "2026-12-08 10:00 EST  ada  3 seats",
        "2026-12-08 11:00 EST  ada  4 seats",
    ]


def test_no_free_time_is_said_on_stderr(host: Host) -> None:
    result = run(host, "slots", *VISIT, "--since", "2026-12-12", "--until", "2026-12-13")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No time is free.\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("massage", "in-person"), 1, "Choose an appointment type"),
        (("visit", "pigeon"), 1, "Choose how to meet"),
        (("visit", "in-person", "--location", "moon"), 1, "Choose a location"),
        (("visit", "in-person", "--location", "main", "--provider", "zoe"), 1, "Choose a provider"),
        (("visit", "in-person", "--location", "main", "--since", "2026-11-01T01:30"), 2, "comes twice"),
        (("visit",), 2, "CONTACT"),
    ],
)
def test_a_search_for_what_is_not_there_says_so(
    host: Host, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    assert says in refused(host, "slots", *arguments, exit_code=exit_code)["detail"]


def test_an_explanation_is_the_api_s(either_host: Host, system: System, some: list[str]) -> None:
    query = {"type": "visit", "contact": "in-person", "location": "main", "provider": "ada"}
    for start, instant in (("2026-12-08T10:00", "2026-12-08T15:00:00Z"), ("2026-12-08T12:00Z", "2026-12-08T12:00:00Z")):
        explained = told(either_host, "explain", "visit", "in-person", start, *VISIT[2:], "--provider", "ada")
        assert explained == system.get("/slots/explain", starts=instant, **query).json


def test_the_practice_is_told_with_the_keys_that_others_take(either_host: Host, system: System) -> None:
    described = told(either_host, "practice")
    assert (described["name"], described["zone"]) == ("Elm Row Practice", "America/New_York")
    for part, path in (
        ("providers", "providers"),
        ("types", "types"),
        ("contact_types", "contact-types"),
        ("locations", "locations"),
    ):
        assert described[part] == system.get(f"/{path}").json["items"]
    assert lines(run(either_host, "practice"))[:3] == [
        "Elm Row Practice, America/New_York",
        "provider      ada        Ada Moreau",
        "provider      ben        Ben Ito",
    ]
