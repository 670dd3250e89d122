"""From a change to the mail that tells of it, over a real mail server."""

import re
from datetime import timedelta
from typing import Any

import pytest
import vobject
from icalendar import Calendar

from portal_plugin import Appointment, Client
from tests.delivery.mailbox import Mail, Mailbox
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import BOOK, open_page, ref_of, send, step_2

BASE = "https://www.elmrow.example"
FACTS = (
    "Tuesday, December 8, 2026",
    "10:00 AM",
    "10:50 AM",
    "Eastern Time (New York)",
    "Ada Moreau",
    "Main Street",
    "1 Main Street, New York",
    "Elm Row Practice",
    "+1 212 555 0100",
    "Maya Lindqvist",
)


def do(host: Host, verb: str, ref: str, **words: Any) -> Appointment:
    with host.app.app_context():
        changed: Appointment = getattr(host.portal, verb)(ref, **words)
    return changed


def invite(host: Host) -> Appointment:
    with host.app.app_context():
        return host.portal.invite(
            PEOPLE["maya"], type="visit", contact="in-person", location="main", starts=TUESDAY_TEN, message="See you?"
        )


def told(host: Host, mailbox: Mailbox) -> list[Mail]:
    """What the worker's next round brings."""
    before = len(mailbox.mails)
    host.deliver()
    return mailbox.mails[before:]


def says(mail: Mail, *facts: str) -> None:
    """The text and the HTML both say so."""
    html = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", mail.html))
    for fact in facts:
        assert fact in mail.text
        assert fact in html


def links(mail: Mail) -> list[str]:
    return re.findall(r"https?://\S+", mail.text)


def reschedule_path(mail: Mail) -> str:
    """The path of the Reschedule link, the same in the text and in the HTML."""
    [link] = [link for link in links(mail) if "/link/" in link]
    assert re.search(rf'href="{re.escape(link)}"[^>]*>Reschedule</a>', mail.html) or "Reschedule" not in mail.text
    assert link.startswith(f"{BASE}/portal/link/")
    return link.removeprefix(BASE)


def test_a_client_who_asked_is_told_that_the_request_arrived(posting: Host, mailbox: Mailbox) -> None:
    browser = posting.browser("maya")
    send(browser, step_2(browser, starts="2026-12-08T15:00:00Z"))
    [mail] = told(posting, mailbox)
    assert mail.recipients == ["maya@example.org"]
    assert mail.subject == "We have your request for Tuesday, December 8, 2026"
    assert str(mail.message["From"]) == "Elm Row Practice <desk@elmrow.example>"
    assert str(mail.message["Reply-To"]) == "Elm Row Practice <desk@elmrow.example>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    says(mail, *FACTS, "not an appointment yet")
    assert links(mail) == [f"{BASE}/portal/appointments/upcoming"]
    assert mail.part("calendar") is None


def test_a_confirmation_carries_the_facts_the_links_and_an_invitation(posting: Host, mailbox: Mailbox) -> None:
    ref = do(posting, "confirm", posting.request().ref).ref
    received, mail = told(posting, mailbox)
    assert received.subject.startswith("We have")
    assert mail.subject == "Confirmed: Tuesday, December 8, 2026, 10:00 AM"
    says(mail, *FACTS)
    assert f"{BASE}/portal/appointments/{ref}/calendar.ics" in links(mail)
    assert f"{BASE}/portal/appointments/upcoming" in links(mail)
    for name in ("iCal", "Google Calendar", "Outlook", "Microsoft 365"):
        assert f"{name}: https://" in mail.text
        assert f">{name}</a>" in mail.html


def test_where_to_join_is_mailed_with_the_confirmation_and_not_before(posting: Host, mailbox: Mailbox) -> None:
    data = practice(email_reminders=True)
    data["contact_types"][1]["join_url"] = "https://video.example/{provider}?room=1&pin=2"
    posting.apply(data)
    ref = posting.request(contact="phone", location=None).ref
    [received] = told(posting, mailbox)
    assert "video.example" not in received.text + received.html
    do(posting, "confirm", ref)
    [confirmed] = told(posting, mailbox)
    posting.clock.now = TUESDAY_TEN - timedelta(hours=24)
    [reminder] = told(posting, mailbox)
    for mail in (confirmed, reminder):
        assert "Join: https://video.example/ada?room=1&pin=2" in mail.text
        assert 'href="https://video.example/ada?room=1&amp;pin=2"' in mail.html
    event = Calendar.from_ical(confirmed.content("calendar")).walk("VEVENT")[0]
    assert event["description"].splitlines()[0] == "Join: https://video.example/ada?room=1&pin=2"
    do(posting, "cancel", ref)
    assert all("video.example" not in mail.text + mail.html for mail in told(posting, mailbox))


