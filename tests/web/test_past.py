"""Past appointments, on demand: newest first, a page at a time, each with a way to book it again."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from portal_plugin import Appointment
from tests.practices import practice
from tests.support import TUESDAY_TEN, Host
from tests.web.pages import BOOK, HTMX, UPCOMING, Page, open_page

PAST = "/portal/appointments/past"
DAY = timedelta(days=1)


def had(host: Host, days: int = 0, who: str = "maya", **choices: str | None) -> Appointment:
    """A confirmed appointment whose time will be over once the clock stands in March."""
    with host.app.app_context():
        return host.portal.confirm(host.request(who, TUESDAY_TEN + days * DAY, **choices).ref)


def cards(page: Page) -> list[str]:
    return [id_.removeprefix("appointment-") for id_ in page.ids if id_.startswith("appointment-")]


def later(host: Host) -> None:
    host.clock.now = TUESDAY_TEN + 60 * DAY


def again(page: Page) -> list[str]:
    return [link for link in page.links if link.startswith(f"{BOOK}/time")]


def test_upcoming_leads_to_them(host: Host, maya: FlaskClient) -> None:
    assert PAST in open_page(maya, UPCOMING).links
    page = open_page(maya, PAST)
    assert "You have no past appointments." in page.words
    assert UPCOMING in page.links


def test_only_what_is_over_is_listed_newest_first_with_what_became_of_it(either_host: Host) -> None:
    host = either_host
    first, missed, ahead = had(host), had(host, 1), had(host, 8)
    had(host, 2, "theo")
    host.clock.now = TUESDAY_TEN + 3 * DAY
    with host.app.app_context():
        host.portal.complete(first.ref)
        host.portal.no_show(missed.ref)
    page = open_page(host.browser("maya"), PAST)
    assert cards(page) == [missed.ref, first.ref]
    assert "Wednesday, December 9, 2026, 10:00 AM Missed" in page.words
    assert "Tuesday, December 8, 2026, 10:00 AM Completed" in page.words
    assert ahead.ref in open_page(host.browser("maya"), UPCOMING).html


def test_one_that_nobody_marked_is_told_by_its_time_alone(host: Host, maya: FlaskClient) -> None:
    had(host)
    later(host)
    page = open_page(maya, PAST)
    assert "Tuesday, December 8, 2026, 10:00 AM Therapy visit with" in page.words
    assert "Confirmed" not in page.words


def test_one_that_moved_is_told_by_its_new_time_alone(host: Host, maya: FlaskClient) -> None:
    old = had(host)
    with host.app.app_context():
        new = host.portal.reschedule(old.ref, starts=TUESDAY_TEN + DAY)
        cancelled = host.portal.cancel(had(host, 2).ref)
    later(host)
    assert cards(open_page(maya, PAST)) == [cancelled.ref, new.ref]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_many_come_a_page_at_a_time(either_host: Host, headers: dict[str, str]) -> None:
    host, maya = either_host, either_host.browser("maya")
    days = [n for n in range(40) if (TUESDAY_TEN + n * DAY).weekday() < 5][:23]
    refs = [had(host, n).ref for n in days][::-1]
    later(host)
    seen, address = [], PAST
    while address:
        page = open_page(maya, address, **headers)
        seen.append(cards(page))
        address = next((link for link in page.links if link.startswith(f"{PAST}?after=")), "")
    assert seen == [refs[:10], refs[10:20], refs[20:]]
    assert PAST in page.links


@pytest.mark.parametrize("after", ["%00", "nothing", "0" * 32, "%F0%9F%98%80"])
def test_an_odd_address_is_no_fault(either_host: Host, after: str) -> None:
    had(either_host)
    later(either_host)
    assert "Past appointments" in open_page(either_host.browser("maya"), f"{PAST}?after={after}").words


def test_another_ones_appointment_is_no_place_to_go_on_from(host: Host, maya: FlaskClient) -> None:
    theirs = had(host, 1, "theo")
    had(host)
    later(host)
    assert cards(open_page(maya, f"{PAST}?after={theirs.ref}")) == []


def test_one_is_booked_again_with_the_same_details(host: Host, maya: FlaskClient) -> None:
    had(host)
    later(host)
    (address,) = set(again(open_page(maya, PAST)))
    step = open_page(maya, address)
    assert "Therapy visit" in step.words
    assert step.form["provider"] == "ada"
    assert step.form["location"] == "main"


def test_where_the_provider_has_gone_anybody_will_do(host: Host, maya: FlaskClient) -> None:
    had(host, contact="phone", location=None)
    later(host)
    data = practice()
    data["providers"] = [one for one in data["providers"] if one["key"] != "ada"]
    host.apply(data)
    (address,) = set(again(open_page(maya, PAST)))
    assert "provider" not in address
    assert open_page(maya, address).form["provider"] == ""


def test_what_is_offered_no_more_is_not_booked_again(host: Host, maya: FlaskClient) -> None:
    had(host)
    later(host)
    data = practice()
    data["appointment_types"][0]["who"] = "invited"
    host.apply(data)
    page = open_page(maya, PAST)
    assert len(cards(page)) == 1
    assert again(page) == []
