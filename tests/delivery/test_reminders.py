"""Clients who asked for it are reminded: at most twice, in time, never of what does not stand, never at night."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin import Appointment, OptedOut, Undelivered
from portal_plugin.domain.consent import ReminderConsent, Way
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind
from portal_plugin.domain.texting import Said
from portal_plugin.services import consents, reminders, requests
from portal_plugin.storage import outbox, outbox_entries
from portal_plugin.testing import Clock, Texts
from tests.practices import PRACTICE, practice
from tests.services.steps import act, as_client, rows
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PHONE = "+12125550187"
AFTERNOON = TUESDAY_TEN + 4 * HOUR
"""Tuesday, 14:00 in New York; the clock stands on Monday, 7:00."""

Make = Callable[..., Host]


@pytest.fixture
def texts() -> Texts:
    return Texts()


@pytest.fixture
def make(database_url: str, tmp_path: Path, clock: Clock, texts: Texts) -> Iterator[Make]:
    """Makes the host with the test practice, on either engine, whose texts go to `texts`."""
    made: list[Host] = []

    def host(data: dict[str, Any] = PRACTICE, **settings: Any) -> Host:
        made.append(make_host(database_url, tmp_path, clock, **{"PORTAL_SMS": texts} | settings))
        made[-1].apply(data)
        return made[-1]

    yield host
    for one in made:
        one.state.db.close_all()


@pytest.fixture
def texting(make: Make) -> Host:
    return make()


def ask(host: Host, starts: datetime = AFTERNOON, phone: str = PHONE, who: str = "maya", **choices: Any) -> Appointment:
    """A client asks for a time, and for text reminders."""
    with host.app.app_context():
        wish = host.portal.practice().wish(**{"type": "visit", "contact": "phone", "provider": "ada"} | choices)
        consent = ReminderConsent(phone, wish.zone, "", "", "", "Yes.")
        asking = requests.Asking(wish, PEOPLE[who], starts, Actor(ActorKind.CLIENT, who), consent=consent)
        return requests.request_appointment(host.state, host.portal.practice(), asking)


def confirmed(host: Host, starts: datetime = AFTERNOON, **more: Any) -> Appointment:
    made = ask(host, starts, **more)
    confirmed: Appointment = act(host, "confirm", made.ref)
    return confirmed


def planned(host: Host, channel: str = "sms") -> list[datetime]:
    """When reminders are due that wait."""
    query = "SELECT due FROM portal_outbox WHERE topic = 'reminder' AND channel = ? AND sent IS NULL AND failed IS NULL"
    return sorted(datetime.fromtimestamp(due, UTC) for (due,) in rows(host, query, channel))


def given_up(host: Host) -> list[str]:
    return [error for (error,) in rows(host, "SELECT error FROM portal_outbox WHERE failed IS NOT NULL ORDER BY id")]


def deliver_at(host: Host, moment: datetime) -> None:
    host.clock.now = moment
    host.deliver()


# Written.


def test_a_confirmation_plans_two_texts_which_go_out_once_each(texting, texts):
    confirmed(texting)
    assert planned(texting) == [AFTERNOON - DAY, AFTERNOON - 2 * HOUR]

    deliver_at(texting, AFTERNOON - DAY - timedelta(seconds=1))
    assert texts.sent == []
    for moment in (AFTERNOON - DAY, AFTERNOON - 3 * HOUR, AFTERNOON - 2 * HOUR, AFTERNOON, AFTERNOON + DAY):
        deliver_at(texting, moment)

    assert [text.to for text in texts.sent] == [PHONE, PHONE]
    assert len({text.key for text in texts.sent}) == 2
    [said] = {text.text for text in texts.sent}
    assert said == (
        "Elm Row Practice: appointment on Tue, Dec 8, 2:00 PM EST. Questions? +1 212 555 0100. STOP ends these texts."
    )
    assert given_up(texting) == []


def by_confirming(host: Host) -> None:
    confirmed(host)


def by_itself(host: Host) -> None:
    ask(host, type="call")


def by_moving(host: Host) -> None:
    act(host, "reschedule", confirmed(host, AFTERNOON + DAY).ref, starts=AFTERNOON)


def by_booking_in_its_place(host: Host) -> None:
    old = confirmed(host, AFTERNOON + DAY)
    act(host, "book", old.client, type="visit", contact="phone", starts=AFTERNOON, replaces=old.ref)


def by_accepting_another_time(host: Host) -> None:
    old = confirmed(host, AFTERNOON + DAY)
    new = act(host, "invite", old.client, type="visit", contact="phone", starts=AFTERNOON, replaces=old.ref)
    as_client(host, new.ref, Action.ACCEPT)


def by_confirming_another_time(host: Host) -> None:
    old = confirmed(host, AFTERNOON + DAY)
    new = act(host, "request", old.client, type="visit", contact="phone", starts=AFTERNOON, replaces=old.ref)
    assert planned(host) == [AFTERNOON, AFTERNOON + DAY - 2 * HOUR], "until then the old one stands"
    act(host, "confirm", new.ref)


@pytest.mark.parametrize(
    "way",
    [
        by_confirming,
        by_itself,
        by_moving,
        by_booking_in_its_place,
        by_accepting_another_time,
        by_confirming_another_time,
    ],
)
def test_whatever_confirms_an_appointment_plans_its_reminders_and_no_others(texting, way):
    way(texting)
    assert planned(texting) == [AFTERNOON - DAY, AFTERNOON - 2 * HOUR]


def test_an_appointment_of_tomorrow_morning_is_told_of_the_evening_before(texting):
    confirmed(texting, TUESDAY_TEN)
    assert planned(texting) == [TUESDAY_TEN - DAY, datetime(2026, 12, 8, 0, 45, tzinfo=UTC)], "19:45 in New York"


def test_a_time_that_has_passed_is_not_made_up_for(texting, clock):
    made = ask(texting)
    clock.now = AFTERNOON - 23 * HOUR
    act(texting, "confirm", made.ref)
    assert planned(texting) == [AFTERNOON - 2 * HOUR]


def test_the_practice_file_says_when_and_whether(make, clock):
    host = make(practice(reminders=["5h"], remind_between="8:00-12:00"))
    confirmed(host)
    assert planned(host) == [AFTERNOON - 5 * HOUR]
    host.apply(practice(reminders=[]))
    confirmed(host, AFTERNOON + DAY)
    assert planned(host) == [AFTERNOON - 5 * HOUR]


def test_the_zone_is_the_appointments(make):
    london = practice()
    london["locations"][0]["zone"] = "Europe/London"
    host = make(london)
    starts = datetime(2026, 12, 9, 9, 0, tzinfo=UTC)
    confirmed(host, starts, contact="in-person", location="main")
    assert planned(host) == [starts - DAY, datetime(2026, 12, 8, 19, 45, tzinfo=UTC)]


def test_nobody_is_texted_who_did_not_ask(texting, texts):
    act(texting, "confirm", texting.request(starts=AFTERNOON).ref)
    assert planned(texting) == []


@pytest.mark.parametrize("phone", ["", "12", "+1 900 555 0187", "+44 20 7946 0018", "+1 800 555 0187"])
def test_a_number_that_texts_do_not_reach_gets_none(texting, phone):
    """The host may name another number for the same client later on."""
    confirmed(texting, phone=phone)
    assert planned(texting) == []


def test_a_number_that_opted_out_gets_none_and_gets_them_again_once_it_opts_in(texting, texts, clock):
    confirmed(texting)
    later = ask(texting, AFTERNOON + DAY)
    with texting.app.app_context():
        consents.opt_out(texting.state, PHONE, Way.TEXT, "STOP", MONDAY)
    assert planned(texting) == []
    act(texting, "confirm", later.ref)
    assert planned(texting) == []

    with texting.app.app_context(), texting.state.db.atomic():
        consents.hear(texting.state, PHONE, Said.START, "START", "started", MONDAY)
        reminders.restore(texting.state, PHONE, MONDAY)
        reminders.restore(texting.state, PHONE, MONDAY)

    assert planned(texting) == [AFTERNOON - DAY, AFTERNOON - 2 * HOUR, AFTERNOON, AFTERNOON + DAY - 2 * HOUR]


# Gone.


@pytest.mark.parametrize(
    "end",
    [
        lambda host, made: act(host, "cancel", made.ref),
        lambda host, made: as_client(host, made.ref, Action.CANCEL),
        lambda host, made: act(host, "erase_client", made.client.id, cancel=True),
    ],
    ids=["by the practice", "by the client", "erased"],
)
def test_a_cancelled_appointment_takes_its_reminders_along(texting, texts, end):
    end(texting, confirmed(texting))
    assert rows(texting, "SELECT topic FROM portal_outbox WHERE topic = 'reminder'") == []

    for moment in planned_anyway():
        deliver_at(texting, moment)

    assert texts.sent == []


def planned_anyway() -> list[datetime]:
    return [AFTERNOON - DAY, AFTERNOON - 2 * HOUR]


def test_a_change_that_fails_leaves_the_reminders(texting, monkeypatch):
    made = confirmed(texting)

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("portal_plugin.services.decisions.enqueue", full)
    with pytest.raises(OSError, match="disk full"):
        act(texting, "cancel", made.ref)

    assert len(planned(texting)) == 2


def test_what_is_in_a_workers_hand_at_the_cancellation_is_looked_at_again(texting, texts, monkeypatch):
    made = confirmed(texting)
    texting.deliver()
    take_up = outbox.take_up

    def slow(*args: Any) -> Any:
        monkeypatch.setattr(outbox, "take_up", take_up)
        act(texting, "cancel", made.ref)
        return take_up(*args)

    monkeypatch.setattr(outbox, "take_up", slow)
    deliver_at(texting, AFTERNOON - DAY)

    assert texts.sent == []
    assert given_up(texting) == ["the appointment does not stand any more"]


def test_erased_clients_leave_no_number(texting, texts):
    made = confirmed(texting)
    deliver_at(texting, AFTERNOON - DAY)
    copy = act(texting, "export_client", "maya")
    assert [one["provider_id"] for one in copy["messages"] if one["channel"] == "sms"] == ["text-1", ""]

    texting.clock.now = AFTERNOON + DAY
    act(texting, "erase_client", made.client.id)

    assert rows(texting, "SELECT recipient, facts, provider_id FROM portal_outbox WHERE channel = 'sms'") == [
        ("", "{}", "")
    ]


# Trouble on the way.


class Broken(Texts):
    """A gateway that refuses until it is mended."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.tried: list[tuple[str, str]] = []

    def send(self, to: str, text: str, key: str) -> str:
        self.tried.append((to, key))
        if self.error:
            raise self.error
        return super().send(to, text, key)


