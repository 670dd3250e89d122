"""Texts through Twilio, which a server on this machine plays, and whose reports its own library signs."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask_wtf import CSRFProtect
from twilio.request_validator import RequestValidator

from portal_plugin import SetupError
from portal_plugin.delivery import twilio
from portal_plugin.services import consents
from portal_plugin.testing import Clock
from tests.delivery.calendar_host import raw, says
from tests.delivery.receiver import Hook, Receiver, receiver
from tests.delivery.test_reminders import AFTERNOON, DAY, PHONE, confirmed, deliver_at, given_up, planned
from tests.practices import PRACTICE
from tests.services.steps import rows
from tests.support import Host, make_host

MINUTE = timedelta(minutes=1)
SID, TOKEN = "AC" + "1" * 32, "2" * 32
MESSAGES = f"/2010-04-01/Accounts/{SID}/Messages.json"
ACCEPTED = says(json.dumps({"sid": "SM1", "status": "queued"}), status=201)

Make = Callable[..., Host]


def refused(status: int, code: int | None = None, **headers: str):
    return says(
        json.dumps({"code": code, "message": f"The number {PHONE}", "status": status}), status=status, **headers
    )


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as host:
        host.answers[MESSAGES] = ACCEPTED
        yield host


@pytest.fixture
def make(sqlite_url: str, tmp_path: Path, clock: Clock, there: Receiver) -> Iterator[Make]:
    made: list[Host] = []

    def host(account: dict[str, str] | None = None, **settings: Any) -> Host:
        account = {"account_sid": SID, "auth_token": TOKEN, "api": there.address("")} | (
            {"from": "+12125550100"} if account is None else account
        )
        more = {"PORTAL_SMS": "twilio", "PORTAL_TWILIO": account, "PORTAL_PRIVATE_ADDRESSES": True}
        made.append(make_host(sqlite_url, tmp_path, clock, **more | settings))
        made[-1].apply(PRACTICE)
        return made[-1]

    yield host
    for one in made:
        one.state.db.close_all()


@pytest.fixture
def texting(make: Make) -> Host:
    """The host with an appointment whose first reminder is due."""
    host = make()
    confirmed(host)
    host.deliver()
    host.clock.now = AFTERNOON - DAY
    return host


def form_of(call: Hook) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode()))


def forms(there: Receiver) -> list[dict[str, str]]:
    return [form_of(call) for call in there.at(MESSAGES)]


def row(host: Host, *names: str) -> tuple[Any, ...]:
    return rows(host, f"SELECT {', '.join(names)} FROM portal_outbox WHERE channel = 'sms' ORDER BY id")[0]


def report(host: Host, status: str, *, key: str = "", token: str = TOKEN, sid: str = "SM1", **form: str) -> int:
    """Twilio reports to the address that it was given; the answer's status."""
    path = f"/portal/sms/status/{key or row(host, 'message_id')[0]}"
    form = {"MessageSid": sid, "MessageStatus": status, "To": PHONE} | form
    signature = RequestValidator(token).compute_signature(f"https://www.elmrow.example{path}", form)
    headers = {"X-Twilio-Signature": signature}
    return host.app.test_client().post(path, data=form, headers=headers).status_code


def test_a_text_is_posted_once_as_twilio_wants_it(texting, there):
    texting.deliver()
    texting.deliver()

    [call] = there.at(MESSAGES)
    assert call.headers["authorization"] == "Basic " + b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    key, sid, error = row(texting, "message_id", "provider_id", "error")
    assert forms(there) == [
        {
            "To": PHONE,
            "From": "+12125550100",
            "Body": "Elm Row Practice: appointment on Tue, Dec 8, 2:00 PM EST. Questions? +1 212 555 0100. "
            "STOP ends these texts.",
            "StatusCallback": f"https://www.elmrow.example/portal/sms/status/{key}",
        }
    ]
    assert (sid, error) == ("SM1", "")


def test_a_messaging_service_takes_the_place_of_a_number(make, there):
    host = make({"messaging_service_sid": "MG" + "3" * 32})
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    assert forms(there)[0]["MessagingServiceSid"] == "MG" + "3" * 32
    assert "From" not in forms(there)[0]


def test_twilio_is_asked_to_report_only_to_an_address_that_it_can_reach(make, there):
    host = make(PORTAL_BASE_URL="http://127.0.0.1:5000")
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    assert "StatusCallback" not in forms(there)[0]


