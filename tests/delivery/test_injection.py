"""Nothing that anybody types becomes a header, a recipient or an event, and secrets stay inside."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal_plugin import Client, PortalError, appointment_requested
from tests.delivery.mailbox import Mail, Mailbox
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import UPCOMING, open_page, ref_of, send, step_2

HEADERS = {
    *("Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID", "Reply-To", "Auto-Submitted"),
    *("In-Reply-To", "References"),
}
PROPERTIES = {
    *("UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION", "STATUS"),
    *("ORGANIZER", "ATTENDEE"),
}
CONTROLS = "".join(map(chr, range(0x20))) + '\x7f\x85\u2028\u2029\u202e\ufeff,;:"\\'


@pytest.fixture
def posting(either_posting: Host) -> Host:
    return either_posting


def evil(chars: str) -> str:
    return "".join(f"Maya{c}Bcc: eve@evil.example{c}{c}BEGIN:VEVENT{c}ATTENDEE:MAILTO:eve@evil.example" for c in chars)


def as_expected(mail: Mail) -> None:
    assert sorted(mail.message.keys()) == sorted(HEADERS)
    assert mail.recipients == ["maya@example.org"]
    assert mail.message["To"] == "maya@example.org"
    assert not mail.message.defects
    assert [part.get_content_type() for part in mail.message.walk()][:4] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    if mail.part("calendar") is not None:
        [event] = mail.calendar.walk("VEVENT")
        assert set(event) == PROPERTIES
        assert event["ATTENDEE"].lower() == "mailto:maya@example.org"
        assert event["ORGANIZER"].lower() == "mailto:desk@elmrow.example"
        assert [part.name for part in mail.calendar.walk()] == ["VCALENDAR", "VEVENT"]


def whole_life(host: Host, name: str, words: str) -> None:
    """Requested, confirmed and cancelled, with `name` and `words` wherever they can go."""
    PEOPLE["maya"] = Client("maya", name, "maya@example.org", words)
    with host.app.app_context():
        ref = host.request(note=words).ref
        host.portal.confirm(ref, message=words)
        host.portal.cancel(ref, message=words)


@pytest.fixture
def maya_may_change() -> Iterator[None]:
    maya = PEOPLE["maya"]
    yield
    PEOPLE["maya"] = maya


@pytest.mark.usefixtures("maya_may_change")
def test_no_control_character_in_names_notes_or_messages_makes_a_header_or_an_event(
    posting: Host, mailbox: Mailbox
) -> None:
    for begin in range(0, len(CONTROLS), 8):
        some = evil(CONTROLS[begin : begin + 8])
        whole_life(posting, some, some)
    whole_life(posting, evil(CONTROLS), "\r\n".join(["x", "", "Bcc: eve@evil.example", ""]))
    posting.deliver()
    lives = len(CONTROLS) // 8 + 2
    assert len(mailbox.mails) == 3 * lives
    assert sum(mail.part("calendar") is not None for mail in mailbox.mails) == 2 * lives
    for mail in mailbox.mails:
        as_expected(mail)


@pytest.mark.usefixtures("maya_may_change")
@pytest.mark.parametrize("char", ["\n", "\r\x85\u2028", ",;:", '"\\', "\0\x1b"])
def test_nor_do_they_in_what_the_practice_calls_itself(posting: Host, mailbox: Mailbox, char: str) -> None:
    data = practice(name=evil(char)[:120], address=evil(char))
    data["providers"][0] |= {"name": evil(char)[:120], "title": evil(char)}
    data["locations"][0] |= {"name": evil(char)[:120], "address": evil(char)}
    data["contact_types"][0] |= {"instructions": evil(char)}
    try:
        posting.apply(data)
    except PortalError:
        return
    whole_life(posting, "Maya", "")
    with posting.app.app_context():
        posting.portal.invite(PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN)
    posting.deliver()
    assert len(mailbox.mails) == 4
    for mail in mailbox.mails:
        as_expected(mail)


@pytest.mark.usefixtures("maya_may_change")
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.text(max_size=80), words=st.text(max_size=200))
def test_nor_does_any_other_text(posting: Host, mailbox: Mailbox, name: str, words: str) -> None:
    mailbox.empty()
    whole_life(posting, name, words)
    posting.deliver()
    assert len(mailbox.mails) == 3
    for mail in mailbox.mails:
        as_expected(mail)


@pytest.mark.parametrize(
    "address",
    [
        "maya@example.org, eve@evil.example",
        "maya@example.org\r\nBcc: eve@evil.example",
        "maya@example.org\nRCPT TO:<eve@evil.example>",
        "maya@example.org>, <eve@evil.example",
        "Maya <maya@example.org>, eve@evil.example",
        "maya@example.org;eve@evil.example",
    ],
)
def test_an_address_that_is_two_reaches_nobody_else(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    try:
        monkeypatch.setitem(PEOPLE, "maya", Client("maya", "Maya", address))
        with posting.app.app_context():
            posting.portal.confirm(posting.request().ref)
    except (PortalError, ValueError):
        return
    posting.deliver()
    for mail in mailbox.mails:
        assert mail.recipients == ["maya@example.org"]
        assert [a.addr_spec for a in mail.message["To"].addresses] == ["maya@example.org"]
        assert sorted(mail.message.keys()) == sorted(HEADERS)
        if mail.part("calendar") is not None:
            assert str(mail.event["ATTENDEE"]).lower() == "mailto:maya@example.org"


# What stays inside.


def test_no_subject_event_or_link_says_what_for_or_why(posting: Host, mailbox: Mailbox) -> None:
    data = practice()
    data["appointment_types"][0] |= {"name": "PLANTEDTYPE", "description": "PLANTEDTYPE", "instructions": "PLANTEDTYPE"}
    posting.apply(data)
    browser = posting.browser("maya")
    with posting.app.app_context():
        ref = ref_of(send(browser, step_2(browser, note="PLANTEDNOTE", text_reminders="1")))
        posting.portal.confirm(ref, message="PLANTEDWORD")
        address = f"/portal/appointments/{ref}/cancel"
        form = open_page(browser, address).forms[address][0]
        browser.post(address, data=form | {"reason": "PLANTEDREASON"})
        for verb in (posting.portal.decline, posting.portal.cancel):
            verb(posting.request(note="PLANTEDNOTE").ref, message="PLANTEDWORD")
        posting.portal.withdraw(
            posting.portal.invite(
                PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN, message="PLANTEDWORD"
            ).ref
        )
        posting.request()
    posting.clock.now = TUESDAY_TEN
    posting.deliver()
    assert len(mailbox.mails) == 11
    for mail in mailbox.mails:
        assert "PLANTED" not in mail.subject
        assert not re.findall(r"https?://\S*PLANTED", mail.text + mail.html)
        assert not re.findall(r"https?://\S*(maya|Maya|Lindqvist|0187)", mail.text + mail.html)
        assert not re.findall("PLANTED(NOTE|REASON)", mail.text + mail.html)
        if mail.part("calendar") is not None:
            assert b"PLANTED" not in mail.calendar.to_ical()


def test_no_name_number_address_or_note_reaches_the_log(
    posting: Host, mailbox: Mailbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="portal_plugin")
    maya = Client("PLANTEDid", "PLANTEDname", "planted@example.org", "+1 212 555 0187")
    monkeypatch.setitem(PEOPLE, "maya", maya)

    def broken(_: Any, appointment: Any) -> None:
        raise RuntimeError("the host's own trouble")

    browser = posting.browser("maya")
    with appointment_requested.connected_to(broken, sender=posting.app):
        form = step_2(browser, note="PLANTEDnote", text_reminders="1", phone="(212) 555-0187")
        for wrong in (
            {"portal_token": "PLANTEDtoken"},
            {"starts": "PLANTED"},
            {"phone": "PLANTED"},
            {"type": "PLANTED"},
        ):
            assert send(browser, form | wrong).status_code in {400, 422}
        ref = ref_of(send(browser, form))
    address = f"/portal/appointments/{ref}/cancel"
    form = open_page(browser, address).forms[address][0]
    browser.get("/portal/link/PLANTEDtoken")
    browser.get(UPCOMING)
    for refusal in ("550 5.1.1 <planted@example.org> unknown", "421 PLANTED", "cut", ""):
        mailbox.answer(refusal)
        posting.deliver()
        posting.clock.advance(timedelta(hours=1))
    browser.post(address, data=form | {"reason": "PLANTEDreason"})
    with posting.app.app_context(), pytest.raises(PortalError):
        posting.portal.decline(ref, message="PLANTEDmessage")
    posting.deliver()
    assert "was not delivered" in caplog.text
    assert "A receiver of appointment-requested raised" in caplog.text
    for planted in ("PLANTED", "planted@", "0187"):
        assert planted not in caplog.text
