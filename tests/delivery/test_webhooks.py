"""Other systems are told of every change, signed, once or with the same id, and whatever they answer."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import flask_mail
import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook, WebhookVerificationError

from portal_plugin.delivery import webhooks as delivery
from portal_plugin.delivery import worker
from portal_plugin.domain.instants import instant
from portal_plugin.domain.webhooks import EVENTS, EXPIRING
from portal_plugin.hooks import ANNOUNCED, appointment_expiring
from portal_plugin.services import webhooks
from portal_plugin.storage import outbox, outbox_entries
from portal_plugin.testing import Clock, captured
from tests.delivery.calendar_host import raw, redirects, says
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import Hook, Receiver, receiver
from tests.practices import PRACTICE
from tests.services.steps import act, expire, in_status, invite, rows
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host
from tests.web.statements import statements

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECRET = "whsec_" + "TWF5YSBMaW5kcXZpc3QgaXMgbm90IGhlcmUh"
OLDER = "whsec_" + "QW5vdGhlciBzZWNyZXQsIHdoaWNoIGlzIG9sZGVy"


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as host:
        yield host


Make = Callable[..., Host]


@pytest.fixture
def make(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Make]:
    """Makes the host with the test practice, on either engine, with these endpoints in its settings."""
    made: list[Host] = []

    def host(*endpoints: dict[str, Any], **settings: Any) -> Host:
        more = {"PORTAL_PRIVATE_ADDRESSES": True, "PORTAL_WEBHOOKS": list(endpoints)} | settings
        made.append(make_host(database_url, tmp_path, clock, **more))
        made[-1].apply(PRACTICE)
        return made[-1]

    yield host
    for one in made:
        one.state.db.close_all()


@pytest.fixture
def hooked(make: Make, there: Receiver) -> Host:
    """The host, with one endpoint that hears everything."""
    return make({"url": there.address(), "secret": SECRET})


@pytest.fixture
def lite(sqlite_url: str, tmp_path: Path, clock: Clock, there: Receiver) -> Iterator[Host]:
    """The same on SQLite alone, for what does not depend on the engine."""
    host = make_host(
        sqlite_url,
        tmp_path,
        clock,
        PORTAL_PRIVATE_ADDRESSES=True,
        PORTAL_WEBHOOKS=[{"url": there.address(), "secret": SECRET}],
    )
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


def add(host: Host, url: str, **more: Any) -> Any:
    return webhooks.add(host.state.db, host.state.settings, url, **more)


def written(host: Host) -> list[dict[str, Any]]:
    """The bodies that wait or were sent, in order."""
    return [
        json.loads(facts)
        for (facts,) in rows(host, "SELECT facts FROM portal_outbox WHERE channel = 'webhook' ORDER BY id")
    ]


def hook_row(host: Host, column: str, number: int = 0) -> Any:
    found = rows(host, f"SELECT {column} FROM portal_outbox WHERE channel = 'webhook' ORDER BY id")
    return found[number][0]


def verified(hook: Hook, secret: str, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the library of the specification makes of it at that moment."""

    class At(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "At":
            return cls.fromtimestamp(now.timestamp(), tz)

    with monkeypatch.context() as patch:
        patch.setattr(standardwebhooks.webhooks, "datetime", At)
        return Webhook(secret).verify(hook.body, hook.headers)


# What is told.


def test_there_is_an_event_for_every_signal_under_its_name() -> None:
    assert {action: name for action, name in EVENTS.items() if action in ANNOUNCED} == {
        action: signal.name.replace("-", ".") for action, signal in ANNOUNCED.items()
    }
    assert set(EVENTS.values()) == {signal.name.replace("-", ".") for signal in ANNOUNCED.values()}
    assert appointment_expiring.name.replace("-", ".") == EXPIRING


STORIES: dict[str, Callable[[Host], object]] = {
    "declined": lambda host: in_status(host, "declined"),
    "cancelled": lambda host: in_status(host, "cancelled"),
    "withdrawn": lambda host: in_status(host, "withdrawn"),
    "expired": lambda host: in_status(host, "expired"),
    "completed": lambda host: in_status(host, "completed"),
    "no show": lambda host: in_status(host, "no_show"),
    "accepted": lambda host: act(host, "accept", invite(host).ref),
    "confirms itself": lambda host: host.request(type="call", contact="phone", location=None),
    "moved by the practice": lambda host: act(
        host, "reschedule", in_status(host, "confirmed").ref, starts=TUESDAY_TEN + 2 * HOUR
    ),
    "moved by the client": lambda host: act(
        host,
        "confirm",
        host.request(starts=TUESDAY_TEN + DAY, replaces=in_status(host, "confirmed").ref).ref,
    ),
    "moved by an invitation": lambda host: act(
        host, "accept", invite(host, TUESDAY_TEN + DAY, replaces=host.request().ref).ref
    ),
    "a move that is declined": lambda host: act(
        host, "decline", host.request(starts=TUESDAY_TEN + DAY, replaces=in_status(host, "confirmed").ref).ref
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_whatever_is_announced_in_the_process_is_written_for_the_endpoint(hooked: Host, story: str) -> None:
    with captured(app=hooked.app) as told:
        STORIES[story](hooked)
    signals = [(name.replace("_", ".", 1), one.ref, one.status, one.version) for name, one in told]
    bodies = [
        (body["type"], body["data"]["ref"], body["data"]["status"], body["data"]["version"]) for body in written(hooked)
    ]
    assert sorted(bodies) == sorted(signals)
    assert bodies


def test_a_thin_body_says_which_appointment_and_nothing_about_a_person(lite: Host, there: Receiver) -> None:
    made = lite.request(note="PLANTED note")
    lite.deliver()
    [hook] = there.got
    assert hook.payload == {
        "type": "appointment.requested",
        "timestamp": MONDAY.isoformat(),
        "data": {
            "ref": made.ref,
            "event": "appointment.requested",
            "status": "requested",
            "version": 1,
            "starts": TUESDAY_TEN.isoformat(),
        },
    }
    assert hook.headers["content-type"] == "application/json"


def test_a_full_body_says_all_that_is_known(make: Make, there: Receiver) -> None:
    host = make({"url": there.address(), "secret": SECRET, "body": "full"})
    made = host.request(note="The door is blue", reference="A-17", data={"room": 4})
    host.deliver()
    data = there.got[0].payload["data"]
    assert data["client"] == {
        "id": "maya",
        "name": "Maya Lindqvist",
        "email": "maya@example.org",
        "phone": "+1 212 555 0187",
        "language": "",
        "zone": "",
    }
    assert (data["note"], data["host_reference"], data["host_data"]) == ("The door is blue", "A-17", {"room": 4})
    assert (data["type"]["key"], data["provider"]["key"], data["location"]["key"]) == ("visit", "ada", "main")
    assert (data["ref"], data["ends"], data["zone"]) == (made.ref, made.ends.isoformat(), "America/New_York")


def test_an_endpoint_hears_only_what_it_asked_for(make: Make, there: Receiver) -> None:
    host = make(
        {"url": there.address("/all"), "secret": SECRET},
        {"url": there.address("/some"), "secret": SECRET, "events": ["appointment.cancelled"]},
    )
    in_status(host, "cancelled")
    host.deliver()
    assert [hook.type for hook in there.at("/all")] == ["appointment.requested", "appointment.cancelled"]
    assert [hook.type for hook in there.at("/some")] == ["appointment.cancelled"]


def test_a_change_that_is_not_stored_tells_nobody(hooked: Host) -> None:
    made = hooked.request()
    before = len(written(hooked))
    with hooked.app.app_context(), hooked.state.db.atomic() as transaction:
        hooked.portal.confirm(made.ref)
        transaction.rollback()
    assert len(written(hooked)) == before


def test_without_endpoints_a_request_costs_not_one_statement_more(make: Make) -> None:
    host = make()
    host.request()
    with statements() as seen:
        host.request("theo", TUESDAY_TEN + HOUR)
    about = [statement for statement in seen if "portal_webhooks" in statement]
    looks = [statement for statement in seen if "portal_practice" in statement]
    assert about == looks, "they are looked for together with the practice"
    assert len([statement for statement in seen if "INTO portal_outbox" in statement]) == 1


def test_an_endpoint_that_another_process_added_is_told_of_the_next_change(
    make: Make, database_url: str, tmp_path: Path, there: Receiver
) -> None:
    host = make()
    host.request()
    other = make()
    endpoint = add(other, there.address())
    host.request("theo", TUESDAY_TEN + HOUR)
    assert len(written(host)) == 1
    webhooks.remove(other.state.db, other.state.settings, endpoint.key)
    host.request("theo", TUESDAY_TEN + 3 * HOUR)
    assert len(written(host)) == 1


def test_two_who_change_the_endpoints_at_once_both_succeed(make: Make, there: Receiver) -> None:
    host = make()
    gate = threading.Barrier(6)

    def work(number: int) -> None:
        gate.wait()
        add(host, there.address(f"/{number}"))
        host.state.db.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(host.state.webhooks()) == 6


# Signatures.


def test_the_signature_is_good_and_belongs_to_this_very_body(
    lite: Host, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite.request()
    lite.deliver()
    [hook] = there.got
    assert verified(hook, SECRET, MONDAY, monkeypatch) == hook.payload
    for wrong in (
        hook._replace(body=hook.body.replace(b"requested", b"confirmed")),
        hook._replace(headers=hook.headers | {"webhook-id": "another"}),
        hook._replace(headers=hook.headers | {"webhook-timestamp": str(int(MONDAY.timestamp()) + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            verified(wrong, SECRET, MONDAY, monkeypatch)
    with pytest.raises(WebhookVerificationError):
        verified(hook, OLDER, MONDAY, monkeypatch)


def test_another_try_has_the_same_id_and_body_and_a_fresh_timestamp(
    lite: Host, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.answers["/hooks"] = says(b"", status=500)
    lite.request()
    lite.deliver()
    there.answers.clear()
    lite.clock.advance(HOUR)
    lite.deliver()
    first, second = there.got
    assert (first.id, first.body) == (second.id, second.body)
    assert verified(second, SECRET, MONDAY + HOUR, monkeypatch)
    with pytest.raises(WebhookVerificationError, match="too old"):
        verified(first, SECRET, MONDAY + HOUR, monkeypatch)


def test_each_of_several_secrets_signs(make: Make, there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    host = make({"url": there.address(), "secrets": [SECRET, OLDER]})
    host.request()
    host.deliver()
    for secret in (SECRET, OLDER):
        assert verified(there.got[0], secret, MONDAY, monkeypatch)


def test_a_replaced_secret_signs_as_long_as_was_said_even_what_waited(
    make: Make, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make()
    endpoint = add(host, there.address())
    first = endpoint.secrets[0].text
    host.request()
    state = host.state
    second = webhooks.rotate(state.db, state.settings, endpoint.key, keep=DAY, now=host.clock.now).text
    host.deliver()
    for secret in (first, second):
        assert verified(there.got[0], secret, MONDAY, monkeypatch)
    third = webhooks.rotate(state.db, state.settings, endpoint.key, keep=2 * DAY, now=host.clock.now).text
    host.clock.advance(DAY)
    host.request("theo", TUESDAY_TEN + 7 * DAY)
    host.deliver()
    for secret in (second, third):
        assert verified(there.got[1], secret, MONDAY + DAY, monkeypatch)
    with pytest.raises(WebhookVerificationError):
        verified(there.got[1], first, MONDAY + DAY, monkeypatch)
    webhooks.rotate(state.db, state.settings, endpoint.key, keep=timedelta(), now=host.clock.now)
    assert len(state.webhooks()[endpoint.key].secrets) == 1


# Answers.


def test_a_large_answer_is_as_good_as_a_small_one(lite: Host, there: Receiver) -> None:
    there.answers["/hooks"] = says(b"x" * 5_000_000)
    lite.request()
    lite.deliver()
    assert hook_row(lite, "sent")


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\ncut"),
        raw(b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 100, pause=0.1),
    ],
    ids=["body cut", "body without end"],
)
def test_an_answers_head_is_enough(lite: Host, there: Receiver, answer: Any) -> None:
    there.answers["/hooks"] = answer
    lite.request()
    began = time.monotonic()
    lite.deliver()
    assert time.monotonic() - began < 3
    assert hook_row(lite, "sent")


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 500, 503])
def test_what_is_no_success_is_tried_again(lite: Host, there: Receiver, status: int) -> None:
    there.answers["/hooks"] = redirects(there.address("/elsewhere"), status)
    lite.request()
    lite.deliver()
    assert (hook_row(lite, "sent"), hook_row(lite, "error")) == (None, f"the server answered {status}")
    assert instant(hook_row(lite, "due")) == MONDAY + delivery.RETRIES[0]
    assert not there.at("/elsewhere"), "a redirect is not followed"
    there.answers.clear()
    lite.clock.advance(delivery.RETRIES[0])
    lite.deliver()
    assert hook_row(lite, "sent")
    assert len({hook.id for hook in there.got}) == 1


def test_an_answer_that_comes_too_late_is_none(lite: Host, there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint has it and says so, after we have left: it comes again, under the same id."""
    monkeypatch.setattr(delivery, "DEADLINE", 0.3)
    there.answers["/hooks"] = raw(b"", b"HTTP/1.1 200 OK\r\n\r\n", pause=0.5)
    lite.request()
    lite.deliver()
    assert (hook_row(lite, "sent"), hook_row(lite, "error")) == (None, "there was no complete answer in time")
    there.answers.clear()
    lite.clock.advance(delivery.RETRIES[0])
    lite.deliver()
    assert hook_row(lite, "sent")
    assert [hook.id for hook in there.got] == [hook_row(lite, "message_id")] * 2


@pytest.mark.parametrize("fault", ["hangs", "drips", "cut", "garbage"])
def test_an_endpoint_without_an_answer_holds_nobody_longer_than_the_deadline(
    lite: Host, there: Receiver, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 0.5)
    there.answers["/hooks"] = {
        "hangs": raw(then=there.closing),
        "drips": raw(b"HTTP/1.1 200 OK\r\n", *[b"X"] * 90, pause=0.1),
        "cut": raw(b""),
        "garbage": raw(b"220 mail.example ESMTP\r\n"),
    }[fault]
    lite.request()
    began = time.monotonic()
    lite.deliver()
    assert time.monotonic() - began < 3
    assert hook_row(lite, "sent") is None
    assert instant(hook_row(lite, "due")) == MONDAY + delivery.RETRIES[0]


def test_it_is_tried_over_three_days_and_then_given_up_on_in_the_open(hooked: Host, there: Receiver) -> None:
    there.answers["/hooks"] = says(b"", status=500)
    # Far ahead, or it would expire meanwhile.
    hooked.request(starts=TUESDAY_TEN + 14 * DAY)
    pauses = []
    while hook_row(hooked, "failed") is None:
        hooked.deliver()
        if hook_row(hooked, "failed") is None:
            pauses.append(instant(hook_row(hooked, "due")) - hooked.clock.now)
            hooked.clock.advance(pauses[-1])
    assert pauses == list(delivery.RETRIES)
    assert 3 * DAY < sum(pauses, timedelta()) < 4 * DAY
    assert len({hook.id for hook in there.got}) == 1
    [entry] = outbox_entries.listed(hooked.state.db, failed=True)
    assert (entry.channel, entry.error, entry.attempts) == ("webhook", "the server answered 500", len(there.got))
    there.answers.clear()
    assert outbox.send_again(hooked.state.db, entry.id, hooked.clock.now)
    hooked.deliver()
    assert hook_row(hooked, "sent")
    assert len({hook.id for hook in there.got}) == 1


def test_410_disables_the_endpoint_until_somebody_enables_it(hooked: Host, there: Receiver) -> None:
    there.answers["/hooks"] = says(b"", status=410)
    hooked.request()
    hooked.request("theo", TUESDAY_TEN + HOUR)
    hooked.deliver()
    assert len(there.got) == 1
    assert [entry.error.split(",")[0] for entry in outbox_entries.listed(hooked.state.db, failed=True)] == [
        "the server answered 410",
        "the endpoint is disabled",
    ]
    hooked.request("theo", TUESDAY_TEN + 3 * HOUR)
    assert len(written(hooked)) == 2, "nothing is written for it any more"
    there.answers.clear()
    [key] = hooked.state.webhooks()
    webhooks.enable(hooked.state.db, hooked.state.settings, key)
    hooked.request("theo", TUESDAY_TEN + 4 * HOUR)
    for entry in outbox_entries.listed(hooked.state.db, failed=True):
        outbox.send_again(hooked.state.db, entry.id, hooked.clock.now)
    hooked.deliver()
    assert len(there.got) == 4


def test_what_waits_for_an_endpoint_that_was_removed_is_given_up_on(make: Make, there: Receiver) -> None:
    host = make()
    endpoint = add(host, there.address())
    host.request()
    webhooks.remove(host.state.db, host.state.settings, endpoint.key)
    host.deliver()
    assert there.got == []
    [entry] = outbox_entries.listed(host.state.db, failed=True)
    assert entry.error == "the endpoint is no longer there"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ("120", timedelta(minutes=2)),
        ("1", delivery.RETRIES[0]),
        ("9" * 30, DAY),
        ("9" * 5000, delivery.RETRIES[0]),
        (format_datetime(MONDAY + HOUR, usegmt=True), HOUR),
        (format_datetime(MONDAY - HOUR, usegmt=True), delivery.RETRIES[0]),
        (format_datetime(MONDAY + 90 * DAY, usegmt=True), DAY),
        ("soon", delivery.RETRIES[0]),
        ("-5", delivery.RETRIES[0]),
        ("Mon, 99 Xyz 2026", delivery.RETRIES[0]),
    ],
)
def test_a_wait_that_is_asked_for_is_kept_within_bounds(
    lite: Host, there: Receiver, status: int, said: str, waits: timedelta
) -> None:
    there.answers["/hooks"] = says(b"", status=status, Retry_After=said)
    lite.request()
    lite.deliver()
    assert instant(hook_row(lite, "due")) == MONDAY + waits


def test_whoever_asks_for_patience_is_asked_nothing_more_and_the_others_are(make: Make, there: Receiver) -> None:
    host = make({"url": there.address("/busy"), "secret": SECRET}, {"url": there.address("/other"), "secret": SECRET})
    there.answers["/busy"] = says(b"", status=429, Retry_After="600")
    for hour in (0, 1, 3):
        host.request("theo", TUESDAY_TEN + hour * HOUR)
    host.deliver()
    assert (len(there.at("/busy")), len(there.at("/other"))) == (1, 3)
    there.answers.clear()
    host.clock.advance(timedelta(seconds=599))
    host.deliver()
    assert len(there.at("/busy")) == 1
    host.clock.advance(timedelta(seconds=1))
    host.deliver()
    assert len(there.at("/busy")) == 4


# Where to.


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "192.168.1.1"])
def test_an_address_inside_is_not_even_connected_to(
    sqlite_url: str, tmp_path: Path, clock: Clock, there: Receiver, name: str
) -> None:
    url = there.address(scheme="https").replace("127.0.0.1", name)
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_WEBHOOKS=[{"url": url, "secret": SECRET}])
    host.apply(PRACTICE)
    host.request()
    began = time.monotonic()
    host.deliver()
    assert time.monotonic() - began < 3
    assert "refused unless PORTAL_PRIVATE_ADDRESSES is True" in hook_row(host, "error")
    assert there.got == []
    host.state.db.close_all()


def test_neither_a_log_nor_an_error_names_client_address_or_secret(
    make: Make, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "portal_plugin")
    host = make({"url": there.address("/PLANTED"), "secret": SECRET, "body": "full"})
    there.answers["/PLANTED"] = says(b"Maya Lindqvist PLANTED", status=500, Retry_After="PLANTED")
    host.request()
    host.deliver()
    assert "was not delivered (the server answered 500, attempt 1)" in caplog.text
    for secret in ("PLANTED", "Maya", SECRET, "127.0.0.1"):
        assert secret not in caplog.text + hook_row(host, "error")
    assert SECRET not in repr(host.state.webhooks()) + repr(host.state.settings)


# Side by side.


def test_what_waits_is_told_even_after_a_later_message_went_out(hooked: Host, there: Receiver) -> None:
    """Unlike a mail: a record is complete, and the version says what is newer."""
    there.answers["/hooks"] = says(b"", status=500)
    ref = hooked.request().ref
    hooked.deliver()
    there.answers.clear()
    act(hooked, "confirm", ref)
    act(hooked, "cancel", ref)
    hooked.deliver()
    hooked.clock.advance(HOUR)
    hooked.deliver()
    told = [(hook.type, hook.payload["data"]["version"]) for hook in there.got[1:]]
    assert told == [("appointment.confirmed", 2), ("appointment.cancelled", 3), ("appointment.requested", 1)]


@contextmanager
def working(host: Host, workers: int = 1) -> Iterator[None]:
    """While workers work; they are stopped at the end, whatever happened."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=worker.run, args=(host.app, host.state, stop, 0.05), daemon=True)
        for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def wait_for(what: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_mail_server_that_hangs_delays_no_webhook(
    make: Make, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_plugin.delivery.mail.TIMEOUT", 3)
    with socket.create_server(("127.0.0.1", 0)) as silence:
        host = make(
            {"url": there.address(), "secret": SECRET},
            MAIL_SUPPRESS_SEND=False,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=silence.getsockname()[1],
        )
        for hour in (0, 1, 3):
            host.request("theo", TUESDAY_TEN + hour * HOUR)
        with working(host):
            wait_for(lambda: len(there.got) == 3, 2.5)
            host.request("theo", TUESDAY_TEN + 4 * HOUR)
            wait_for(lambda: len(there.got) == 4, 2.5)
            assert rows(host, "SELECT count(*) FROM portal_outbox WHERE channel = 'mail' AND error <> ''") == [(0,)]


def test_a_mail_server_that_hangs_delays_no_text(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_plugin.delivery.mail.TIMEOUT", 3)
    texted: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silence:
        host = make(
            MAIL_SUPPRESS_SEND=False,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=silence.getsockname()[1],
            PORTAL_SMS=lambda to, text, key: texted.append(key),
        )
        made = host.request()
        act(host, "confirm", made.ref)
        host.state.db.execute_sql(
            "INSERT INTO portal_outbox (appointment, channel, topic, recipient, message_id, facts, created, due, "
            "attempts, error) SELECT appointment, 'sms', 'reminder', '+12125550187', 'a text', facts, created, due, 0, "
            "'' FROM portal_outbox WHERE topic = 'received'"
        )
        monkeypatch.setattr("portal_plugin.delivery.worker.held_back", lambda state, message: False)
        with working(host):
            wait_for(lambda: texted, 2.5)
            assert rows(host, "SELECT count(*) FROM portal_outbox WHERE channel = 'mail' AND error <> ''") == [(0,)]


def test_more_endpoints_than_there_is_room_for_that_hang_delay_no_mail(
    make: Make, there: Receiver, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 4)
    dead = [f"/dead/{number}" for number in range(worker.MOST_LANES + 1)]
    host = make(
        *({"url": there.address(path), "secret": SECRET} for path in dead),
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mailbox.port,
    )
    there.answers |= dict.fromkeys(dead, raw(then=there.closing))
    with working(host):
        host.request("theo")
        wait_for(lambda: len(there.got) == worker.MOST_LANES and len(mailbox.mails) == 1, 3)
        host.request("theo", TUESDAY_TEN + HOUR)
        wait_for(lambda: len(mailbox.mails) == 2, 3)
        there.closing.set()


def test_an_endpoint_that_hangs_delays_no_mail_and_no_other_endpoint(
    make: Make, there: Receiver, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 4)
    host = make(
        {"url": there.address("/dead"), "secret": SECRET},
        {"url": there.address("/alive"), "secret": SECRET},
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mailbox.port,
    )
    there.answers["/dead"] = raw(then=there.closing)
    for hour in (0, 1, 3):
        host.request("theo", TUESDAY_TEN + hour * HOUR)
    with working(host):
        wait_for(lambda: len(there.at("/alive")) == len(mailbox.mails) == 3, 3.5)
        host.request("theo", TUESDAY_TEN + 4 * HOUR)
        wait_for(lambda: len(there.at("/alive")) == len(mailbox.mails) == 4, 3.5)
        assert len(there.at("/dead")) == 1
        there.closing.set()


def test_more_endpoints_than_lanes_are_all_told(make: Make, there: Receiver) -> None:
    host = make(*({"url": there.address(f"/{number}"), "secret": SECRET} for number in range(worker.MOST_LANES + 3)))
    host.request()
    host.deliver()
    assert len({hook.path for hook in there.got}) == worker.MOST_LANES + 3


def test_a_worker_that_is_told_to_stop_gives_back_what_it_has_not_tried(
    hooked: Host, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_plugin.delivery.mail.TIMEOUT", 1)
    flask_mail.Mail().init_app(hooked.app)
    hooked.app.extensions["mail"].__dict__.update(suppress=False, server="127.0.0.1", port=mailbox.port)
    for hour in (0, 1, 3):
        hooked.request("theo", TUESDAY_TEN + hour * HOUR)
    mailbox.answer("silent")
    with working(hooked):
        wait_for(lambda: mailbox.has_begun)
    tried = rows(hooked, "SELECT attempts, lease FROM portal_outbox WHERE channel = 'mail' ORDER BY id")
    assert tried == [(1, None), (0, None), (0, None)]


def test_the_endpoint_is_told_once_of_what_expires_soon(hooked: Host, there: Receiver) -> None:
    made = hooked.request()
    hooked.clock.now = made.expires - HOUR
    hooked.deliver()
    hooked.deliver()
    assert [hook.type for hook in there.got] == ["appointment.requested", "appointment.expiring"]
    # Newer than what the receiver has: it would pass over the same version.
    assert [hook.payload["data"]["version"] for hook in there.got] == [1, 2]
    assert there.got[1].payload["data"]["status"] == "requested"


def test_a_warning_that_was_answered_before_it_could_be_sent_is_not_sent(hooked: Host, there: Receiver) -> None:
    made = hooked.request()
    hooked.deliver()
    hooked.clock.now = made.expires - 2 * HOUR
    there.answers["/hooks"] = says(b"", status=503)
    hooked.deliver()
    there.answers.clear()
    act(hooked, "confirm", made.ref)
    hooked.clock.now = made.expires - HOUR
    hooked.deliver()
    told = [hook.type for hook in there.got]
    assert told == ["appointment.requested", "appointment.expiring", "appointment.confirmed"]
    assert hook_row(hooked, "error", 1) == "answered meanwhile"


def test_three_workers_tell_each_event_once(make: Make, there: Receiver) -> None:
    host = make({"url": there.address(), "secret": SECRET})
    for day in range(3):
        for hour in (0, 1, 3):
            host.request("theo", TUESDAY_TEN + day * DAY + hour * HOUR)
    with working(host, workers=3):
        wait_for(lambda: not rows(host, "SELECT 1 FROM portal_outbox WHERE sent IS NULL"))
    assert len(there.got) == len({hook.id for hook in there.got}) == 9


def test_expiry_tells_the_endpoint(hooked: Host, there: Receiver) -> None:
    hooked.request()
    hooked.clock.now = TUESDAY_TEN
    expire(hooked)
    hooked.deliver()
    assert [hook.type for hook in there.got] == ["appointment.requested", "appointment.expired"]
