"""From an iCalendar file to busy stretches: what it repeats, excepts and leaves open; and what it must never do."""

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal_plugin.delivery import ical_reader
from tests.delivery.calendar_host import event, ics

READER = Path(ical_reader.__file__)
NEW_YORK = ZoneInfo("America/New_York")
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
NOT_A_CALENDAR = {"error": "what came is not a complete iCalendar file"}


def read(file: str | bytes, zone: str = "America/New_York") -> dict[str, Any]:
    data = file.encode() if isinstance(file, str) else file
    return ical_reader.read(data, int(SINCE.timestamp()), int(UNTIL.timestamp()), ZoneInfo(zone))


def busy(*events: str, zone: str = "America/New_York", head: str = "") -> list[str]:
    """The stretches as UTC, `2026-10-05 13:00-14:00`; fails when an entry was not understood."""
    answer = read(ics(*events, head=head), zone)
    assert answer.get("unread") == 0, answer
    return [_written(*stretch) for stretch in answer["busy"]]


def _written(starts: int, ends: int) -> str:
    first, last = datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC)
    day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
    return f"{first:%Y-%m-%d %H:%M}-{day}{last:%H:%M}"


# One event.


@pytest.mark.filterwarnings("ignore:Timezone '/example")
@pytest.mark.parametrize(
    ("starts", "ends", "stretch"),
    [
        ("20261005T130000Z", "20261005T140000Z", "2026-10-05 13:00-14:00"),
        (";TZID=America/New_York:20261005T090000", ";TZID=America/New_York:20261005T100000", "2026-10-05 13:00-14:00"),
        (";TZID=Europe/Berlin:20261005T150000", ";TZID=Europe/Berlin:20261005T160000", "2026-10-05 13:00-14:00"),
        (";TZID=Europe/Berlin:20261005T150000", ";TZID=America/New_York:20261005T100000", "2026-10-05 13:00-14:00"),
        (";TZID=Eastern Standard Time:20261005T090000", "20261005T140000Z", "2026-10-05 13:00-14:00"),
        (";TZID=/example.org/America/New_York:20261005T090000", "20261005T140000Z", "2026-10-05 13:00-14:00"),
        ("20261005T090000", "20261005T100000", "2026-10-05 13:00-14:00"),
        ("20261005T235959Z", "20261006T000000Z", "2026-10-05 23:59-2026-10-06 00:00"),
    ],
    ids=["UTC", "with a zone", "another zone", "two zones", "Windows", "a vendor's name", "no zone", "a second"],
)
def test_a_time_means_what_its_zone_says_and_the_provider_s_where_it_names_none(
    starts: str, ends: str, stretch: str
) -> None:
    assert busy(event(starts, ends)) == [stretch]


def test_an_all_day_event_is_the_provider_s_own_day() -> None:
    day = event(";VALUE=DATE:20261005", ";VALUE=DATE:20261006")
    assert busy(day) == ["2026-10-05 04:00-2026-10-06 04:00"]
    assert busy(day, zone="Asia/Kolkata") == ["2026-10-04 18:30-2026-10-05 18:30"]
    assert busy(event(";VALUE=DATE:20261005")) == ["2026-10-05 04:00-2026-10-06 04:00"]
    assert busy(event(";VALUE=DATE:20261005", ";VALUE=DATE:20261008")) == ["2026-10-05 04:00-2026-10-08 04:00"]


def test_an_all_day_event_on_the_day_the_clock_changes_has_23_or_25_hours() -> None:
    autumn, spring = event(";VALUE=DATE:20261101"), event(";VALUE=DATE:20270314")
    assert busy(autumn, spring) == ["2026-11-01 04:00-2026-11-02 05:00", "2027-03-14 05:00-2027-03-15 04:00"]


def test_a_day_begins_with_the_first_of_two_midnights_and_after_one_that_is_skipped() -> None:
    """Havana's clocks go back from 1:00 to 0:00 in November and forward from 0:00 to 1:00 in March."""
    autumn, spring = event(";VALUE=DATE:20261101"), event(";VALUE=DATE:20270314")
    found = busy(autumn, spring, zone="America/Havana")
    assert found == ["2026-11-01 04:00-2026-11-02 05:00", "2027-03-14 05:00-2027-03-15 04:00"]