def run_until(host: Host, end: datetime, step: timedelta = timedelta(minutes=1)) -> None:
    while host.clock.now < end:
        host.clock.advance(step)
        host.deliver()


def test_a_text_is_tried_again_with_the_same_key_until_the_next_one_is_due(make, caplog):
    broken = Broken(ConnectionRefusedError(f"{PHONE} cannot be reached"))
    host = make(PORTAL_SMS=broken)
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)

    run_until(host, AFTERNOON - DAY + 3 * HOUR)
    pauses = len(broken.tried)
    assert pauses == 1 + len((1, 2, 5, 10, 15)) + 4, "then every half hour"
    run_until(host, AFTERNOON, 10 * timedelta(minutes=1))

    assert given_up(host) == ["ConnectionRefusedError", "ConnectionRefusedError"]
    first, second = {key for _, key in broken.tried[:pauses]}, broken.tried[-1][1]
    assert len(first) == 1
    assert second not in first
    assert PHONE not in caplog.text
    assert "was not delivered (ConnectionRefusedError" in caplog.text
    tried = len(broken.tried)
    run_until(host, AFTERNOON + HOUR, timedelta(minutes=10))
    assert len(broken.tried) == tried


def test_a_gateway_that_is_back_gets_the_text_once(make):
    broken = Broken(TimeoutError())
    host = make(PORTAL_SMS=broken)
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    broken.error = None

    run_until(host, AFTERNOON - DAY + HOUR)

    assert len(broken.sent) == 1
    assert {key for _, key in broken.tried} == {broken.sent[0].key}


