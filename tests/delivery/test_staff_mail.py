"""What the practice's own people are told by mail: at once or once a day, and never more than they need."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.domain.lifecycle import Action
from portal_plugin.testing import Clock
from tests.delivery.mailbox import Mail, Mailbox
from tests.delivery.test_mails import says, told
from tests.practices import PRACTICE, practice
from tests.services.steps import act, as_client, invite, rows
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host

DESK = "desk@elmrow.example"
BASE = "https://www.elmrow.example/portal/review/"
HOUR = timedelta(hours=1)
TOLD = "Tuesday, December 8, 2026, 10:00 AM"
SECRETS = ("Maya", "Lindqvist", "maya@example.org", "555 0187", "Therapy", "sore knee", "moving away")

Make = Callable[..., Host]


@pytest.fixture
def staffed(sqlite_url: str, tmp_path: Path, clock: Clock, mailbox: Mailbox) -> Iterator[Make]:
    """Makes the host with staff mail as told, delivering to `mailbox`."""
    made: list[Host] = []

    def make(*entries: dict[str, Any], given: dict[str, Any] = PRACTICE) -> Host:
        host = make_host(
            sqlite_url,
            tmp_path,
            clock,
            MAIL_SUPPRESS_SEND=False,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=mailbox.port,
            PORTAL_STAFF_MAIL=list(entries or [{"to": DESK}]),
        )
        host.apply(given)
        made.append(host)
        return host

    yield make
    for host in made:
        host.state.db.close_all()


def to_staff(host: Host, mailbox: Mailbox) -> list[Mail]:
    """What the next round brings to the desk."""
    return [mail for mail in told(host, mailbox) if mail.recipients == [DESK]]


def subjects(host: Host, mailbox: Mailbox) -> list[str]:
    return [mail.subject for mail in to_staff(host, mailbox)]


def at(host: Host, moment: datetime) -> None:
    host.clock.now = moment


# What is told.


def test_a_request_is_told_with_its_time_its_provider_and_a_link_to_the_review_page(
    staffed: Make, mailbox: Mailbox
) -> None:
    host = staffed()
    ref = host.request(note="a sore knee").ref
    [mail] = to_staff(host, mailbox)
    assert mail.subject == f"New request for {TOLD}"
    says(mail, "Ada Moreau", "Eastern Time (New York)", "10:50 AM", "Tuesday, December 8, 2026, 10:00 AM")
    assert re.findall(r"https?://\S+", mail.text) == [f"{BASE}appointments/{ref}"]
    assert re.search(rf'href="{re.escape(BASE)}appointments/{ref}"[^>]*>Look at it</a>', mail.html)
    assert mail.message["Reply-To"] is None
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.part("calendar") is None
    assert mail.text.count("\n\n\n") == 0


def test_a_mail_to_staff_says_nothing_of_the_client_the_type_or_a_reason(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    ref = host.request(note="a sore knee").ref
    [mail] = to_staff(host, mailbox)
    as_client(host, ref, Action.CANCEL, "moving away")
    [cancelled] = to_staff(host, mailbox)
    for one in (mail, cancelled):
        for word in SECRETS:
            assert word not in one.raw.decode()
            assert word not in one.text
            assert word not in one.html


def test_without_staff_on_the_review_page_there_is_no_link(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    host.portal._questions.current_staff = None
    host.request()
    [mail] = to_staff(host, mailbox)
    assert "http" not in mail.text
    assert "href" not in mail.html


def test_whatever_happens_without_the_practice_is_told(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    as_client(host, host.request().ref, Action.CANCEL)
    assert subjects(host, mailbox) == [f"New request for {TOLD}", f"Cancelled by the client: request for {TOLD}"]
    confirmed = act(host, "confirm", host.request(starts=TUESDAY_TEN + 24 * 3 * HOUR).ref)
    to_staff(host, mailbox)
    as_client(host, confirmed.ref, Action.CANCEL)
    assert subjects(host, mailbox) == ["Cancelled by the client: appointment for Friday, December 11, 2026, 10:00 AM"]
    as_client(host, invite(host).ref, Action.ACCEPT)
    assert subjects(host, mailbox) == [f"Accepted: invitation for {TOLD}"]
    as_client(host, invite(host, TUESDAY_TEN + 2 * HOUR).ref, Action.CANCEL)
    assert subjects(host, mailbox) == ["Declined: invitation for Tuesday, December 8, 2026, 12:00 PM"]


def test_what_the_practice_does_itself_is_not_told(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed({"to": DESK, "events": ["booked", "cancelled", "accepted", "declined", "expiring", "expired"]})
    act(host, "decline", host.request().ref)
    act(host, "cancel", act(host, "confirm", host.request().ref).ref)
    act(host, "withdraw", invite(host).ref)
    act(host, "accept", invite(host).ref)
    assert subjects(host, mailbox) == []


def test_an_appointment_that_confirmed_itself_is_no_request(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    ref = host.request(type="call", contact="phone", location=None).ref
    assert act(host, "appointment", ref).status == "confirmed"
    [mail] = to_staff(host, mailbox)
    assert mail.subject == f"New appointment on {TOLD}"
    assert "since then" not in mail.text
    assert "Waits" not in mail.text


def test_a_client_who_wants_another_time_is_told_with_the_time_they_have(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    old = act(host, "confirm", host.request(starts=TUESDAY_TEN + 24 * 3 * HOUR).ref)
    to_staff(host, mailbox)
    host.request(replaces=old.ref)
    [mail] = to_staff(host, mailbox)
    assert mail.subject == f"New request for {TOLD}"
    assert "Instead of: Friday, December 11, 2026, 10:00 AM" in mail.text
    assert "instead of Friday, December 11, 2026, 10:00 AM" in mail.html


def test_each_address_hears_only_what_it_asked_for(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed({"to": DESK, "events": ["requested"]}, {"to": "lead@elmrow.example", "events": ["cancelled"]})
    as_client(host, host.request().ref, Action.CANCEL)
    staff = [mail for mail in told(host, mailbox) if mail.recipients != ["maya@example.org"]]
    assert [(mail.recipients, mail.subject.split()[0]) for mail in staff] == [
        ([DESK], "New"),
        (["lead@elmrow.example"], "Cancelled"),
    ]


def test_a_change_that_is_rolled_back_tells_nobody(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    with host.app.app_context(), host.state.db.atomic() as transaction:
        host.request()
        transaction.rollback()
    assert told(host, mailbox) == []


# Expiry.


@pytest.mark.parametrize("kind", ["request", "invitation"])
def test_staff_are_warned_once_before_an_answer_is_too_late_and_told_when_it_is(
    staffed: Make, mailbox: Mailbox, kind: str
) -> None:
    host = staffed({"to": DESK, "events": ["expiring", "expired"]})
    made = invite(host) if kind == "invitation" else host.request()
    at(host, made.expires - made.warning - timedelta(minutes=1))
    assert subjects(host, mailbox) == []
    at(host, made.expires - made.warning)
    [mail] = to_staff(host, mailbox)
    assert mail.subject == f"Expires soon: {kind} for {TOLD}"
    says(mail, "Waits for an answer until", "Ada Moreau")
    at(host, made.expires - timedelta(minutes=1))
    assert subjects(host, mailbox) == []
    at(host, made.expires)
    assert subjects(host, mailbox) == [f"Expired unanswered: {kind} for {TOLD}"]


def test_a_warning_that_could_not_be_sent_before_the_answer_is_not_sent_after_it(
    staffed: Make, mailbox: Mailbox
) -> None:
    host = staffed({"to": DESK, "events": ["expiring"]})
    made = host.request()
    host.deliver()
    at(host, made.expires - HOUR)
    mailbox.answer("421 busy")
    host.deliver()
    mailbox.answer("")
    act(host, "confirm", made.ref)
    at(host, host.clock() + timedelta(minutes=10))
    assert subjects(host, mailbox) == []
    sql = "SELECT sent, error FROM portal_outbox WHERE topic = 'staff'"
    assert rows(host, sql) == [(None, "answered meanwhile")]


def test_a_late_mail_says_what_has_become_of_the_request(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    made = host.request()
    act(host, "confirm", made.ref)
    [mail] = to_staff(host, mailbox)
    says(mail, "Confirmed since then")
    assert "Waits for an answer" not in mail.text


# Beside the client's mails.


def test_a_client_who_has_the_address_of_staff_gets_both_mails_even_when_the_first_is_late(
    staffed: Make, mailbox: Mailbox
) -> None:
    host = staffed({"to": "maya@example.org"})
    made = host.request()
    mailbox.answer("421 busy")
    host.deliver()
    mailbox.answer("")
    # Staff's own is sent first and overtakes nothing of the client's.
    with host.app.app_context():
        query = "UPDATE portal_outbox SET due = due - 3600 WHERE topic = 'staff'"
        host.state.db.execute_sql(query)
    assert [mail.subject for mail in told(host, mailbox)] == [f"New request for {TOLD}"]
    at(host, host.clock() + timedelta(minutes=10))
    [late] = told(host, mailbox)
    assert late.subject.startswith("We have your request")
    # And the other way round: a client's later mail keeps nothing from staff.
    mailbox.answer("421 busy")
    as_client(host, made.ref, Action.CANCEL)
    host.deliver()
    mailbox.answer("")
    with host.app.app_context():
        host.state.db.execute_sql("UPDATE portal_outbox SET due = 0 WHERE topic = 'cancelled' AND sent IS NULL")
    assert [mail.subject.split(":")[0] for mail in told(host, mailbox)] == ["Cancelled"]
    at(host, host.clock() + timedelta(minutes=10))
    assert [mail.subject.split(":")[0] for mail in told(host, mailbox)] == ["Cancelled by the client"]


def test_news_that_later_news_has_overtaken_is_not_told_any_more(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    made = host.request()
    mailbox.answer("421 busy")
    host.deliver()
    mailbox.answer("")
    as_client(host, made.ref, Action.CANCEL)
    assert subjects(host, mailbox) == [f"Cancelled by the client: request for {TOLD}"]
    at(host, host.clock() + 2 * HOUR)
    assert subjects(host, mailbox) == []


def test_an_export_of_the_client_lists_no_mail_to_staff_and_an_erasure_keeps_it(
    staffed: Make, mailbox: Mailbox
) -> None:
    host = staffed()
    as_client(host, host.request().ref, Action.CANCEL)
    exported = act(host, "export_client", "maya")
    assert {message["recipient"] for message in exported["messages"]} == {"maya@example.org"}
    act(host, "erase_client", "maya")
    assert [mail.subject.split()[0] for mail in told(host, mailbox)] == ["New", "Cancelled"]


# Once a day.

DAILY = {"to": DESK, "send": "daily at 18:00"}
SIX = datetime(2026, 12, 7, 23, 0, tzinfo=UTC)
"""Monday, 18:00 in New York."""


def test_a_day_of_news_is_one_mail_soon_after_its_time(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY)
    first = host.request(note="a sore knee")
    second = host.request("theo", starts=TUESDAY_TEN + 3 * HOUR)
    as_client(host, second.ref, Action.CANCEL, who="theo")
    at(host, SIX)
    assert subjects(host, mailbox) == []
    at(host, SIX + timedelta(minutes=1))
    [mail] = to_staff(host, mailbox)
    assert mail.subject == "3 pieces of news about appointments, one request waits for your answer"
    says(mail, f"New request for {TOLD}", "Cancelled by the client: request for", "Cancelled since then", "Ada Moreau")
    assert re.findall(r"https?://\S+", mail.text) == [
        f"{BASE}appointments/{first.ref}",
        f"{BASE}appointments/{second.ref}",
        f"{BASE}appointments/{second.ref}",
        BASE,
    ]
    for word in (*SECRETS, "Theo"):
        assert word not in mail.text
        assert word not in mail.html
    at(host, SIX + 2 * HOUR)
    assert subjects(host, mailbox) == []


def test_on_an_empty_day_there_is_no_mail(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY)
    for hours in range(0, 72, 6):
        at(host, MONDAY + hours * HOUR)
        assert told(host, mailbox) == []


def test_what_happens_after_its_time_belongs_to_the_next_day(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY)
    at(host, SIX)
    host.request(starts=TUESDAY_TEN + 72 * HOUR)
    at(host, SIX + 23 * HOUR)
    assert subjects(host, mailbox) == []
    at(host, SIX + 24 * HOUR + timedelta(minutes=1))
    assert subjects(host, mailbox) == ["One piece of news about appointments, one request waits for your answer"]


def test_after_days_without_a_worker_one_mail_tells_of_all_of_them(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY)
    for day in range(3):
        at(host, MONDAY + 24 * day * HOUR)
        act(host, "confirm", host.request(starts=TUESDAY_TEN + 24 * (day + 1) * HOUR, provider="ada").ref)
    at(host, MONDAY + 80 * HOUR)
    [mail] = to_staff(host, mailbox)
    assert mail.subject == "3 pieces of news about appointments"
    assert mail.text.count("Confirmed since then") == 3


def test_a_warning_that_was_heeded_before_the_digest_is_not_in_it(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY | {"events": ["expiring"]})
    one, other = host.request(starts=SIX + 20 * HOUR), host.request("theo", SIX + 22 * HOUR)
    for made in (one, other):
        at(host, made.expires - made.warning)
        assert subjects(host, mailbox) == []
    act(host, "confirm", one.ref)
    at(host, SIX + 24 * HOUR + timedelta(minutes=1))
    assert subjects(host, mailbox) == []
    assert rows(host, "SELECT topic, error FROM portal_outbox WHERE topic LIKE 'staff%'") == [
        ("staff_digest", "answered meanwhile")
    ]


def test_a_digest_that_comes_late_is_sent_beside_the_next_and_under_its_own_id(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY)
    made = host.request(starts=TUESDAY_TEN + 72 * HOUR)
    mailbox.answer("421 busy")
    at(host, SIX + timedelta(minutes=1))
    host.deliver()
    as_client(host, made.ref, Action.CANCEL)
    at(host, SIX + 25 * HOUR)
    mailbox.answer("")
    mails = to_staff(host, mailbox)
    assert [mail.subject for mail in mails] == ["One piece of news about appointments"] * 2
    assert "New request" in mails[0].text
    assert "Cancelled by the client" in mails[1].text
    assert len({mail.id for mail in mails}) == 2


def test_an_address_may_hear_one_thing_at_once_and_the_rest_daily(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed({"to": DESK, "events": ["requested"]}, DAILY | {"events": ["cancelled"]})
    as_client(host, host.request().ref, Action.CANCEL)
    assert subjects(host, mailbox) == [f"New request for {TOLD}"]
    at(host, SIX + HOUR)
    assert subjects(host, mailbox) == ["One piece of news about appointments"]


def test_the_time_of_the_digest_is_the_practices(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed(DAILY, given=practice(zone="Europe/Berlin"))
    host.request()
    at(host, datetime(2026, 12, 7, 17, 1, tzinfo=UTC))
    assert len(to_staff(host, mailbox)) == 1


# A name that looks like something else.


def test_a_providers_name_is_shown_as_text(staffed: Make, mailbox: Mailbox) -> None:
    host = staffed()
    data = practice()
    data["providers"][0]["name"] = "<b>Ada</b> {{ 7 * 7 }}"
    host.apply(data)
    host.request()
    [mail] = to_staff(host, mailbox)
    assert "<b>Ada</b> {{ 7 * 7 }}" in mail.text
    assert "&lt;b&gt;Ada&lt;/b&gt; {{ 7 * 7 }}" in mail.html
