"""A calendar program follows appointments by a secret address, which its owner can end."""

from datetime import timedelta

import pytest
import vobject
from flask.testing import FlaskClient
from icalendar import Calendar, Event

from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import UPCOMING, open_page

PAGE = "/portal/appointments/calendar"
CALENDARS = "/portal/review/calendars"


def address(browser: FlaskClient, page: str = PAGE, **sent: str) -> str:
    """Presses the button there; the path of the address that is shown then, empty without one."""
    form = open_page(browser, page).forms[page][0]
    assert browser.post(page, data={**form, **sent}).status_code == 303
    shown = [one["value"] for one in open_page(browser, page).named("input") if "readonly" in one]
    return shown[-1].removeprefix("https://www.elmrow.example") if shown else ""


def events(host: Host, path: str) -> list[Event]:
    answer = host.browser(None).get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.data).walk("VEVENT"))


def confirmed(host: Host, who: str = "maya", days: int = 0, **choices: str) -> str:
    with host.app.app_context():
        ref = host.request(who, TUESDAY_TEN + timedelta(days=days), **choices).ref
        return host.portal.confirm(ref).ref


def test_a_client_s_calendar_follows_what_is_confirmed(host: Host, maya: FlaskClient) -> None:
    path = address(maya)
    assert events(host, path) == []
    ref = confirmed(host)
    confirmed(host, "theo", days=1)
    host.request(starts=TUESDAY_TEN + timedelta(days=2))
    [event] = events(host, path)
    assert event["UID"] == f"{ref}@www.elmrow.example"
    assert event["DTSTART"].dt == TUESDAY_TEN
    assert event["SUMMARY"] == "Appointment with Ada Moreau, Elm Row Practice"
    with host.app.app_context():
        host.portal.reschedule(ref, starts=TUESDAY_TEN + timedelta(hours=2))
    [moved] = events(host, path)
    assert (moved["UID"], moved["DTSTART"].dt) == (event["UID"], TUESDAY_TEN + timedelta(hours=2))
    assert moved["SEQUENCE"] > event["SEQUENCE"]
    with host.app.app_context():
        for one in host.portal.appointments(client="maya"):
            if one.status == "confirmed":
                host.portal.cancel(one.ref)
    assert events(host, path) == []


def test_what_is_long_past_is_not_told_for_ever(host: Host, maya: FlaskClient) -> None:
    path = address(maya)
    confirmed(host)
    host.clock.advance(timedelta(days=60))
    assert len(events(host, path)) == 1
    host.clock.advance(timedelta(days=2))
    assert events(host, path) == []


def test_whatever_the_practice_has_booked_is_there_however_far_ahead(host: Host, maya: FlaskClient) -> None:
    far = host.clock() + timedelta(days=5 * 365)
    with host.app.app_context():
        host.portal.book(PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=far)
    [event] = events(host, address(maya))
    assert event["DTSTART"].dt == far


def test_another_parser_reads_the_same(host: Host, maya: FlaskClient) -> None:
    path = address(maya)
    confirmed(host)
    calendar = vobject.readOne(host.browser(None).get(path).text)
    assert calendar.method.value == "PUBLISH"
    assert calendar.vevent.dtstart.value == TUESDAY_TEN
    assert calendar.vevent.summary.value == "Appointment with Ada Moreau, Elm Row Practice"


def test_what_has_not_changed_is_not_sent_again(host: Host, maya: FlaskClient) -> None:
    path = address(maya)
    confirmed(host)
    program = host.browser(None)
    first = program.get(path)
    host.clock.advance(timedelta(hours=1))
    again = program.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"
    confirmed(host, days=1)
    changed = program.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_new_address_and_an_end_make_the_old_one_useless(host: Host, maya: FlaskClient) -> None:
    first = address(maya)
    second = address(maya)
    assert first != second
    never = host.browser(None).get("/portal/calendar/" + "a" * 43 + ".ics")
    assert host.browser(None).get(first).status_code == 404
    assert host.browser(None).get(first).data == never.data
    assert host.browser(None).get(second).status_code == 200
    assert address(maya, end="1") == ""
    assert host.browser(None).get(second).status_code == 404


