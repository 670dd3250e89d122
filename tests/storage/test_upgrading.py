"""An upgrade from any earlier release: nothing is lost, and the portal works on what was there."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError

from portal_plugin import AlreadyDecided
from portal_plugin.domain.errors import SetupError
from portal_plugin.domain.instants import instant
from portal_plugin.storage import chain, health
from portal_plugin.storage.database import MIGRATIONS, Database, check_ready, migrate
from portal_plugin.testing import Clock, Texts, mailbox
from tests.cli.test_commands import run
from tests.delivery.receiver import Receiver, receiver
from tests.races.servers import PROCESSES, Person, all_at_once, started
from tests.storage.earlier_releases import EVERY_ONE, LEFT, RECORDED, restore, rows, schema
from tests.support import STEP_2, Host, filled_form, make_host, offered_times
from tests.web.pages import BOOK, UPCOMING, open_page

Open = Callable[[str], Database]
NUMBERS = range(1, len(EVERY_ONE) + 1)
# Walking through the portal takes seconds; what lies between these differs in less.
WALKED = [
    pytest.param(number, marks=() if number in {1, 5, len(EVERY_ONE) - 1} else pytest.mark.long) for number in NUMBERS
]


@pytest.fixture(scope="module")
def there() -> Iterator[Receiver]:
    """The endpoint of the webhooks that wait."""
    with receiver() as running:
        yield running


# From every release on, with its data.


@pytest.mark.parametrize("number", NUMBERS)
def test_every_row_of_an_earlier_release_is_there_after_the_upgrade(empty_url: str, opened: Open, number: int) -> None:
    db = opened(empty_url)
    restore(db, number)
    before = rows(db)

    assert migrate(db) == EVERY_ONE[number:]

    assert rows(db, like=before) == before
    check_ready(db)
    chain.seal_settled(db)
    verdict = chain.verify(db)
    assert (verdict.sound, verdict.rows, verdict.unsealed) == (True, len(before["portal_history"]) - 1, 0)
    assert health.examine(db).guarded
    with pytest.raises(IntegrityError, match="portal_claim_apart"):
        db.execute_sql(
            "INSERT INTO portal_claim (provider, starts, ends) SELECT provider, starts, ends FROM portal_claim"
        )


@pytest.mark.parametrize("number", WALKED)
def test_the_portal_works_on_what_an_earlier_release_left(
    empty_url: str, opened: Open, tmp_path: Path, number: int, there: Receiver
) -> None:
    db = opened(empty_url)
    there.got.clear()
    restore(db, number, endpoint=there.address())
    migrate(db)
    texts = Texts()
    host = make_host(empty_url, tmp_path, Clock(LEFT), PORTAL_SMS=texts, PORTAL_PRIVATE_ADDRESSES=True)
    waited = outbox(db, "sent IS NULL AND failed IS NULL")
    channels = Counter(channel for _, channel, _ in waited)

    with mailbox(host.app) as host.mailbox:
        assert len(host.deliver()) == channels["mail"] > 5
        assert len(there.got) == channels["webhook"]
        the_list_shows_what_is_ahead(host)
        a_request_is_confirmed_and_its_client_told(host)
        the_client_cancels(host)
        a_time_that_is_taken_is_not_offered(host)
        for _, channel, due in waited:
            if channel == "sms":
                host.clock.now = instant(due)
                host.deliver()
    assert len(texts.sent) >= channels["sms"] >= (2 if number > 9 else 0)
    assert {number for number, *_ in waited} <= {number for number, *_ in outbox(db, "sent IS NOT NULL")}
    assert chain.verify(db).sound
    host.state.db.close_all()


def outbox(db: Database, where: str) -> list[tuple[int, str, int]]:
    """Number, channel and due time of these messages, soonest first."""
    return list(db.execute_sql(f"SELECT id, channel, due FROM portal_outbox WHERE {where} ORDER BY due, id").fetchall())


def the_list_shows_what_is_ahead(host: Host) -> None:
    page = open_page(host.browser("theo"), UPCOMING)
    assert "Therapy visit" in page.words
    assert "Does this suit you?" in page.words


def a_request_is_confirmed_and_its_client_told(host: Host) -> None:
    with host.app.app_context():
        asked = [one for one in host.portal.appointments(client="maya", status="requested") if one.type.key == "visit"]
        ref = asked[0].ref
        host.portal.confirm(ref)
        with pytest.raises(AlreadyDecided):
            host.portal.decline(ref)
        done = [entry.action for entry in host.portal.history(ref) if entry.result == "done"]
        assert [action for action in done if action != "opt_in"] == ["request", "confirm"]
    [mail] = host.deliver()
    assert mail.to == ["maya@example.org"]
    assert mail.event is not None


def the_client_cancels(host: Host) -> None:
    with host.app.app_context():
        ref = host.portal.appointments(client="maya", status="confirmed")[-1].ref
    path, browser = f"/portal/appointments/{ref}/cancel", host.browser("maya")
    answer = browser.post(path, data=filled_form(browser.get(path).text))
    assert answer.status_code == 303
    with host.app.app_context():
        assert host.portal.appointment(ref).status == "cancelled"


def a_time_that_is_taken_is_not_offered(host: Host) -> None:
    with host.app.app_context():
        taken = host.portal.appointments(client="theo", status="invited")[0].starts
    day = f"{STEP_2}&provider=ada&date={taken:%Y-%m-%d}"
    browser = host.browser("maya")
    offered = offered_times(browser.get(day).text)
    assert offered
    assert f"{taken:%Y-%m-%dT%H:%M:%SZ}" not in offered
    form = filled_form(browser.get(day).text, starts=offered[-1])
    assert browser.post("/portal/appointments/book", data=form).status_code == 303
    form = filled_form(browser.get(day).text, starts=f"{taken:%Y-%m-%dT%H:%M:%SZ}")
    assert browser.post("/portal/appointments/book", data=form).status_code in {409, 422}


def test_earlier_releases_filled_every_table(empty_url: str, opened: Open) -> None:
    db = opened(empty_url)
    restore(db, int(RECORDED[-1].stem))
    assert [table for table, found in rows(db).items() if len(found) == 1] == []


# One that fails.


class Fault(Exception):
    pass


def break_at(db: Database, statement: int) -> Callable[[], None]:
    """Let that statement fail, counted from now on; what is returned lets all be as before."""
    ask, seen = db.execute_sql, 0

    def asked(*given: Any, **named: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Fault
        return ask(*given, **named)

    def mend() -> None:
        db.execute_sql = ask

    db.execute_sql = asked
    return mend


@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.long)])
def test_an_upgrade_that_fails_at_any_statement_leaves_the_old_release(
    empty_url: str, opened: Open, every: int
) -> None:
    db = opened(empty_url)
    restore(db, 1)
    before, tables = rows(db), schema(db)

    for statement in count(2, every):
        mend = break_at(db, statement)
        try:
            applied = migrate(db)
            break
        except Fault:
            assert schema(db) == tables, statement
        finally:
            mend()
        assert statement < 100 or rows(db) == before

    assert statement > 100
    assert applied == EVERY_ONE[1:]
    assert rows(db, like=before) == before


def test_rows_that_a_migration_cannot_take_are_told_in_a_sentence_and_left_alone(empty_url: str, opened: Open) -> None:
    """Two people on one chair, which 0002 forbids."""
    db = opened(empty_url)
    restore(db, 1)
    db.execute_sql(
        "UPDATE portal_appointment SET client_id = 'maya', claim = (SELECT min(id) FROM portal_claim) WHERE id < 3"
    )
    before, tables = rows(db), schema(db)

    with pytest.raises(SetupError, match="could not be brought up to date, and nothing was changed"):
        migrate(db)

    assert (rows(db), schema(db)) == (before, tables)


UPGRADE = """
import sys, time
from portal_plugin.storage import database
db = database.open_database(sys.argv[1])
stop, alone, seen, ask = int(sys.argv[2]), sys.argv[3] == "alone", 0, db.execute_sql
def asked(*given, **named):
    global seen
    seen += 1
    if seen == stop:
        print("here", flush=True)
        time.sleep(600)
    return ask(*given, **named)
