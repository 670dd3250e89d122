"""The address of a provider's own calendar: whole, handed on, and never repeated."""

from pathlib import Path

import pytest

from portal_plugin.practice_file import Entries, from_dict, load, to_practice
from tests.practice_file.text import changed, line_of, mistakes, refusal
from tests.practices import with_calendars

ADDRESSES = [
    "https://calendar.example.org/ada.ics",
    "http://calendar.example.org:8080/a%20b.ics?token=x&y=z",
    "https://[2001:db8::1]/ada.ics",
    "https://kalender.müller.example/ä",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_whole_address_is_handed_on(address: str) -> None:
    file = from_dict(with_calendars(ada=address))
    practice = to_practice(file, {"ada": 1, "ben": 2}, Entries())
    assert practice.providers["ada"].busy_calendar == address
    assert practice.providers["ada"].reads_calendar
    assert practice.providers["ben"].busy_calendar == ""
    assert not practice.providers["ben"].reads_calendar


def test_a_provider_who_left_has_no_calendar_to_read() -> None:
    left = from_dict(with_calendars(ada=ADDRESSES[0])).providers[:1]
    rest = with_calendars()
    del rest["providers"][0]
    practice = to_practice(from_dict(rest), {"ada": 1, "ben": 2}, Entries(providers=left))
    assert practice.providers["ada"].retired
    assert not practice.providers["ada"].reads_calendar


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada.ics",
        "/ada-PLANTED.ics",
        "calendar.example.org/PLANTED.ics",
        "webcal://calendar.example.org/PLANTED.ics",
        "ftp://calendar.example.org/PLANTED.ics",
        "file:///etc/PLANTED",
        "https:///PLANTED.ics",
        "https://ada:PLANTED@calendar.example.org/",
        "https://calendar.example.org/PLANTED.ics#today",
        "https://calendar.example.org/PLANTED .ics",
        "https://calendar.example.org:port/PLANTED",
        "https://calendar.example.org:0/PLANTED",
        "https://[PLANTED",
        f"https://calendar.example.org/PLANTED{'x' * 2000}",
    ],
)
def test_anything_else_is_a_mistake_with_its_line_and_without_the_address(address: str, tmp_path: Path) -> None:
    text = changed('name = "Ada Moreau"', f'name = "Ada Moreau"\nbusy_calendar = "{address}"')
    [mistake] = mistakes(text, tmp_path)
    assert mistake.line == line_of(text, "busy_calendar")
    assert mistake.what == 'write a whole address that begins with "https://", not with "webcal://"'
    assert mistake.where == "providers 'ada', busy_calendar"
    assert "PLANTED" not in str(mistake)


@pytest.mark.parametrize("value", [5, True, [], {}, ["https://calendar.example.org/PLANTED"]])
def test_what_is_no_text_is_a_mistake_too(value: object) -> None:
    data = with_calendars(ada="x")
    data["providers"][0]["busy_calendar"] = value
    refused = refusal(from_dict, data)
    assert refused is not None
    assert "PLANTED" not in str(refused)


def test_the_address_does_not_stand_in_what_is_printed_of_a_provider() -> None:
    file = from_dict(with_calendars(ada="https://calendar.example.org/PLANTED"))
    practice = to_practice(file, {"ada": 1, "ben": 2}, Entries())
    assert "PLANTED" not in repr(file)
    assert "PLANTED" not in repr(practice)


def test_the_example_says_how_one_is_written(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/examples/practice.toml").read_text()
    path = tmp_path / "practice.toml"
    path.write_text(changed("# busy_calendar", "busy_calendar", text))
    assert load(path).providers[0].busy_calendar == "https://calendar.example.org/private-7f3a/amara.ics"