def test_the_invitation_is_one_that_mail_programs_understand(posting: Host, mailbox: Mailbox) -> None:
    ref = do(posting, "confirm", posting.request().ref).ref
    mail = told(posting, mailbox)[-1]
    part = mail.part("calendar")
    assert part is not None
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "REQUEST"
    assert mail.message.get_body(("plain",)) is not None
    assert [p.get_content_subtype() for p in mail.message.walk()][-1] == "calendar"
    assert mail.calendar["METHOD"] == "REQUEST"
    event = mail.event
    assert event["UID"] == f"{ref}@www.elmrow.example"
    assert event["DTSTART"].dt == TUESDAY_TEN
    assert event["DTEND"].dt == TUESDAY_TEN + timedelta(minutes=50)
    assert event["DTSTAMP"].dt == posting.clock()
    assert event["STATUS"] == "CONFIRMED"
    assert event["ORGANIZER"].lower() == "mailto:desk@elmrow.example"
    assert event["ORGANIZER"].params["CN"] == "Elm Row Practice"
    assert event["ATTENDEE"].lower() == "mailto:maya@example.org"
    assert event["LOCATION"] == "Main Street, 1 Main Street, New York"
    assert part.get_payload(decode=True).count(b"\r\n") > 10


def test_a_cancellation_takes_the_same_event_out_of_the_calendar(posting: Host, mailbox: Mailbox) -> None:
    ref = do(posting, "confirm", posting.request().ref).ref
    confirmation = told(posting, mailbox)[-1]
    do(posting, "cancel", ref, message="Ada is ill")
    [mail] = told(posting, mailbox)
    part = mail.part("calendar")
    assert part is not None
    assert part.get_param("method") == "CANCEL"
    assert mail.calendar["METHOD"] == "CANCEL"
    assert mail.event["UID"] == confirmation.event["UID"]
    assert mail.event["SEQUENCE"] > confirmation.event["SEQUENCE"]
    assert mail.event["STATUS"] == "CANCELLED"
    assert mail.event["ORGANIZER"] == confirmation.event["ORGANIZER"]
    assert mail.event["ATTENDEE"] == confirmation.event["ATTENDEE"]


def test_a_cancellation_by_the_client_does_so_too(posting: Host, mailbox: Mailbox) -> None:
    ref = do(posting, "confirm", posting.request().ref).ref
    uid = told(posting, mailbox)[-1].event["UID"]
    browser = posting.browser("maya")
    address = f"/portal/appointments/{ref}/cancel"
    form = open_page(browser, address).forms[address][0]
    assert browser.post(address, data=form | {"reason": "PLANTED"}).status_code == 303
    [mail] = told(posting, mailbox)
    assert (mail.calendar["METHOD"], mail.event["UID"]) == ("CANCEL", uid)
    says(mail, "as you asked")
    assert "PLANTED" not in mail.text + mail.html


def test_another_library_reads_the_same_invitation_change_and_cancellation(posting: Host, mailbox: Mailbox) -> None:
    first = do(posting, "confirm", posting.request().ref)
    with posting.app.app_context():
        moved = posting.portal.reschedule(first.ref, starts=TUESDAY_TEN + timedelta(hours=3))
    invited, changed = (mail for mail in told(posting, mailbox) if mail.part("calendar"))
    do(posting, "cancel", moved.ref)
    [cancelled] = told(posting, mailbox)
    read = [vobject.readOne(mail.content("calendar")) for mail in (invited, changed, cancelled)]
    assert [calendar.method.value for calendar in read] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {calendar.vevent.uid.value for calendar in read} == {f"{first.ref}@www.elmrow.example"}
    sequences = [int(calendar.vevent.sequence.value) for calendar in read]
    assert sequences == sorted(set(sequences))
    assert [calendar.vevent.dtstart.value for calendar in read] == [
        TUESDAY_TEN,
        TUESDAY_TEN + timedelta(hours=3),
        TUESDAY_TEN + timedelta(hours=3),
    ]
    assert {calendar.vevent.organizer.value.lower() for calendar in read} == {"mailto:desk@elmrow.example"}