db.execute_sql = asked
if alone:
    import os
    database._MIGRATION_LOCK = os.getpid()
    db._lock_type = "DEFERRED"
print("ready", flush=True)
sys.stdin.readline()
print(len(database.migrate(db)))
"""


def upgrading(url: str, stop: int = 0, how: str = "together") -> "subprocess.Popen[str]":
    """A process that upgrades when it is told to, and stands still at a statement."""
    command = [sys.executable, "-c", UPGRADE, url, str(stop), how]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_an_upgrade_that_is_killed_leaves_the_old_release_and_is_done_by_the_next(empty_url: str, opened: Open) -> None:
    db = opened(empty_url)
    restore(db, 1)
    before, tables = rows(db), schema(db)

    for statement in (30, 100):
        db.close()
        process = upgrading(empty_url, statement)
        begin(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()
        process.communicate()
        assert (rows(db), schema(db)) == (before, tables)

    assert migrate(db) == EVERY_ONE[1:]
    assert rows(db, like=before) == before


# Several at once.


def all_upgrade(url: str, how: str) -> list[str]:
    """What eight processes that begin together came to: how many migrations each applied, or "" for none that ended."""
    processes = [upgrading(url, how=how) for _ in range(8)]
    for process in processes:
        begin(process)
    return [process.communicate(timeout=100)[0].strip() for process in processes]


@pytest.mark.long
def test_eight_processes_at_once_upgrade_once(empty_url: str, opened: Open) -> None:
    db = opened(empty_url)
    restore(db, 1)
    before = rows(db)
    db.close()

    assert sorted(all_upgrade(empty_url, "together")) == ["0"] * 7 + [str(len(EVERY_ONE) - 1)]

    assert rows(db, like=before) == before
    check_ready(db)


@pytest.mark.long
def test_without_their_lock_some_of_eight_processes_fail(empty_url: str, opened: Open) -> None:
    """The control: it is the lock that keeps them apart."""
    db = opened(empty_url)
    restore(db, 1)
    db.close()

    assert "" in all_upgrade(empty_url, "alone")


# While the site serves.


def test_pages_say_come_back_later_until_the_tables_are_there_and_then_open_without_a_restart(
    empty_url: str, opened: Open, tmp_path: Path
) -> None:
    db = opened(empty_url)
    restore(db, len(EVERY_ONE) - 1)
    host = make_host(empty_url, tmp_path, Clock(LEFT))
    browser = host.browser("maya")

    closed = browser.get(UPCOMING)
    assert (closed.status_code, browser.get("/portal/ready").text) == (503, "not ready\n")
    assert "Appointments are not available online right now. Please call us." in closed.text
    assert browser.get("/portal/health").status_code == 200

    migrate(db)
    assert (browser.get(UPCOMING).status_code, browser.get("/portal/ready").text) == (200, "ready\n")
    host.state.db.close_all()


TOMORROW = """
def up(migrator, db):
    for table in ("appointment", "claim", "outbox", "history", "practice"):
        db.execute_sql(f"ALTER TABLE portal_{table} ADD COLUMN tomorrow TEXT NOT NULL DEFAULT ''")
    db.execute_sql("CREATE TABLE portal_tomorrow (id INTEGER PRIMARY KEY)")
    db.execute_sql("CREATE INDEX portal_outbox_tomorrow ON portal_outbox (tomorrow)")
