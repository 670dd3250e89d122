"""`flask portal doctor`: each part is looked at, and what is not in place is told with what to do."""

import shutil
import socket
import sqlite3
import ssl
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtpd
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from portal_plugin.doctor import clocks, sending
from portal_plugin.domain import instants
from portal_plugin.testing import Clock, Texts
from tests.cli.test_commands import run
from tests.delivery.calendar_host import raw, says
from tests.delivery.conftest import mail_server, mailbox
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import receiver
from tests.delivery.test_faults import free_port
from tests.practices import PRACTICE, practice
from tests.redis_server import redis_server
from tests.support import MONDAY, Host, make_host

__all__ = ["mail_server", "mailbox"]

CERTIFICATES = Path(aiosmtpd.__file__).parent / "tests" / "certs"


@pytest.fixture(autouse=True)
def system_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Clock:
    """What the doctor takes for the system's clock: the tests' own."""
    monkeypatch.setattr(clocks, "utc_now", lambda: clock())
    return clock


@pytest.fixture
def build(tmp_path: Path, clock: Clock, mailbox: Mailbox) -> Iterator[Any]:
    """A host that lacks nothing, unless its settings say so."""
    made: list[Host] = []

    def host(url: str, data: dict[str, Any] | None = PRACTICE, **settings: Any) -> Host:
        mail = {"MAIL_SUPPRESS_SEND": False, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mailbox.port}
        mail["PORTAL_SMS"] = Texts()
        made.append(make_host(url, tmp_path, clock, **mail | settings))
        if data:
            made[-1].apply(data)
        return made[-1]

    yield host
    for one in made:
        one.state.db.close_all()


def told(host: Host, exit_code: int = 0) -> dict[str, list[str]]:
    """What it says, by level."""
    result = run(host, "doctor")
    found: dict[str, list[str]] = {"ok": [], "warning": [], "failing": []}
    for line in result.output.splitlines():
        level, what = line.split(maxsplit=1)
        found[level].append(what)
    assert result.exit_code == exit_code, result.output
    return found


def only(host: Host, level: str) -> str:
    """The only thing that is not in order."""
    found = told(host, exit_code=1 if level == "failing" else 0)
    assert found["warning"] + found["failing"] == found[level], found
    [what] = found[level]
    return what


def test_where_everything_is_in_place_all_is_ok_and_nothing_is_sent(build, database_url, mailbox):
    found = told(build(database_url))

    sqlite = f"SQLite {sqlite3.sqlite_version}, journal mode wal; "
    engine = sqlite if database_url.startswith("sqlite") else "PostgreSQL 1"
    assert found["warning"] == found["failing"] == []
    for part in ("SECRET_KEY", "PORTAL_BASE_URL", "the clock", f"the database is {engine}",
                 "the database itself refuses", "the practice is Elm Row Practice", "time zones",
                 "America/New_York, 20", "mails have a sender",
                 f"the mail server, 127.0.0.1 port {mailbox.port}, answers unencrypted", "no message"):  # fmt: skip
        assert any(what.startswith(part) for what in found["ok"]), part
    assert mailbox.mails == []


# Settings.


def test_a_redis_that_answers_is_told_and_one_that_is_away_too(build, sqlite_url, tmp_path):
    with redis_server(tmp_path) as server:
        host = build(sqlite_url, PORTAL_LIMITS_STORAGE=server.url)
        assert "Redis answers, and counts how often somebody sends something" in told(host)["ok"]
        server.stop()
        found = only(host, "warning")
    assert "put its address into PORTAL_LIMITS_STORAGE" in found
    assert "hush" not in found


