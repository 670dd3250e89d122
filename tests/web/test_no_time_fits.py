"""Where no time fits: what is near, who else has one, and waiting for one to come free."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.practices import practice
from tests.services.line import TUESDAY, WITH_WAITLIST, fill, line, offers
from tests.services.steps import act, rows
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host
from tests.web.pages import HTMX, UPCOMING, Page, open_page, read
from tests.web.statements import statements

WAIT = "/portal/appointments/waitlist"
WISH = "type=visit&contact=in-person&location=main"
DAY = timedelta(days=1)
ADA_FULL = f"{STEP_2}&date=2026-12-08"


@pytest.fixture
def full(host: Host) -> Host:
    """Ada, and so Main Street, has nothing left on Tuesday."""
    host.apply(WITH_WAITLIST)
    fill(host)
    return host


def form_of(browser: FlaskClient, address: str = f"{WAIT}?{WISH}&date=2026-12-08") -> dict[str, str]:
    return open_page(browser, address).forms[WAIT][0]


def ask(browser: FlaskClient, form: dict[str, Any], **headers: str) -> TestResponse:
    return browser.post(WAIT, data=form, headers=headers)


def leave_form(page: Page) -> tuple[str, dict[str, str]]:
    [address] = [address for address in page.forms if address.endswith("/leave")]
    return address, page.forms[address][0]


# What is near.


def test_a_full_day_shows_the_nearest_days_before_and_after_it_with_their_times(full: Host, maya: FlaskClient) -> None:
    fill(full, TUESDAY + 2 * DAY)
    page = open_page(maya, f"{STEP_2}&date=2026-12-10")
    assert "No time is free on this day." in page.words
    assert not page.times
    some = "9:00 AM, 9:30 AM and 10 more"
    assert (
        f"The nearest days with free times Wednesday, December 9, 2026 {some} Friday, December 11, 2026 {some} "
        f"Monday, December 14, 2026 {some} Tuesday, December 15, 2026 {some} Another way to meet"
    ) in page.words
    assert {f"{STEP_2}&date=2026-12-{day}".partition("?")[2] for day in ("09", "11", "14", "15")} <= {
        link.partition("?")[2] for link in page.links
    }
    assert open_page(maya, f"{STEP_2}&date=2026-12-09").times


def test_others_who_have_a_time_are_one_press_away(full: Host, maya: FlaskClient) -> None:
    page = open_page(
        maya, f"{STEP_2.replace('location=main', '').replace('in-person', 'phone')}&provider=ada&date=2026-12-08"
    )
    assert "Ben Ito Tuesday, December 8, 2026, 9:00 AM" in page.words
    [other] = [link for link in page.links if "provider=ben" in link]
    assert "Tuesday, December 8, 2026" in open_page(maya, other).words
    assert open_page(maya, other).times


def test_other_ways_and_places_are_named_with_their_next_time(full: Host, maya: FlaskClient) -> None:
    page = open_page(maya, ADA_FULL)
    assert "In person, The Annex Tuesday, December 8, 2026, 9:00 AM" in page.words
    assert "Phone call Tuesday, December 8, 2026, 9:00 AM" in page.words
    for link in page.links:
        if "contact=phone" in link or "location=annex" in link:
            assert open_page(maya, link).times


def test_a_move_looks_for_others_but_keeps_what_is_moved_of_its_kind(full: Host, maya: FlaskClient) -> None:
    asked = full.request(starts=TUESDAY_TEN + DAY, contact="phone", location=None, provider="ben")
    fill(full, contact="phone", provider="ben", location=None)
    page = open_page(maya, f"/portal/appointments/{asked.ref}/reschedule?provider=ben&date=2026-12-08")
    assert "No time is free on this day." in page.words
    assert "Ada Moreau Wednesday, December 9, 2026, 9:00 AM" in page.words
    assert "Wednesday, December 9, 2026 9:00 AM, 9:30 AM and 12 more" in page.words, "what it has is free for itself"
    assert "waitlist" not in page.words
    [other] = [link for link in page.links if "provider=ada" in link]
    assert open_page(maya, other).times


def test_what_is_near_is_far_enough_from_the_client_s_own_appointment(host: Host, maya: FlaskClient) -> None:
    data = practice()
    data["appointment_types"][0]["days_between"] = 3
    host.apply(data)
    wednesday = TUESDAY_TEN + DAY
    annex = {"contact": "in-person", "location": "annex", "provider": "ben"}
    act(host, "book", PEOPLE["maya"], type="visit", starts=wednesday, **annex)
    near = open_page(maya, ADA_FULL).words.partition("The nearest days with free times ")[2]
    assert near.startswith("Monday, December 14, 2026 9:00 AM")
    assert "Phone call Monday, December 14, 2026, 9:00 AM" in near


def test_nothing_free_at_all_is_said_with_whom_to_call_and_the_waitlist(host: Host, maya: FlaskClient) -> None:
    host.apply(WITH_WAITLIST | {"closures": [{"first": "2026-12-01", "last": "2027-06-01"}]})
    page = open_page(maya)
    assert "No time is free in the next 60 days." in page.words
    assert "call Elm Row Practice at +1 212 555 0100" in page.words
    [address] = {link for link in page.links if link.startswith(WAIT)}
    form = form_of(maya, address)
    assert (form["earliest"], form["latest"]) == ("2026-12-08", "2027-02-05")


def test_a_page_with_times_asks_no_more_of_the_database_for_all_this(full: Host, maya: FlaskClient) -> None:
    address = f"{STEP_2}&provider=ada&date=2026-12-09"
    found = []
    for data in (practice(), WITH_WAITLIST):
        full.apply(data)
        maya.get(address)
        with statements() as seen:
            maya.get(address)
        found.append(len(seen))
    assert found[0] == found[1] <= 3


def test_a_practice_or_a_type_without_a_waitlist_says_nothing_of_it(host: Host, maya: FlaskClient) -> None:
    without = practice(waitlist_hours=24)
    without["appointment_types"][0]["waitlist"] = False
    for data in (practice(), without):
        host.apply(data)
        for address in (STEP_2, f"{STEP_2}&date=2026-12-12"):
            assert "waitlist" not in open_page(maya, address).words.lower()
        assert maya.get(f"{WAIT}?{WISH}").status_code == 404


# Waiting.


def test_the_story_of_a_full_day(full: Host) -> None:
    """Maya and Theo wait; Frida cancels; Maya is offered the time and declines; Theo is, and accepts."""
    maya, theo = full.browser("maya"), full.browser("theo")
    for browser in (maya, theo):
        page = open_page(browser, ADA_FULL)
        [address] = {link for link in page.links if link.startswith(WAIT)}
        form = form_of(browser, address)
        assert (form["earliest"], form["latest"]) == ("2026-12-08", "2026-12-08")
        answer = ask(browser, form)
        assert (answer.status_code, answer.location) == (303, UPCOMING)
        full.clock.advance(timedelta(seconds=1))
    listed = open_page(maya, UPCOMING)
    assert "On the waitlist Therapy visit, In person Waiting" in listed.words
    full.deliver()
    assert offers(full) == []

    [gone] = [one for one in act(full, "appointments", client="frida") if one.starts == TUESDAY_TEN]
    act(full, "cancel", gone.ref)
    [mail] = [mail for mail in full.deliver() if mail.to != ["frida@example.org"]]
    assert (mail.to, mail.subject) == (["maya@example.org"], "A time has come free: Tuesday, December 8, 2026")
    assert "you are on our waitlist, and this time has come free. It is held for you until" in mail.text
    listed = open_page(maya, UPCOMING)
    assert (
        "You waited for this time, and it has come free. It is held for you until Monday, December 7, 2026"
        in listed.words
    )
    [decline] = [link for link in listed.links if link.endswith("/cancel")]
    page = open_page(maya, decline)
    assert maya.post(decline, data=page.forms[decline][0]).status_code == 303

    assert [mail.to for mail in full.deliver() if mail.subject.startswith("A time")] == [["theo@example.org"]]
    listed = open_page(theo, UPCOMING)
    [accept] = [address for address in listed.forms if address.endswith("/accept")]
    assert theo.post(accept, data=listed.forms[accept][0]).status_code == 303
    assert [(who, status) for who, _, status in offers(full)] == [("maya", "cancelled"), ("theo", "confirmed")]
    assert line(full) == ["maya"]
    assert "On the waitlist" not in open_page(theo, UPCOMING).words


def test_what_was_wished_for_is_stored_and_shown(full: Host, maya: FlaskClient) -> None:
    form = form_of(maya) | {"latest": "2026-12-22", "tuesday": "1", "evening": "1", "provider": "ada"}
    assert ask(maya, form).status_code == 303
    words = open_page(maya, UPCOMING).words
    assert "Tuesday, December 8, 2026 – Tuesday, December 22, 2026 Tuesday" in words
    assert "Evening" in words
    [waiting] = act(full, "waitlist")
    assert (waiting.preferences.weekdays, waiting.preferences.latest) == ({1}, date(2026, 12, 22))


def test_an_offer_speaks_the_language_and_tells_the_clock_of_the_page_on_which_its_client_joined(host: Host) -> None:
    host.apply(WITH_WAITLIST)
    by_phone = {"contact": "phone", "location": None}
    booked = [one for provider in ("ada", "ben") for one in fill(host, provider=provider, **by_phone)]
    lucia = host.browser("maya")
    lucia.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es-MX,es;q=0.9"
    step_2 = "/portal/appointments/book/time?type=visit&contact=phone&zone=America/Los_Angeles&date=2026-12-08"
    [address] = {link for link in open_page(lucia, step_2).links if link.startswith(WAIT)}
    assert ask(lucia, form_of(lucia, address)).status_code == 303
    act(host, "cancel", booked[0].ref)
    [mail] = [mail for mail in host.deliver() if mail.to == ["maya@example.org"]]
    assert '<html lang="es-MX"' in mail.html
    [offer] = act(host, "appointments", client="maya")
    assert (offer.client.language, offer.own_zone) == ("es-MX", "America/Los_Angeles")
    [place] = act(host, "export_client", "maya")["waitlist"]
    assert (place["client_language"], place["client_zone"]) == ("es-MX", "America/Los_Angeles")


def test_nobody_waits_for_what_is_free_already(full: Host, maya: FlaskClient) -> None:
    answer = ask(maya, form_of(maya) | {"latest": "2026-12-09"})
    assert answer.status_code == 409
    page = read(answer)
    assert "You need not wait: Wednesday, December 9, 2026, 9:00 AM is free." in page.words
    assert any(link.endswith("date=2026-12-09") for link in page.links)
    assert page.forms[WAIT][0]["latest"] == "2026-12-09"
    assert line(full) == []
    assert ask(maya, page.forms[WAIT][0] | {"latest": "2026-12-08"}).status_code == 303


def test_the_same_form_twice_is_one_place_and_another_one_is_refused(full: Host, maya: FlaskClient) -> None:
    form = form_of(maya)
    assert [ask(maya, form).status_code for _ in range(3)] == [303] * 3
    assert line(full) == ["maya"]
    answer = ask(maya, form | {"morning": "1"})
    assert answer.status_code == 409
    assert "You are on the waitlist for Therapy visit already." in read(answer).words
    assert read(answer).summary_links == ["#portal-type"]


def test_leaving_twice_is_leaving_and_nobody_leaves_for_another(full: Host) -> None:
    maya, theo = full.browser("maya"), full.browser("theo")
    ask(maya, form_of(maya))
    address, form = leave_form(open_page(maya, UPCOMING))
    theo_s = form_of(theo)
    assert theo.post(address, data={"portal_token": theo_s["portal_token"]}).status_code == 303
    assert theo.post(address, data=form).status_code == 400
    assert line(full) == ["maya"]
    assert maya.get(address).status_code == 405
    assert [maya.post(address, data=form).status_code for _ in range(2)] == [303, 303]
    assert line(full) == []
    assert rows(full, "SELECT outcome FROM portal_waitlist") == [("left",)]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"earliest": ""}, "earliest"),
        ({"earliest": "soon"}, "earliest"),
        ({"earliest": "2026-02-30"}, "earliest"),
        ({"earliest": "2027-06-01", "latest": "2027-06-02"}, "earliest"),
        ({"latest": ""}, "latest"),
        ({"latest": "0000-01-01"}, "latest"),
        ({"latest": "2026-12-01"}, "latest"),
        ({"earliest": "2026-12-10", "latest": "2026-12-08"}, "latest"),
        ({"earliest": "２０２６-12-08"}, "earliest"),
        ({"saturday": "1"}, "weekdays"),
    ],
)
def test_a_wish_that_is_none_is_named_and_what_was_typed_stays(
    full: Host, maya: FlaskClient, typed: dict[str, str], field: str
) -> None:
    form = form_of(maya) | {"morning": "1"} | typed
    for headers in ({}, HTMX):
        answer = ask(maya, form, **headers)
        assert answer.status_code == 422
        page = read(answer)
        assert f"#portal-{field}" in page.summary_links
        assert f"portal-{field}" in page.ids
        sent = page.forms[WAIT][0]
        assert {name: sent.get(name) for name in typed} == typed
        assert sent["morning"] == "1"
    assert line(full) == []


@pytest.mark.parametrize(
    "spoilt",
    [{"type": "nothing"}, {"contact": "drum"}, {"provider": "x"}, {"location": "moon"}, {"type": ["visit", "call"]}],
)
def test_a_choice_that_is_none_is_step_1_with_the_reason(full: Host, maya: FlaskClient, spoilt: dict[str, Any]) -> None:
    assert ask(maya, form_of(maya) | spoilt).status_code == 422
    assert line(full) == []


def test_a_form_without_our_token_stores_nothing(full: Host, maya: FlaskClient) -> None:
    form = form_of(maya) | {"portal_token": "old"}
    answer = ask(maya, form)
    assert answer.status_code == 400
    assert read(answer).forms[WAIT][0]["earliest"] == form["earliest"]
    assert line(full) == []


def test_whoever_is_not_signed_in_goes_to_the_sign_in(full: Host) -> None:
    answer = full.browser(None).get(f"{WAIT}?{WISH}")
    assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/sign-in")


def test_a_wish_with_days_that_have_passed_counts_from_the_first_that_can_be_had(full: Host, maya: FlaskClient) -> None:
    assert ask(maya, form_of(maya) | {"earliest": "2020-01-01", "latest": "2026-12-08"}).status_code == 303
    [waiting] = act(full, "waitlist")
    assert waiting.preferences.earliest == TUESDAY
