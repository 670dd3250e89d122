"""Whatever goes wrong, nothing personal and no secret stands where it has no place."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jinja2 import FileSystemLoader
from peewee import DatabaseError

from portal_plugin import PortalError, SetupError, appointment_requested
from portal_plugin.config import read_settings
from portal_plugin.storage.database import check_ready, migrate, open_database
from portal_plugin.testing import Clock
from tests.api.support import WANTED, System, make_key
from tests.delivery.calendar_host import Answer, ics, redirects, says
from tests.delivery.conftest import mail_server, mailbox
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import Receiver
from tests.secrecy.flows import CALLED
from tests.secrecy.markers import PERSON, SECRETS, found
from tests.secrecy.outlets import Watch, told
from tests.secrecy.site import CLIENT, GUEST, TWILIO, planted_host, planted_practice
from tests.support import STEP_2, TUESDAY_TEN, Host, execute
from tests.web import visiting
from tests.web.desk import REVIEW, act, decide
from tests.web.pages import UPCOMING, ref_of, send, step_2

__all__ = ["mail_server", "mailbox"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMED = f"{CLIENT.name} <{CLIENT.email}> {CLIENT.phone} {PERSON['note']}"
"""What somebody else's program says when it fails."""
GATEWAYS, CALENDARS, PASSWORD = (
    SECRETS[name] for name in ("gateway's token", "calendar's secret", "database password")
)
WEDNESDAY = WANTED | {"starts": "2026-12-09T15:00:00Z"}
GOOD = {"SECRET_KEY": "y" * 40, "PORTAL_BASE_URL": "https://www.example.org", "PORTAL_DATABASE_URL": "sqlite:///x"}
ECHO = says(f"no: {NAMED}", status=500)


@pytest.fixture(autouse=True)
def nothing_leaked(watch: Watch) -> Iterator[None]:
    yield
    assert not watch.leaks, told(watch.leaks)


def written(watch: Watch, name: str = "portal_plugin") -> bool:
    """Whether that logger wrote anything at all."""
    return name in watch.seen["log"]


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError(NAMED)


# The host's own code.


def test_a_receiver_that_raises_names_nobody_in_the_log(planted: Host, watch: Watch) -> None:
    browser = planted.browser()
    with appointment_requested.connected_to(broken, sender=planted.app):
        assert send(browser, step_2(browser, note=PERSON["note"])).status_code == 303
    assert written(watch)


def test_a_receiver_that_logs_a_name_is_found_out(planted: Host, watch: Watch) -> None:
    """The control: whoever reads the log for markers finds one."""

    def careless(app: Any, appointment: Any) -> None:
        app.logger.info("A request of %s", appointment.client.name)

    with appointment_requested.connected_to(careless, sender=planted.app):
        act(planted, "request", CLIENT, starts=TUESDAY_TEN, **CALLED)
    assert {(leak.what, leak.outlet) for leak in watch.leaks} == {("client's name", "log")}
    watch.leaks.clear()


def test_questions_that_break_name_nobody(planted: Host, watch: Watch) -> None:
    questions, browser = planted.portal._questions, planted.browser()
    form = step_2(browser, note=PERSON["note"])
    questions.busy_times = broken
    assert browser.get(STEP_2).status_code == 503
    assert send(browser, form).status_code == 503
    questions.busy_times = None
    for vetoes in (questions.request_vetoes, questions.confirmation_vetoes, questions.cancellation_vetoes):
        vetoes.append(broken)
    assert send(browser, form).status_code == 503
    with pytest.raises(PortalError) as refused:
        act(planted, "request", CLIENT, starts=TUESDAY_TEN, **CALLED)
    watch.look("error", str(refused.value))
    questions.request_vetoes.clear()
    ref = act(planted, "request", CLIENT, starts=TUESDAY_TEN, **CALLED).ref
    planted.deliver()
    assert decide(planted.browser("rosa"), ref, "confirm").status_code == 503
    watch.command(planted, "confirm", ref)
    answer = System(planted.app.test_client(), make_key(planted)).post(f"/appointments/{ref}/confirm", {})
    assert answer.status_code == 503
    questions.guest_verified = broken
    visitor = planted.browser(None)
    visiting.ask(visitor, visiting.TEN.replace("08T", "09T"), **GUEST)
    [mail] = [mail for mail in planted.deliver() if mail.to == [GUEST["email"]]]
    assert visiting.press(visitor, visiting.link_in(mail)).status_code == 503
    assert written(watch)