def test_the_downloaded_file_is_the_same_event(posting: Host, mailbox: Mailbox) -> None:
    ref = do(posting, "confirm", posting.request().ref).ref
    mailed = told(posting, mailbox)[-1].event
    answer = posting.browser("maya").get(f"/portal/appointments/{ref}/calendar.ics")
    [event] = Calendar.from_ical(answer.data).walk("VEVENT")
    for name in ("UID", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "LOCATION"):
        assert event[name].to_ical() == mailed[name].to_ical()


def test_what_no_calendar_ever_held_is_cancelled_without_a_calendar_part(posting: Host, mailbox: Mailbox) -> None:
    do(posting, "cancel", posting.request().ref)
    do(posting, "withdraw", invite(posting).ref)
    mails = told(posting, mailbox)
    assert len(mails) == 4
    assert all(mail.part("calendar") is None for mail in mails)


@pytest.mark.parametrize("verb", ["decline", "cancel"])
def test_a_no_carries_the_practice_s_words_and_a_way_to_another_time(
    posting: Host, mailbox: Mailbox, verb: str
) -> None:
    ref = posting.request().ref
    if verb == "cancel":
        do(posting, "confirm", ref)
    do(posting, verb, ref, message="Ada is away.\nBen has time.")
    mail = told(posting, mailbox)[-1]
    says(mail, *FACTS, "sorry", "Ada is away.", "Ben has time.")
    browser = posting.browser("maya")
    answer = browser.get(reschedule_path(mail))
    assert answer.status_code == 303
    page = open_page(browser, answer.location)
    chosen = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"}
    assert chosen.items() <= page.form.items()
    again = ref_of(send(browser, page.form | {"starts": "2026-12-09T15:00:00Z"}))
    assert again != ref
    [mail] = told(posting, mailbox)
    assert "Wednesday, December 9, 2026" in mail.subject


def test_an_invitation_asks_and_its_acceptance_confirms(posting: Host, mailbox: Mailbox) -> None:
    ref = invite(posting).ref
    [mail] = told(posting, mailbox)
    assert mail.subject == "Elm Row Practice proposes Tuesday, December 8, 2026"
    says(mail, *FACTS, "See you?", "held for you")
    assert links(mail) == [f"{BASE}/portal/appointments/upcoming"]
    browser = posting.browser("maya")
    address = f"/portal/appointments/{ref}/accept"
    form = open_page(browser, "/portal/appointments/upcoming").forms[address][0]
    assert browser.post(address, data=form).status_code == 303
    [mail] = told(posting, mailbox)
    assert mail.subject.startswith("Confirmed: ")
    assert mail.calendar["METHOD"] == "REQUEST"


def test_a_withdrawn_invitation_is_called_one(posting: Host, mailbox: Mailbox) -> None:
    do(posting, "withdraw", invite(posting).ref, message="We closed that day")
    mail = told(posting, mailbox)[-1]
    says(mail, *FACTS, "We closed that day", "this invitation had to be cancelled")


@pytest.mark.parametrize("kind", ["request", "invitation"])
def test_what_nobody_answered_expires_and_the_client_is_told(posting: Host, mailbox: Mailbox, kind: str) -> None:
    ref = posting.request().ref if kind == "request" else invite(posting).ref
    told(posting, mailbox)
    posting.clock.now = TUESDAY_TEN - timedelta(seconds=1)
    assert told(posting, mailbox) == []
    posting.clock.now = TUESDAY_TEN
    [mail] = told(posting, mailbox)
    assert f"{kind} for Tuesday, December 8, 2026 has expired" in mail.subject
    says(mail, *FACTS)
    assert posting.browser("maya").get(reschedule_path(mail)).status_code == 303
    with posting.app.app_context():
        assert posting.portal.appointment(ref).status == "expired"
    assert told(posting, mailbox) == []


def test_a_type_that_confirms_itself_sends_one_mail(posting: Host, mailbox: Mailbox) -> None:
    browser = posting.browser("maya")
    ref_of(send(browser, step_2(browser, f"{BOOK}/time?type=call&contact=phone")))
    [mail] = told(posting, mailbox)
    assert mail.subject.startswith("Confirmed: ")
    says(mail, "Phone call")
    assert mail.event["LOCATION"] == "Phone call"


def test_the_same_decision_again_sends_nothing_more(posting: Host, mailbox: Mailbox) -> None:
    ref = posting.request().ref
    for _ in range(3):
        do(posting, "confirm", ref)
    assert len(told(posting, mailbox)) == 2
    assert told(posting, mailbox) == []


def test_a_client_without_an_address_gets_no_mail(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEOPLE, "maya", Client("maya", "Maya Lindqvist", ""))
    do(posting, "confirm", posting.request().ref)
    assert told(posting, mailbox) == []


