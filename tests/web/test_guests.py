"""Who has no account asks for a time, shows that the mail address is theirs, and sees to what they asked for."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_plugin import Client, Refused, appointment_requested
from portal_plugin.services.tokens import link_token
from tests.practices import practice
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.pages import BOOK, HTMX, UPCOMING, counted, open_page, read, stored
from tests.web.statements import statements
from tests.web.visiting import (
    ELEVEN,
    NINA,
    TEN,
    YOU,
    ask,
    became_guest,
    guest_page_in,
    introduction,
    link_in,
    open_practice,
    page_of,
    press,
    rows,
)

__all__ = ["database_url", "host", "lasting_postgres"]

HOUR = timedelta(hours=1)


@pytest.fixture
def open_host(host: Host) -> Host:
    host.apply(open_practice())
    return host


@pytest.fixture
def visitor(open_host: Host) -> FlaskClient:
    return open_host.browser(None)


# The walk.


def test_a_visitor_books_by_mail_and_the_practice_hears_only_at_the_end(open_host: Host, visitor: FlaskClient) -> None:
    first = open_page(visitor, BOOK)
    assert "Therapy visit" in first.words
    assert "Quick call" not in first.words
    assert "Already a client? Sign in" in first.words
    assert "/sign-in?next=/portal/appointments/book" in first.links
    second = open_page(visitor, STEP_2)
    [form] = second.forms[YOU]
    assert set(form) == {"type", "contact", "location"}
    third = open_page(visitor, f"{STEP_2.replace('/time?', '/you?')}&starts={second.times[0]}")
    assert "What brings you here?" in third.words
    assert "How did you hear of us? (optional)" in third.words
    answer = ask(visitor)
    assert "We sent a link to nina@example.org" in page_of(answer, 200).words
    assert counted(open_host) == (0, 1)
    [mail] = open_host.deliver()
    assert mail.to == ["nina@example.org"]
    assert "Location: Main Street, 1 Main Street, New York" in mail.text
    link = link_in(mail)
    shown = open_page(visitor, link)
    assert "This time is kept for you until 8:00 AM. Nothing has been sent yet." in shown.words
    assert "Tuesday, December 8, 2026" in shown.words
    assert counted(open_host)[0] == 0
    sent = press(visitor, link)
    assert sent.status_code == 303
    step_3 = open_page(visitor, sent.location)
    assert "Your request went to Elm Row Practice for review." in step_3.words
    [received] = open_host.deliver()
    assert received.to == ["nina@example.org"]
    own = open_page(visitor, guest_page_in(received))
    assert "Waiting for Elm Row Practice to answer." in own.words


def test_the_host_hears_of_the_request_after_the_link_and_not_before(open_host: Host, visitor: FlaskClient) -> None:
    heard: list[Any] = []

    @appointment_requested.connect_via(open_host.app)
    def hear(app: Any, appointment: Any) -> None:
        heard.append(appointment)

    ask(visitor)
    [mail] = open_host.deliver()
    visitor.get(link_in(mail))
    assert heard == []
    press(visitor, link_in(mail))
    [request] = heard
    assert (request.client.name, request.client.phone) == ("Nina Okeke", "+12125550187")
    assert request.client.new


def test_a_practice_without_the_section_sends_visitors_to_sign_in(host: Host) -> None:
    visitor = host.browser(None)
    for address in (BOOK, STEP_2, YOU, UPCOMING):
        answer = visitor.get(address)
        assert answer.status_code == 302, address
        assert answer.location.startswith("/sign-in?next=")


def test_upcoming_still_asks_a_visitor_to_sign_in(visitor: FlaskClient) -> None:
    assert visitor.get(UPCOMING).location.startswith("/sign-in?next=")


def test_a_client_who_signed_in_on_the_way_is_not_asked_who_they_are(open_host: Host) -> None:
    answer = open_host.browser("maya").get(f"{STEP_2.replace('/time?', '/you?')}&starts={TEN}")
    assert answer.status_code == 303
    assert answer.location.startswith(f"{BOOK}/time?")


def test_what_is_not_for_anyone_is_not_for_a_visitor(open_host: Host, visitor: FlaskClient) -> None:
    form = introduction(visitor)
    page = page_of(visitor.post(YOU, data=form | {"type": "call", "contact": "phone", "location": ""}), 422)
    assert page.summary_links == ["#portal-type"]
    assert counted(open_host) == (0, 0)
    assert rows(open_host, "guest_request") == []


# The link.


def test_opening_the_link_changes_nothing_however_often(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    before = stored(open_host), rows(open_host, "guest_request")
    for _ in range(3):
        assert open_host.browser(None).get(link_in(mail)).status_code == 200
        assert open_host.browser(None).head(link_in(mail)).status_code == 200
    assert (stored(open_host), rows(open_host, "guest_request")) == before


def test_pressing_the_button_twice_makes_one_request(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    link = link_in(mail)
    form = open_page(visitor, link).forms[link][0]
    answers = [visitor.post(link, data=form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    [appointment] = rows(open_host, "appointment")
    assert all(appointment[1] in answer.location for answer in answers)
    assert len(open_host.deliver()) == 1


def test_a_link_that_was_used_says_so(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    press(visitor, link_in(mail))
    page = page_of(visitor.get(link_in(mail)), 410)
    assert "This link has been used" in page.words
    open_host.clock.advance(timedelta(hours=2))
    assert visitor.post(link_in(mail)).status_code == 410


@pytest.mark.parametrize("purged", [False, True])
def test_an_expired_link_leads_back_to_the_same_choices(open_host: Host, visitor: FlaskClient, purged: bool) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    link = link_in(mail)
    form = open_page(visitor, link).forms[link][0]
    open_host.clock.advance(timedelta(hours=1))
    if purged:
        open_host.deliver()
        assert "nina" not in str(rows(open_host, "guest_request")).casefold()
        assert stored(open_host)["claim"] == stored(open_host)["outbox"] == []
    for answer in (visitor.get(link), visitor.post(link, data=form)):
        page = page_of(answer, 410)
        assert "This link has expired" in page.words
        assert f"{BOOK}/time?type=visit&contact=in-person&location=main" in page.links
    assert counted(open_host)[0] == 0


def test_a_link_is_forgotten_a_week_after_it_expired(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    open_host.clock.advance(timedelta(hours=1))
    open_host.deliver()
    open_host.clock.advance(timedelta(days=8))
    ask(visitor, "2026-12-22T15:00:00Z")
    open_host.clock.advance(timedelta(hours=1))
    open_host.deliver()
    assert len(rows(open_host, "guest_request")) == 1


@pytest.mark.parametrize("purpose", ["again", "guest", "verify"])
def test_a_stranger_s_token_leads_nowhere(open_host: Host, visitor: FlaskClient, purpose: str) -> None:
    ref = open_host.request("theo").ref
    token = link_token(open_host.state, purpose, ref)
    before = stored(open_host)["appointment"]
    addresses = [f"/portal/verify/{token}x", "/portal/verify/none", f"/portal/guest/{token}x"]
    addresses += [f"/portal/verify/{token}"] if purpose != "verify" else [f"/portal/guest/{token}"]
    addresses += [f"/portal/guest/{token}"] if purpose == "again" else []
    for address in addresses:
        assert visitor.get(address).status_code == 404, address
        assert visitor.post(address).status_code in {404, 405}
    assert stored(open_host)["appointment"] == before


def test_the_form_behind_the_link_is_needed(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    assert visitor.post(link_in(mail)).status_code == 400
    foreign = {"Origin": "https://elsewhere.example"}
    form = open_page(visitor, link_in(mail)).forms[link_in(mail)][0]
    assert visitor.post(link_in(mail), data=form, headers=foreign).status_code == 400
    assert counted(open_host)[0] == 0


# The hold.


def test_the_time_is_kept_while_the_visitor_walks_to_the_mailbox(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    assert TEN not in open_page(open_host.browser("maya"), STEP_2).times
    with open_host.app.app_context():
        slots = open_host.portal.find_slots(type="visit", contact="in-person", location="main")
        assert TUESDAY_TEN not in [slot.starts for slot in slots]
    open_host.clock.advance(timedelta(minutes=59))
    [mail] = open_host.deliver()
    assert "the time is kept for you" in mail.text
    assert press(visitor, link_in(mail)).status_code == 303
    assert len(stored(open_host)["claim"]) == 1


def test_a_time_nobody_came_back_for_is_free_again(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    open_host.clock.advance(timedelta(hours=1))
    assert TEN in open_page(open_host.browser("maya"), STEP_2).times
    assert open_host.request("maya", provider="ada").status == "requested"


def test_the_second_of_two_visitors_at_one_time_is_told_and_loses_nothing(open_host: Host) -> None:
    one, other = open_host.browser(None), open_host.browser(None)
    forms = introduction(one), introduction(other, email="omar@example.org", note="Gate code 7")
    assert one.post(YOU, data=forms[0]).status_code == 200
    page = page_of(other.post(YOU, data=forms[1]), 409)
    assert page.summary_links == ["#portal-starts"]
    [form] = page.forms[YOU]
    assert (form["email"], form["note"], form["q-brings"]) == ("omar@example.org", "Gate code 7", NINA["q-brings"])
    assert TEN not in page.times
    assert other.post(YOU, data=form | {"starts": page.times[0]}).status_code == 200
    assert len(open_host.deliver()) == 2


def test_nobody_frees_another_s_time_by_typing_their_address(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    assert ask(open_host.browser(None), ELEVEN).status_code == 200
    [second] = open_host.deliver()
    assert "The time is not kept for you until you send the request." in second.text
    maya = open_host.browser("maya")
    assert TEN not in open_page(maya, STEP_2).times
    assert ELEVEN in open_page(maya, STEP_2).times
    assert press(visitor, link_in(mail)).status_code == 303
    assert press(visitor, link_in(second)).status_code == 303


def test_another_time_can_be_chosen_behind_the_link_when_the_first_is_gone(
    open_host: Host, visitor: FlaskClient
) -> None:
    ask(visitor)
    ask(visitor, ELEVEN)
    open_host.request("theo", TUESDAY_TEN + HOUR)
    _, mail = open_host.deliver()[:2]
    page = page_of(press(visitor, link_in(mail)), 409)
    assert "That time was taken a moment ago." in page.words
    assert ELEVEN not in page.times
    answer = visitor.post(link_in(mail), data=page.forms[link_in(mail)][0] | {"starts": page.times[-1]})
    assert answer.status_code == 303
    assert len(rows(open_host, "appointment")) == 2


def test_what_was_typed_can_be_corrected_and_the_time_stays_held(open_host: Host, visitor: FlaskClient) -> None:
    answer = page_of(ask(visitor, email="nnia@example.org"), 200)
    [again] = answer.forms[YOU]
    page = page_of(visitor.post(YOU, data=again | {"correct": "1"}), 200)
    [form] = page.forms[YOU]
    assert form.items() >= (NINA | {"email": "nnia@example.org"}).items()
    assert visitor.post(YOU, data=form | {"email": "nina@example.org"}).status_code == 200
    assert "nnia" not in str(stored(open_host)["outbox"]), "somebody else may have that address"
    [mail] = open_host.deliver()
    assert mail.to == ["nina@example.org"]
    assert "the time is kept for you" in mail.text
    assert press(visitor, link_in(mail)).status_code == 303


def test_a_form_sent_twenty_times_is_one_draft_and_one_mail(open_host: Host, visitor: FlaskClient) -> None:
    form = introduction(visitor)
    assert {visitor.post(YOU, data=form).status_code for _ in range(20)} == {200}
    assert len(open_host.deliver()) == 1
    assert len(stored(open_host)["claim"]) == 1


def test_a_form_whose_request_was_sent_makes_another_only_when_sent_again(
    open_host: Host, visitor: FlaskClient
) -> None:
    form = introduction(visitor)
    visitor.post(YOU, data=form)
    [mail] = open_host.deliver()
    press(visitor, link_in(mail))
    page = page_of(visitor.post(YOU, data=form), 409)
    assert page.summary_links == ["#portal-send"]
    [again] = page.forms[YOU]
    assert again["key"] != form["key"]
    assert visitor.post(YOU, data=again | {"starts": ELEVEN}).status_code == 200


def test_where_requests_hold_no_time_a_visitor_holds_none(open_host: Host, visitor: FlaskClient) -> None:
    open_host.apply(open_practice(requests_hold_time=False))
    ask(visitor)
    assert stored(open_host)["claim"] == []
    [mail] = open_host.deliver()
    assert "not kept for you" in mail.text
    assert "kept for you" not in open_page(visitor, link_in(mail)).words
    assert press(visitor, link_in(mail)).status_code == 303


# Known and unknown.


def test_a_known_address_gets_the_same_answer_by_the_same_work(open_host: Host) -> None:
    open_host.request("maya", TUESDAY_TEN + 4 * HOUR)
    answers, work = [], []
    for email in ("maya@example.org", "mayb@example.org"):
        visitor = open_host.browser(None)
        form = introduction(visitor, TEN if email < "mayb" else ELEVEN, email=email)
        with statements() as seen:
            answer = visitor.post(YOU, data=form)
        work.append(seen)
        told = answer.text.replace(email, "address")
        for value in (form["key"], form["portal_token"], form["starts"], read(answer).forms[YOU][0]["portal_token"]):
            told = told.replace(value, "")
        answers.append((answer.status_code, dict(answer.headers), told))
    assert answers[0] == answers[1]
    assert work[0] == work[1]
    mails = open_host.deliver()[-2:]
    assert mails[0].subject == mails[1].subject


# Limits.


def test_an_address_gets_five_mails_an_hour_and_what_was_typed_is_still_there(open_host: Host) -> None:
    answers = [ask(open_host.browser(None)).status_code]
    answers += [ask(open_host.browser(None), f"2026-12-1{day}T15:00:00Z").status_code for day in (0, 1, 4, 5)]
    assert answers == [200] * 5
    refused = ask(open_host.browser(None), "2026-12-16T15:00:00Z", note="Gate code 7")
    page = page_of(refused, 429)
    assert page.forms[YOU][0]["note"] == "Gate code 7"
    assert "try again in 60 minutes, or call" in page.words
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert ask(open_host.browser(None), "2026-12-16T15:00:00Z", email="omar@example.org").status_code == 200
    assert "nina" not in str(rows(open_host, "rate"))
    open_host.clock.advance(timedelta(hours=1))
    assert ask(open_host.browser(None), "2026-12-16T15:00:00Z").status_code == 200


def test_a_network_gets_no_more_mails_than_its_limit_says(open_host: Host) -> None:
    def send(number: int, network: str) -> int:
        visitor = open_host.browser(None)
        starts = f"2026-12-{8 + number % 4:02}T{14 + number // 4 % 3:02}:00:00Z"
        form = introduction(visitor, starts, email=f"n{number}@example.org")
        return visitor.post(YOU, data=form, environ_base={"REMOTE_ADDR": network}).status_code

    open_host.apply(open_practice(requests_hold_time=False))
    open_host.limit(guest_network="20/hour")
    answers = [send(number, f"2001:db8::{number:x}") for number in range(1, 22)]
    assert answers.count(429) == 1
    assert answers[-1] == 429
    assert send(99, "2001:db8:0:1::1") != 429


# A page of one's own.


def test_a_guest_sees_moves_and_cancels_by_the_mailed_link(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    [mail] = open_host.deliver()
    home = guest_page_in(mail)
    page = open_page(visitor, home)
    [move] = [link for link in page.links if link.endswith("/reschedule")]
    assert move.startswith(home)
    assert not [link for link in page.links if "reminders" in link or link.endswith("/calendar")]
    step_2 = open_page(visitor, f"{move}?date=2026-12-09")
    assert step_2.form
    answer = visitor.post(move, data=step_2.form | {"starts": step_2.times[0]})
    assert answer.status_code == 303
    assert answer.location.startswith(home)
    assert "stays yours until they confirm this time" in open_page(visitor, answer.location).words
    with open_host.app.app_context():
        newest = open_host.portal.appointments(status="requested")[-1]
        open_host.portal.confirm(newest.ref)
    confirmed = open_host.deliver()[-1]
    assert f"{home}/{newest.ref}/calendar.ics" in confirmed.text
    assert visitor.get(f"{home}/{newest.ref}/calendar.ics").status_code == 200
    cancel = f"{home}/{newest.ref}/cancel"
    form = open_page(visitor, cancel).forms[cancel][0]
    assert visitor.post(cancel, data=form).location == home
    with open_host.app.app_context():
        assert open_host.portal.appointment(newest.ref).status == "cancelled"
    [cancelled] = open_host.deliver()
    assert "Cancelled" in cancelled.subject
    again = guest_page_in(cancelled) + f"/{newest.ref}/again"
    assert again in cancelled.text
    assert visitor.get(again).location.startswith(f"{BOOK}/time?type=visit")


def test_a_guest_accepts_an_invitation_by_the_mailed_link(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    with open_host.app.app_context():
        [asked] = open_host.portal.appointments()
        open_host.portal.invite(
            asked.client,
            type="visit",
            contact="in-person",
            location="main",
            starts=TUESDAY_TEN + 24 * HOUR,
            replaces=asked.ref,
        )
    invited = open_host.deliver()[-1]
    page = open_page(visitor, guest_page_in(invited))
    [accept] = [address for address in page.forms if address.endswith("/accept")]
    assert visitor.post(accept, data=page.forms[accept][0]).location == guest_page_in(invited)
    with open_host.app.app_context():
        assert [one.status for one in open_host.portal.appointments(status="confirmed")] == ["confirmed"]


def test_a_guest_s_link_opens_what_it_is_about_and_nothing_else(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    [first] = open_host.deliver()
    became_guest(open_host, ELEVEN)
    theo_s = open_host.request("theo", TUESDAY_TEN + 4 * HOUR).ref
    with open_host.app.app_context():
        one, other = [one for one in open_host.portal.appointments() if one.client.id != "theo"]
    assert one.client.id == other.client.id
    home = guest_page_in(first)
    assert one.ref in visitor.get(home).text
    assert other.ref not in visitor.get(home).text
    for ref in (other.ref, theo_s, "0" * 32):
        for name in ("cancel", "requested", "reschedule", "calendar.ics", "again"):
            assert visitor.get(f"{home}/{ref}/{name}").status_code == 404, name
    # Nothing was left in the browser: without the link it is a visitor's again.
    assert visitor.get(UPCOMING).location.startswith("/sign-in")


def test_a_guest_s_link_ends_with_the_appointment(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    [mail] = open_host.deliver()
    open_host.clock.advance(timedelta(days=1, hours=3))
    assert visitor.get(guest_page_in(mail)).status_code == 200
    open_host.clock.advance(timedelta(hours=1))
    page = page_of(visitor.get(guest_page_in(mail)), 410)
    assert BOOK in page.links


def test_a_guest_s_link_leads_to_nothing_once_they_were_erased(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    [mail] = open_host.deliver()
    with open_host.app.app_context():
        [asked] = open_host.portal.appointments()
        open_host.portal.erase_client(asked.client.id, cancel=True)
    assert visitor.get(guest_page_in(mail)).status_code == 404


def test_the_list_on_a_guest_s_page_asks_for_itself(open_host: Host) -> None:
    visitor, _ = became_guest(open_host)
    [mail] = open_host.deliver()
    home = guest_page_in(mail)
    answer = visitor.get(home, headers=HTMX)
    assert f'data-hx-get="{home}"' in answer.text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


# The host's account.


def test_the_host_makes_an_account_of_a_verified_guest(open_host: Host, visitor: FlaskClient) -> None:
    seen = []

    @open_host.portal.guest_verified
    def account(guest: Any) -> Client:
        seen.append(guest)
        return Client("nina-7", guest.name, guest.email, guest.phone)

    ask(visitor)
    [mail] = open_host.deliver()
    assert seen == []
    sent = press(visitor, link_in(mail))
    [guest] = seen
    assert (guest.name, guest.email, guest.phone) == ("Nina Okeke", "nina@example.org", "+12125550187")
    assert open_page(visitor, sent.location).words
    [received] = open_host.deliver()
    assert f"https://www.elmrow.example{UPCOMING}" in received.text
    PEOPLE["nina-7"] = Client("nina-7", "Nina Okeke", "nina@example.org")
    try:
        assert "Tuesday, December 8" in open_page(open_host.browser("nina-7"), UPCOMING).words
    finally:
        del PEOPLE["nina-7"]


def test_the_same_mailbox_is_the_same_guest(open_host: Host) -> None:
    became_guest(open_host)
    open_host.deliver()
    became_guest(open_host, ELEVEN, email="Nina@Example.org")
    with open_host.app.app_context():
        ids = {one.client.id for one in open_host.portal.appointments()}
    assert len(ids) == 1
    assert "nina" not in ids.pop()


@pytest.mark.parametrize("kind", ["raises", "returns something else"])
def test_a_host_that_breaks_over_a_guest_is_asked_again_by_the_same_button(
    open_host: Host, visitor: FlaskClient, kind: str
) -> None:
    broken = [True]

    @open_host.portal.guest_verified
    def account(guest: Any) -> Any:
        if not broken:
            return None
        broken.clear()
        if kind == "raises":
            raise RuntimeError(guest.email)
        return "nina"

    ask(visitor)
    [mail] = open_host.deliver()
    page = page_of(press(visitor, link_in(mail)), 503)
    assert counted(open_host)[0] == 0
    assert visitor.post(link_in(mail), data=page.forms[link_in(mail)][0]).status_code == 303


def test_a_veto_is_told_behind_the_link(open_host: Host, visitor: FlaskClient) -> None:
    @open_host.portal.veto_request
    def not_at_ten(proposal: Any) -> None:
        if proposal.starts == TUESDAY_TEN:
            raise Refused("Not at ten, please.")

    ask(visitor)
    [mail] = open_host.deliver()
    page = page_of(press(visitor, link_in(mail)), 422)
    assert "Not at ten, please." in page.words
    assert press(visitor, link_in(mail), starts=ELEVEN).status_code == 303


# What they answered.


def test_intake_answers_are_for_staff_and_in_no_message(open_host: Host) -> None:
    visitor, step_3 = became_guest(open_host, note="Gate code 7")
    with open_host.app.app_context():
        [asked] = open_host.portal.appointments()
        open_host.portal.confirm(asked.ref)
    open_host.deliver()
    everything = "".join(mail.message.as_string() for mail in open_host.mailbox) + str(stored(open_host)["outbox"])
    for marker in ("Nächte", "N=C3=A4chte", "A friend", "1990-05-17"):
        assert marker not in everything
        assert marker not in visitor.get(step_3).text
    rosa = open_host.browser("rosa")
    page = open_page(rosa, f"/portal/review/appointments/{asked.ref}")
    for told in ("New client", "What brings you here? Zwölf Nächte ohne Schlaf", "How did you hear of us? A friend"):
        assert told in page.words
    assert "Have you been in therapy before? No" in page.words
    assert "Your date of birth May 17, 1990" in page.words
    with open_host.app.app_context():
        exported = open_host.portal.export_client(asked.client.id)
        assert {"appointment": asked.ref, "question": "Your date of birth", "answer": "1990-05-17"} in exported[
            "intake"
        ]
        open_host.portal.erase_client(asked.client.id, cancel=True)
    assert rows(open_host, "intake") == []


def test_the_mail_with_the_link_is_told_and_forgotten_with_what_it_became(open_host: Host) -> None:
    became_guest(open_host)
    with open_host.app.app_context():
        [asked] = open_host.portal.appointments()
        told = open_host.portal.export_client(asked.client.id)["messages"]
        assert [(one["appointment"], one["topic"]) for one in told] == [(asked.ref, "verify"), (asked.ref, "received")]
        open_host.portal.erase_client(asked.client.id, cancel=True)
    assert "nina" not in str(stored(open_host)).lower()


def test_the_queue_marks_a_new_client(open_host: Host) -> None:
    became_guest(open_host)
    open_host.request("theo", TUESDAY_TEN + 4 * HOUR)
    page = open_page(open_host.browser("rosa"), "/portal/review/")
    assert page.words.count("New client") == 1


def test_answers_follow_an_appointment_that_moves(open_host: Host) -> None:
    became_guest(open_host)
    with open_host.app.app_context():
        [asked] = open_host.portal.appointments()
        moved = open_host.portal.reschedule(asked.ref, starts=TUESDAY_TEN + 24 * HOUR)
    page = open_page(open_host.browser("rosa"), f"/portal/review/appointments/{moved.ref}")
    assert "Zwölf Nächte" in page.words


def test_text_reminders_are_agreed_to_when_the_request_is_sent(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor, text_reminders="1")
    assert stored(open_host)["consent"] == []
    [mail] = open_host.deliver()
    assert "Yes, send me text reminders." in open_page(visitor, link_in(mail)).words
    press(visitor, link_in(mail))
    [consent] = stored(open_host)["consent"]
    assert "+12125550187" in consent
    [appointment] = rows(open_host, "appointment")
    assert "+12125550187" in appointment


# Signed in or not, nothing is kept in the browser.


def test_no_cookie_is_set_on_the_way(open_host: Host, visitor: FlaskClient) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    answers = [ask(visitor, ELEVEN), visitor.get(link_in(mail)), press(visitor, link_in(mail))]
    answers.append(visitor.get(answers[-1].location))
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_a_mail_that_could_not_be_sent_is_listed_and_not_sent_after_the_link_has_expired(
    open_host: Host, visitor: FlaskClient
) -> None:
    ask(visitor)
    open_host.clock.advance(timedelta(hours=1, minutes=1))
    assert open_host.deliver() == []
    ask(visitor)
    listed = open_host.app.test_cli_runner().invoke(args=["portal", "outbox"])
    assert "verify" in listed.output
    assert "nina" not in listed.output


def test_a_practice_that_closes_to_new_clients_still_hears_of_who_was_on_the_way(
    open_host: Host, visitor: FlaskClient
) -> None:
    ask(visitor)
    [mail] = open_host.deliver()
    closed = practice()
    closed["appointment_types"][0]["who"] = "anyone"
    open_host.apply(closed)
    assert visitor.get(BOOK).status_code == 302
    assert press(visitor, link_in(mail)).status_code == 303


def test_a_guest_is_written_to_in_the_language_of_the_page_and_keeps_their_own_clock(open_host: Host) -> None:
    guests: list[Any] = []
    open_host.portal.guest_verified(lambda guest: guests.append(guest))
    visitor = open_host.browser(None)
    german = {"Accept-Language": "de-DE"}
    data = introduction(visitor, contact="phone", location="", zone="America/Los_Angeles")
    answer = visitor.post(YOU, data=data, headers=german)
    assert "Sehen Sie in Ihr Postfach" in page_of(answer, 200).words
    [mail] = open_host.deliver()
    assert mail.subject.startswith("Noch ein Schritt")
    assert "7:00 AM" in open_page(visitor, link_in(mail)).words
    press(visitor, link_in(mail))
    with open_host.app.app_context():
        [sent] = open_host.portal.appointments()
    assert (sent.client.language, sent.client.zone) == ("de-DE", "America/Los_Angeles")
    assert [(guest.language, guest.zone) for guest in guests] == [("de-DE", "America/Los_Angeles")]


def test_a_visitor_is_not_led_to_the_waitlist_which_is_for_clients(host: Host) -> None:
    host.apply(open_practice(waitlist_hours=4))
    assert "Join the waitlist" in open_page(host.browser(), STEP_2).words
    assert "Join the waitlist" not in open_page(host.browser(None), STEP_2).words


def test_step_3_of_a_guest_counts_the_steps_that_a_guest_took(open_host: Host) -> None:
    visitor, address = became_guest(open_host)
    assert "Details done Date and time done About you done Send it done" in open_page(visitor, address).words


def test_whoever_signs_in_from_about_you_comes_back_to_the_times_of_what_they_chose(open_host: Host) -> None:
    visitor = open_host.browser(None)
    page = page_of(ask(visitor, email="nobody"), 422)
    [way] = [link for link in page.links if link.startswith("/sign-in")]
    assert "/portal/appointments/book/time" in way
    assert "type%3Dvisit" in way or "type=visit" in way
