"""Outside calendars, from a host on this machine to the times that are offered, on both databases."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import SlotTaken
from portal_plugin.delivery import busy_calendars, outbound
from portal_plugin.delivery.busy_calendars import EVERY
from portal_plugin.testing import Clock, mailbox
from tests.delivery.calendar_host import CalendarHost, event, ics, raw, redirects, says
from tests.practices import practice, with_calendars
from tests.services.steps import free_times, rows
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host
from tests.web.statements import statements

HOUR = timedelta(hours=1)
AT_TEN = event("20261208T150000Z", "20261208T160000Z")
AT_ELEVEN = event("20261208T160000Z", "20261208T170000Z")
OK = b"HTTP/1.1 200 OK\r\n"


def furnished(url: str, folder: Path, clock: Clock, **settings: Any) -> Iterator[Host]:
    host = make_host(url, folder, clock, **({"PORTAL_PRIVATE_ADDRESSES": True} | settings))
    with mailbox(host.app) as host.mailbox:
        yield host
    host.state.db.close_all()


@pytest.fixture
def host(sqlite_url: str, tmp_path: Path, clock: Clock, calendars: CalendarHost) -> Iterator[Host]:
    """Ada has a calendar on this machine."""
    for host in furnished(sqlite_url, tmp_path, clock):
        host.apply(with_calendars(ada=calendars.address()))
        yield host


@pytest.fixture
def either_host(database_url: str, tmp_path: Path, clock: Clock, calendars: CalendarHost) -> Iterator[Host]:
    for host in furnished(database_url, tmp_path, clock):
        host.apply(with_calendars(ada=calendars.address()))
        yield host


def again(host: Host) -> None:
    """Let the worker read once more."""
    host.clock.advance(EVERY)
    host.deliver()


def listed(host: Host) -> list[str]:
    result = host.app.test_cli_runner().invoke(args=["portal", "calendars"])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def stored(host: Host) -> list[tuple[int, int, int]]:
    return rows(host, "SELECT provider, starts, ends FROM portal_busy_stretch ORDER BY provider, starts")


# What it is for.


def test_a_busy_stretch_is_neither_offered_nor_taken(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    assert TUESDAY_TEN in free_times(either_host)
    either_host.deliver()
    assert TUESDAY_TEN not in free_times(either_host)
    assert TUESDAY_TEN + HOUR in free_times(either_host)
    with pytest.raises(SlotTaken):
        either_host.request()
    assert either_host.request(contact="phone", location=None).provider.key == "ben"


def test_a_buffer_is_kept_to_a_busy_stretch_too(host: Host, calendars: CalendarHost) -> None:
    """A visit takes 50 minutes and 10 after."""
    calendars.pages["/ada.ics"] = says(ics(event("20261208T155500Z", "20261208T160000Z")))
    host.deliver()
    assert TUESDAY_TEN not in free_times(host)


def test_a_loader_of_the_host_counts_beside_it(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    either_host.portal.busy_times(lambda provider, since, until: [(TUESDAY_TEN + HOUR / 2, TUESDAY_TEN + 2 * HOUR)])
    either_host.deliver()
    free = free_times(either_host)
    assert not {TUESDAY_TEN, TUESDAY_TEN + HOUR, TUESDAY_TEN + HOUR / 2} & set(free)
    assert TUESDAY_TEN - HOUR in free


def test_two_who_share_a_calendar_are_both_busy(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    either_host.apply(with_calendars(ada=calendars.address(), ben=calendars.address()))
    either_host.deliver()
    assert len({provider for provider, *_ in stored(either_host)}) == 2


def test_what_is_removed_from_the_calendar_is_offered_again(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN, AT_ELEVEN))
    either_host.deliver()
    calendars.pages["/ada.ics"] = says(ics(AT_ELEVEN))
    again(either_host)
    assert TUESDAY_TEN in free_times(either_host)
    assert TUESDAY_TEN + HOUR not in free_times(either_host)


def test_a_day_off_lasts_the_provider_s_day(host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(event(";VALUE=DATE:20261208")))
    host.deliver()
    assert free_times(host) == []


def test_a_page_of_times_pays_one_statement_and_only_where_somebody_has_a_calendar(host: Host) -> None:
    def cost(**choices: Any) -> list[str]:
        free_times(host, **choices)
        with statements() as seen:
            free_times(host, **choices)
        return [statement for statement in seen if "portal_busy" in statement]

    assert len(cost(provider=None)) == 1
    assert len(cost(provider="ada")) == 1
    assert cost(provider="ben") == []
    host.apply(practice())
    assert cost(provider=None) == []


# When it is asked.


def test_it_is_asked_every_five_minutes_and_not_before(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics())
    for _ in range(2):
        either_host.deliver()
    assert len(calendars.asked) == 1
    either_host.clock.advance(EVERY - timedelta(seconds=1))
    either_host.deliver()
    assert len(calendars.asked) == 1
    either_host.clock.advance(timedelta(seconds=1))
    either_host.deliver()
    assert len(calendars.asked) == 2


def test_the_one_that_has_waited_longest_is_read_first(host: Host, calendars: CalendarHost) -> None:
    ben_s = calendars.address("/ben.ics")
    host.apply(with_calendars(ben=ben_s))
    host.deliver()
    host.clock.advance(timedelta(minutes=1))
    host.apply(with_calendars(ada=calendars.address(), ben=ben_s))
    host.deliver()
    again(host)
    assert calendars.paths == ["/ben.ics", "/ada.ics", "/ben.ics", "/ada.ics"]


def test_a_clock_that_was_put_back_does_not_stop_it(host: Host, calendars: CalendarHost) -> None:
    host.clock.advance(timedelta(days=3))
    host.deliver()
    host.clock.advance(timedelta(days=-3))
    host.deliver()
    assert len(calendars.asked) == 2


def test_not_changed_is_enough_while_what_is_known_reaches_far_enough(
    either_host: Host, calendars: CalendarHost
) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN), ETag='"1"', Last_Modified="Mon, 07 Dec 2026 12:00:00 GMT")
    either_host.deliver()
    calendars.pages["/ada.ics"] = says("", status=304)
    again(either_host)
    _, headers = calendars.asked[-1]
    assert headers["If-None-Match"] == '"1"'
    assert headers["If-Modified-Since"] == "Mon, 07 Dec 2026 12:00:00 GMT"
    assert TUESDAY_TEN not in free_times(either_host)
    assert listed(either_host) == ["ada  Ada Moreau  read 0 min ago, 1 busy times"]
    either_host.clock.advance(timedelta(days=2))
    either_host.deliver()
    _, headers = calendars.asked[-1]
    assert not {"If-None-Match", "If-Modified-Since"} & set(headers)


def test_a_longer_horizon_is_read_at_the_next_round(host: Host, calendars: CalendarHost) -> None:
    far = event("20270601T150000Z", "20270601T160000Z")
    calendars.pages["/ada.ics"] = says(ics(AT_TEN, far), ETag='"1"')
    host.deliver()
    assert len(stored(host)) == 1
    longer = with_calendars(ada=calendars.address())
    longer["appointment_types"][0]["horizon_days"] = 300
    host.apply(longer)
    again(host)
    assert "If-None-Match" not in calendars.asked[-1][1]
    assert len(stored(host)) == 2


def test_not_more_than_two_years_and_a_day_back_are_stored(host: Host, calendars: CalendarHost) -> None:
    data = with_calendars(ada=calendars.address())
    data["appointment_types"][0]["horizon_days"] = 730
    host.apply(data)
    calendars.pages["/ada.ics"] = says(ics(event("20200101T120000Z", "20200101T130000Z", "RRULE:FREQ=DAILY")))
    host.deliver()
    kept = [datetime.fromtimestamp(starts, UTC) for _, starts, _ in stored(host)]
    assert MONDAY - timedelta(days=2) < kept[0] <= MONDAY - timedelta(days=1)
    assert kept[-1] < MONDAY + timedelta(days=736)


# When it goes wrong.


def fails(said: str) -> list[str]:
    return [f"ada  Ada Moreau  read 5 min ago, 1 busy times; last try: {said}"]


NOT_A_CALENDAR = "what came is not a complete iCalendar file"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says("gone", status=404), "the server answered 404"),
        (says("", status=500), "the server answered 500"),
        (says(ics(), status=206), "the server answered 206"),
        (says("", status=304), "the server answered 304"),
        (says("<html>Please sign in</html>", Content_Type="text/html"), NOT_A_CALENDAR),
        (says(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20), NOT_A_CALENDAR),
        (says(b"\0" * 5000), NOT_A_CALENDAR),
        (says(""), NOT_A_CALENDAR),
        (says(ics(AT_ELEVEN)[:-20]), NOT_A_CALENDAR),
        (says(b"x" * 5_000_000), "the answer is larger than 4 MB"),
        (raw(OK + b"\r\n", *[b"x" * 65_536] * 500), "the answer is larger than 4 MB"),
        (raw(OK + b"Content-Length: 5000\r\n\r\nBEGIN:VCALENDAR"), "the server could not be reached, or broke off"),
        (raw(b""), "the server could not be reached, or broke off"),
        (redirects(""), "it redirects too often"),
        (redirects("/ada.ics"), "it redirects too often"),
        (redirects("http://["), "the address is not a whole http or https address"),
        (redirects("file:///etc/passwd"), "the address is not a whole http or https address"),
        (redirects("http://no-such-name.invalid/"), "the server's name is not known"),
    ],
)
def test_what_goes_wrong_is_told_and_the_last_good_answer_counts_on(
    host: Host, calendars: CalendarHost, answer: Any, sentence: str
) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    host.deliver()
    calendars.pages["/ada.ics"] = answer
    again(host)
    assert listed(host) == fails(sentence)
    assert TUESDAY_TEN not in free_times(host)


def test_a_calendar_of_another_media_type_is_one_all_the_same(host: Host, calendars: CalendarHost) -> None:
    """Many hosts say `application/octet-stream`, or what else they please."""
    calendars.pages["/ada.ics"] = says(ics(AT_TEN), Content_Type="image/png")
    host.deliver()
    assert TUESDAY_TEN not in free_times(host)


def test_an_error_is_gone_after_the_next_good_answer(either_host: Host, calendars: CalendarHost) -> None:
    either_host.deliver()
    assert listed(either_host) == ["ada  Ada Moreau  never read, 0 busy times; last try: the server answered 404"]
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    again(either_host)
    assert listed(either_host) == ["ada  Ada Moreau  read 0 min ago, 1 busy times"]


def test_entries_that_cannot_be_understood_are_told_each_time(host: Host, calendars: CalendarHost) -> None:
    broken = event("20261208T160000Z", "20261208T170000Z", "RRULE:FREQ=NEVER")
    calendars.pages["/ada.ics"] = says(ics(AT_TEN, broken), ETag='"1"')
    for _ in range(2):
        again(host)
        [line] = listed(host)
        assert "If-None-Match" not in calendars.asked[-1][1]
        assert line.endswith("1 busy times; last try: 1 of its entries could not be understood and take no time")
    assert TUESDAY_TEN not in free_times(host)


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=DAILY;INTERVAL=0", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYDAY=MO"]
)
def test_a_rule_made_to_repeat_for_ever_ends_in_time(
    host: Host, calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(busy_calendars, "READING", 2)
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    host.deliver()
    calendars.pages["/ada.ics"] = says(ics(event("20261208T150000Z", "20261208T160000Z", f"RRULE:{rule}"), AT_TEN))
    began = time.monotonic()
    again(host)
    assert time.monotonic() - began < 4
    if "MO" not in rule:
        assert listed(host) == fails("it takes too long to work out: perhaps an entry repeats every second")
    assert TUESDAY_TEN not in free_times(host)


def test_a_reader_that_does_not_start_is_told(
    host: Host, calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr("sys.executable", program)
        again(host)
        [line] = listed(host)
        assert line.endswith("last try: it could not be worked out: perhaps it takes too much memory")


# Nobody waits for a bad one.


@pytest.mark.parametrize(
    "answer", [raw(), raw(OK), raw(*[b"H"] * 100, pause=0.05), raw(OK, b"\r\n", *[b"x"] * 200, pause=0.05)]
)
def test_a_slow_calendar_delays_nobody_longer_than_its_deadline(
    host: Host, calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(busy_calendars, "FETCHING", 0.5)
    calendars.pages["/ada.ics"] = lambda handler: (answer(handler), calendars.closing.wait(5))
    calendars.pages["/ben.ics"] = says(ics(event("20261208T150000Z", "20261208T160000Z")))
    host.apply(with_calendars(ada=calendars.address(), ben=calendars.address("/ben.ics")))
    began = time.monotonic()
    host.deliver()
    assert time.monotonic() - began < 3
    assert listed(host) == [
        "ada  Ada Moreau  never read, 0 busy times; last try: there was no complete answer in time",
        "ben  Ben Ito     read 0 min ago, 1 busy times",
    ]


def test_redirects_share_one_deadline(host: Host, calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_calendars, "FETCHING", 0.6)

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.25)
        redirects("/ada.ics")(handler)

    calendars.pages["/ada.ics"] = slowly
    host.deliver()
    assert "no complete answer in time" in listed(host)[0]


def test_mails_go_out_before_and_between_calendars(host: Host, calendars: CalendarHost) -> None:
    """A message that comes while one calendar is read waits for that one alone."""
    sent_before: dict[str, int] = {}

    def meanwhile(handler: BaseHTTPRequestHandler) -> None:
        sent_before[handler.path] = len(host.mailbox)
        host.request("theo", TUESDAY_TEN + HOUR * (3 + len(sent_before)))
        says(ics())(handler)

    calendars.pages = {"/ada.ics": meanwhile, "/ben.ics": meanwhile}
    host.apply(with_calendars(ada=calendars.address(), ben=calendars.address("/ben.ics")))
    host.request()
    host.deliver()
    assert list(sent_before.values()) == [1, 2]
    assert len(host.mailbox) == 3


def test_no_transaction_is_open_while_a_calendar_is_asked(either_host: Host, calendars: CalendarHost) -> None:
    """Otherwise this request would wait for the answer that waits for it."""

    def meanwhile(handler: BaseHTTPRequestHandler) -> None:
        either_host.request("theo")
        says(ics())(handler)

    calendars.pages["/ada.ics"] = meanwhile
    either_host.deliver()
    assert listed(either_host) == ["ada  Ada Moreau  read 0 min ago, 0 busy times"]


# Several workers.


def test_several_workers_at_once_ask_each_calendar_once(either_host: Host, calendars: CalendarHost) -> None:
    data = practice()
    ada = data["providers"][0]
    data["providers"] = [ada | {"key": f"p{n}", "busy_calendar": calendars.address(f"/{n}.ics")} for n in range(6)]
    either_host.apply(data)
    calendars.pages = {f"/{n}.ics": says(ics(AT_TEN)) for n in range(6)}
    barrier = threading.Barrier(4)
    faults: list[BaseException] = []

    def work() -> None:
        barrier.wait()
        try:
            with either_host.app.app_context():
                either_host.portal.deliver()
        except Exception as fault:
            faults.append(fault)

    for _ in range(3):
        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(calendars.paths) == sorted(calendars.pages)
        calendars.asked.clear()
        either_host.clock.advance(EVERY)
    assert faults == []
    assert len(stored(either_host)) == 6


def overtaken(host: Host, calendars: CalendarHost, meanwhile: Any) -> None:
    """Deliver, and while the calendar is about to answer with eleven o'clock, do something else."""
    asked, go_on = threading.Event(), threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        go_on.wait(10)
        says(ics(AT_ELEVEN), ETag='"late"')(handler)

    calendars.pages["/ada.ics"] = late
    slow = threading.Thread(target=host.deliver)
    slow.start()
    assert asked.wait(10)
    meanwhile()
    go_on.set()
    slow.join()


