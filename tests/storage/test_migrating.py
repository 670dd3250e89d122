"""Tables are made and brought up to date, by one process or by several at once."""

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from peewee import IntegrityError

from portal_plugin.domain.consent import version_of
from portal_plugin.domain.errors import SetupError
from portal_plugin.domain.history import Event
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.storage import chain, history
from portal_plugin.storage.database import MIGRATIONS, check_ready, migrate
from tests.support import make_host, on_server

TABLES = {
    "practice",
    "claim",
    "appointment",
    "history",
    "seal",
    "outbox",
    "consent",
    "busy_calendar",
    "busy_stretch",
    "webhooks",
    "feed",
}
TABLES |= {"api_key", "api_answer", "rate", "inbound_text", "waitlist", "guest_request", "intake"}
EVERY_ONE = sorted(file.stem for file in MIGRATIONS.glob("[0-9]*.py"))


def test_migrating_makes_every_table(empty_url, opened):
    db = opened(empty_url)

    assert migrate(db) == EVERY_ONE
    assert {f"portal_{table}" for table in TABLES} <= set(db.get_tables())
    check_ready(db)


def test_migrating_again_does_nothing(empty_url, opened):
    db = opened(empty_url)
    migrate(db)
    db.execute_sql("INSERT INTO portal_practice (document, applied) VALUES ('{}', 0)")

    assert migrate(db) == []
    assert list(db.execute_sql("SELECT document FROM portal_practice")) == [("{}",)]


MIGRATE = """
import sys
from portal_plugin.storage.database import migrate, open_database
db = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(len(migrate(db)))
"""


def test_two_processes_at_once_migrate_once(empty_url, opened):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert sorted(answers) == ["0", str(len(EVERY_ONE))]
    check_ready(opened(empty_url))


def test_a_migration_that_fails_leaves_nothing_behind(empty_url, opened, monkeypatch, tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_half.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE portal_half (id INTEGER)')\n    1 / 0\n"
    )
    monkeypatch.setattr("portal_plugin.storage.database.MIGRATIONS", folder)
    db = opened(empty_url)

    with pytest.raises(ZeroDivisionError):
        migrate(db)

    assert "portal_half" not in db.get_tables()


# A history of the first release.

APPOINTMENT = """
INSERT INTO portal_appointment (ref, status, version, type, contact, provider, starts, ends, busy_from, busy_until,
    zone, client_id, client_name, client_email, client_phone, note, message, reason, text_reminders, created, expires)
VALUES ('r', 'cancelled', 2, 'visit', 'phone', 1, 100, 200, 100, 200, 'UTC', 'maya', '', '', '', '', '', '', {no}, 0, 9)
"""
HISTORY = """
INSERT INTO portal_history (at, appointment, actor_kind, actor, action, from_status, to_status, reason) VALUES
    (10, 1, 'staff', 'host', 'request', NULL, 'requested', ''),
    (20, 1, 'client', 'maya', 'cancel', 'requested', 'cancelled', 'Größe 😀')
"""


