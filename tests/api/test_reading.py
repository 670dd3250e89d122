"""What a practice system may ask, and in which order it is answered."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal_plugin.domain.waitlist import PartOfDay
from tests.api.support import MAYA, System, problem
from tests.practices import practice, with_calendars
from tests.services.line import WITH_WAITLIST, join
from tests.services.steps import act
from tests.support import TUESDAY_TEN, Host
from tests.web.visiting import became_guest, open_practice

EVENING = TUESDAY_TEN.replace(hour=21)


@pytest.fixture
def filled(host: Host, system: System) -> dict[str, str]:
    """Four appointments, by a name of the test's."""
    made = {
        "maya's": system.make(),
        "theo's call": system.make(
            client=MAYA | {"id": "theo"}, type="call", contact="phone", location=None, starts="2026-12-08T18:00:00Z"
        ),
        "with ben": system.make(location="annex", starts="2026-12-09T15:00:00Z", reference="A-1"),
        "declined": system.make(starts="2026-12-10T15:00:00Z"),
    }
    act(host, "decline", made["declined"])
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["maya's", "theo's call", "with ben", "declined"]),
        ({"status": "requested"}, ["maya's", "with ben"]),
        ({"status": ["confirmed", "declined"]}, ["theo's call", "declined"]),
        ({"client": "theo"}, ["theo's call"]),
        ({"client": " theo "}, ["theo's call"]),
        ({"client": "nobody"}, []),
        ({"provider": "ben"}, ["with ben"]),
        ({"type": "call"}, ["theo's call"]),
        ({"reference": "A-1"}, ["with ben"]),
        ({"since": "2026-12-08T18:00:00Z"}, ["theo's call", "with ben", "declined"]),
        ({"until": "2026-12-08T13:00:00-05:00"}, ["maya's"]),
        ({"since": "2026-12-09T00:00:00Z", "until": "2026-12-10T00:00:00Z"}, ["with ben"]),
        ({"status": "requested", "provider": "ben", "client": "maya", "type": "visit"}, ["with ben"]),
    ],
)
def test_a_list_has_what_was_asked_for_soonest_first(
    system: System, filled: dict[str, str], query: dict[str, Any], expected: list[str]
) -> None:
    told = system.get("/appointments", **query).json
    assert [one["ref"] for one in told["items"]] == [filled[name] for name in expected]
    assert told["next"] is None


def pages(system: System, **query: Any) -> list[list[str]]:
    found, cursor = [], {}
    while True:
        told = system.get("/appointments", **query, **cursor).json
        found.append([one["ref"] for one in told["items"]])
        if told["next"] is None:
            return found
        cursor = {"cursor": told["next"]}


def test_pages_together_are_the_list(either_host: Host, either_system: System) -> None:
    """Also where several begin at one time, which only their order of coming tells apart."""
    either_host.apply(practice(requests_hold_time=False))
    refs = [either_system.make(client=MAYA | {"id": f"client {n}"}) for n in range(5)]
    refs += [either_system.make(starts="2026-12-09T15:00:00Z")]
    for limit in range(1, 8):
        found = pages(either_system, limit=limit)
        assert list(itertools.chain(*found)) == refs
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert pages(either_system, limit=2, client="client 3") == [[refs[3]]]


def test_what_comes_in_between_shifts_nothing(system: System) -> None:
    later = [system.make(starts=f"2026-12-0{day}T15:00:00Z") for day in (8, 9)]
    first = system.get("/appointments", limit=1).json
    earlier = system.make(starts="2026-12-08T14:00:00Z", type="call", contact="phone", location=None)
    second = system.get("/appointments", limit=1, cursor=first["next"]).json
    assert [one["ref"] for one in (*first["items"], *second["items"])] == later
    assert earlier == system.get("/appointments", limit=1).json["items"][0]["ref"]


