"""A site that is not set up yet is told what to do: at start, in the log, and never as a fault."""

import logging
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal_plugin import Client, Portal, SetupError
from portal_plugin.testing import Clock
from tests.conftest import fresh_database
from tests.practices import PRACTICE
from tests.support import MONDAY, STEP_2, Host, execute, make_host

BOOK = "/portal/appointments/book"
RIGHT = {
    "SECRET_KEY": "x" * 32,
    "PORTAL_BASE_URL": "https://www.example.org",
    "PORTAL_DATABASE_URL": "sqlite:////nowhere/portal.db",
}


def refusal(**settings: Any) -> list[str]:
    """What the portal says about these settings, a line for each."""
    app = Flask("host")
    app.config.update({name: value for name, value in (RIGHT | settings).items() if value is not None})
    with pytest.raises(SetupError) as caught:
        Portal(app)
    assert "portal" not in app.extensions
    return str(caught.value).splitlines()[1:]


# Settings.


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("SECRET_KEY", None, "long random text"),
        ("SECRET_KEY", "", "long random text"),
        ("SECRET_KEY", "fifteen letters", "secrets.token_hex"),
        ("SECRET_KEY", b"dev", "secrets.token_hex"),
        ("SECRET_KEY_FALLBACKS", "the key before, in no list", "must be a list"),
        ("SECRET_KEY_FALLBACKS", {"the key before": "in no list"}, "must be a list"),
        ("SECRET_KEY_FALLBACKS", ["the key before, with letters", 5], "must be a list"),
        ("SECRET_KEY_FALLBACKS", ["the key before, with letters", ""], "must be a list"),
        ("SECRET_KEY_FALLBACKS", ["the key before, with letters", "fifteen letters"], "leave it out"),
        ("SECRET_KEY_FALLBACKS", [b"dev"], "leave it out"),
        ("PORTAL_BASE_URL", None, '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "www.example.org", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "ftp://www.example.org", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "https://", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "https://www.example.org/?a=b", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "https://[", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", "https://www.example.org:port", '"https://www.example.org"'),
        ("PORTAL_BASE_URL", 5, "must be text"),
        ("PORTAL_DATABASE_URL", "mysql://root@localhost/portal", '"postgresql://user:password@host/database"'),
        ("PORTAL_DATABASE_URL", "portal.db", '"sqlite:////var/lib/site/portal.db"'),
        ("PORTAL_DATABASE_URL", "sqlite:///", '"sqlite:////var/lib/site/portal.db"'),
        ("PORTAL_DATABASE_URL", "postgresql://host", '"postgresql://user:password@host/database"'),
        ("PORTAL_DATABASE_URL", "sqlite:///:memory:", '"sqlite:////var/lib/site/portal.db"'),
        ("PORTAL_DATABASE_URL", 5, "must be text"),
        ("PORTAL_DATABASE_URL", "postgresql://portal:a/b@localhost/portal", "as %2F, %23, %3F, %40"),
        ("PORTAL_DATABASE_URL", "postgresql://portal:1#b@localhost/portal", "as %2F, %23, %3F, %40"),
        ("PORTAL_DATABASE_URL", "postgresql://portal@localhost:port/portal", "its port in digits"),
        ("PORTAL_HTMX", "cdn", '"bundled"'),
        ("PORTAL_HTMX", True, "must be text"),
        ("PORTAL_PRIVATE_ADDRESSES", "yes", "True or False"),
        ("PORTAL_PRIVATE_ADDRESSES", 1, "True or False"),
        ("PORTAL_CALENDAR_LINKS", {"google": "calendar.google.com"}, "a whole https address"),
        ("PORTAL_CALENDAR_LINKS", {"google": "http://calendar.google.com/x"}, "a whole https address"),
        ("PORTAL_CALENDAR_LINKS", {"yahoo": "https://calendar.yahoo.com"}, "google, outlook, microsoft_365"),
        ("PORTAL_CALENDAR_LINKS", "https://calendar.google.com", "write a dict"),
        ("PORTAL_LIMITS", "600/minute", '{"client_forms": "60/hour"}'),
        ("PORTAL_LIMITS", {"api": "600/minute"}, "'api' is no limit: write one of client_forms, network_forms"),
        ("PORTAL_LIMITS", {5: "600/minute"}, "5 is no limit"),
        ("PORTAL_LIMITS", {"api_calls": "often"}, '"600/minute", or None'),
        ("PORTAL_LIMITS", {"api_calls": ""}, '"600/minute", or None'),
        ("PORTAL_LIMITS", {"api_calls": "0/minute"}, '"600/minute", or None'),
        ("PORTAL_LIMITS", {"api_calls": "600/minute; 10/second"}, '"600/minute", or None'),
        ("PORTAL_LIMITS", {"guest_mailbox": 600}, '"5/hour", or None'),
        ("PORTAL_LIMITS_STORAGE", "memcached://localhost", '"redis://host:6379/0"'),
        ("PORTAL_LIMITS_STORAGE", "redis://", '"redis://host:6379/0"'),
        ("PORTAL_LIMITS_STORAGE", 5, "must be text"),
        ("PORTAL_STAFF_MAIL", "desk@example.org", '[{"to": "desk@example.org"}]'),
        ("PORTAL_STAFF_MAIL", [{"to": "desk"}], "PORTAL_STAFF_MAIL, entry 1: to is 'desk': write one address"),
        ("PORTAL_STAFF_MAIL", [{"to": "a@b.org", "events": ["expired"]}, {"to": "a@b.org"}], "told of expired already"),
        ("PORTAL_HOST_DEADLINE", 0, "how many seconds"),
        ("PORTAL_HOST_DEADLINE", 61, "how many seconds"),
        ("PORTAL_HOST_DEADLINE", "5", "how many seconds"),
        ("PORTAL_HOST_DEADLINE", True, "how many seconds"),
        ("PORTAL_HOST_DEADLINE", float("nan"), "how many seconds"),
        ("PORTAL_CLOCK", "now", "aware datetime"),
        ("PORTAL_RETENTION_DAYS", 0, "such as 3650"),
        ("PORTAL_RETENTION_DAYS", -1, "such as 3650"),
        ("PORTAL_RETENTION_DAYS", "3650", "such as 3650"),
        ("PORTAL_RETENTION_DAYS", 1.5, "such as 3650"),
        ("PORTAL_RETENTION_DAYS", True, "such as 3650"),
        ("PORTAL_RETENTION_DAYS", 10**9, "such as 3650"),
        ("PORTAL_OUTBOX_DAYS", 0, "such as 30, or None"),
        ("PORTAL_BASE_TEMPLATE", 5, "must be text"),
        ("PORTAL_SIGN_IN", ["sign_in"], "must be text"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(setting: str, value: Any, advice: str) -> None:
    lines = refusal(**{setting: value})
    assert all(setting in line for line in lines)
    assert advice in lines[0]


def test_a_wrong_address_of_redis_is_not_repeated_with_its_password() -> None:
    assert "hush" not in str(refusal(PORTAL_LIMITS_STORAGE="redis:/:hush@10.0.0.1"))


def test_every_wrong_setting_is_named_at_once() -> None:
    wrong = {
        "SECRET_KEY": None,
        "PORTAL_BASE_URL": "example",
        "PORTAL_DATABASE_URL": "oracle://",
        "PORTAL_HTMX": "cdn",
        "PORTAL_CLOCK": 5,
        "PORTAL_BASE_TEMPLATE": 5,
        "PORTAL_SIGN_IN": 5,
        "PORTAL_PRIVATE_ADDRESSES": "no",
    }
    lines = refusal(**wrong)
    assert len(lines) == len(wrong)
    for setting in wrong:
        assert [line for line in lines if setting in line]


def test_a_database_password_is_not_repeated() -> None:
    assert "PLANTED" not in "".join(refusal(PORTAL_DATABASE_URL="mysql://root:PLANTED@localhost/portal"))


def test_a_missing_postgresql_driver_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "portal_plugin.storage.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "playhouse.postgres_ext", None)
    app = Flask("host")
    app.config.update(RIGHT | {"PORTAL_DATABASE_URL": "postgresql://user@localhost/portal"})
    with pytest.raises(SetupError, match=r'pip install "portal_plugin\[postgres\]"'):
        Portal(app)


@pytest.mark.parametrize("mode", ["DEBUG", "TESTING"])
def test_while_debugging_or_testing_a_short_secret_will_do(mode: str) -> None:
    app = Flask("host")
    app.config.update(RIGHT | {"SECRET_KEY": "dev", mode: True})
    Portal(app)
    assert "portal" in app.extensions


def test_nothing_connects_or_is_created_at_start(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/new/portal.db", "postgresql://user:password@192.0.2.1/portal"):
        make_host(url, tmp_path, Clock(MONDAY))
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_setting_the_instance_folder_holds_it(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="x" * 32, PORTAL_BASE_URL="https://www.example.org")
    Portal(app)
    assert app.test_cli_runner().invoke(args=["portal", "init"]).exit_code == 0
    assert (tmp_path / "instance" / "portal.db").exists()


# One app, one portal.


def test_a_second_portal_on_one_app_is_refused(host: Host) -> None:
    for again in (Portal, host.portal.init_app, partial(Portal, url_prefix="/b")):
        with pytest.raises(SetupError, match="has a portal already"):
            again(host.app)


def test_a_verb_on_an_app_without_a_portal_says_so() -> None:
    with Flask("host").app_context(), pytest.raises(SetupError, match="init_app"):
        Portal().confirm("x")


# Not ready yet.


def not_migrated(tmp_path: Path) -> str:
    path = tmp_path / "empty.db"
    path.touch()
    return f"sqlite:///{path}"


def not_there(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/none/portal.db"


def not_a_database(tmp_path: Path) -> str:
    path = tmp_path / "garbage.db"
    path.write_bytes(b"This is no database. " * 500)
    return f"sqlite:///{path}"


def a_folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}"


def nobody_listens(tmp_path: Path) -> str:
    return "postgresql://portal:PLANTED@127.0.0.1:1/portal"


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (not_there, "flask portal init"),
        (not_migrated, "flask portal init"),
        (not_a_database, "PORTAL_DATABASE_URL"),
        (a_folder, "PORTAL_DATABASE_URL"),
        (nobody_listens, "PORTAL_DATABASE_URL"),
    ],
)
def test_without_its_database_every_page_is_a_503_and_the_log_says_what_to_do(
    tmp_path: Path, url: Callable[[Path], str], advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = make_host(url(tmp_path), tmp_path, Clock(MONDAY))
    browser = host.browser("maya")
    for address in (BOOK, STEP_2, "/portal/appointments/upcoming", "/portal/link/x"):
        for headers in ({}, {"HX-Request": "true"}):
            caplog.clear()
            answer = browser.get(address, headers=headers)
            assert answer.status_code == 503
            assert "Appointments are not available online right now" in answer.text
            assert answer.headers["Cache-Control"] == "no-store"
            [record] = [record for record in caplog.records if record.name == "portal_plugin"]
            assert record.levelno == logging.ERROR
            assert advice in record.getMessage()
            assert "PLANTED" not in record.getMessage()
    assert browser.post(BOOK).status_code == 503
    with pytest.raises(SetupError, match=advice):
        host.portal.check(host.app)
    host.state.db.close_all()


def test_without_a_practice_every_page_is_a_503_and_the_log_says_to_apply_one(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = make_host(sqlite_url, tmp_path, Clock(MONDAY))
    assert host.browser("maya").get(BOOK).status_code == 503
    assert "flask portal apply practice.toml" in caplog.text
    with pytest.raises(SetupError, match="flask portal apply"):
        host.portal.check(host.app)
    host.state.db.close_all()


def test_while_developing_the_page_itself_says_what_to_do(tmp_path: Path) -> None:
    host = make_host(not_there(tmp_path), tmp_path, Clock(MONDAY))
    host.app.debug = True
    assert "flask portal init" in host.browser("maya").get(BOOK).text


def test_once_everything_is_in_place_no_restart_is_needed(tmp_path: Path) -> None:
    host = make_host(not_there(tmp_path), tmp_path, Clock(MONDAY))
    browser = host.browser("maya")
    assert browser.get(BOOK).status_code == 503
    assert host.app.test_cli_runner().invoke(args=["portal", "init"]).exit_code == 0
    assert browser.get(BOOK).status_code == 503
    host.apply(PRACTICE)
    host.portal.check(host.app)
    assert browser.get(BOOK).status_code == 200
    host.state.db.close_all()


def test_static_files_do_not_wait_for_the_database(tmp_path: Path) -> None:
    host = make_host(not_there(tmp_path), tmp_path, Clock(MONDAY))
    assert host.browser(None).get("/portal/static/portal.css").status_code == 200


def test_the_site_s_own_pages_work_without_the_portal_s_database(tmp_path: Path) -> None:
    host = make_host(nobody_listens(tmp_path), tmp_path, Clock(MONDAY))
    assert host.browser(None).get("/sign-in").status_code == 200


def test_a_clock_without_a_zone_is_told(sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    host = make_host(sqlite_url, tmp_path, Clock(MONDAY), PORTAL_CLOCK=lambda: datetime(2026, 12, 7))  # noqa: DTZ001
    host.apply(PRACTICE)
    assert host.browser("maya").get(STEP_2).status_code == 503
    assert "PORTAL_CLOCK must return an aware datetime" in caplog.text
    host.state.db.close_all()


def test_a_sign_in_endpoint_that_does_not_exist_is_told(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = make_host(sqlite_url, tmp_path, Clock(MONDAY), PORTAL_SIGN_IN="no_such_endpoint")
    host.apply(PRACTICE)
    assert host.browser(None).get(BOOK).status_code == 503
    assert "PORTAL_SIGN_IN" in caplog.text
    host.state.db.close_all()


def test_without_a_sender_for_mails_the_log_says_which_setting_to_make(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = make_host(sqlite_url, tmp_path, Clock(MONDAY), MAIL_DEFAULT_SENDER=None)
    host.apply(PRACTICE)
    host.request()
    host.deliver()
    assert "MAIL_DEFAULT_SENDER" in caplog.text
    host.state.db.close_all()


@pytest.mark.parametrize("answer", ["maya", {"id": "maya"}, 7])
def test_a_client_loader_that_returns_something_else_is_told(
    host: Host, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    host.portal.current_client(lambda: answer)
    assert host.browser(None).get(BOOK).status_code == 503
    assert "Client" in caplog.text


@pytest.mark.parametrize("id_", ["", " ", None])
def test_a_client_without_an_id_is_nobody(host: Host, id_: Any) -> None:
    """Two such people would see each other's appointments."""
    with pytest.raises(ValueError, match="id"):
        Client(id_, "Somebody", "somebody@example.org")


# Away for a while.


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    for url in fresh_database(request, tmp_path, "postgres"):
        host = make_host(url, tmp_path, clock)
        host.apply(PRACTICE)
        yield host
        host.state.db.close_all()


@pytest.mark.postgres
def test_a_database_that_restarted_is_back_without_a_fault(on_postgres: Host, postgres: str) -> None:
    browser = on_postgres.browser("maya")
    assert browser.get(STEP_2).status_code == 200
    name = on_postgres.state.db.database
    execute(postgres, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    answers = [browser.get(STEP_2).status_code for _ in range(3)]
    assert set(answers) <= {200, 503}
    assert answers[-1] == 200


@pytest.mark.postgres
def test_a_database_that_is_gone_is_a_503_and_a_log_line(
    on_postgres: Host, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = on_postgres.browser("maya")
    assert browser.get(STEP_2).status_code == 200
    name = on_postgres.state.db.database
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(postgres, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for _ in range(2):
        assert browser.get(STEP_2).status_code == 503
    assert [record for record in caplog.records if record.name == "portal_plugin"]
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert [browser.get(STEP_2).status_code for _ in range(2)][-1] == 200
