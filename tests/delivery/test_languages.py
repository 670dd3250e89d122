"""Each message in its client's language, and by the clock that counts for them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal_plugin import Client
from portal_plugin.testing import Texts
from portal_plugin.wording import current
from portal_plugin.wording import language as languages
from tests.delivery.mailbox import Mailbox
from tests.services.steps import act, rows
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host, filled_form, offered_times

CATALOG = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Hello {name},"
msgstr "Hola, {name}:"

msgid "Appointment with {provider}, {practice}"
msgstr "Cita con {provider}, {practice}"

msgid "{practice}: you will get no more text reminders from us."
msgstr "{practice}: no recibirá más recordatorios."
"""


@pytest.fixture
def spanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalog of a few sentences."""
    folder = tmp_path / "translations"
    folder.mkdir()
    (folder / "es.po").write_text(CATALOG)
    monkeypatch.setattr(languages, "TRANSLATIONS", folder)
    for kept in (languages._catalog, languages._language):
        kept.cache_clear()
    yield
    for kept in (languages._catalog, languages._language):
        kept.cache_clear()


def far_away(monkeypatch: pytest.MonkeyPatch, language: str = "", zone: str = "America/Los_Angeles") -> None:
    maya = Client("maya", "Maya", "maya@example.org", "+1 212 555 0187", language=language, zone=zone)
    monkeypatch.setitem(PEOPLE, "maya", maya)


def by_phone(host: Host, starts: datetime = TUESDAY_TEN) -> str:
    return host.request(type="call", contact="phone", location=None, starts=starts).ref


def test_a_request_on_a_spanish_page_is_answered_in_spanish(posting: Host, mailbox: Mailbox, spanish: None) -> None:
    browser = posting.browser("maya")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es"
    page = browser.get(STEP_2).text
    browser.post("/portal/appointments/book", data=filled_form(page, starts=offered_times(page)[0]))
    with posting.app.app_context():
        [asked] = posting.portal.appointments()
    act(posting, "confirm", asked.ref)
    posting.deliver()
    mail = mailbox.mails[-1]
    assert "martes, 8 de diciembre de 2026" in mail.subject
    assert "Hola, Maya Lindqvist:" in mail.text
    assert '<html lang="es-US" dir="ltr">' in mail.html
    assert mail.event["SUMMARY"] == "Cita con Ada Moreau, Elm Row Practice"


def test_another_client_is_written_to_in_the_sites_first_language(posting: Host, mailbox: Mailbox) -> None:
    posting.request()
    posting.deliver()
    assert '<html lang="en-US" dir="ltr">' in mailbox.mails[-1].html


def test_arabic_reads_from_the_right(posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    far_away(monkeypatch, "ar")
    posting.request()
    posting.deliver()
    html = mailbox.mails[-1].html
    assert 'dir="rtl"' in html
    assert "border-right: 4px solid" in html
    assert "border-left: 4px solid" not in html


def test_a_language_that_the_site_does_not_speak_is_the_first_one(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_away(monkeypatch, "tlh")
    posting.request()
    posting.deliver()
    assert '<html lang="en-US" dir="ltr">' in mailbox.mails[-1].html


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("America/Los_Angeles", "That is 7:00 AM, Pacific Time (Los Angeles), where you are."),
        ("Asia/Tokyo", "That is Wednesday, December 9, 2026, 12:00 AM, Japan Time (Tokyo), where you are."),
        ("America/Detroit", None),
        ("", None),
    ],
)
def test_who_stays_at_home_reads_their_own_time_beside_the_practices(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, zone: str, told: str | None
) -> None:
    far_away(monkeypatch, zone=zone)
    by_phone(posting)
    posting.deliver()
    mail = mailbox.mails[-1]
    assert "10:00 AM" in mail.text
    assert "Eastern Time (New York)" in mail.text
    for body in (mail.text, mail.html):
        assert told in body if told else "where you are" not in body


def test_who_comes_to_the_practice_reads_the_practices_time_alone(
    posting: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_away(monkeypatch)
    posting.request()
    posting.deliver()
    assert "where you are" not in mailbox.mails[-1].text


@pytest.mark.parametrize(
    ("starts", "told", "due"),
    [
        # Clocks go forward on March 14, 2027: a day before is 24 hours before, on another clock.
        (datetime(2027, 3, 15, 17, tzinfo=UTC), "10:00 AM PDT", datetime(2027, 3, 14, 17, tzinfo=UTC)),
        (datetime(2027, 3, 12, 18, tzinfo=UTC), "10:00 AM PST", datetime(2027, 3, 11, 18, tzinfo=UTC)),
        # 10:00 in New York is 7:00 there: the reminder of the day before moves before the night.
        (datetime(2027, 3, 15, 14, tzinfo=UTC), "7:00 AM PDT", datetime(2027, 3, 14, 3, 45, tzinfo=UTC)),
    ],
)
def test_texts_tell_the_clients_own_time_and_come_while_they_are_awake(
    posting: Host, monkeypatch: pytest.MonkeyPatch, starts: datetime, told: str, due: datetime
) -> None:
    far_away(monkeypatch)
    texts = Texts()
    posting.state.settings = replace(posting.state.settings, sms=texts)
    posting.clock.now = starts - timedelta(days=10)
    with posting.app.app_context():
        ref = posting.portal.book(PEOPLE["maya"], type="call", contact="phone", starts=starts).ref
        posting.state.db.execute_sql("UPDATE portal_appointment SET text_reminders = TRUE")
        moved = posting.portal.reschedule(ref, starts=starts + timedelta(hours=1))
        posting.portal.reschedule(moved.ref, starts=starts)
    [first, *_] = rows(posting, "SELECT due FROM portal_outbox WHERE channel = 'sms' AND failed IS NULL ORDER BY due")
    assert datetime.fromtimestamp(first[0], UTC) == due
    posting.clock.now = due
    posting.deliver()
    assert told in texts.sent[-1].text


def test_who_texts_stop_is_answered_in_their_language(
    posting: Host, monkeypatch: pytest.MonkeyPatch, spanish: None
) -> None:
    far_away(monkeypatch, "es")
    browser = posting.browser("maya")
    page = browser.get(STEP_2).text
    form = filled_form(page, starts=offered_times(page)[0], text_reminders="1", phone="+1 212 555 0187")
    assert browser.post("/portal/appointments/book", data=form).status_code == 303
    with posting.app.app_context():
        answer = posting.portal.incoming_text("+12125550187", "STOP", "1")
        assert current().tag == "en-US", "the host's own page goes on as before"
    assert answer == "Elm Row Practice: no recibirá más recordatorios."