# Those to whom messages go.


@pytest.fixture
def posting(
    sqlite_url: str, tmp_path: Path, clock: Clock, there: Receiver, watch: Watch, mailbox: Mailbox, people: None
) -> Iterator[Host]:
    """Mails go to a real server, texts and webhooks to one that repeats what it got, or fails."""
    there.answers |= {"/thin": ECHO, "/full": ECHO}
    host = planted_host(
        sqlite_url,
        tmp_path,
        clock,
        there.address(""),
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mailbox.port,
        MAIL_USERNAME=None,
        PORTAL_SMS="twilio",
        PORTAL_TWILIO=TWILIO | {"api": there.address("")},
    )
    watch.listen(host.app)
    yield host
    host.state.db.close_all()


def reasons(host: Host) -> set[str]:
    return {error for (error,) in host.state.db.execute_sql("SELECT error FROM portal_outbox").fetchall()}


def look_at_the_outbox(host: Host, watch: Watch) -> None:
    watch.tables(host)
    for args in (["outbox"], ["outbox", "--failed"], ["outbox", "--json"], ["worker", "--once"], ["doctor"]):
        watch.command(host, *args, names=False)
    System(host.app.test_client(), make_key(host)).get("/outbox")


def test_a_mail_server_and_a_receiver_that_repeat_what_they_refuse_are_not_repeated(
    posting: Host, watch: Watch, mailbox: Mailbox
) -> None:
    act(posting, "confirm", act(posting, "request", CLIENT, starts=TUESDAY_TEN, note=PERSON["note"], **CALLED).ref)
    met: set[str] = set()
    for answer in (f"550 5.1.1 <{CLIENT.email}> {CLIENT.name} unknown", f"421 {NAMED}", "cut"):
        mailbox.answer(answer)
        posting.deliver()
        met |= reasons(posting)
        posting.clock.advance(timedelta(minutes=40))
    look_at_the_outbox(posting, watch)
    assert {"SMTPRecipientsRefused", "SMTPServerDisconnected", "the server answered 500"} <= met


def test_a_password_that_a_mail_server_repeats_is_not_repeated(posting: Host, watch: Watch, mailbox: Mailbox) -> None:
    posting.app.config.update(MAIL_USERNAME="portal", MAIL_PORT=9)
    act(posting, "request", CLIENT, starts=TUESDAY_TEN, **CALLED)
    posting.deliver()
    look_at_the_outbox(posting, watch)
    assert written(watch)


@pytest.mark.parametrize(
    "answer",
    [
        says(json.dumps({"code": 21211, "message": f"The 'To' number {CLIENT.phone} is not valid"}), status=400),
        says(json.dumps({"code": 21610, "message": f"{CLIENT.phone} has opted out"}), status=400),
        says(f"<html>{NAMED} {GATEWAYS}</html>", status=502),
        says(json.dumps({"code": NAMED, "message": NAMED}), status=500),
    ],
    ids=["no number", "opted out", "not JSON", "a name for a code"],
)
def test_a_gateway_that_repeats_the_number_is_not_repeated(
    posting: Host, watch: Watch, there: Receiver, answer: Answer
) -> None:
    there.answers[f"/2010-04-01/Accounts/{TWILIO['account_sid']}/Messages.json"] = answer
    browser = posting.browser()
    form = step_2(browser, starts="2026-12-08T19:00:00Z", text_reminders="1", phone=CLIENT.phone)
    act(posting, "confirm", ref_of(send(browser, form)))
    posting.clock.now = TUESDAY_TEN + 2 * HOUR
    for _ in range(2):
        posting.deliver()
        posting.clock.advance(HOUR / 2)
    assert any("Messages.json" in call.path for call in there.got)
    look_at_the_outbox(posting, watch)