def test_a_duration_may_stand_for_the_end() -> None:
    assert busy(event("20261005T130000Z", "", "DURATION:PT90M")) == ["2026-10-05 13:00-14:30"]


def test_a_zone_that_the_file_brings_along_is_used() -> None:
    zone = """BEGIN:VTIMEZONE
TZID:Here
BEGIN:STANDARD
DTSTART:20001029T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20000326T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE""".replace("\n", "\r\n")
    weekly = event(";TZID=Here:20261019T150000", ";TZID=Here:20261019T160000", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert busy(zone, weekly) == ["2026-10-19 13:00-14:00", "2026-10-26 14:00-15:00"]


def test_the_calendar_s_own_zone_counts_for_times_without_one_if_it_exists() -> None:
    floating = event("20261005T150000", "20261005T160000")
    assert busy(floating, head="X-WR-TIMEZONE:Europe/Berlin") == ["2026-10-05 13:00-14:00"]
    for nonsense in ("Nowhere/Land", "../../etc/passwd", "America"):
        assert busy(floating, head=f"X-WR-TIMEZONE:{nonsense}") == ["2026-10-05 19:00-20:00"]


# Not busy.


@pytest.mark.parametrize("line", ["TRANSP:TRANSPARENT", "transp:transparent", "STATUS:CANCELLED", "Status:cancelled"])
def test_an_event_marked_free_or_cancelled_takes_no_time(line: str) -> None:
    assert busy(event("20261005T130000Z", "20261005T140000Z", line)) == []


@pytest.mark.parametrize("line", ["TRANSP:OPAQUE", "STATUS:TENTATIVE", "STATUS:CONFIRMED", "TRANSP:"])
def test_any_other_event_takes_its_time(line: str) -> None:
    assert len(busy(event("20261005T130000Z", "20261005T140000Z", line))) == 1


def test_an_event_without_length_takes_no_time() -> None:
    assert busy(event("20261005T130000Z", "20261005T130000Z"), event("20261005T130000Z")) == []


def test_only_what_reaches_into_the_range_counts_and_is_cut_to_it() -> None:
    assert busy(
        event("20260930T130000Z", "20260930T140000Z"),
        event("20260930T230000Z", "20261001T010000Z"),
        event("20270331T230000Z", "20270401T010000Z"),
        event("20270401T000000Z", "20270401T010000Z"),
    ) == ["2026-10-01 00:00-01:00", "2027-03-31 23:00-2027-04-01 00:00"]
    assert busy(event("19000101T000000Z", "22000101T000000Z")) == ["2026-10-01 00:00-2027-04-01 00:00"]


# Repeated.


def test_a_weekly_event_stays_at_its_hour_when_the_clock_changes() -> None:
    weekly = event(
        ";TZID=America/New_York:20201026T090000", ";TZID=America/New_York:20201026T100000", "RRULE:FREQ=WEEKLY"
    )
    found = busy(weekly)
    assert "2026-10-26 13:00-14:00" in found
    assert "2026-11-02 14:00-15:00" in found
    assert "2027-03-08 14:00-15:00" in found
    assert "2027-03-15 13:00-14:00" in found
    assert len(found) == 26


@pytest.mark.parametrize("starts", ["20201026T090000", ";TZID=Europe/Berlin:20201026T090000", "20201026T090000Z"])
def test_whoever_s_clock_it_is_each_repetition_is_at_the_hour_on_that_clock(starts: str) -> None:
    zone = {"2": NEW_YORK, ";": ZoneInfo("Europe/Berlin")}[starts[0]] if not starts.endswith("Z") else UTC
    answer = read(ics(event(starts, "", "DURATION:PT1H", "RRULE:FREQ=DAILY")))
    assert {datetime.fromtimestamp(starts, zone).strftime("%H:%M") for starts, _ in answer["busy"]} == {"09:00"}
    # One may begin the day before the range, and the clocks change within it.
    assert len(answer["busy"]) in {181, 182, 183}


def test_a_time_the_clock_skips_or_repeats_takes_an_hour_all_the_same() -> None:
    nightly = event(";TZID=America/New_York:20261001T013000", "", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    answer = read(ics(nightly))
    assert {ends - starts for starts, ends in answer["busy"]} <= {3600, 7200}
    assert len(answer["busy"]) == 182


def test_repetition_ends_by_count_and_by_date() -> None:
    assert len(busy(event("20261005T130000Z", "20261005T140000Z", "RRULE:FREQ=DAILY;COUNT=3"))) == 3
    assert len(busy(event("20261005T130000Z", "20261005T140000Z", "RRULE:FREQ=DAILY;UNTIL=20261008T130000Z"))) == 4
    assert len(busy(event("20261005T130000Z", "20261005T140000Z", "RRULE:FREQ=DAILY;UNTIL=20261008"))) in {3, 4}


def test_dates_are_added_and_taken_out() -> None:
    series = event(
        ";TZID=America/New_York:20261005T090000",
        ";TZID=America/New_York:20261005T100000",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "EXDATE;TZID=America/New_York:20261012T090000,20261019T090000",
        "RDATE;TZID=America/New_York:20261013T110000",
    )
    assert busy(series) == ["2026-10-05 13:00-14:00", "2026-10-13 15:00-16:00", "2026-10-26 13:00-14:00"]


def test_an_exception_is_moved_freed_or_cancelled_alone() -> None:
    series = event("20261005T130000Z", "20261005T140000Z", "RRULE:FREQ=DAILY;COUNT=4", uid="1")
    moved = event("20261006T180000Z", "20261006T183000Z", "RECURRENCE-ID:20261006T130000Z", uid="1")
    freed = event(
        "20261007T130000Z", "20261007T140000Z", "RECURRENCE-ID:20261007T130000Z", "TRANSP:TRANSPARENT", uid="1"
    )
    gone = event("20261008T130000Z", "20261008T140000Z", "RECURRENCE-ID:20261008T130000Z", "STATUS:CANCELLED", uid="1")
    assert busy(gone, series, freed, moved) == ["2026-10-05 13:00-14:00", "2026-10-06 18:00-18:30"]


def test_an_exception_that_moves_into_the_range_counts() -> None:
    series = event("20260901T130000Z", "20260901T140000Z", "RRULE:FREQ=DAILY;COUNT=3", uid="1")
    moved = event("20261006T180000Z", "20261006T183000Z", "RECURRENCE-ID:20260902T130000Z", uid="1")
    assert busy(series, moved) == ["2026-10-06 18:00-18:30"]


def test_an_all_day_event_repeats_in_days() -> None:
    yearly = event(";VALUE=DATE:20001225", ";VALUE=DATE:20001226", "RRULE:FREQ=YEARLY")
    assert busy(yearly) == ["2026-12-25 05:00-2026-12-26 05:00"]


# Published times, and files as they come.


def test_a_calendar_that_only_publishes_when_somebody_is_busy_is_read_too() -> None:
    published = "\r\n".join(
        [
            "BEGIN:VFREEBUSY",
            "FREEBUSY:20261005T130000Z/20261005T140000Z,20261006T130000Z/PT30M",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261007T130000Z/PT30M",
            "FREEBUSY;FBTYPE=FREE:20261008T130000Z/PT30M",
            "END:VFREEBUSY",
        ]
    )
    assert busy(published) == ["2026-10-05 13:00-14:00", "2026-10-06 13:00-13:30", "2026-10-07 13:00-13:30"]


def test_several_calendars_in_one_file_count_together() -> None:
    one, two = event("20261005T130000Z", "20261005T140000Z"), event("20261006T130000Z", "20261006T140000Z")
    assert len(read(ics(one) + ics(two))["busy"]) == 2


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace("\r\n", "\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("DTSTART:", "DTST\r\n ART:\r\n\t"),
        lambda text: text.replace("BEGIN:", "Begin:").replace("DTSTART", "dtstart"),
        lambda text: text.replace("\r\n", " \r\n"),
        lambda text: text.rstrip(),
        lambda text: text + "\r\n\r\n",
    ],
    ids=["bare line feeds", "a byte order mark", "folded", "lower case", "trailing spaces", "no last line end", "more"],
)
def test_a_file_may_be_written_a_little_differently(written: Any) -> None:
    text = written(ics(event("20261005T130000Z", "20261005T140000Z")))
    assert [_written(*stretch) for stretch in read(text)["busy"]] == ["2026-10-05 13:00-14:00"]


def test_what_says_nothing_about_time_is_not_even_read() -> None:
    around = event(
        "20261005T130000Z",
        "20261005T140000Z",
        'ATTENDEE;CN="never closed:mailto:x',
        "GEO:here",
        "X-NOTE:\0",
        "this is no line at all",
        "BEGIN:VALARM",
        "TRIGGER:never",
        "DURATION:for ever",
        "END:VALARM",
    )
    task = "BEGIN:VTODO\r\nDTSTART:whenever\r\nEND:VTODO"
    assert busy(task, around) == ["2026-10-05 13:00-14:00"]
    assert b"PLANTED" not in b"".join(ical_reader._times_only(ics(around).encode()))


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SOMETIMES",
        "RRULE:FREQ=DAILY;UNTIL=never",
        "EXDATE:yesterday",
        "RDATE:20269999T000000Z",
        "RECURRENCE-ID:first",
        "DTSTART:20261005T140000Z",
        'DTEND;TZID="x:20261005T140000',
    ],
)
@pytest.mark.parametrize("head", ["", "X-WR-TIMEZONE:Europe/Berlin"])
def test_an_entry_that_cannot_be_understood_is_counted_and_the_others_count(line: str, head: str) -> None:
    broken, whole = event("20261005T130000Z", "", line), event("20261006T130000Z", "20261006T140000Z")
    answer = read(ics(broken, whole, head=head))
    assert answer["unread"] == 1
    assert [_written(*stretch) for stretch in answer["busy"]] == ["2026-10-06 13:00-14:00"]