def test_a_page_of_a_long_list_is_found_by_its_index(host: Host, system: System) -> None:
    sql = (
        "EXPLAIN QUERY PLAN SELECT ref FROM portal_appointment WHERE "
        "(starts, id) > (SELECT starts, id FROM portal_appointment WHERE ref = '') ORDER BY starts, id LIMIT 100"
    )
    plan = " ".join(row[3] for row in host.state.db.execute_sql(sql))
    assert "SEARCH portal_appointment USING INDEX portal_appointment_starts" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"status": "asked"}, "status"),
        ({"provider": "nobody"}, "provider"),
        ({"type": "surgery"}, "type"),
        ({"since": "2026-12-08"}, "since"),
        ({"since": "2026-12-08T10:00:00"}, "since"),
        ({"until": "1765000000"}, "until"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"cursor": "0" * 32}, "cursor"),
        ({"cursor": "1"}, "cursor"),
        ({"client": ""}, "client"),
        ({"client": "\0"}, "client"),
        ({"client": "\u200b"}, "client"),
        ({"client": ["maya", "theo"]}, "client"),
        ({"reference": "a\0"}, "reference"),
        ({"clent": "theo"}, "clent"),
    ],
)
def test_a_filter_that_cannot_be_is_named(either_system: System, query: dict[str, Any], parameter: str) -> None:
    told = either_system.get("/appointments", **query)
    [fault] = problem(told, 422, told.json["code"])["errors"]
    assert fault["parameter"] == parameter
    assert fault["detail"]


def test_an_appointment_that_is_none_is_not_found(system: System) -> None:
    for ref in ("0" * 32, "x", "%00", "A" * 5000):
        problem(system.get(f"/appointments/{ref}"), 404, "not_found")


# Times.


def test_slots_are_what_python_finds(host: Host, system: System) -> None:
    host.request()
    told = system.get("/slots", type="visit", contact="phone", limit=40).json
    found = itertools.islice(act(host, "find_slots", type="visit", contact="phone"), 40)
    with host.app.app_context():
        expected = [(slot.starts, slot.ends, list(slot.providers), slot.seats) for slot in found]
    assert told["zone"] == "America/New_York"
    assert [
        (datetime.fromisoformat(slot["starts"]), datetime.fromisoformat(slot["ends"]), slot["providers"], slot["seats"])
        for slot in told["items"]
    ] == expected


def test_slots_lie_between_since_and_until(system: System) -> None:
    asked = {"type": "visit", "contact": "phone", "provider": "ada", "since": "2026-12-09T15:00:00Z"}
    told = system.get("/slots", **asked, until="2026-12-09T16:30:00Z").json
    assert [slot["starts"][11:16] for slot in told["items"]] == ["15:00", "15:30", "16:00"]
    assert system.get("/slots", **asked, until="2026-12-09T15:00:00Z").json["items"] == []
    assert system.get("/slots", **asked, until="2026-12-01T15:00:00Z").json["items"] == []
    assert system.get("/slots", **asked | {"since": "2999-12-09T15:00:00Z"}).json["items"] == []


def test_on_both_sides_of_a_clock_change_nine_is_nine(host: Host, system: System) -> None:
    host.clock.now = datetime.fromisoformat("2026-10-28T12:00:00+00:00")
    asked = {"type": "visit", "contact": "phone", "provider": "ada"}
    starts = [
        system.get("/slots", **asked, since=f"{day}T05:00:00Z", limit=1).json["items"][0]["starts"]
        for day in ("2026-10-30", "2026-11-02")
    ]
    assert starts == ["2026-10-30T13:00:00Z", "2026-11-02T14:00:00Z"]


def test_why_a_time_is_not_offered_is_said(host: Host, system: System) -> None:
    asked = {"type": "visit", "contact": "phone", "provider": "ada", "starts": TUESDAY_TEN.isoformat()}
    assert system.get("/slots/explain", **asked).json["offered"] is True
    host.request()
    told = system.get("/slots/explain", **asked).json
    assert told == {"offered": False, "reasons": ["Ada Moreau is taken from 10:00 until 11:00."]}


def test_why_a_time_is_not_offered_to_a_client_is_said(host: Host, system: System) -> None:
    data = practice()
    data["appointment_types"][0]["days_between"] = 7
    host.apply(data)
    host.request()
    asked = {"type": "visit", "contact": "phone", "starts": (TUESDAY_TEN + timedelta(days=1)).isoformat()}
    assert system.get("/slots/explain", **asked).json["offered"] is True
    told = system.get("/slots/explain", **asked, client="maya").json
    assert (told["offered"], "less than 7 days" in told["reasons"][0]) == (False, True)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "type"),
        ({"type": "surgery", "contact": "phone"}, "type"),
        ({"type": "visit", "contact": "in-person"}, "location"),
        ({"type": "visit", "contact": "phone", "provider": ""}, "provider"),
        ({"type": "visit", "contact": "phone", "since": "2026-02-30T10:00:00Z"}, "since"),
    ],
)
def test_a_wish_that_cannot_be_is_named(system: System, query: dict[str, str], parameter: str) -> None:
    told = system.get("/slots", **query)
    assert problem(told, 422, told.json["code"])["errors"][0]["parameter"] == parameter