def test_a_reader_past_its_time_overwrites_nothing(either_host: Host, calendars: CalendarHost) -> None:
    def meanwhile() -> None:
        calendars.pages["/ada.ics"] = says(ics(AT_TEN))
        again(either_host)

    overtaken(either_host, calendars, meanwhile)
    assert TUESDAY_TEN not in free_times(either_host)
    assert TUESDAY_TEN + HOUR in free_times(either_host)
    assert rows(either_host, "SELECT etag FROM portal_busy_calendar") == [("",)]


def test_an_answer_from_an_earlier_address_is_not_stored(either_host: Host, calendars: CalendarHost) -> None:
    def meanwhile() -> None:
        either_host.apply(with_calendars(ada=calendars.address("/new.ics")))
        either_host.deliver()

    calendars.pages["/new.ics"] = says(ics(AT_TEN))
    overtaken(either_host, calendars, meanwhile)
    assert TUESDAY_TEN not in free_times(either_host)
    assert TUESDAY_TEN + HOUR in free_times(either_host)


def test_an_answer_for_an_address_that_is_gone_meanwhile_is_not_stored(
    either_host: Host, calendars: CalendarHost
) -> None:
    def meanwhile() -> None:
        either_host.apply(practice())
        either_host.deliver()

    overtaken(either_host, calendars, meanwhile)
    assert stored(either_host) == []
    assert rows(either_host, "SELECT * FROM portal_busy_calendar") == []