@pytest.mark.parametrize("starts", ["", "soon", "20261399T000000Z", ";TZID=:x", ";VALUE=PERIOD:20261005T130000Z/PT1H"])
def test_an_entry_without_a_start_is_counted(starts: str) -> None:
    assert read(ics(event(starts, "20261005T140000Z"))) == {"busy": [], "unread": 1}


def test_a_calendar_may_be_empty() -> None:
    assert read(ics()) == {"busy": [], "unread": 0}


WHOLE = ics(event("20261005T130000Z", "20261005T140000Z"), event("20261006T130000Z", "20261006T140000Z"))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\0" * 1000,
        b"<!doctype html><title>Sign in</title>",
        b"{}",
        b"BEGIN:VCALENDAR",
        b"END:VCALENDAR",
        b"BEGIN:VEVENT\r\nDTSTART:20261005T130000Z\r\nEND:VEVENT",
        b"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:x\r\nBEGIN:STANDARD\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\r\n" * 5000 + b"END:VCALENDAR\r\n" * 4999,
        WHOLE[: len(WHOLE) // 2],
        WHOLE[: WHOLE.rindex("END:VEVENT")],
        WHOLE[: WHOLE.rindex("END:VCALENDAR")],
        ics() + WHOLE[: len(WHOLE) // 2],
        WHOLE.encode("utf-16"),
    ],
)
def test_what_is_no_complete_calendar_is_refused_as_a_whole(file: str | bytes) -> None:
    assert read(file) == NOT_A_CALENDAR


