"""On whose clock times are told to a client who need not come to the practice. The instant is always the same."""

from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import Client
from portal_plugin.domain.instants import zone_names
from portal_plugin.testing import Clock
from portal_plugin.wording import find_language, shipped, speaking
from portal_plugin.wording.dates import clock_time, common_zones, zone_name
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host, make_host
from tests.web.pages import BOOK, UPCOMING, Page, open_page, ref_of, send, step_2

BY_PHONE = f"{BOOK}/time?type=visit&contact=phone"
PACIFIC, EASTERN = "America/Los_Angeles", "America/New_York"


def ask(browser: FlaskClient, address: str) -> str:
    """Ask for the first time on the page; the reference."""
    return ref_of(send(browser, step_2(browser, address)))


def known(host: Host, monkeypatch: pytest.MonkeyPatch, zone: str) -> FlaskClient:
    """The browser of somebody whose time zone the host knows."""
    monkeypatch.setitem(PEOPLE, "maya", Client("maya", "Maya", "maya@example.org", zone=zone))
    return host.browser("maya")


# Step 2.


def test_nobody_is_taken_to_be_elsewhere(maya: FlaskClient) -> None:
    page = open_page(maya, BY_PHONE)
    assert "Eastern Time (New York)" in page.words
    assert "at the practice" not in page.words


def test_times_read_on_the_chosen_clock_with_the_practices_beside(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BY_PHONE}&zone={PACIFIC}")
    assert page.times == open_page(maya, BY_PHONE).times
    assert "6:00 AM 9:00 AM at the practice" in page.words
    assert "Pacific Time (Los Angeles). The day is the practice's: Eastern Time (New York)." in page.words


def test_another_day_there_is_named(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BY_PHONE}&zone=Asia/Tokyo&date=2026-12-08")
    assert "Evening 11:00 PM 9:00 AM at the practice" in page.words
    assert "Morning, Wednesday, December 9, 2026 12:00 AM Wed, Dec 9 10:00 AM at the practice" in page.words


def test_days_of_the_month_stay_the_practices(maya: FlaskClient) -> None:
    there = open_page(maya, f"{BY_PHONE}&zone=Pacific/Kiritimati")
    here = open_page(maya, BY_PHONE)
    assert [a["aria-label"] for a in there.named("a") if "aria-label" in a] == [
        a["aria-label"] for a in here.named("a") if "aria-label" in a
    ]


def test_every_link_and_form_of_the_step_keeps_the_zone(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BY_PHONE}&zone={PACIFIC}")
    kept = quote(PACIFIC, safe="")
    assert all(kept in link or PACIFIC in link for link in page.links if "date=" in link or "book?" in link)
    assert page.form["zone"] == PACIFIC
    back = open_page(maya, next(link for link in page.links if "book?" in link))
    assert back.forms[f"{BOOK}/time"][0]["zone"] == PACIFIC


def test_a_place_to_come_to_has_one_clock(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BOOK}/time?type=visit&contact=in-person&location=main&zone={PACIFIC}")
    assert "Eastern Time (New York)" in page.words
    assert "Pacific" not in page.words
    assert page.form["zone"] == ""


@pytest.mark.parametrize(
    "nonsense",
    ["PST8", "America", "../../etc/passwd", "/etc/localtime", "localtime", "\0", "x" * 5000, "\ud800", "right/UTC"],
)
def test_what_is_no_zone_is_ignored(maya: FlaskClient, nonsense: str) -> None:
    page = open_page(maya, f"{BY_PHONE}&zone={quote(nonsense, errors='surrogatepass')}")
    assert "at the practice" not in page.words
    assert page.form["zone"] == ""
    assert ref_of(send(maya, step_2(maya, BY_PHONE) | {"zone": nonsense.encode("utf-8", "replace").decode()}))


# What is remembered.


def test_the_zone_is_kept_with_the_request_and_is_the_next_ones(host: Host, maya: FlaskClient) -> None:
    ref = ask(maya, f"{BY_PHONE}&zone={PACIFIC}")
    with host.app.app_context():
        assert host.portal.appointment(ref).client.zone == PACIFIC
    assert "at the practice" in open_page(maya, BY_PHONE).words
    assert "Your time Pacific Time (Los Angeles)" in open_page(maya, f"{BY_PHONE}&zone={EASTERN}").words


def test_choosing_the_practices_clock_again_is_remembered_too(maya: FlaskClient) -> None:
    ask(maya, f"{BY_PHONE}&zone={PACIFIC}")
    ask(maya, f"{BY_PHONE}&zone={EASTERN}")
    assert "at the practice" not in open_page(maya, BY_PHONE).words


def test_nobody_elses_zone_is_remembered(host: Host, maya: FlaskClient) -> None:
    ask(maya, f"{BY_PHONE}&zone={PACIFIC}")
    assert "at the practice" not in open_page(host.browser("theo"), BY_PHONE).words


