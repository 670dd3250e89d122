"""Each line says what changes, by the names of the file."""

from copy import deepcopy

import pytest

from portal_plugin.practice_file import changes, from_dict
from tests.practices import PRACTICE


def told(change):
    """What is told when `change` is made to the practice of the tests."""
    data = deepcopy(PRACTICE)
    change(data)
    return changes(from_dict(PRACTICE), from_dict(data))


def of(kind, n=0, **settings):
    return lambda data: data[kind][n].update(settings)


OVERRIDE = {"date": "2027-01-14", "hours": []}
CLOSURE = {"first": "2026-12-24", "last": "2027-01-01", "name": "Winter break"}
WEEK = PRACTICE["providers"][0]["hours"][0]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            of("appointment_types", minutes=60, notice_hours=48),
            "change appointment type 'visit': minutes 50 -> 60, notice_hours 24 -> 48",
        ),
        (
            lambda data: data["practice"].update(reminders=["48h", 2], remind_between="10:00-19:00"),
            "change the practice: reminders +48 -24, remind_between 9:00-20:00 -> 10:00-19:00",
        ),
        (of("appointment_types", daily_cap=3), "change appointment type 'visit': daily_cap none -> 3"),
        (of("appointment_types", who="anyone"), "change appointment type 'visit': who 'clients' -> 'anyone'"),
        (
            of("appointment_types", 1, confirm_automatically=False),
            "change appointment type 'call': confirm_automatically true -> false",
        ),
        (
            of("appointment_types", contact_types=["phone"]),
            "change appointment type 'visit': contact_types -'in-person'",
        ),
        (
            of("appointment_types", contact_types=["phone", "in-person"]),
            "change appointment type 'visit': order of contact_types",
        ),
        (of("providers", title="Doctor"), "change provider 'ada': title 'Psychologist' -> 'Doctor'"),
        (
            of("providers", hours=[WEEK | {"monday": ["9:00-12:00"]}], overrides=[OVERRIDE]),
            "change provider 'ada': hours of monday, +1 override",
        ),
        (
            of("providers", hours=[WEEK, {"saturday": ["9:00-12:00"]}]),
            "change provider 'ada': hours of saturday",
        ),
        (of("providers", hours=[WEEK | {"valid_from": "2020-01-01"}]), "change provider 'ada': hours of monday,"),
        (of("providers", hours=[WEEK, {"valid_until": "2020-01-01"}]), "change provider 'ada': hours"),
        (of("providers", locations=["annex"]), "change provider 'ada': locations +'annex' -'main'"),
        (of("locations", address="x" * 50), "change location 'main': address"),
        (
            lambda data: data["practice"].update(phone="1", policies="x" * 90),
            "change the practice: phone '+1 212 555 0100' -> '1', policies",
        ),
        (lambda data: data.update(closures=[CLOSURE]), "add closure 2026-12-24 to 2027-01-01 'Winter break'"),
        (lambda data: data["providers"].reverse(), "reorder providers"),
        (lambda data: data.update(holidays={"country": "US"}), "close on the public holidays of US"),
    ],
)
def test_a_line_says_what_changes(change, line):
    (only,) = told(change)

    assert only.startswith(line), only


def test_what_goes_is_told_as_well():
    before = PRACTICE | {"closures": [CLOSURE], "holidays": {"country": "US", "subdivision": "ME"}}
    after = PRACTICE | {"closures": [CLOSURE | {"name": ""}]}
    moved = PRACTICE | {"closures": [CLOSURE], "holidays": {"country": "US", "open": ["Columbus Day"]}}

    assert changes(from_dict(before), from_dict(after)) == [
        "add closure 2026-12-24 to 2027-01-01",
        "remove closure 2026-12-24 to 2027-01-01 'Winter break'",
        "work on public holidays",
    ]
    assert changes(from_dict(before), from_dict(moved)) == [
        "change the public holidays: subdivision 'ME' -> none, open +'Columbus Day'"
    ]
    assert changes(from_dict(before), from_dict(before)) == []


def test_taking_new_clients_is_told():
    question = {"key": "brings", "label": "What brings you here?"}
    opened = PRACTICE | {"new_clients": {"questions": [question]}}
    longer = PRACTICE | {"new_clients": {"link_minutes": 90, "questions": [question, question | {"key": "other"}]}}

    assert changes(from_dict(PRACTICE), from_dict(opened)) == ["take new clients online"]
    assert changes(from_dict(opened), from_dict(longer)) == [
        "change how new clients are taken: link_minutes 60 -> 90, +1 question"
    ]
    assert changes(from_dict(opened), from_dict(PRACTICE)) == ["take no new clients online"]


def test_an_override_that_goes_is_counted():
    data = deepcopy(PRACTICE)
    data["providers"][0]["overrides"] = [OVERRIDE, OVERRIDE | {"date": "2027-01-15"}]

    assert changes(from_dict(data), from_dict(PRACTICE)) == ["change provider 'ada': -2 overrides"]


def test_the_address_of_a_calendar_is_not_told():
    secret = "https://calendar.example/7f3a.ics"
    assert told(of("providers", busy_calendar=secret)) == ["change provider 'ada': busy_calendar"]
    assert told(of("contact_types", join_url=secret)) == ["change contact type 'in-person': join_url"]
    assert told(of("locations", map="https://x.example/")) == ["change location 'main': map '' -> 'https://x.example/'"]