def test_nested_without_end_is_an_answer_too() -> None:
    assert set(read("BEGIN:VCALENDAR\r\n" * 20_000 + "END:VCALENDAR\r\n" * 20_000)) <= {"error", "busy", "unread"}


def test_more_busy_times_than_a_person_can_have_are_refused() -> None:
    minutely = event("20261005T130000Z", "20261005T130030Z", "RRULE:FREQ=MINUTELY;COUNT=20001")
    assert read(ics(minutely)) == {"error": "it holds more than 20,000 busy times"}
    assert len(read(ics(minutely.replace("20001", "20000")))["busy"]) == 20_000


# Hostile.

GOOD = ics(
    event(";TZID=America/New_York:20261005T090000", "", "DURATION:PT1H", "RRULE:FREQ=WEEKLY", uid="1"),
    event("20261012T150000Z", "20261012T160000Z", "RECURRENCE-ID:20261012T130000Z", uid="1"),
    event(";VALUE=DATE:20261225", ";VALUE=DATE:20261227", "RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25"),
    "BEGIN:VFREEBUSY\r\nFREEBUSY:20261005T130000Z/PT1H\r\nEND:VFREEBUSY",
    head="X-WR-TIMEZONE:Europe/Berlin",
).encode()
# Not what repeats every second: that is for the program, which can be ended.
NAMES = """
BEGIN END UID DTSTART DTEND DURATION RRULE RDATE EXDATE RECURRENCE-ID STATUS TRANSP TZID FREEBUSY SEQUENCE TZOFFSETFROM
TZOFFSETTO X-WR-TIMEZONE DTSTART;TZID=Europe/Berlin DTSTART;VALUE=DATE DTEND;TZID=x RDATE;VALUE=PERIOD
RECURRENCE-ID;RANGE=THISANDFUTURE
"""
VALUES = """
VCALENDAR VEVENT VTIMEZONE STANDARD VFREEBUSY 20261005T090000 20261005T100000Z 20261005 00010101 99991231T235959
99991231T235959Z -P9999999D P1D PT0S -PT1H FREQ=DAILY FREQ=WEEKLY;BYDAY=MO,-9TU FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30
FREQ=MONTHLY;BYSETPOS=-400;BYDAY=MO FREQ=DAILY;COUNT=0 FREQ=DAILY;COUNT=-3 FREQ=DAILY;UNTIL=00010101 CANCELLED
TRANSPARENT +0100 +9999 -2500 localtime x 20261005T090000Z/PT1H 99991231T000000Z/P9999W
"""
LINE = st.builds("{}:{}".format, st.sampled_from(NAMES.split()), st.sampled_from(VALUES.split()) | st.text(max_size=12))
LINES = st.lists(LINE, max_size=12).map("\r\n".join)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good file with bytes cut out, put in or repeated."""
    data = GOOD
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        piece = draw(st.binary(max_size=8) | st.just(data[at:to]) | LINES.map(str.encode))
        data = data[:at] + piece + data[to if draw(st.booleans()) else at :]
    return data


def lines_in_an_event(lines: str) -> bytes:
    return ics(f"BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT").encode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300) | spoiled() | LINES.map(lambda lines: ics(lines).encode()) | LINES.map(lines_in_an_event)
)
@example(b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR")
@example(ics(event("99991231T235959Z", "", "DURATION:P9999999D")).encode())
@example(ics(event("00010101T000000", "00010101T000000", "RRULE:FREQ=DAILY")).encode())
def test_whatever_the_bytes_there_is_an_answer(data: bytes) -> None:
    if any(never in data.upper() for never in (b"SECONDLY", b"MINUTELY", b"INTERVAL")):
        return
    answer = read(data)
    if "error" not in answer:
        assert answer["unread"] >= 0
        for starts, ends in answer["busy"]:
            assert SINCE.timestamp() <= starts < ends <= UNTIL.timestamp()


def test_a_full_memory_is_no_answer_and_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere an entry that cannot be understood is passed over; here the others would be lost as well."""

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    for part in ("Calendar.from_ical", "Series"):
        with monkeypatch.context() as patch:
            patch.setattr(f"portal_plugin.delivery.ical_reader.{part}", full)
            with pytest.raises(MemoryError):
                read(WHOLE)