# The practice.


def test_the_practice_is_listed_with_what_it_no_longer_has(host: Host, system: System) -> None:
    data = practice()
    del data["providers"][1]
    host.apply(data)
    told = {path: system.get(f"/{path}").json["items"] for path in ("providers", "types", "locations", "contact-types")}
    assert [(one["key"], one["retired"]) for one in told["providers"]] == [("ada", False), ("ben", True)]
    assert {path: [one["key"] for one in items] for path, items in told.items() if path != "providers"} == {
        "types": ["visit", "call"],
        "locations": ["main", "annex"],
        "contact-types": ["in-person", "phone"],
    }
    assert told["types"][0] | {"name": ""} == {
        "key": "visit",
        "name": "",
        "description": "",
        "duration": 50,
        "buffer_before": 0,
        "buffer_after": 10,
        "increment": 30,
        "notice": 1440,
        "horizon_days": 60,
        "contact_types": ["in-person", "phone"],
        "who": "clients",
        "capacity": 1,
        "confirms_itself": False,
        "retired": False,
    }


def test_what_a_new_client_answered_is_told_and_of_anybody_else_nothing(host: Host, system: System) -> None:
    host.apply(open_practice())
    became_guest(host)
    [asked] = system.get("/appointments").json["items"]
    answers = system.get(f"/appointments/{asked['ref']}/intake").json["items"]
    assert answers[0] == {
        "key": "brings",
        "label": "What brings you here?",
        "kind": "text",
        "answer": "Zwölf Nächte ohne Schlaf",
    }
    assert {one["key"]: one["answer"] for one in answers[1:]} == {
        "heard": "A friend",
        "before": "no",
        "born": "1990-05-17",
    }
    with host.app.app_context():
        assert [one._asdict() for one in host.portal.intake(asked["ref"])] == answers
    maya_s = system.make(starts="2026-12-09T15:00:00Z")
    assert system.get(f"/appointments/{maya_s}/intake").json == {"items": []}
    assert asked["client"]["new"]
    assert not system.get(f"/appointments/{maya_s}").json["client"]["new"]


def test_who_waits_is_told_in_the_order_in_which_they_are_offered_a_time(host: Host, system: System) -> None:
    host.apply(WITH_WAITLIST)
    assert system.get("/waitlist").json == {"items": []}
    join(host, "maya", provider=None)
    some = {"weekdays": frozenset({4, 1}), "parts": frozenset({PartOfDay.MORNING})}
    waits = join(host, "theo", provider="ben", contact="phone", location=None, **some)
    [first, second] = system.get("/waitlist").json["items"]
    assert (first["client"]["id"], first["provider"], first["location"]) == ("maya", None, "main")
    assert (first["weekdays"], first["parts"]) == ([], [])
    told = {"id": "theo", "name": "Theo", "email": "theo@example.org", "phone": ""}
    assert second == {
        "ref": waits.ref,
        "client": told | {"new": False, "language": "", "zone": ""},
        "type": "visit",
        "contact": "phone",
        "provider": "ben",
        "location": None,
        "zone": "America/New_York",
        "earliest": "2026-12-08",
        "latest": "2026-12-08",
        "weekdays": ["tuesday", "friday"],
        "parts": ["morning"],
        "created": "2026-12-07T12:00:02Z",
    }


def test_a_providers_calendar_address_is_told_to_nobody(host: Host, system: System) -> None:
    host.apply(with_calendars(ada="https://calendar.example.org/private-7d1f.ics"))
    system.make()
    for path in ("/providers", "/appointments", "/types", "/openapi.json", "/slots?type=visit&contact=phone"):
        answer = system.call("GET", path)
        assert answer.status_code == 200
        assert "private-7d1f" not in answer.text
        assert "busy_calendar" not in answer.text
