"""Every reader of what people and machines write, given what they should not write: an answer, never a fault."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal_plugin.delivery import ical_reader
from portal_plugin.domain.addresses import is_web_address, read_mail_address
from portal_plugin.domain.errors import NotOffered
from portal_plugin.domain.instants import wall_instants, zone_names
from portal_plugin.domain.text import LONGEST, clean_line, clean_text
from portal_plugin.domain.texting import Said, read_text
from portal_plugin.practice_file import read
from portal_plugin.services.phones import e164, is_in_use, textable
from portal_plugin.web.forms import read_day, read_instant, read_month, read_zone
from tests.delivery.calendar_host import event, ics
from tests.fuzz.hostile import HOSTILE, ZONES
from tests.practice_file.text import SMALL, refusal
from tests.support import MONDAY

hostile = st.integers(0, len(HOSTILE) - 1).map(HOSTILE.__getitem__)
"""By number, since Hypothesis writes down what there was to choose from, and some of it is long."""

texts = hostile | st.lists(hostile, max_size=3).map("".join) | st.text(max_size=60)
quick = settings(max_examples=300, deadline=None, database=None, derandomize=True)


@quick
@given(texts)
def test_a_text_says_something_we_know_or_nothing(text: str) -> None:
    said, keyword = read_text(text)
    assert said is None or said in Said
    assert not keyword or said is not None


@quick
@given(
    st.sampled_from(["STOP", "stop", "Unsubscribe", "quit"]), st.sampled_from(["", " ", "\u200b", ".", "!\n", "\u202e"])
)
def test_no_unseen_character_around_it_hides_that_somebody_said_stop(word: str, around: str) -> None:
    assert read_text(f"{around}{word}{around}").said is Said.STOP


@quick
@given(texts, st.sampled_from(["US", "GB", "DE", "FR", "SA"]))
def test_a_number_is_kept_in_one_way_or_is_none(text: str, country: str) -> None:
    number = e164(text, country)
    assert re.fullmatch(r"(\+[1-9][0-9]{1,14})?", number, re.ASCII)
    assert e164(number, country) == number
    mobile = textable(text, country)
    assert mobile is None or (is_in_use(text, country) and e164(mobile, country) == mobile)


@pytest.mark.parametrize(
    "zone", [*ZONES, "", "\0", "America/New_York ", "AMERICA/NEW_YORK"], ids=lambda zone: ascii(zone)[:20]
)
def test_a_zone_is_one_that_clocks_know_or_none(zone: str) -> None:
    assert read_zone(zone) in {"", *zone_names()}
    if read_zone(zone):
        ZoneInfo(zone)


@quick
@given(texts)
def test_an_instant_is_one_in_a_year_of_four_digits_or_none(text: str) -> None:
    instant = read_instant(text)
    assert instant is None or (instant.tzinfo is UTC and 1999 <= instant.year <= 3000)
    for day in (read_day(text), read_month(text)):
        assert day is None or isinstance(day, date)


TYPED = datetime.fromisoformat("1971-01-02"), datetime.fromisoformat("2899-12-31")
"""Between these staff may type a date."""


@quick
@given(st.datetimes(*TYPED), st.sampled_from(sorted(zone_names())))
def test_a_wall_time_is_no_instant_one_or_two_that_show_it(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    found = wall_instants(moment, zone)
    assert len(found) <= 2
    assert {at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in found} <= {moment}


@quick
@given(texts)
def test_what_is_kept_of_a_text_is_readable_and_stays_as_it_is(text: str) -> None:
    line = clean_line(text)
    assert clean_line(line) == line
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    line.encode()
    try:
        several = clean_text(text)
    except NotOffered:
        assert len(text) > LONGEST
    else:
        assert several.split("\n") == [clean_line(one) for one in several.split("\n")]


@quick
@given(texts)
def test_a_mail_address_is_one_in_ascii_or_none(text: str) -> None:
    found = read_mail_address(text)
    assert found == "" or re.fullmatch(r"[!-?A-~]+@[a-z0-9.-]+", found, re.ASCII | re.IGNORECASE)
    assert is_web_address(text) in {True, False}


# The practice file: one value of a right one replaced by any other.

TOML = (
    *(
        '""',
        '"x"',
        "'\\'",
        '"\\u0000"',
        '"\\u202E"',
        '"<zq9>"',
        '"{{ 7777 * 7 }}"',
        '"%s"',
        '"../../etc/passwd"',
        '"localtime"',
    ),
    *('"9:00-25:00"', '"17:00-9:00"', '"24:00-24:00"', '"monday"', '"+1 900 555 1234"', "'''\nx\n'''", '"a\\r\\nb"'),
    *("0", "-1", "1_000", "99999999999999999999", "0xFFFFFFFFFFFFFFFFFF", "0.5", "-0.0", "1e400", "inf", "nan"),
    *(
        "true",
        "false",
        "[]",
        "[[]]",
        "{}",
        "[1, 'a', {}]",
        "{x = 1}",
        "{monday = 1}",
        '[""]',
        '["visit", "visit"]',
        "[{}]",
    ),
    *(
        "0001-01-01",
        "9999-12-31",
        "2026-12-08",
        "2026-12-08T10:00:00",
        "9999-12-31T23:59:59-12:00",
        "10:00:00",
        "23:59:59.999999",
    ),
    *('"' + "x" * 300 + '"', '["' + '", "'.join("x" * 40 for _ in range(30)) + '"]'),
)
ASSIGNED = [n for n, line in enumerate(SMALL.split("\n")) if " = " in line]


def with_values(lines: list[int], values: list[str]) -> str:
    written = SMALL.split("\n")
    for n, value in zip(lines, values, strict=True):
        written[n] = f"{written[n].partition(' = ')[0]} = {value}"
    return "\n".join(written)


def read_or_refused_by_line(text: str, path: Path) -> None:
    path.write_bytes(text.encode())

    def with_warnings(path: Path) -> None:
        read(path).warnings(MONDAY.date())

    refused = refusal(with_warnings, path)
    for mistake in refused.mistakes if refused else ():
        assert mistake.line is not None, mistake
        assert 1 <= mistake.line <= text.count("\n") + 1, mistake
        assert mistake.what


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("practice") / "practice.toml"


@settings(quick, max_examples=150)
@given(data=st.data())
def test_a_practice_file_with_a_wrong_value_is_refused_by_line(data: Any, path: Path) -> None:
    lines = data.draw(st.lists(st.sampled_from(ASSIGNED), min_size=1, max_size=3, unique=True))
    read_or_refused_by_line(with_values(lines, [data.draw(st.sampled_from(TOML)) for _ in lines]), path)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_value_in_each_place_of_a_practice_file_is_read_or_refused_by_line(path: Path) -> None:
    for line in ASSIGNED:
        for value in TOML:
            read_or_refused_by_line(with_values([line], [value]), path)


# Calendars: one line of a right one replaced by any other.

CALENDAR = ics(
    event(";TZID=America/New_York:20261005T090000", "", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO", uid="1"),
    event("20261012T150000Z", "20261012T160000Z", "RECURRENCE-ID:20261012T130000Z", "STATUS:CONFIRMED", uid="1"),
    event(";VALUE=DATE:20261225", ";VALUE=DATE:20261227", "EXDATE;VALUE=DATE:20261226", "TRANSP:OPAQUE"),
    "BEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=BUSY:20261005T130000Z/PT1H\r\nEND:VFREEBUSY",
    "BEGIN:VTIMEZONE\r\nTZID:Home\r\nBEGIN:STANDARD\r\nDTSTART:20201101T020000\r\nTZOFFSETFROM:-0400\r\n"
    "TZOFFSETTO:-0500\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE",
    head="X-WR-TIMEZONE:Europe/Berlin",
).encode()
WRITTEN = CALENDAR.split(b"\r\n")
SINCE, UNTIL = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()), int(datetime(2027, 4, 1, tzinfo=UTC).timestamp())


def answers(data: bytes) -> None:
    answer = ical_reader.read(data, SINCE, UNTIL, ZoneInfo("America/New_York"))
    assert answer.keys() in ({"error"}, {"busy", "unread"})
    for starts, ends in answer.get("busy", ()):
        assert SINCE <= starts < ends <= UNTIL


def mutations() -> Iterator[bytes]:
    """Each hostile text as each line's value, as its parameter, and as a line of its own."""
    for n, line in enumerate(WRITTEN):
        name, _, value = line.partition(b":")
        for text in HOSTILE:
            odd = text.encode("utf-8", "surrogatepass")
            for other in (name + b":" + odd, name + b";X=" + odd + b":" + value, odd + b":" + value):
                yield b"\r\n".join([*WRITTEN[:n], other, *WRITTEN[n + 1 :]])


@settings(quick, max_examples=80)
@given(st.data())
def test_a_calendar_with_a_hostile_line_is_read_or_not_understood(data: Any) -> None:
    lines = [*WRITTEN]
    for _ in range(data.draw(st.integers(1, 3))):
        n = data.draw(st.integers(0, len(lines) - 1))
        name, _, value = lines[n].partition(b":")
        odd = data.draw(texts).encode("utf-8", "surrogatepass")
        lines[n] = data.draw(st.sampled_from([name + b":" + odd, name + b";X=" + odd + b":" + value, odd]))
    answers(b"\r\n".join(lines))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_hostile_text_in_each_line_of_a_calendar_is_read_or_not_understood() -> None:
    for data in mutations():
        answers(data)