@pytest.mark.parametrize("secret", ["a", "%00", "é" * 43, "a" * 5000, "..%2f..%2fportal"])
def test_what_is_no_address_is_not_there(host: Host, secret: str) -> None:
    assert host.browser(None).get(f"/portal/calendar/{secret}.ics").status_code == 404


def test_an_erased_client_s_address_ends(host: Host, maya: FlaskClient) -> None:
    path = address(maya)
    with host.app.app_context():
        assert host.portal.export_client("maya")["calendar_address"]
        host.portal.erase_client("maya")
    assert host.browser(None).get(path).status_code == 404


def test_looking_at_the_page_makes_no_address(host: Host, maya: FlaskClient) -> None:
    for _ in range(2):
        assert "readonly" not in maya.get(PAGE).text
        maya.head(PAGE)
    assert host.state.db.execute_sql("SELECT COUNT(*) FROM portal_feed").fetchone() == (0,)


def test_a_form_of_another_client_makes_none(host: Host, maya: FlaskClient) -> None:
    theirs = open_page(host.browser("theo"), PAGE).forms[PAGE][0]
    answer = maya.post(PAGE, data=theirs)
    assert answer.status_code == 400
    assert "Nothing was sent" in answer.text


def test_the_upcoming_list_leads_there(host: Host, maya: FlaskClient) -> None:
    confirmed(host)
    assert f'href="{PAGE}"' in maya.get(UPCOMING).text


def test_a_provider_s_calendar_shows_what_is_taken_and_names_nobody(host: Host) -> None:
    desk = host.browser("rosa")
    path = address(desk, CALENDARS, provider="ada")
    ref = confirmed(host)
    waiting = host.request("theo", TUESDAY_TEN + timedelta(days=1), note="PLANTED").ref
    confirmed(host, "theo", days=1, provider="ben", location="annex")
    first, second = events(host, path)
    assert (first["SUMMARY"], first["STATUS"]) == ("Appointment", "CONFIRMED")
    assert (second["SUMMARY"], second["STATUS"]) == ("Waits for an answer", "TENTATIVE")
    assert str(first["URL"]).endswith(f"/portal/review/appointments/{ref}")
    assert str(second["URL"]).endswith(f"/portal/review/appointments/{waiting}")
    text = host.browser(None).get(path).text
    for secret in ("PLANTED", "Therapy", *(person.name for person in PEOPLE.values())):
        assert secret not in text


def test_only_staff_hand_out_a_provider_s_address(host: Host, maya: FlaskClient) -> None:
    assert maya.get(CALENDARS).status_code == 404
    form = open_page(host.browser("rosa"), CALENDARS).forms[CALENDARS][0]
    assert maya.post(CALENDARS, data=form | {"provider": "ada"}).status_code == 404
    assert host.browser("rosa").post(CALENDARS, data=form | {"provider": "nobody"}).status_code == 404
    assert host.browser("rosa").post(CALENDARS, data={"provider": "ada"}).status_code == 400


def test_who_made_and_ended_an_address_is_recorded(host: Host, maya: FlaskClient) -> None:
    address(maya)
    address(maya, end="1")
    address(host.browser("rosa"), CALENDARS, provider="ada")
    address(host.browser("rosa"), CALENDARS, provider="ada", end="1")
    query = "SELECT actor, action, reason FROM portal_history ORDER BY id"
    assert host.state.db.execute_sql(query).fetchall() == [
        ("maya", "feed", ""),
        ("maya", "feed_end", ""),
        ("Rosa Delgado", "feed", "ada"),
        ("Rosa Delgado", "feed_end", "ada"),
    ]