ENDLESS = "import portal_plugin.delivery.ical_reader as r; r.MEMORY = {}; r.main()"


@pytest.mark.parametrize(
    ("rule", "seconds", "memory", "said"),
    [
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", 1, ical_reader.MEMORY, b""),
        ("FREQ=DAILY;INTERVAL=0", 100, 160 * 1024 * 1024, b"MemoryError"),
    ],
)
def test_what_goes_on_for_ever_ends_with_the_program_s_own_limits(
    rule: str, seconds: int, memory: int, said: bytes
) -> None:
    """Nobody waits for it here, as when the worker was killed."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS.format(memory), "0", "2000000000", "UTC", str(seconds)],
        input=ics(event("20261005T130000Z", "20261005T140000Z", f"RRULE:{rule}")).encode(),
        capture_output=True,
        cwd=READER.parents[2],
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stdout == b""
    assert said in done.stderr
    assert time.monotonic() - began < 20


def test_the_program_imports_nothing_of_the_portal() -> None:
    """It would take four times as long to start, for each calendar every five minutes."""
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", READER, "0", "2000000000", "UTC", "5"],
        input=ics(event("20261005T130000Z", "20261005T140000Z")).encode(),
        capture_output=True,
        check=True,
    )
    assert b"icalendar" in done.stderr
    assert not re.search(rb"\| +portal_plugin", done.stderr)
    assert len(json.loads(done.stdout)["busy"]) == 1