@pytest.mark.parametrize(
    ("answer", "reason", "pause"),
    [
        (refused(401, 20003), "Twilio answered 401 with code 20003", 1),
        (refused(500), "Twilio answered 500", 1),
        (refused(429, 20429, Retry_After="600"), "Twilio answered 429 with code 20429", 10),
        (says(b"<html>down</html>", status=502), "Twilio answered 502", 1),
        (says(b"[" * 50_000, status=500), "RecursionError", 1),
        (says(b"x" * 200_000, status=201), "the answer is larger than 0.1 MB", 1),
        (raw(b"HTTP/1"), "the answer is not HTTP", 1),
    ],
    ids=["password", "500", "429", "502", "nested", "large", "cut"],
)
def test_what_may_pass_is_tried_again(texting, there, caplog, answer, reason, pause):
    there.answers[MESSAGES] = answer
    texting.deliver()
    assert row(texting, "error", "failed") == (reason, None)
    assert row(texting, "due")[0] == (AFTERNOON - DAY + pause * MINUTE).timestamp()

    there.answers[MESSAGES] = ACCEPTED
    texting.clock.advance(pause * MINUTE)
    texting.deliver()

    assert row(texting, "provider_id", "failed") == ("SM1", None)
    assert len({form["StatusCallback"] for form in forms(there)}) == 1, "the same key"
    assert PHONE not in caplog.text


@pytest.mark.parametrize("code", [21211, 21408, 21612, 21614])
def test_a_number_of_no_use_is_not_tried_again(texting, there, code):
    there.answers[MESSAGES] = refused(400, code)
    texting.deliver()
    texting.clock.advance(timedelta(hours=1))
    texting.deliver()

    assert len(there.at(MESSAGES)) == 1
    assert given_up(texting) == [f"Twilio answered 400 with code {code}"]


def test_a_number_that_twilio_keeps_as_opted_out_is_entered_in_the_ledger(texting, there):
    there.answers[MESSAGES] = refused(400, 21610)
    texting.deliver()

    assert given_up(texting) == ["that number opted out at the gateway"]
    assert planned(texting) == []
    assert rows(texting, "SELECT kind, way, said FROM portal_consent ORDER BY id DESC LIMIT 1") == [
        ("out", "gateway", "21610")
    ]


def test_a_server_that_is_silent_is_not_waited_for(texting, there, monkeypatch):
    monkeypatch.setattr(twilio, "DEADLINE", 0.3)
    there.answers[MESSAGES] = raw(then=there.closing)
    texting.deliver()
    assert row(texting, "error") == ("there was no complete answer in time",)


# What Twilio reports.


def test_what_became_of_a_text_is_written_down(texting):
    texting.deliver()
    for status in ("queued", "sent", "delivered", "sent"):
        assert report(texting, status) == 204
    assert row(texting, "delivery", "provider_id", "failed") == ("delivered", "SM1", None), "older news changes nothing"


def test_a_text_whose_answer_was_lost_is_not_sent_again_once_twilio_says_it_has_it(texting, there):
    there.answers[MESSAGES] = raw(b"HT")
    texting.deliver()
    assert row(texting, "sent") == (None,)

    report(texting, "sent")
    texting.clock.advance(timedelta(hours=1))
    texting.deliver()

    assert len(there.at(MESSAGES)) == 1
    assert row(texting, "provider_id", "delivery", "failed", "error") == ("SM1", "sent", None, "")
    assert row(texting, "sent") != (None,)


def test_a_text_that_did_not_arrive_is_listed_and_can_be_sent_again(texting, there):
    texting.deliver()
    report(texting, "sent")
    report(texting, "undelivered", ErrorCode="30003")
    assert given_up(texting) == ["the gateway says undelivered, code 30003"]

    there.answers[MESSAGES] = says(json.dumps({"sid": "SM2"}), status=201)
    texting.app.test_cli_runner().invoke(args=["portal", "resend", "--failed", "--channel", "sms"])
    texting.deliver()
    report(texting, "undelivered", ErrorCode="30003")
    assert row(texting, "provider_id", "delivery", "failed") == ("SM2", "", None), "that was the first one's"
    report(texting, "delivered", sid="SM2")
    assert row(texting, "provider_id", "delivery", "failed") == ("SM2", "delivered", None)