@pytest.mark.parametrize(
    "answer",
    [
        ECHO,
        says(NAMED),
        says(ics(f"BEGIN:VEVENT\r\nSUMMARY:{NAMED}\r\nDTSTART:{NAMED}\r\nEND:VEVENT")),
        redirects(f"/{CALENDARS}.ics"),
        redirects(f"gopher://{CLIENT.email}/"),
    ],
    ids=["500", "no calendar", "an odd calendar", "in circles", "elsewhere"],
)
def test_a_calendar_that_cannot_be_read_keeps_its_address_and_what_it_says_to_itself(
    posting: Host, watch: Watch, there: Receiver, answer: Answer
) -> None:
    there.answers[f"/{CALENDARS}.ics"] = answer
    posting.apply(planted_practice(there.address(f"/{CALENDARS}.ics")))
    posting.deliver()
    assert there.at(f"/{CALENDARS}.ics")
    look_at_the_outbox(posting, watch)
    watch.command(posting, "calendars", names=False)
    watch.command(posting, "practice", names=False)
    watch.command(posting, "practice", "--json", names=False)
    posting.browser().get(STEP_2)
    posting.browser("rosa").get(REVIEW)
    watch.look("repr", repr(posting.state.practice()))


def test_a_template_that_breaks_over_a_client_names_nobody(posting: Host, watch: Watch, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "portal" / "mail"
    folder.mkdir(parents=True)
    (folder / "received.txt").write_text("Subject: x\n\n{{ practice[client.name].first }}")
    posting.app.jinja_loader = FileSystemLoader(str(tmp_path / "templates"))
    act(posting, "request", CLIENT, starts=TUESDAY_TEN, **CALLED)
    posting.deliver()
    look_at_the_outbox(posting, watch)
    assert "UndefinedError" in reasons(posting)


# The database.


def test_a_row_that_the_database_refuses_is_not_repeated(either_planted: Host, watch: Watch) -> None:
    statement = "INSERT INTO portal_appointment (client_name, client_email, note) VALUES ({0}, {0}, {0})"
    mark = either_planted.state.db.param
    with pytest.raises(DatabaseError) as refused:
        either_planted.state.db.execute_sql(statement.format(mark), (CLIENT.name, CLIENT.email, PERSON["note"]))
    watch.error(refused.value)
    assert "portal_appointment" in str(refused.value)


def test_a_database_without_its_tables_is_told_without_what_was_to_be_stored(
    either_planted: Host, watch: Watch
) -> None:
    browser, rosa = either_planted.browser(), either_planted.browser("rosa")
    form = step_2(browser, note=PERSON["note"])
    ref = act(either_planted, "request", CLIENT, starts=TUESDAY_TEN, **CALLED).ref
    either_planted.state.db.execute_sql("ALTER TABLE portal_history RENAME TO portal_gone")
    either_planted.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    for answer in (
        send(browser, form),
        decide(rosa, ref, "decline", PERSON["message"]),
        System(browser, make_key(either_planted)).post("/requests", WEDNESDAY | {"note": PERSON["note"]}),
    ):
        assert answer.status_code in {500, 503}
    watch.command(either_planted, "decline", ref, "--message", PERSON["message"])
    with pytest.raises((DatabaseError, PortalError)) as refused:
        act(either_planted, "decline", ref, message=PERSON["message"])
    watch.error(refused.value)
    assert written(watch)


@pytest.mark.postgres
def test_a_database_that_goes_away_is_told_without_its_password(on_postgres: Host, watch: Watch, postgres: str) -> None:
    name = on_postgres.state.db.database
    browser, key = on_postgres.browser(), make_key(on_postgres)
    form = step_2(browser, note=PERSON["note"])
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(postgres, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for address in (STEP_2, UPCOMING, "/portal/ready"):
        assert browser.get(address).status_code == 503
    assert send(browser, form).status_code == 503
    assert System(browser, key).get("/appointments").status_code == 503
    watch.command(on_postgres, "appointments")
    watch.command(on_postgres, "doctor", names=False)
    with pytest.raises(SetupError) as refused:
        check_ready(on_postgres.state.db)
    watch.error(refused.value)
    assert written(watch)
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://portal:12/{PASSWORD}@127.0.0.1/portal",
        f"postgresql://portal:{PASSWORD}/x@127.0.0.1/portal",
        f"postgresql://portal:{PASSWORD}#x@127.0.0.1/portal",
        f"postgresql://portal:12#{PASSWORD}@127.0.0.1/portal",
        f"postgresql://portal:{PASSWORD}?x@127.0.0.1/portal",
        f"postgresql://portal:12?{PASSWORD}@127.0.0.1/portal",
        f"postgresql://portal:{PASSWORD}[x@127.0.0.1/portal",
        f"postgresql://portal:{PASSWORD}@127.0.0.1:port/portal",
        f"postgresql://portal:{PASSWORD}@127.0.0.1:9/portal",
        f"postgresql://portal:{PASSWORD}@127.0.0.1:9/portal?sslmode=x",
        f"postgresql://portal:{PASSWORD}@127.0.0.1:9/portal?unknown=x",
        f"postgres://portal:{PASSWORD}@127.0.0.1/portal",
        f"mysql://portal:{PASSWORD}@127.0.0.1/portal",
    ],
)
def test_an_address_of_the_database_that_is_wrong_is_told_without_its_password(address: str, watch: Watch) -> None:
    def opened() -> None:
        migrate(open_database(read_settings(GOOD | {"PORTAL_DATABASE_URL": address}, "/x").database_url))

    with pytest.raises(SetupError) as wrong:
        opened()
    watch.error(wrong.value)
    assert "PORTAL_DATABASE_URL" in str(wrong.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"PORTAL_DATABASE_URL": SECRETS["database password"].encode()},
        {"PORTAL_METRICS_TOKEN": SECRETS["metrics token"].encode()},
        {"PORTAL_METRICS_TOKEN": SECRETS["metrics token"][:14]},
        {"SECRET_KEY": SECRETS["SECRET_KEY"][:15]},
        {"SECRET_KEY_FALLBACKS": SECRETS["earlier SECRET_KEY"]},
        {"SECRET_KEY_FALLBACKS": [SECRETS["earlier SECRET_KEY"], 5]},
        {"SECRET_KEY_FALLBACKS": [SECRETS["earlier SECRET_KEY"][:15]]},
        {"PORTAL_TWILIO": SECRETS["gateway's token"]},
        {"PORTAL_TWILIO": TWILIO | {"token": SECRETS["gateway's token"]}},
        {"PORTAL_TWILIO": {name: value for name, value in TWILIO.items() if name != "from"}},
        {"PORTAL_WEBHOOKS": [{"url": f"ftp://x/{CALENDARS}", "secret": "x"}]},
        {"PORTAL_WEBHOOKS": [{"url": "https://a.example/x", "secret": "whsec_" + "A" * 21}]},
    ],
)
def test_settings_that_are_wrong_are_told_without_what_is_secret_in_them(wrong: dict[str, Any], watch: Watch) -> None:
    with pytest.raises(SetupError) as refused:
        read_settings(GOOD | wrong, "/x")
    watch.error(refused.value)
    assert next(iter(wrong)) in str(refused.value)


def test_every_marker_is_found_however_it_is_written() -> None:
    for what, word in (PERSON | SECRETS).items():
        hidden = urlsafe_b64encode(f'["{word}", 1, 2]'.encode()).decode()
        for one in (word, word.upper(), quote(word), escape(word), hidden):
            assert what in found(f"x {one} y"), (what, one)
    for number in ("(212) 555-0143", "212.555.0143", "+1%20212%20555%200143", "tel:+12125550143"):
        assert "client's phone" in found(number)