def test_what_the_host_knows_comes_first(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    maya = known(host, monkeypatch, PACIFIC)
    assert "6:00 AM 9:00 AM at the practice" in open_page(maya, f"{BY_PHONE}&zone=Asia/Tokyo").words
    assert "at the practice" not in open_page(maya, f"{BY_PHONE}&zone={EASTERN}").words
    assert not open_page(maya, BY_PHONE).named("select")
    with host.app.app_context():
        assert host.portal.appointment(ask(maya, f"{BY_PHONE}&zone={EASTERN}")).client.zone == PACIFIC


def test_a_zone_that_shows_the_same_is_no_other_clock(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(known(host, monkeypatch, "America/Toronto"), BY_PHONE)
    assert "at the practice" not in page.words
    assert "Your time" not in page.words


# Afterwards.


def test_every_page_of_the_appointment_tells_both_times(host: Host, maya: FlaskClient) -> None:
    ref = ask(maya, f"{BY_PHONE}&zone={PACIFIC}")
    appointment = f"/portal/appointments/{ref}"
    for address in (f"{appointment}/requested", UPCOMING, f"{appointment}/cancel"):
        words = open_page(maya, address).words
        assert "9:00 AM – 9:50 AM Eastern Time (New York)" in words, address
        assert "6:00 AM – 6:50 AM for you, Pacific Time (Los Angeles)" in words, address
    moving = open_page(maya, f"{appointment}/reschedule?zone=Asia/Tokyo")
    assert "at the practice" in moving.words
    assert moving.form["zone"] == "Asia/Tokyo"


def test_another_day_is_named_afterwards_too(maya: FlaskClient) -> None:
    form = step_2(maya, f"{BY_PHONE}&zone=Asia/Tokyo") | {"starts": f"{TUESDAY_TEN:%Y-%m-%dT%H:%M:%SZ}"}
    words = open_page(maya, f"/portal/appointments/{ref_of(send(maya, form))}/requested").words
    assert "Wednesday, December 9, 2026, 12:00 AM – 12:50 AM for you, Japan Time (Tokyo)" in words


def test_a_zone_that_the_system_knows_no_more_is_told_on_the_practices_clock(host: Host, maya: FlaskClient) -> None:
    ask(maya, f"{BY_PHONE}&zone={PACIFIC}")
    host.state.db.execute_sql("UPDATE portal_appointment SET client_zone = 'America/Atlantis'")
    words = open_page(maya, UPCOMING).words
    assert "9:00 AM – 9:50 AM Eastern Time (New York)" in words
    assert "for you" not in words
    assert "at the practice" not in open_page(maya, BY_PHONE).words


def test_what_the_practice_said_no_to_names_its_zone(host: Host, maya: FlaskClient) -> None:
    with host.app.app_context():
        host.portal.decline(host.request().ref)
    assert "Tuesday, December 8, 2026, 10:00 AM, Eastern Time (New York)" in open_page(maya, UPCOMING).words


# Whatever the zone.


@pytest.fixture(scope="module")
def year(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A practice that is open day and night, a year ahead."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "portal.db").write_bytes(migrated_sqlite.read_bytes())
    host = make_host(f"sqlite:///{folder / 'portal.db'}", folder, Clock(datetime(2026, 12, 31, 12, tzinfo=UTC)))
    return host


def stated(page: Page) -> list[tuple[str, str]]:
    """Each choice as it is sent, and the words of its own clock."""
    found = []
    for label in page.html.split('<label class="portal-slot">')[1:]:
        value = label.split('value="', 1)[1].split('"', 1)[0]
        found.append((value, unescape(label.split("<span>", 1)[1].split("<", 1)[0])))
    return found


CHANGES = [
    date(2027, 3, 14),
    date(2027, 3, 28),
    date(2027, 4, 4),
    date(2027, 10, 3),
    date(2027, 10, 31),
    date(2027, 11, 7),
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    here=st.sampled_from([EASTERN, "Europe/Berlin", "Australia/Sydney", "Asia/Kathmandu"]),
    there=st.sampled_from(sorted(zone_names())),
    day=st.sampled_from(CHANGES).flatmap(lambda day: st.sampled_from([day + timedelta(days=n) for n in (-1, 0, 1)])),
)
def test_the_instant_is_the_same_and_the_time_right_on_both_sides_of_clock_changes(
    year: Host, here: str, there: str, day: date
) -> None:
    data = practice(zone=here)
    data["appointment_types"][0]["horizon_days"] = 365
    for provider in data["providers"]:
        week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        provider["hours"] = [{name: ["0:00-24:00"] for name in week}]
    year.apply(data)
    maya = year.browser()
    plain, own = (stated(open_page(maya, f"{BY_PHONE}&date={day}{zone}")) for zone in ("", f"&zone={quote(there)}"))
    assert plain
    assert [value for value, _ in own] == [value for value, _ in plain]
    assert len(
        {(words, datetime.fromisoformat(value).astimezone(ZoneInfo(there)).date()) for value, words in own}
    ) == len(own)
    for choices, zone in ((plain, here), (own, there)):
        for value, words in choices:
            assert words.startswith(clock_time(datetime.fromisoformat(value).astimezone(ZoneInfo(zone))))


def test_every_zone_has_a_name_in_every_language(host: Host) -> None:
    with host.app.app_context():
        for language in shipped():
            with speaking(find_language([language], shipped(), "US")):
                assert all(zone_name(zone) for zone in zone_names())
                assert 100 < len(common_zones()) < 200