@pytest.mark.parametrize(
    ("settings", "level", "sentence"),
    [
        ({"SECRET_KEY": "dev"}, "failing", "SECRET_KEY has 3 characters, and can be guessed: set it to what `python"),
        ({"SECRET_KEY": b"x" * 20}, "warning", "SECRET_KEY has 20 characters"),
        ({"PORTAL_BASE_URL": "http://www.elmrow.example"}, "failing", "lead to an unencrypted page; set it to"),
        ({"PORTAL_BASE_URL": "http://localhost:5000"}, "warning", "lead to an unencrypted page of this machine"),
        ({"MAIL_DEFAULT_SENDER": None}, "failing", "MAIL_DEFAULT_SENDER is not set: set it to the address"),
        ({"MAIL_SUPPRESS_SEND": True}, "warning", "so no mail leaves"),
        ({"MAIL_SERVER": "mail.elmrow.invalid"}, "failing", "cannot be found by its name: check MAIL_SERVER"),
        ({"MAIL_SERVER": "x" * 300}, "failing", "does not answer as a mail server does (UnicodeError)"),
        ({"MAIL_USE_TLS": True}, "failing", "does not offer STARTTLS"),
        ({"PORTAL_SMS": "console"}, "warning", 'PORTAL_SMS is "console", so text reminders are shown where'),
        ({"MAIL_USE_SSL": True}, "failing", "does not speak TLS there"),
        ({"MAIL_USERNAME": "elmrow", "MAIL_PASSWORD": "PLANTED"}, "failing", "no sign-in without it"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_right_is_told_with_what_to_do(build, sqlite_url, settings, level, sentence):
    assert sentence in only(build(sqlite_url, **settings), level)


def test_where_mails_to_staff_go_is_told_and_that_they_lead_nowhere_without_a_review_page(build, sqlite_url):
    host = build(sqlite_url, PORTAL_STAFF_MAIL=[{"to": "desk@elmrow.example"}])
    assert "mails to staff go to 1 address" in told(host)["ok"]
    host.portal._questions.current_staff = None
    assert only(host, "warning").endswith("register @portal.current_staff")


def test_no_secret_is_printed(build, sqlite_url):
    host = build(
        sqlite_url,
        SECRET_KEY="PLANTED",
        MAIL_USERNAME="PLANTED",
        MAIL_PASSWORD="PLANTED",
    )
    assert "PLANTED" not in run(host, "doctor").output


def test_a_database_away_is_told_once_and_without_its_password(build):
    host = build("postgresql://portal:PLANTED@127.0.0.1:1/portal", data=None)
    what = only(host, "failing")
    assert what.startswith("The database cannot be reached: check PORTAL_DATABASE_URL")
    assert "PLANTED" not in what


@pytest.mark.parametrize(("by", "which"), [(timedelta(days=3), "ahead of"), (timedelta(hours=-5), "behind")])
def test_a_clock_that_is_far_from_the_system_s_is_told(build, sqlite_url, by, which):
    host = build(sqlite_url, PORTAL_CLOCK=lambda: MONDAY + by)
    assert f"{which} the system's clock: remove the setting" in only(host, "failing")


def test_a_clock_without_a_zone_is_told_once(build, sqlite_url):
    host = build(sqlite_url, data=None, PORTAL_CLOCK=lambda: datetime(2026, 12, 7))  # noqa: DTZ001
    found = told(host, exit_code=1)
    assert [what for what in found["failing"] if "PORTAL_CLOCK must return an aware datetime" in what] != []


# Database and practice.


def test_a_database_that_is_not_there_yet_is_not_made(build, tmp_path):
    host = build(f"sqlite:///{tmp_path / 'none.db'}", data=None)
    assert only(host, "failing").endswith("run `flask portal init`.")
    assert not (tmp_path / "none.db").exists()


def test_tables_that_are_not_up_to_date_are_told(build, database_url):
    host = build(database_url)
    with host.app.app_context():
        host.state.db.execute_sql("DELETE FROM portal_migration")
    assert "not up to date (0001_initial" in only(host, "failing")


def test_a_practice_that_was_not_applied_is_told(build, sqlite_url):
    assert "run `flask portal apply practice.toml`" in only(build(sqlite_url, data=None), "failing")


def test_a_practice_that_cannot_be_read_is_told_and_the_rest_is_looked_at(build, sqlite_url):
    host = build(sqlite_url)
    with host.app.app_context():
        host.state.db.execute_sql("UPDATE portal_practice SET document = '{}'")
    found = told(host, exit_code=1)
    assert "The practice: could not be looked at (KeyError)" in found["failing"]
    assert any("the mail server" in what for what in found["ok"])


def test_what_is_odd_about_the_practice_is_a_warning(build, sqlite_url):
    data = practice()
    data["providers"][1]["hours"][0]["tuesday"] = ["9:00-9:30"]
    assert only(build(sqlite_url, data), "warning").startswith("practice file, providers 'ben', hours 1, tuesday: 9:00")


def test_a_database_without_its_guard_is_told(build, database_url):
    host = build(database_url)
    if database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as db:
            db.execute("DROP TRIGGER portal_claim_apart_INSERT")
    else:
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER TABLE portal_claim DROP CONSTRAINT portal_claim_apart")
    assert "the guard that keeps appointments of one provider apart is missing" in only(host, "failing")


def test_a_journal_in_which_readers_wait_is_told_and_init_puts_it_right(build, sqlite_url):
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as db:
        db.execute("PRAGMA journal_mode = delete")
    host = build(sqlite_url)
    assert "journal mode delete, in which readers wait for writers: run `flask portal init`" in only(host, "warning")
    run(host, "init")
    assert told(host)["warning"] == []


# Clocks.


@contextmanager
def system_zones(folder: Path, version: str, **zones: str) -> Iterator[None]:
    """A system whose time zones are those of the tzdata package, but for some that are others."""
    for name in ("America/New_York", *zones):
        source = Path(str(clocks.files("tzdata"))) / "zoneinfo" / zones.get(name, name)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    (folder / "tzdata.zi").write_text(f"# version {version}\n")
    zoneinfo.reset_tzpath([folder])
    forget()
    try:
        yield
    finally:
        zoneinfo.reset_tzpath()
        forget()


def forget() -> None:
    zoneinfo.ZoneInfo.clear_cache()
    instants.local_day.cache_clear()


@pytest.mark.parametrize(
    ("version", "level", "advice"),
    [("2000a", "failing", "upgrade the system's, or set PYTHONTZPATH"), ("2999a", "warning", "upgrade the package")],
)
def test_a_zone_that_system_and_package_see_differently_is_told(build, sqlite_url, tmp_path, version, level, advice):
    host = build(sqlite_url)
    with system_zones(tmp_path / "zones", version, **{"America/New_York": "America/Phoenix"}):
        found = told(host, exit_code=1 if level == "failing" else 0)
    [what] = found[level]
    assert "America/New_York differs from 20" in what
    assert f"({version}), which are used, and the tzdata package" in what
    assert what.endswith(advice) or advice in what


def test_a_difference_in_a_zone_that_nobody_uses_is_none(build, sqlite_url, tmp_path):
    host = build(sqlite_url)
    with system_zones(tmp_path / "zones", "2000a", **{"Europe/London": "America/Phoenix"}):
        found = told(host)
    assert any("time zones come from the system, 2000a, and agree" in what for what in found["ok"])


def test_without_time_zones_of_the_system_the_package_s_are_used(build, sqlite_url):
    host = build(sqlite_url)
    zoneinfo.reset_tzpath([])
    try:
        found = told(host)
    finally:
        zoneinfo.reset_tzpath()
    assert any(what.startswith("time zones come from the tzdata package, 20") for what in found["ok"])


def test_the_next_two_clock_changes_are_told_with_the_times_they_touch(build, sqlite_url):
    data = practice()
    data["providers"][0]["hours"].append({"sunday": ["0:00-6:00"]})
    data["locations"][1]["zone"] = "UTC"
    host = build(sqlite_url, data)

    found = told(host)

    # Every quarter of an hour for a call, every half hour for a visit.
    assert [what for what in found["warning"] if "America/New_York" in what] == [
        "America/New_York, 2027-03-14: 02:00 to 03:00 is skipped, so 4 times of the usual hours are not offered that "
        "day; an override can offer others",
        "America/New_York, 2027-11-07: 01:00 to 02:00 happens twice, so 4 times are offered twice, each named with its "
        "offset; an override can close one or both",
    ]
    assert "UTC: the clock does not change within two years" in found["ok"]


# Mail.


def nobody(*_: object) -> AuthResult:
    """Whoever signs in is refused."""
    return AuthResult(success=False, handled=False)


@contextmanager
def server(**options: Any) -> Iterator[int]:
    port = free_port()
    controller = Controller(object(), hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def test_a_certificate_that_is_not_valid_is_told(build, sqlite_url):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    with server(tls_context=context) as port:
        what = only(build(sqlite_url, MAIL_PORT=port, MAIL_USE_TLS=True), "failing")
    assert "shows a certificate that is not valid" in what


def test_a_password_that_is_refused_is_told(build, sqlite_url):
    with server(auth_require_tls=False, authenticator=nobody) as port:
        host = build(sqlite_url, MAIL_PORT=port, MAIL_USERNAME="elmrow", MAIL_PASSWORD="wrong")
        assert "refuses the password: check MAIL_USERNAME and MAIL_PASSWORD" in only(host, "failing")


def test_a_server_that_is_silent_is_not_waited_for(build, sqlite_url, monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = build(sqlite_url, MAIL_PORT=silent.getsockname()[1])
        assert "did not answer within 0 seconds" in only(host, "failing")


def test_a_server_that_is_away_is_told(build, sqlite_url):
    assert "refuses connections" in only(build(sqlite_url, MAIL_PORT=free_port()), "failing")


# Text reminders.


ACCOUNT = "/2010-04-01/Accounts/AC1.json"


@pytest.mark.parametrize(
    ("answer", "level", "sentence"),
    [
        (says(b"{}"), "ok", "Twilio knows the account and its token"),
        (says(b"{}", status=401), "failing", "Twilio answers 401: check account_sid and auth_token"),
        (says(b"", status=503), "failing", "Twilio answers 503: try again"),
        (raw(b"HT"), "failing", "Twilio was not reached: the answer is not HTTP"),
    ],
)
def test_twilio_is_asked_whether_it_knows_the_account_and_nothing_is_sent(build, sqlite_url, answer, level, sentence):
    with receiver() as there:
        there.answers[ACCOUNT] = answer
        account = {"account_sid": "AC1", "auth_token": "PLANTED", "from": "+12125550100", "api": there.address("")}
        host = build(sqlite_url, PORTAL_SMS="twilio", PORTAL_TWILIO=account, PORTAL_PRIVATE_ADDRESSES=True)
        found = told(host, exit_code=1 if level == "failing" else 0)
    assert any(what.startswith(sentence) for what in found[level]), found
    assert [call.path for call in there.got] == [ACCOUNT]
    assert "PLANTED" not in str(found)


def test_a_practice_without_reminders_needs_no_gateway(build, sqlite_url):
    host = build(sqlite_url, practice(reminders=[]), PORTAL_SMS="console")
    assert "the practice sends no reminders" in told(host)["ok"]


# The worker.


def test_a_message_that_nobody_takes_is_told(build, database_url, clock):
    host = build(database_url)
    host.request()
    assert told(host)["failing"] == [], "just written"

    clock.advance(timedelta(minutes=20))

    assert "a message has been due for 20 minutes: see that `flask portal worker` runs" in only(host, "failing")
    host.deliver()
    assert told(host)["failing"] == []


def test_an_expiry_that_nobody_carried_out_is_told(build, database_url, clock):
    host = build(database_url, practice(request_expiry_hours=1))
    host.request()
    host.deliver()
    clock.advance(timedelta(hours=1, minutes=5))
    assert told(host)["failing"] == []

    clock.advance(timedelta(minutes=6))

    assert "an invitation ought to have expired a while ago: see that `flask portal worker` runs" in only(
        host, "failing"
    )
    host.deliver()
    assert told(host)["failing"] == []
