"""Nothing that anybody types becomes a header, a recipient or an event."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal_plugin import Client, PortalError
from tests.delivery.mailbox import Mail, Mailbox
from tests.practices import practice
from tests.support import PEOPLE, TUESDAY_TEN, Host

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