def test_a_practice_without_an_address_sends_mails_without_a_calendar_part(posting: Host, mailbox: Mailbox) -> None:
    posting.apply(practice(email=""))
    do(posting, "confirm", posting.request().ref)
    mail = told(posting, mailbox)[-1]
    assert mail.part("calendar") is None
    assert mail.message["Reply-To"] is None
    assert "Google Calendar" in mail.text


def test_every_mail_has_an_id_of_its_own_under_the_site_s_name(posting: Host, mailbox: Mailbox) -> None:
    ref = posting.request().ref
    do(posting, "confirm", ref)
    do(posting, "cancel", ref)
    ids = [mail.id for mail in told(posting, mailbox)]
    assert len(set(ids)) == 3
    assert all(id_.endswith("@www.elmrow.example>") for id_ in ids)


def test_the_mails_of_one_appointment_are_one_conversation_through_all_moves(posting: Host, mailbox: Mailbox) -> None:
    first = do(posting, "confirm", posting.request().ref)
    with posting.app.app_context():
        posting.portal.reschedule(first.ref, starts=TUESDAY_TEN + timedelta(days=1))
    posting.request("theo", provider="ben", location="annex")
    *mails, other = sorted(told(posting, mailbox), key=lambda mail: mail.recipients)
    assert [mail.recipients for mail in (*mails, other)] == [["maya@example.org"]] * 3 + [["theo@example.org"]]
    assert len({mail.message["References"] for mail in mails}) == 1
    assert all(mail.message["In-Reply-To"] == mail.message["References"] for mail in mails)
    assert not {mail.id for mail in mails} & {mail.message["References"] for mail in mails}
    assert other.message["References"] != mails[0].message["References"]


def test_a_mail_tells_what_was_true_when_it_was_written(posting: Host, mailbox: Mailbox) -> None:
    ref = posting.request().ref
    do(posting, "decline", ref, message="Sorry")
    data = practice(phone="+1 212 555 9999")
    data["providers"][0]["name"] = "Somebody else"
    posting.apply(data)
    says(told(posting, mailbox)[-1], "Ada Moreau", "+1 212 555 0100")


# Umlauts, commas, quotation marks.


NAME = 'Praxis "Müller", Söhne & Co; AG'


def test_names_with_commas_and_umlauts_arrive_as_they_are(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = "Zoë 'Z' Ångström, 李小龍 \\ 😀"
    posting.apply(practice(name=NAME))
    monkeypatch.setitem(PEOPLE, "maya", Client("maya", maya, "maya@example.org"))
    do(posting, "confirm", posting.request().ref)
    mail = told(posting, mailbox)[-1]
    [address] = mail.message["Reply-To"].addresses
    assert (address.display_name, address.addr_spec) == (NAME, "desk@elmrow.example")
    assert f"Hello {maya}," in mail.text
    event = mail.event
    assert NAME in event["SUMMARY"]
    assert event["ORGANIZER"].params["CN"].replace('"', "'") == NAME.replace('"', "'")
    assert event["ATTENDEE"].params["CN"] == maya


def test_a_sender_with_a_comma_in_its_name_is_one_sender(posting: Host, mailbox: Mailbox) -> None:
    posting.app.config["MAIL_DEFAULT_SENDER"] = (NAME, "desk@elmrow.example")
    posting.request()
    [mail] = told(posting, mailbox)
    [address] = mail.message["From"].addresses
    assert (address.display_name, address.addr_spec) == (NAME, "desk@elmrow.example")
    assert mail.envelope_sender == "desk@elmrow.example"


def test_a_long_message_with_long_lines_arrives_whole(posting: Host, mailbox: Mailbox) -> None:
    words = " ".join(["Straße"] * 120) + "\n.\n.." + "\n" + "x" * 1000
    do(posting, "decline", posting.request().ref, message=words)
    assert words in told(posting, mailbox)[-1].text


def test_no_line_of_any_mail_is_longer_than_mail_servers_take(posting: Host, mailbox: Mailbox) -> None:
    """RFC 5321 section 4.5.3.1.6: 1,000 octets with the line break."""
    data = practice(name="Söhne & Töchter " * 7)
    data["locations"][0]["address"] = "Straße der langen Namen 1, " * 40
    posting.apply(data)
    do(posting, "confirm", posting.request().ref, message="ä" * 2000)
    assert len(told(posting, mailbox)) == 2
    for mail in mailbox.mails:
        assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