def test_nobody_is_woken_by_a_text_that_was_late(make, texts):
    host = make(practice(reminders=["19h"]))
    confirmed(host)
    night = AFTERNOON - 19 * HOUR + 2 * HOUR  # due at 19:00; the worker comes back at 21:00
    deliver_at(host, night)
    assert (texts.sent, planned(host)) == ([], [datetime(2026, 12, 8, 14, 0, tzinfo=UTC)])
    assert rows(host, "SELECT attempts FROM portal_outbox WHERE topic = 'reminder'") == [(0,)]

    deliver_at(host, AFTERNOON - 5 * HOUR)

    assert len(texts.sent) == 1


def test_a_text_that_was_late_wakes_nobody_on_their_own_clock(make, texts, monkeypatch):
    monkeypatch.setitem(PEOPLE, "maya", replace(PEOPLE["maya"], zone="America/Los_Angeles"))
    host = make(practice(reminders=["19h"]))
    confirmed(host, contact="in-person", location="main")
    deliver_at(host, AFTERNOON - 4 * HOUR)  # 10:00 in New York, and 7:00 where she is
    assert (texts.sent, planned(host)) == ([], [datetime(2026, 12, 8, 17, 0, tzinfo=UTC)])

    deliver_at(host, AFTERNOON - 2 * HOUR)

    assert len(texts.sent) == 1