def first_release(db, monkeypatch, tmp_path):
    """The tables as they were before there was a chain, with two rows of history and the number of a third."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in MIGRATIONS.glob("*.py"):
        if path.stem < "0003":
            shutil.copy(path, folder)
    with monkeypatch.context() as patch:
        patch.setattr("portal_plugin.storage.database.MIGRATIONS", folder)
        migrate(db)
    db.execute_sql(APPOINTMENT.replace("{no}", "FALSE"))
    db.execute_sql(HISTORY)


def test_a_history_from_before_the_chain_is_sealed_as_it_was(empty_url, opened, monkeypatch, tmp_path):
    db = opened(empty_url)
    first_release(db, monkeypatch, tmp_path)
    columns = "id, at, appointment, actor_kind, actor, action, from_status, to_status, reason"
    before = list(db.execute_sql(f"SELECT {columns} FROM portal_history ORDER BY id"))

    migrate(db)

    assert list(db.execute_sql(f"SELECT {columns} FROM portal_history ORDER BY id")) == before
    verdict = chain.verify(db)
    assert (verdict.sound, verdict.rows, verdict.unsealed) == (True, 2, 0)
    with pytest.raises(IntegrityError, match="append-only"):
        db.execute_sql("DELETE FROM portal_history")
    staff = Actor(ActorKind.STAFF, "front desk")
    history.record(db, 1, staff, Event.EXPORT, None, None, "maya", datetime.fromtimestamp(30, UTC))
    assert chain.seal_settled(db) == 1
    assert chain.verify(db).last == 3, "numbers go on where they were"


def test_a_long_history_is_sealed_whole(empty_url, opened, monkeypatch, tmp_path):
    db = opened(empty_url)
    first_release(db, monkeypatch, tmp_path)
    columns = "at, appointment, actor_kind, actor, action, from_status, to_status, reason"
    for _ in range(11):
        db.execute_sql(f"INSERT INTO portal_history ({columns}) SELECT {columns} FROM portal_history")

    migrate(db)

    verdict = chain.verify(db)
    assert (verdict.sound, verdict.rows, verdict.unsealed) == (True, 4096, 0)


# Agreements of earlier releases.

CONSENT = """
INSERT INTO portal_consent (at, zone, client_id, phone, address, user_agent, page, text)
VALUES (10, 'UTC', 'maya', '+12125550187', '', '', '/book', 'Yes.'), (20, 'UTC', 'erased-1', '', '', '', '', 'Yes.')
"""


def test_agreements_from_before_the_ledger_count_and_get_their_version(empty_url, opened, monkeypatch, tmp_path):
    db = opened(empty_url)
    first_release(db, monkeypatch, tmp_path)
    db.execute_sql(CONSENT)

    migrate(db)

    rows = list(db.execute_sql("SELECT kind, way, version, said, unticked FROM portal_consent ORDER BY id"))
    assert [(*row[:4], bool(row[4])) for row in rows] == [("in", "request", version_of("Yes."), "", True)] * 2
    for change in ("SET at = 11", "SET client_id = 'erased-2', number = 'x' WHERE phone = ''"):
        with pytest.raises(IntegrityError, match="append-only"):
            db.execute_sql(f"UPDATE portal_consent {change}")


# What is not ready says so in a sentence.


def test_a_database_without_tables_is_told_what_to_run(empty_url, opened):
    with pytest.raises(SetupError, match="run `flask portal init`"):
        check_ready(opened(empty_url))


def test_looking_for_a_database_does_not_make_one(tmp_path, opened):
    path = tmp_path / "portal.db"

    with pytest.raises(SetupError, match=r"no database at .*portal\.db yet"):
        check_ready(opened(f"sqlite:///{path}"))

    assert not path.exists()


def test_a_database_behind_the_code_is_told_what_is_missing(empty_url, opened):
    db = opened(empty_url)
    migrate(db)
    db.execute_sql("DELETE FROM portal_migration")

    with pytest.raises(SetupError, match=rf"not up to date \({', '.join(EVERY_ONE)}\): run `flask portal init`"):
        check_ready(db)


@pytest.mark.postgres
@pytest.mark.parametrize("check", [check_ready, migrate])
def test_a_server_that_does_not_answer_is_told_in_a_sentence(opened, check):
    db = opened("postgresql://nobody@127.0.0.1:1/nowhere")
    began = time.monotonic()

    with pytest.raises(SetupError, match=r"cannot be reached: check PORTAL_DATABASE_URL .*refused") as refusal:
        check(db)

    assert "\n" not in str(refusal.value)
    assert time.monotonic() - began < 10


@pytest.mark.postgres
def test_a_database_that_the_server_does_not_have_is_told_in_a_sentence(postgres, opened):
    with pytest.raises(SetupError, match=r"cannot be reached.*does not exist"):
        check_ready(opened(on_server(postgres, "nowhere")))


@pytest.mark.postgres
def test_a_password_is_not_repeated_in_the_sentence(opened):
    with pytest.raises(SetupError) as refusal:
        check_ready(opened("postgresql://nobody:opensesame@127.0.0.1:1/nowhere"))

    assert "opensesame" not in str(refusal.value)


@pytest.mark.parametrize("check", [check_ready, migrate])
def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path, opened, check):
    path = tmp_path / "portal.db"
    path.write_text("Dear diary, " * 1000)

    with pytest.raises(SetupError, match="cannot be reached"):
        check(opened(f"sqlite:///{path}"))

    assert path.read_text().startswith("Dear diary")


def test_a_place_where_no_file_can_be_is_told_in_a_sentence(tmp_path, opened):
    """A file where a folder should be; root may write into any folder, so permissions would prove nothing."""
    (tmp_path / "file").touch()

    with pytest.raises(SetupError):
        migrate(opened(f"sqlite:///{tmp_path / 'file' / 'portal.db'}"))


def test_a_folder_is_no_database(tmp_path, opened):
    with pytest.raises(SetupError, match="cannot be reached"):
        check_ready(opened(f"sqlite:///{tmp_path}"))


def test_the_portal_says_all_this_before_the_first_page(empty_url, tmp_path, clock):
    host = make_host(empty_url, tmp_path, clock)

    with pytest.raises(SetupError, match="flask portal init"):
        host.portal.check(host.app)
    migrate(host.state.db)
    with pytest.raises(SetupError, match="flask portal apply"):
        host.portal.check(host.app)
    host.state.db.close_all()