@pytest.mark.parametrize("code", ["", "thirty", "30003 <b>", "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_code_that_is_no_number_is_not_repeated(texting, code):
    texting.deliver()
    report(texting, "undelivered", ErrorCode=code)
    assert given_up(texting) == ["the gateway says undelivered"]


def test_an_opt_out_that_shows_only_later_is_entered_too(texting):
    texting.deliver()
    report(texting, "failed", ErrorCode="21610")
    with texting.app.app_context():
        assert not consents.may_text(texting.state, PHONE)
    assert planned(texting) == []


@pytest.mark.parametrize("status", ["", "read", "DELIVERED", "x" * 5000])
def test_a_word_that_twilio_never_used_changes_nothing(texting, status):
    texting.deliver()
    before = rows(texting, "SELECT * FROM portal_outbox")
    assert report(texting, status) == 204
    assert rows(texting, "SELECT * FROM portal_outbox") == before


def test_nobody_else_can_report(texting):
    texting.deliver()
    before = rows(texting, "SELECT * FROM portal_outbox")
    key = row(texting, "message_id")[0]
    browser = texting.app.test_client()

    assert report(texting, "failed", token="3" * 32) == 403
    assert browser.post(f"/portal/sms/status/{key}", data={"MessageStatus": "failed"}).status_code == 403
    assert browser.get(f"/portal/sms/status/{key}").status_code == 405
    assert report(texting, "failed", key="0" * 32) == 204, "signed, and of nothing that there is"
    assert rows(texting, "SELECT * FROM portal_outbox") == before


def test_a_site_without_twilio_has_no_such_page(host):
    assert host.app.test_client().post(f"/portal/sms/status/{'0' * 32}").status_code == 404


def test_the_hosts_csrf_protection_lets_twilio_pass_and_the_host_header_counts_for_nothing(make):
    host = make()
    CSRFProtect(host.app)
    confirmed(host)
    deliver_at(host, AFTERNOON - DAY)
    assert report(host, "delivered") == 204
    path = f"/portal/sms/status/{row(host, 'message_id')[0]}"
    signature = RequestValidator(TOKEN).compute_signature(f"https://evil.example{path}", {})
    headers = {"X-Twilio-Signature": signature, "Host": "evil.example"}
    assert host.app.test_client().post(path, headers=headers).status_code == 403


def test_reports_that_come_at_once_leave_the_last_word(texting):
    texting.deliver()
    threads = [
        threading.Thread(target=report, args=(texting, status)) for status in ("sent", "delivered", "queued", "sending")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert row(texting, "delivery") == ("delivered",)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORTAL_SMS": "twillio"}, 'PORTAL_SMS must be "console", "twilio", or a gateway'),
        ({"PORTAL_SMS": 5}, "PORTAL_SMS must be"),
        ({"PORTAL_TWILIO": None}, "PORTAL_TWILIO is needed"),
        ({"PORTAL_TWILIO": "PLANTED"}, "write a dict with account_sid"),
        ({"PORTAL_TWILIO": {"account_sid": SID, "token": "PLANTED", "from": "+12125550100"}}, "write a dict with"),
        ({"PORTAL_TWILIO": {"account_sid": SID, "auth_token": "PLANTED"}}, "from must be a number"),
        ({"PORTAL_TWILIO": {"account_sid": SID, "answers_itself": "no"}}, "answers_itself must be True or False"),
        ({"PORTAL_TWILIO": {"account_sid": SID, "auth_token": "PLANTED", "from": "(212)"}}, "from must be a number"),
        (
            {
                "PORTAL_TWILIO": {
                    "account_sid": SID,
                    "auth_token": "PLANTED",
                    "from": "+12125550100",
                    "messaging_service_sid": "MG" + "3" * 32,
                }
            },
            "from must be a number",
        ),
        (
            {
                "PORTAL_TWILIO": {
                    "account_sid": SID,
                    "auth_token": "PLANTED",
                    "from": "+12125550100",
                    "api": "http://api.example",
                },
                "PORTAL_PRIVATE_ADDRESSES": False,
            },
            "api must be a whole https address",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_told_without_its_secret(make, settings, sentence):
    with pytest.raises(SetupError) as refusal:
        make(**settings)
    assert sentence in str(refusal.value)
    assert "PLANTED" not in str(refusal.value)