"""


@pytest.fixture
def tomorrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Database], None]:
    """Brings a database to a release that does not exist yet, and which only adds to the tables."""
    folder = tmp_path / "tomorrow"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "0999_tomorrow.py").write_text(TOMORROW)

    def upgrade(db: Database) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("portal_plugin.storage.database.MIGRATIONS", folder)
            assert migrate(db) == ["0999_tomorrow"]

    return upgrade


@pytest.mark.long
def test_processes_of_this_release_serve_on_while_the_tables_of_the_next_arrive(
    empty_url: str, opened: Open, tmp_path: Path, tomorrow: Callable[[Database], None]
) -> None:
    db = opened(empty_url)
    restore(db, len(EVERY_ONE))
    migrate(db)
    with started(empty_url, tmp_path) as servers:
        people = [Person(f"client{number}", servers) for number in range(6)]
        for person in people:
            person.sign_in()

        def look_and_ask(person: Person) -> list[int]:
            if person.name == "client0":
                assert person.get(BOOK).status == 200
                tomorrow(db)
                return []
            seen = []
            for day in range(7, 12):
                step_2 = f"{STEP_2}&date=2026-12-{day + 7:02}"
                page = person.get(step_2)
                seen += [page.status, person.get(UPCOMING).status]
                if times := offered_times(page.page):
                    form = filled_form(page.page, starts=times[int(person.name[-1]) % len(times)])
                    seen.append(person.post(BOOK, form).status)
            return seen

        # One that has not looked at the tables yet is one that starts.
        looked: set[str] = set()
        while len(looked) < PROCESSES:
            looked |= {answer.process for answer in all_at_once(people, lambda person: person.get(UPCOMING))[0]}
        answers, _ = all_at_once(people, look_and_ask)
        assert {status for seen in answers for status in seen} <= {200, 303, 409, 422}
        assert any(303 in seen for seen in answers)
        assert people[1].get(UPCOMING).status == 200
        assert people[1].get("/portal/ready").page == "ready\n"
    assert "Traceback" not in servers.log.read_text()


def test_a_process_that_starts_refuses_the_tables_of_a_later_release(
    empty_url: str, opened: Open, tmp_path: Path, tomorrow: Callable[[Database], None]
) -> None:
    db = opened(empty_url)
    restore(db, len(EVERY_ONE))
    migrate(db)
    serving, starting = (make_host(empty_url, tmp_path, Clock(LEFT)) for _ in range(2))
    assert serving.browser("maya").get(UPCOMING).status_code == 200
    tomorrow(db)
    told = r"of a later release than this portal \(0999_tomorrow\): install that release, or restore a backup"

    for look in (check_ready, migrate):
        with pytest.raises(SetupError, match=told):
            look(db)
    for host, status in ((serving, 200), (starting, 503)):
        assert [host.browser("maya").get(path).status_code for path in (UPCOMING, "/portal/ready")] == [status] * 2
    for command in ("doctor", "worker --once"):
        assert re.search(told, run(starting, *command.split()).output)
    for host in (serving, starting):
        host.state.db.close_all()
