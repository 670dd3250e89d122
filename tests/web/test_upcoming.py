"""Upcoming Appointments: the list, its answers to the practice, and the calendar file."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar

from portal_plugin import Appointment
from portal_plugin.services.tokens import form_token
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host, filled_form
from tests.web.pages import BOOK, HTMX, UPCOMING, Page, counted, open_page, read, stored

DAY = timedelta(days=1)


def invited(host: Host, starts: datetime = TUESDAY_TEN + DAY) -> Appointment:
    with host.app.app_context():
        return host.portal.invite(PEOPLE["maya"], type="visit", contact="phone", provider="ada", starts=starts)


def confirmed(host: Host, starts: datetime = TUESDAY_TEN, **choices: str) -> Appointment:
    with host.app.app_context():
        return host.portal.confirm(host.request(starts=starts, **choices).ref)


def cards(page: Page) -> list[str]:
    """The references of the appointments shown, in their order."""
    return [id_.removeprefix("appointment-") for id_ in page.ids if id_.startswith("appointment-")]


def status(host: Host, ref: str) -> str:
    with host.app.app_context():
        return host.portal.appointment(ref).status


def answer_form(browser: FlaskClient, address: str) -> dict[str, str]:
    """The form of the page that sends to `address`."""
    shown = address if address.endswith("cancel") else UPCOMING
    return open_page(browser, shown).forms[address][0]


# The list.


def test_requested_invited_and_confirmed_ones_are_listed_soonest_first(host: Host, maya: FlaskClient) -> None:
    refs = [
        host.request(starts=TUESDAY_TEN + 3 * DAY).ref,
        invited(host, TUESDAY_TEN + 2 * DAY).ref,
        confirmed(host, TUESDAY_TEN).ref,
    ]
    host.request("theo", starts=TUESDAY_TEN + DAY)
    page = open_page(maya, UPCOMING)
    assert cards(page) == refs[::-1]
    assert [tag["data-portal-status"] for tag in page.named("li") if "data-portal-status" in tag] == [
        "Confirmed",
        "Invitation",
        "Requested",
    ]


def test_each_says_provider_date_time_zone_location_and_status(host: Host, maya: FlaskClient) -> None:
    host.request()
    page = open_page(maya, UPCOMING)
    for fact in (
        "Tuesday, December 8, 2026 10:00 AM – 10:50 AM",
        "Eastern Time (New York)",
        "Ada Moreau",
        "Main Street 1 Main Street, New York",
        "Therapy visit",
        "Requested",
        "Waiting for Elm Row Practice to answer.",
    ):
        assert fact in page.words
    assert {"datetime": "2026-12-08T15:00:00+00:00"} in page.named("time")


def test_what_the_practice_said_no_to_stays_two_days_with_its_message_and_a_way_on(
    host: Host, maya: FlaskClient
) -> None:
    starts = TUESDAY_TEN + 7 * DAY
    ref = host.request(starts=starts).ref
    with host.app.app_context():
        host.portal.decline(ref, message="Ada is <away> that week.")
    page = open_page(maya, UPCOMING)
    assert cards(page) == [ref]
    for words in ("You have no upcoming appointments.", "Answered lately", "Declined", "Ada is <away> that week."):
        assert words in page.words
    again = next(link for link in page.links if link.startswith(f"{BOOK}/time"))
    assert "provider=ada" in again
    assert "Ada Moreau" in open_page(maya, again).words
    assert cards(open_page(host.browser("theo"), UPCOMING)) == []
    host.clock.advance(2 * DAY)
    assert cards(open_page(maya, UPCOMING)) == []


def test_what_has_ended_or_was_called_off_leaves_the_list(host: Host, maya: FlaskClient) -> None:
    gone, kept = host.request().ref, confirmed(host, TUESDAY_TEN + 7 * DAY).ref
    cancelling = f"/portal/appointments/{gone}/cancel"
    maya.post(cancelling, data=filled_form(maya.get(cancelling).text))
    assert cards(open_page(maya, UPCOMING)) == [kept]
    host.clock.now = TUESDAY_TEN + 7 * DAY + timedelta(minutes=49)
    assert cards(open_page(maya, UPCOMING)) == [kept]
    host.clock.advance(timedelta(minutes=1))
    page = open_page(maya, UPCOMING)
    assert not cards(page)
    assert "You have no upcoming appointments." in page.words
    assert BOOK in page.links


def test_the_list_follows_the_practice_without_a_reload(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    panel = open_page(maya, UPCOMING).named("section")[0]
    assert panel["data-hx-get"] == UPCOMING
    assert panel["data-hx-trigger"].startswith("every ")
    with host.app.app_context():
        host.portal.confirm(ref, message="Ring twice")
    page = open_page(maya, panel["data-hx-get"], **HTMX)
    assert "Confirmed" in page.words
    assert "Ring twice" in page.words
    assert f"/portal/appointments/{ref}/calendar.ics" in page.links


def test_the_practice_s_message_is_text_whatever_it_holds(host: Host, maya: FlaskClient) -> None:
    evil = "<img src=x onerror=alert(1)> {{ 7 * 7 }} %s <b hx-get='/evil'>"
    with host.app.app_context():
        host.portal.confirm(host.request().ref, message=evil)
    page = open_page(maya, UPCOMING)
    assert evil in page.words
    assert not page.named("img")
    assert "49" not in page.words


def test_the_portal_s_root_leads_to_the_list(maya: FlaskClient) -> None:
    assert maya.get("/portal/").location == UPCOMING


# Accept.


def test_an_invitation_is_accepted(host: Host, maya: FlaskClient) -> None:
    ref = invited(host).ref
    address = f"/portal/appointments/{ref}/accept"
    answer = maya.post(address, data=answer_form(maya, address))
    assert (answer.status_code, answer.location) == (303, UPCOMING)
    assert status(host, ref) == "confirmed"
    assert [row[3] for row in stored(host)["outbox"]] == ["invited", "confirmed"]


def test_accepted_twice_is_accepted_once(host: Host, maya: FlaskClient) -> None:
    address = f"/portal/appointments/{invited(host).ref}/accept"
    form = answer_form(maya, address)
    before = maya.post(address, data=form), stored(host)
    assert maya.post(address, data=form).status_code == before[0].status_code
    assert stored(host) == before[1]


def test_only_an_invitation_shows_accept_and_one_that_lapsed_shows_it_no_more(host: Host, maya: FlaskClient) -> None:
    host.request()
    ref = invited(host).ref
    address = f"/portal/appointments/{ref}/accept"
    assert [a for a in open_page(maya, UPCOMING).forms if a.endswith("accept")] == [address]
    host.clock.now = TUESDAY_TEN + DAY + timedelta(minutes=1)
    assert address not in open_page(maya, UPCOMING).forms
    answer = maya.post(address, data={"portal_token": form_token(host.state, "maya")})
    assert answer.status_code == 409
    assert "+1 212 555 0100" in read(answer).words
    assert status(host, ref) == "invited"


def test_a_withdrawn_invitation_can_no_longer_be_accepted(host: Host, maya: FlaskClient) -> None:
    ref = invited(host).ref
    address = f"/portal/appointments/{ref}/accept"
    form = answer_form(maya, address)
    with host.app.app_context():
        host.portal.withdraw(ref)
    answer = maya.post(address, data=form)
    assert answer.status_code == 409
    assert "withdrawn and can no longer be accepted" in read(answer).words


def test_a_request_cannot_be_accepted_by_its_client(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    invited(host)
    form = answer_form(maya, next(a for a in open_page(maya, UPCOMING).forms if a.endswith("accept")))
    assert maya.post(f"/portal/appointments/{ref}/accept", data=form).status_code == 409
    assert status(host, ref) == "requested"


def test_an_invitation_can_be_declined(host: Host, maya: FlaskClient) -> None:
    ref = invited(host).ref
    address = f"/portal/appointments/{ref}/cancel"
    assert "Decline this invitation?" in open_page(maya, address).words
    assert maya.post(address, data=answer_form(maya, address)).status_code == 303
    assert status(host, ref) == "cancelled"


# Cancel.


def test_cancel_asks_first_and_takes_a_reason(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    address = f"/portal/appointments/{ref}/cancel"
    page = open_page(maya, address)
    assert "Cancel this appointment?" in page.words
    assert "Reason (optional)" in page.words
    assert UPCOMING in page.links
    assert status(host, ref) == "requested"
    answer = maya.post(address, data=page.forms[address][0] | {"reason": "Feeling better"})
    assert (answer.status_code, answer.location) == (303, UPCOMING)
    with host.app.app_context():
        cancelled = host.portal.appointment(ref)
    assert (cancelled.status, cancelled.reason, cancelled.message) == ("cancelled", "Feeling better", "")
    assert not cards(open_page(maya, UPCOMING))


def test_the_client_s_reason_is_not_written_to_the_client(host: Host, maya: FlaskClient) -> None:
    address = f"/portal/appointments/{confirmed(host).ref}/cancel"
    maya.post(address, data=answer_form(maya, address) | {"reason": "PLANTED"})
    mails = host.deliver()
    assert "cancelled" in mails[-1].text
    for mail in mails:
        parts = [str(part.get_content()) for part in mail.message.walk() if not part.is_multipart()]
        assert "PLANTED" not in " ".join([mail.subject, *parts])


def test_cancelled_twice_is_cancelled_once(host: Host, maya: FlaskClient) -> None:
    address = f"/portal/appointments/{host.request().ref}/cancel"
    form = answer_form(maya, address)
    assert maya.post(address, data=form).status_code == 303
    before = stored(host)
    assert maya.post(address, data=form).status_code == 303
    assert stored(host) == before


def test_what_was_declined_meanwhile_is_told(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    address = f"/portal/appointments/{ref}/cancel"
    form = answer_form(maya, address)
    with host.app.app_context():
        host.portal.decline(ref)
    answer = maya.post(address, data=form)
    assert answer.status_code == 409
    assert "declined" in read(answer).words
    page = open_page(maya, address)
    assert "This appointment is already declined" in page.words
    assert not page.forms


@pytest.fixture
def soon(host: Host) -> str:
    """An appointment inside the cancellation window of 24 hours, one second past its edge."""
    ref = confirmed(host).ref
    host.clock.now = TUESDAY_TEN - timedelta(hours=24)
    return ref


def test_inside_the_window_both_get_and_post_say_whom_to_call(host: Host, maya: FlaskClient, soon: str) -> None:
    address = f"/portal/appointments/{soon}/cancel"
    host.clock.advance(timedelta(seconds=-1))
    form = answer_form(maya, address)
    host.clock.advance(timedelta(seconds=1))
    page = open_page(maya, address)
    assert "Please call to cancel" in page.words
    assert "+1 212 555 0100" in page.words
    assert not page.forms
    answer = maya.post(address, data=form)
    assert answer.status_code == 409
    assert "+1 212 555 0100" in read(answer).words
    assert status(host, soon) == "confirmed"


def test_a_request_can_be_taken_back_inside_the_window(host: Host, maya: FlaskClient) -> None:
    address = f"/portal/appointments/{host.request().ref}/cancel"
    host.clock.now = TUESDAY_TEN - timedelta(hours=1)
    assert maya.post(address, data=answer_form(maya, address)).status_code == 303


@pytest.mark.parametrize("reason", ["x" * 501, "a\0b", "a\x1bb"])
def test_a_reason_that_cannot_be_stored_comes_back_with_why(host: Host, maya: FlaskClient, reason: str) -> None:
    ref = host.request().ref
    address = f"/portal/appointments/{ref}/cancel"
    answer = maya.post(address, data=answer_form(maya, address) | {"reason": reason})
    assert answer.status_code == 422
    page = read(answer)
    assert page.summary_links == ["#portal-reason"]
    assert page.forms[address][0]["reason"].startswith(reason[0])
    assert status(host, ref) == "requested"


# The calendar file.


def test_a_confirmed_appointment_has_a_calendar_file(host: Host, maya: FlaskClient) -> None:
    appointment = confirmed(host)
    answer = maya.get(f"/portal/appointments/{appointment.ref}/calendar.ics")
    assert answer.mimetype == "text/calendar"
    assert answer.mimetype_params["method"] == "PUBLISH"
    assert "attachment" in answer.headers["Content-Disposition"]
    calendar = Calendar.from_ical(answer.data)
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "PUBLISH"
    assert event["DTSTART"].dt == TUESDAY_TEN
    assert event["DTEND"].dt == TUESDAY_TEN + timedelta(minutes=50)
    assert event["UID"] == f"{appointment.ref}@www.elmrow.example"
    assert "Therapy" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("verb", ["request", "decline", "cancel"])
def test_what_is_not_confirmed_has_none(host: Host, maya: FlaskClient, verb: str) -> None:
    ref = host.request().ref
    if verb != "request":
        with host.app.app_context():
            getattr(host.portal, verb)(ref)
    assert maya.get(f"/portal/appointments/{ref}/calendar.ics").status_code == 404


# What stays readable.


def test_appointments_of_a_provider_who_left_stay_listed(host: Host, maya: FlaskClient) -> None:
    ref = confirmed(host).ref
    data = practice()
    data["providers"] = data["providers"][1:]
    data["appointment_types"] = data["appointment_types"][:1]
    host.apply(data)
    page = open_page(maya, UPCOMING)
    assert cards(page) == [ref]
    assert "Ada Moreau" in page.words


def test_a_long_list_is_shown_whole(host: Host, maya: FlaskClient) -> None:
    host.clock.now = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)
    refs = [host.request(starts=TUESDAY_TEN + n * DAY).ref for n in (0, 1, 2, 3, 6, 7, 8, 9, 10, 13)]
    assert cards(open_page(maya, UPCOMING)) == refs
    assert counted(host)[0] == 10


# What a confirmed one needs.


def by_video(host: Host) -> None:
    data = practice()
    data["locations"][1]["map"] = "https://www.elmrow.example/annex"
    data["contact_types"] = [
        one | {"join_url": "https://video.example/{provider}"} if one["key"] == "phone" else one
        for one in data["contact_types"]
    ]
    data["contact_types"][0]["instructions"] = "Ring <twice>."
    data["appointment_types"][0]["instructions"] = "Bring your card."
    host.apply(data)


def outward(page: Page) -> list[dict[str, str]]:
    return [tag for tag in page.named("a") if tag["href"].startswith("https://")]


def test_a_confirmed_one_says_what_to_know_and_a_request_does_not(host: Host, maya: FlaskClient) -> None:
    by_video(host)
    ref = host.request().ref
    assert "Bring your card." not in open_page(maya, UPCOMING).words
    with host.app.app_context():
        host.portal.confirm(ref)
    words = open_page(maya, UPCOMING).words
    assert "Ring <twice>." in words
    assert "Bring your card." in words


def test_where_to_join_is_told_once_it_is_confirmed_and_never_before(host: Host, maya: FlaskClient) -> None:
    by_video(host)
    ref = host.request(contact="phone", location=None).ref
    step_3 = f"/portal/appointments/{ref}/requested"
    for address in (UPCOMING, step_3):
        assert "video.example" not in maya.get(address).text
    with host.app.app_context():
        host.portal.confirm(ref)
    for address in (UPCOMING, step_3):
        assert "https://video.example/ada" in [tag["href"] for tag in outward(open_page(maya, address))]
    file = Calendar.from_ical(maya.get(f"/portal/appointments/{ref}/calendar.ics").data)
    assert "Join: https://video.example/ada" in file.walk("VEVENT")[0]["description"]
    with host.app.app_context():
        host.portal.cancel(ref)
    assert "video.example" not in maya.get(step_3).text


def test_an_address_has_directions_and_a_map_of_the_practice_comes_first(host: Host, maya: FlaskClient) -> None:
    by_video(host)
    confirmed(host)
    confirmed(host, TUESDAY_TEN + DAY, provider="ben", location="annex")
    links = outward(open_page(maya, UPCOMING))
    ways = [tag["href"] for tag in links if tag.get("id", "").startswith("way-")]
    assert ways == [
        "https://www.openstreetmap.org/search?query=1%20Main%20Street%2C%20New%20York",
        "https://www.elmrow.example/annex",
    ]


def test_a_confirmed_one_is_put_into_any_calendar(host: Host, maya: FlaskClient) -> None:
    ref = confirmed(host).ref
    host.request(starts=TUESDAY_TEN + DAY)
    for address in (UPCOMING, f"/portal/appointments/{ref}/requested"):
        page = open_page(maya, address)
        assert len(page.named("details")) == len([id_ for id_ in page.ids if id_.startswith("calendars-")]) == 1
        assert f"/portal/appointments/{ref}/calendar.ics" in page.links
        sites = [urlsplit(tag["href"]).hostname for tag in outward(page) if "id" not in tag]
        assert sites == ["calendar.google.com", "outlook.live.com", "outlook.office.com"]


def test_who_follows_a_link_out_of_the_site_tells_nobody_where_from(host: Host, maya: FlaskClient) -> None:
    by_video(host)
    confirmed(host, contact="phone", location=None)
    confirmed(host, TUESDAY_TEN + DAY)
    links = outward(open_page(maya, UPCOMING))
    assert len(links) == 8
    assert {tag.get("rel") for tag in links} == {"noreferrer"}