def test_a_text_that_is_late_by_too_much_is_given_up_on_in_the_open(texting, texts):
    confirmed(texting)
    deliver_at(texting, AFTERNOON + timedelta(minutes=1))
    assert texts.sent == []
    assert given_up(texting) == ["its time has passed", "its time has passed"]


def test_of_two_that_are_late_one_goes_out(texting, texts):
    confirmed(texting)
    deliver_at(texting, AFTERNOON - HOUR)
    assert len(texts.sent) == 1
    assert given_up(texting) == ["its time has passed"]


def test_what_was_given_up_on_is_sent_again_only_while_it_is_of_use(make):
    broken = Broken(Undelivered("the gateway is shut", for_good=True))
    host = make(PORTAL_SMS=broken)
    made = confirmed(host)
    deliver_at(host, AFTERNOON - 2 * HOUR)
    broken.error = None
    runner = host.app.test_cli_runner()
    listed = runner.invoke(args=["portal", "outbox", "--failed", "--channel", "sms"]).output
    assert "the gateway is shut" in listed
    assert "…87" in listed
    assert PHONE not in listed

    number = outbox_entries.listed(host.state.db, channel="sms", failed=True)[-1].id
    assert runner.invoke(args=["portal", "resend", str(number)]).output == f"Due now: {number}.\n"
    host.deliver()
    assert len(broken.sent) == 1

    act(host, "cancel", made.ref)
    gone = outbox_entries.listed(host.state.db, channel="sms", failed=True)[0].id
    refused = runner.invoke(args=["portal", "resend", str(gone)])
    assert (refused.exit_code, "Not waiting and not given up on" in refused.output) == (3, True)


