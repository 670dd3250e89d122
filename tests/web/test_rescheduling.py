"""A client picks another time: the old one stays theirs until the practice confirms the new one."""

from copy import deepcopy
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.practices import PRACTICE, practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import UPCOMING, again_link, counted, open_page, read

HALF, DAY = timedelta(minutes=30), timedelta(days=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def theirs(host: Host) -> str:
    """Maya's confirmed visit with Ada on Tuesday at ten."""
    ref = host.request(provider="ada").ref
    with host.app.app_context():
        host.portal.confirm(ref)
    return ref


def address(ref: str) -> str:
    return f"/portal/appointments/{ref}/reschedule"


def test_the_list_leads_to_another_time_and_says_what_was_asked(host: Host, maya: FlaskClient, theirs: str) -> None:
    page = open_page(maya, UPCOMING)
    assert address(theirs) in page.html
    page = open_page(maya, f"{address(theirs)}?date=2026-12-08")
    assert "Your appointment is on Tuesday, December 8, 2026, 10:00 AM" in page.words
    assert "stays yours until Elm Row Practice confirms the new time" in page.words
    assert "2026-12-08T15:30:00Z" in page.times, "one's own time is no obstacle to oneself"

    answer = maya.post(address(theirs), data=page.form | {"starts": "2026-12-08T15:30:00Z"})
    assert answer.status_code == 303
    sent = open_page(maya, answer.location)
    assert "What you have, Tuesday, December 8, 2026 at 10:00 AM, stays yours" in sent.words
    listed = open_page(maya, UPCOMING).words
    assert "You asked for a new time: Tuesday, December 8, 2026, 10:30 AM" in listed
    assert "It would take the place of Tuesday, December 8, 2026, 10:00 AM" in listed

    with host.app.app_context():
        (waiting,) = host.portal.appointments(status="requested")
        host.portal.confirm(waiting.ref)
    listed = open_page(maya, UPCOMING).words
    assert "10:30 AM – 11:20 AM" in listed
    assert "10:00 AM" not in listed


def test_other_providers_can_be_looked_at(host: Host, maya: FlaskClient) -> None:
    ref = host.request(contact="phone", location=None, provider="ada").ref
    page = open_page(maya, f"{address(ref)}?date=2026-12-08")
    assert "Other providers" in page.words
    everybody = open_page(maya, f"{address(ref)}?provider=&date=2026-12-08")
    assert "Any available provider" in everybody.words
    answer = maya.post(address(ref), data=everybody.form | {"starts": "2026-12-08T15:00:00Z"})
    assert answer.status_code == 303
    with host.app.app_context():
        new = [one for one in host.portal.appointments(client="maya") if one.replaces == ref]
        assert [one.provider.key for one in new] == ["ben"]


def test_the_time_it_has_is_refused_and_what_was_typed_is_kept(maya: FlaskClient, theirs: str) -> None:
    page = open_page(maya, f"{address(theirs)}?date=2026-12-08")
    answer = maya.post(address(theirs), data=page.form | {"starts": "2026-12-08T15:00:00Z", "note": "My knee"})
    assert answer.status_code == 422
    assert "That is the time it has now" in answer.text
    assert "My knee" in answer.text


def test_a_second_new_time_is_refused_with_a_way_on(host: Host, maya: FlaskClient, theirs: str) -> None:
    page = open_page(maya, address(theirs))
    assert maya.post(address(theirs), data=page.form | {"starts": "2026-12-09T15:00:00Z"}).status_code == 303
    assert address(theirs) not in open_page(maya, UPCOMING).html
    before = counted(host)
    again = maya.post(address(theirs), data=page.form | {"starts": "2026-12-10T15:00:00Z", "key": "another"})
    assert again.status_code == 403
    assert "waiting for an answer already" in again.text
    assert counted(host) == before


def test_sent_twice_it_is_one_request(host: Host, maya: FlaskClient, theirs: str) -> None:
    form = open_page(maya, address(theirs)).form | {"starts": "2026-12-09T15:00:00Z"}
    first, second = maya.post(address(theirs), data=form), maya.post(address(theirs), data=form)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert counted(host)[0] == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_inside_the_window_it_says_whom_to_call(host: Host, maya: FlaskClient, theirs: str, method: str) -> None:
    form = open_page(maya, address(theirs)).form | {"starts": "2026-12-09T15:00:00Z"}
    host.clock.advance(timedelta(hours=10))
    answer = maya.open(address(theirs), method=method, data=form if method == "POST" else None)
    assert answer.status_code == 409
    assert "too close to the appointment to move it here. Please call Elm Row Practice" in answer.text
    assert address(theirs) not in open_page(maya, UPCOMING).html


def test_what_has_ended_is_not_moved(host: Host, maya: FlaskClient, theirs: str) -> None:
    with host.app.app_context():
        host.portal.cancel(theirs)
    answer = maya.get(address(theirs))
    assert answer.status_code == 409
    assert "cancelled and can no longer be moved" in answer.text


def test_a_kind_that_is_no_longer_offered_is_moved_by_calling(host: Host, maya: FlaskClient, theirs: str) -> None:
    data = practice()
    data["providers"][0]["types"] = ["call"]
    host.apply(data)
    answer = maya.get(address(theirs))
    assert answer.status_code == 403
    assert "Please call Elm Row Practice at +1 212 555 0100" in answer.text


def test_an_invitation_is_answered_with_another_time(host: Host, maya: FlaskClient) -> None:
    with host.app.app_context():
        ref = host.portal.invite(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN
        ).ref
    assert "Propose another time" in open_page(maya, UPCOMING).words
    page = open_page(maya, f"{address(ref)}?date=2026-12-08")
    assert "You are invited for Tuesday" in page.words
    assert maya.post(address(ref), data=page.form | {"starts": "2026-12-08T15:30:00Z"}).status_code == 303


def test_the_mailed_link_of_what_still_stands_moves_it(host: Host, maya: FlaskClient, theirs: str) -> None:
    assert maya.get(again_link(host, theirs)).location == address(theirs)


def test_a_panel_of_htmx_is_the_same_step(maya: FlaskClient, theirs: str) -> None:
    answer = maya.get(address(theirs), headers=HTMX)
    assert answer.text.lstrip().startswith("<section")
    assert read(answer).form["provider"] == "ada"


# What a type asks of its clients.


def with_rules(host: Host, **rules: object) -> None:
    data = deepcopy(PRACTICE)
    data["appointment_types"][0] |= rules
    host.apply(data)


def test_a_type_for_invited_clients_is_not_in_step_1_and_cannot_be_asked_for(host: Host, maya: FlaskClient) -> None:
    with_rules(host, who="invited")
    assert "Therapy visit" not in open_page(maya, "/portal/appointments/book").words
    step_2 = "/portal/appointments/book/time?type=visit&contact=in-person&location=main"
    assert open_page(maya, step_2, status=422).summary_links


def test_days_too_close_to_another_visit_are_not_offered_to_that_client(
    host: Host, maya: FlaskClient, theirs: str
) -> None:
    with_rules(host, days_between=7)
    day = "/portal/appointments/book/time?type=visit&contact=in-person&location=main&date=2026-12-1"
    assert open_page(maya, f"{day}4").times == []
    assert open_page(maya, f"{day}5").times
    assert open_page(host.browser("theo"), f"{day}4").times


def test_too_many_open_requests_are_said_before_a_time_is_chosen(host: Host, maya: FlaskClient) -> None:
    with_rules(host, open_requests=1)
    host.request()
    page = open_page(maya, "/portal/appointments/book/time?type=visit&contact=in-person&location=main", status=422)
    assert "You have 1 open request for Therapy visit" in page.words


def test_a_group_says_how_many_seats_are_left(host: Host, maya: FlaskClient) -> None:
    with_rules(host, capacity=4)
    host.request("theo")
    page = open_page(maya, "/portal/appointments/book/time?type=visit&contact=in-person&location=main&date=2026-12-08")
    assert "10:00 AM3 seats left" in page.words.replace(" 3", "3")
    assert "group of up to 4" in open_page(maya, "/portal/appointments/book").words


def test_the_policies_stand_with_the_confirmation(host: Host, maya: FlaskClient) -> None:
    host.apply(practice(policies="A visit missed without a word is charged."))
    ref = host.request().ref
    assert "A visit missed without a word is charged." in open_page(maya, f"/portal/appointments/{ref}/requested").words
    with host.app.app_context():
        host.portal.confirm(ref)
    assert any("missed without a word" in mail.text for mail in host.deliver())