# Addresses come and go.


def test_a_calendar_that_nobody_has_any_more_is_forgotten(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    either_host.deliver()
    either_host.apply(practice())
    assert TUESDAY_TEN in free_times(either_host)
    either_host.deliver()
    assert stored(either_host) == []
    assert rows(either_host, "SELECT * FROM portal_busy_calendar") == []
    assert listed(either_host) == ["No provider has a busy_calendar."]


def test_a_calendar_that_stays_is_not_read_anew_for_another(either_host: Host, calendars: CalendarHost) -> None:
    for name in ("ada", "ben"):
        calendars.pages[f"/{name}.ics"] = says(ics(AT_TEN))
    ben_s = calendars.address("/ben.ics")
    either_host.apply(with_calendars(ada=calendars.address(), ben=ben_s))
    either_host.deliver()
    either_host.apply(with_calendars(ben=ben_s))
    for _ in range(2):
        either_host.deliver()
    assert sorted(calendars.paths) == ["/ada.ics", "/ben.ics"]
    assert len(stored(either_host)) == 1


def test_the_calendar_of_a_provider_who_left_is_forgotten(host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    host.deliver()
    data = with_calendars(ada=calendars.address())
    del data["providers"][0]
    host.apply(data)
    again(host)
    assert stored(host) == []
    assert len(calendars.asked) == 1
    assert listed(host) == ["No provider has a busy_calendar."]


def test_another_address_is_read_at_once_and_from_anew(either_host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN), ETag='"1"')
    either_host.deliver()
    either_host.apply(with_calendars(ada=calendars.address("/new.ics")))
    either_host.deliver()
    assert calendars.paths == ["/ada.ics", "/new.ics"]
    assert "If-None-Match" not in calendars.asked[-1][1]
    # Not found: until the new one answers, what the old one said is the best there is.
    assert TUESDAY_TEN not in free_times(either_host)
    calendars.pages["/new.ics"] = says(ics(AT_ELEVEN))
    again(either_host)
    assert TUESDAY_TEN in free_times(either_host)
    assert TUESDAY_TEN + HOUR not in free_times(either_host)


def test_another_zone_of_the_provider_is_another_day_off(host: Host, calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(ics(event(";VALUE=DATE:20261208")), ETag='"1"')
    host.deliver()
    moved = with_calendars(ada=calendars.address())
    moved["providers"][0]["zone"] = "Asia/Tokyo"
    host.apply(moved)
    host.deliver()
    [(_, starts, _)] = stored(host)
    assert datetime.fromtimestamp(starts, ZoneInfo("Asia/Tokyo")) == datetime(
        2026, 12, 8, tzinfo=ZoneInfo("Asia/Tokyo")
    )


# Where it may lead.


def test_a_few_redirects_are_followed(host: Host, calendars: CalendarHost) -> None:
    calendars.pages = {
        "/ada.ics": redirects("/b", 301),
        "/b": redirects(calendars.address("/c"), 303),
        "/c": redirects("d?x=1#there", 308),
        "/d?x=1": says(ics(AT_TEN)),
    }
    host.deliver()
    assert TUESDAY_TEN not in free_times(host)
    calendars.pages["/d?x=1"] = redirects("/e")
    again(host)
    assert listed(host) == fails("it redirects too often")


PRIVATE = (
    "the address leads to this machine or into a private network, "
    "which is refused unless PORTAL_PRIVATE_ADDRESSES is True"
)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_this_machine_and_private_networks_are_refused_unless_allowed(
    sqlite_url: str, tmp_path: Path, clock: Clock, calendars: CalendarHost, name: str
) -> None:
    calendars.pages["/ada.ics"] = says(ics(AT_TEN))
    for host in furnished(sqlite_url, tmp_path, clock, PORTAL_PRIVATE_ADDRESSES=False):
        host.apply(with_calendars(ada=calendars.address(name=name)))
        host.deliver()
        assert listed(host) == [f"ada  Ada Moreau  never read, 0 busy times; last try: {PRIVATE}"]
    assert calendars.asked == []


def test_a_redirect_into_a_private_network_is_refused(
    sqlite_url: str, tmp_path: Path, clock: Clock, calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "is_public", lambda address: address == "127.0.0.1")
    calendars.pages["/ada.ics"] = redirects(calendars.address("/metadata", name="127.0.0.2"))
    for host in furnished(sqlite_url, tmp_path, clock, PORTAL_PRIVATE_ADDRESSES=False):
        host.apply(with_calendars(ada=calendars.address()))
        host.deliver()
        assert PRIVATE in listed(host)[0]
    assert calendars.paths == ["/ada.ics"]


def test_a_redirect_away_from_encryption_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = outbound.http.client.HTTPMessage()
    headers["Location"] = "http://calendar.example/ada.ics"
    monkeypatch.setattr(busy_calendars, "ask", lambda *_, **__: outbound.Answer(302, headers, b""))
    with pytest.raises(outbound.NoAnswer, match="without encryption"):
        busy_calendars._fetch("https://calendar.example/ada.ics", {}, False)


# What is kept.


def test_only_when_is_stored_and_the_address_stands_in_no_log_and_no_other_table(
    host: Host, calendars: CalendarHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "/private-SECRET/ada.ics"
    calendars.pages[secret] = says(ics(AT_TEN), ETag='"PLANTED"\x07', Last_Modified="PLANTED" * 50)
    host.apply(with_calendars(ada=calendars.address(secret)))
    host.deliver()
    assert len(stored(host)) == 1
    calendars.pages[secret] = redirects("/elsewhere-SECRET")
    again(host)
    output = "\n".join(listed(host))
    with host.app.app_context():
        dump = "\n".join(host.state.db.connection().iterdump())
    tables = "\n".join(line for line in dump.splitlines() if '"portal_practice"' not in line)
    assert "the server answered 404" in output
    for text in (
        tables,
        output,
        "\n".join(record.getMessage() for record in caplog.records if record.name != "peewee"),
    ):
        assert "SECRET" not in text
        assert "PLANTED" not in text
    assert "SECRET" not in repr(host.state.practice())


# The property.

DAYS = st.integers(0, 45)
LENGTHS = st.sampled_from([0, 15, 50, 60, 95, 600, 1440, 2000])
CLOCK_CHANGES = datetime(2026, 10, 19, 12, tzinfo=UTC)


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, list[tuple[datetime, datetime]]]:
    """An event, and when by plain wall clock arithmetic it is busy."""
    zone = draw(st.sampled_from(["America/New_York", "Europe/Berlin", "UTC", "", "day"]))
    first = datetime(2026, 10, 17) + timedelta(days=draw(DAYS), minutes=15 * draw(st.integers(0, 95)))  # noqa: DTZ001
    length = timedelta(minutes=draw(LENGTHS))
    if zone == "day":
        first, length = first.replace(hour=0, minute=0), timedelta(days=draw(st.integers(1, 3)))
    every, times = draw(st.sampled_from([(1, 1), (1, 5), (7, 6), (14, 3)]))
    marks = draw(st.sampled_from([(), (), (), ("TRANSP:TRANSPARENT",), ("STATUS:CANCELLED",), ("TRANSP:OPAQUE",)]))
    skipped = draw(st.sampled_from([None, 0, 1]))

    def written(wall: datetime) -> str:
        if zone == "day":
            return f";VALUE=DATE:{wall:%Y%m%d}"
        suffix = "Z" if zone == "UTC" else ""
        return f"{f';TZID={zone}:' if zone not in ('', 'UTC') else ''}{wall:%Y%m%dT%H%M%S}{suffix}"

    walls = [first + timedelta(days=every * n) for n in range(times)]
    lines = [f"RRULE:FREQ=DAILY;INTERVAL={every};COUNT={times}"] if times > 1 else []
    if skipped is not None and times > 1:
        excepted = written(walls.pop(skipped))
        lines.append(f"EXDATE{excepted}" if excepted.startswith(";") else f"EXDATE:{excepted}")
    info = ZoneInfo(zone if zone not in ("", "day") else "America/New_York")
    busy = [(wall.replace(tzinfo=info), (wall + length).replace(tzinfo=info)) for wall in walls]
    free = {"TRANSP:TRANSPARENT", "STATUS:CANCELLED"} & set(marks)
    return event(written(first), written(first + length), *lines, *marks), [] if free else busy


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries(), min_size=1, max_size=4))
def test_no_slot_offered_overlaps_a_busy_stretch_and_every_other_is_still_offered(
    host: Host, calendars: CalendarHost, drawn: list[tuple[str, list[tuple[datetime, datetime]]]]
) -> None:
    host.clock.now = CLOCK_CHANGES

    def offered(*events: str) -> list[datetime]:
        calendars.pages["/ada.ics"] = says(ics(*events))
        with host.app.app_context():
            host.state.db.execute_sql("UPDATE portal_busy_calendar SET tried = 0")
            host.portal.deliver()
            slots = host.portal.find_slots(
                type="visit", contact="phone", provider="ada", since=date(2026, 10, 1), until=date(2026, 12, 30)
            )
            return [slot.starts for slot in slots]

    busy = [(starts.astimezone(UTC), ends.astimezone(UTC)) for _, stretches in drawn for starts, ends in stretches]
    # 50 minutes, and 10 after.
    apart = [
        at for at in offered() if not any(at < ends and starts < at + HOUR for starts, ends in busy if starts < ends)
    ]
    assert offered(*(written for written, _ in drawn)) == apart