def test_a_gateway_that_says_the_number_opted_out_is_believed(make):
    host = make(PORTAL_SMS=Broken(OptedOut("21610")))
    confirmed(host)
    confirmed(host, AFTERNOON + DAY)
    deliver_at(host, AFTERNOON - DAY)

    assert given_up(host) == ["that number opted out at the gateway"]
    assert planned(host) == []
    with host.app.app_context():
        assert not consents.may_text(host.state, PHONE)


def test_the_number_that_changed_meanwhile_gets_nothing_of_the_old_one(texting, texts):
    confirmed(texting)
    with texting.app.app_context():
        texting.state.db.execute_sql("UPDATE portal_appointment SET client_phone = '+12125550188'")
    deliver_at(texting, AFTERNOON - DAY)
    assert texts.sent == []
    assert given_up(texting) == ["the client wants no texts at that number"]


def test_a_slow_gateway_delays_no_mail_and_a_dead_mail_server_no_text(make, texts, monkeypatch):
    host = make(MAIL_SUPPRESS_SEND=False, MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    assert len(texts.sent) == 1


def test_a_function_of_the_hosts_is_a_gateway_too_and_may_return_nothing(make):
    got: list[tuple[str, str, str]] = []
    host = make(PORTAL_SMS=lambda to, text, key: got.append((to, text, key)))
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    assert [to for to, _, _ in got] == [PHONE]


def test_the_console_shows_the_text_and_hides_the_number(make, capsys, caplog):
    caplog.set_level(logging.DEBUG, "portal_plugin")
    host = make(PORTAL_SMS="console")
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    shown = capsys.readouterr().out
    assert shown.startswith("Text to ...87: Elm Row Practice: appointment on Tue, Dec 8, 2:00 PM EST.")
    assert PHONE not in shown + caplog.text


# Mails.


def test_mail_reminders_go_to_whoever_has_an_address_when_the_practice_wants_it(either_host):
    either_host.apply(practice(email_reminders=True))
    made = either_host.request(starts=AFTERNOON)
    act(either_host, "confirm", made.ref)
    either_host.deliver()
    assert planned(either_host, "mail") == [AFTERNOON - DAY, AFTERNOON - 2 * HOUR]
    assert planned(either_host) == []

    either_host.clock.now = AFTERNOON - DAY
    [mail] = either_host.deliver()
    assert mail.subject == "Reminder: Tuesday, December 8, 2026, 2:00 PM"
    assert mail.to == ["maya@example.org"]
    assert "Ada Moreau" in mail.text

    act(either_host, "cancel", made.ref)
    assert planned(either_host, "mail") == []
    [mail] = either_host.deliver()
    assert "ancelled" in mail.subject


def test_a_confirmation_that_waited_for_the_server_is_not_overtaken_by_a_reminder(either_host):
    either_host.apply(practice(email_reminders=True))
    act(either_host, "confirm", either_host.request(starts=AFTERNOON).ref)
    with either_host.app.app_context():
        query = "UPDATE portal_outbox SET due = due + 90000 WHERE topic = 'confirmed'"
        either_host.state.db.execute_sql(query)
    either_host.clock.now = AFTERNOON - DAY
    assert any(mail.subject.startswith("Reminder") for mail in either_host.deliver())
    either_host.clock.now = AFTERNOON - DAY + timedelta(hours=25)

    assert any(mail.subject.startswith("Confirmed") for mail in either_host.deliver())


def test_a_text_is_stored_with_nothing_but_what_it_says(texting):
    confirmed(texting)
    stored = rows(texting, "SELECT facts FROM portal_outbox WHERE channel = 'sms'")
    for (facts,) in stored:
        assert json.loads(facts).keys() == {"starts", "zone", "practice", "until", "language", "client_zone"}
        for word in ("Therapy", "visit", "Ada", "Psychologist", "Maya", "phone call"):
            assert word.casefold() not in facts.casefold()
