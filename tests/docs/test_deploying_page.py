"""docs/deploying.md is true: every block of it is run, on a machine set up as it says."""

import getpass
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from peewee import IntegrityError

from portal_plugin.storage.database import open_database
from portal_plugin.testing import Clock, mailbox
from tests.cli.test_commands import run
from tests.delivery.mailbox import Mailbox
from tests.docs.machine import BLOCKS, ROOT, Machine, Visitor, block, blocks, until, value
from tests.practices import practice
from tests.storage.earlier_releases import rows
from tests.support import (
    MONDAY,
    PEOPLE,
    STEP_2,
    Host,
    execute,
    filled_form,
    make_host,
    offered_times,
    on_server,
    require,
)
from tests.web.pages import BOOK, UPCOMING

UNIT = block("ini", "until flask")
UNITS = [
    UNIT,
    *(re.sub("(?m)^ExecStart=.*$", f"ExecStart={value(one, 'ExecStart')}", UNIT) for one in blocks("ini")[1:]),
]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_no_kind_of_block_is_left_out() -> None:
    assert {language for language, _ in BLOCKS} == {"sh", "python", "env", "ini", "nginx", "yaml", "cron"}


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_understood_by_systemd(machine: Machine, unit: str, tmp_path: Path) -> None:
    verify = str(shutil.which("systemd-analyze"))
    require("systemd", verify != "None", "install systemd")
    file = tmp_path / "website.service"
    file.write_text(machine.placed(unit))
    done = subprocess.run([verify, "verify", "--man=no", str(file)], capture_output=True, text=True)
    told = [line for line in done.stderr.splitlines() if "website.service" in line]
    assert (done.returncode, told) == (0, [])


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Mailbox]:
    (tmp_path / "mail").mkdir()
    post = Mailbox(tmp_path / "mail")
    post.start()
    yield post
    post.stop()


@pytest.fixture
def furnished(tmp_path: Path, post: Mailbox) -> Machine:
    """A machine with tables, a practice and a mail server."""
    machine = Machine(tmp_path / "machine", post.port)
    machine.run(value(UNIT, "ExecStartPre"))
    machine.run("flask portal apply --yes")
    return machine


@pytest.mark.slow
def test_a_booking_through_the_proxy_is_what_it_would_be_without(furnished: Machine, post: Mailbox) -> None:
    machine = furnished
    with machine.unit(UNIT) as unit, machine.proxy():
        maya = Visitor(machine, "127.0.0.2")
        until(lambda: maya.get("/portal/ready").text == "ready\n")
        the_plain_address_leads_to_the_secure_one(machine)
        the_site_knows_where_it_is_and_who_asks(maya)
        asked = a_time_is_asked_for(machine, maya)
        what_is_large_is_compressed_and_only_what_stays_is_kept(maya)
        a_key_in_an_address_is_not_logged(machine, maya)
        the_log_of_the_site_knows_the_request(machine, maya)
        until(lambda: post.mails)
    assert unit.returncode == 0
    assert post.last.to == ["maya@example.org"]
    database = open_database(f"sqlite:///{machine.database}")
    assert database.execute_sql("SELECT address FROM portal_consent").fetchall() == [("127.0.0.2",)]
    assert set(database.execute_sql("SELECT request_id FROM portal_history WHERE action = 'request'")) == {(asked,)}
    database.close_all()


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_again_and_the_pages_stay(furnished: Machine) -> None:
    with furnished.unit(UNIT) as unit:
        until(lambda: furnished.workers(unit.pid))
        [killed] = furnished.workers(unit.pid)
        os.kill(killed, signal.SIGKILL)
        until(lambda: furnished.workers(unit.pid) not in ([], [killed]))
        assert unit.poll() is None


def the_plain_address_leads_to_the_secure_one(machine: Machine) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", machine.plain)
    connection.request("GET", f"{BOOK}?type=visit", headers={"Host": "www.example.org"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (301, f"https://www.example.org{BOOK}?type=visit")
    connection.close()


def the_site_knows_where_it_is_and_who_asks(visitor: Visitor) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere.example"}
    assert visitor.get("/where", **claims).text == "https://www.example.org/where for 127.0.0.2"


def what_is_large_is_compressed_and_only_what_stays_is_kept(visitor: Visitor) -> None:
    page = visitor.get(BOOK)
    style = visitor.get(re.findall(r'href="(\S+\.css\S*)"', page.text)[0], **{"Accept-Encoding": "gzip"})
    assert style.headers["Content-Encoding"] == "gzip"
    assert "immutable" in str(style.headers["Cache-Control"])
    assert page.headers["Cache-Control"] == "no-store"


def a_time_is_asked_for(machine: Machine, visitor: Visitor) -> str:
    """As somebody who claims to be another, and whose browser tells where the form is from; the request's id."""
    visitor.get("/sign-in?as=maya")
    day = datetime.now(UTC).date() + timedelta(days=7)
    day += timedelta(days=(1 - day.weekday()) % 7)
    page = visitor.get(f"{STEP_2}&date={day}")
    form = filled_form(page.text, starts=offered_times(page.text)[0], text_reminders="1", phone="+1 212 555 0187")
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Request-ID": "0" * 32}
    foreign = visitor.post(BOOK, form, Origin="https://elsewhere.example")
    answer = visitor.post(BOOK, form, **claims)
    assert (foreign.status, answer.status) == (400, 303)
    given = str(answer.headers["X-Request-ID"])
    line = re.compile(rf'127\.0\.0\.2 .* "POST {BOOK}" 303 .* {given}$')
    until(lambda: any(map(line.match, access_log(machine))))
    return given


def access_log(machine: Machine) -> list[str]:
    return (machine.folder / "var/log/nginx/website.log").read_text().splitlines()


def a_key_in_an_address_is_not_logged(machine: Machine, visitor: Visitor) -> None:
    for path in ("link/PLANTED", "verify/PLANTED", "guest/PLANTED", "calendar/PLANTED.ics", "sms/status/PLANTED"):
        visitor.get(f"/portal/{path}?also=PLANTED")
        logged = f'"GET /portal/{path.rpartition("/")[0]}/-"'
        until(lambda logged=logged: any(logged in line for line in access_log(machine)))
    assert not [line for line in access_log(machine) if "PLANTED" in line]


def the_log_of_the_site_knows_the_request(machine: Machine, visitor: Visitor) -> None:
    given = visitor.get("/sign-in?as=maya").headers["X-Request-ID"]
    lines = [line for line in (machine.folder / "log").read_text().splitlines() if line.startswith("{")]
    [line] = [found for found in map(json.loads, lines) if found["request_id"] == given]
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "website", "somebody signs in")
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


@pytest.mark.long
@pytest.mark.parametrize("unit", UNITS[1:])
def test_the_units_of_several_machines_run(furnished: Machine, unit: str) -> None:
    web, log = "gunicorn" in unit, furnished.folder / "log"
    with furnished.unit(unit.replace("0.0.0.0:8000", f"127.0.0.1:{furnished.plain}")) as running:
        until(lambda: is_up(furnished.plain) if web else "Working" in log.read_text())
    assert running.returncode == 0


def is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/portal/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_the_commands_of_the_first_start_work(machine: Machine) -> None:
    for command in block("sh", "apply practice.toml").splitlines()[:2]:
        machine.run(command.replace("practice.toml", str(ROOT / "docs/examples/practice.toml")))
    assert machine.run("flask portal doctor || true").startswith("ok ")


def test_the_lines_of_cron_keep_a_backup_and_tell_the_head(machine: Machine) -> None:
    need_sqlite3()
    machine.run("flask portal init")
    lines = re.findall(r"^(?:\S+ ){5}root (.*)$", block("cron", "MAILTO"), re.MULTILINE)
    assert len(lines) == 2
    # In a crontab a bare % ends the line.
    assert not any(re.search(r"(?<!\\)%", line) for line in lines)
    backup, verify = (line.replace("\\%", "%") for line in lines)
    machine.run(backup)
    assert len(list((machine.folder / "var/backups").glob("portal-20??-??-??.db"))) == 1
    assert json.loads(machine.run(verify))["sound"] is True


def test_the_monitor_s_block_asks_where_the_numbers_are() -> None:
    [job] = yaml.safe_load(block("yaml", "scrape"))["scrape_configs"]
    assert job["metrics_path"] == "/portal/metrics"
    assert job["scheme"] == "https"


# Backups.


def need_sqlite3() -> None:
    require("sqlite3", shutil.which("sqlite3") is not None, "install sqlite3")


class Kept(NamedTuple):
    """A database's address, and what runs the page's commands: to keep it, and to bring it back, at that address."""

    url: str
    keep: Callable[[], None]
    restore: Callable[[], str]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest, machine: Machine, migrated_sqlite: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        need_sqlite3()
        shutil.copy(migrated_sqlite, machine.database)
        url = f"sqlite:///{machine.database}"

        def keep() -> None:
            machine.run(block("sh", "VACUUM"))

        def restore() -> str:
            machine.run(block("sh", "rm -f").replace("website:", f"{getpass.getuser()}:"))
            return url

        yield Kept(url, keep, restore)
        return
    server = request.getfixturevalue("postgres")
    name = f"portal_{os.urandom(4).hex()}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")

    def placed(command: str) -> str:
        command = command.replace("portal_restored", f"{name}_restored")
        for written, meant in (("database", name), ("postgres", "postgres"), (f"{name}_restored",) * 2):
            address = f"postgresql://user:password@host/{written}"
            command = re.sub(rf"{address}\b", f"'{on_server(server, meant)}'", command)
        return command

    def keep_there() -> None:
        machine.run(placed(block("sh", "pg_dump")))

    def restore_there() -> str:
        machine.run(placed(block("sh", "pg_restore")))
        return on_server(server, f"{name}_restored")

    yield Kept(on_server(server, name), keep_there, restore_there)
    for database in (name, f"{name}_restored"):
        execute(server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Callable[[str], Host]]:
    made: list[Host] = []

    def make(url: str) -> Host:
        made.append(make_host(url, tmp_path, Clock(MONDAY)))
        return made[-1]

    yield make
    for host in made:
        host.state.db.close_all()


def keep_asking(host: Host, stop: threading.Event) -> None:
    """Clients who ask, and a practice that confirms, until told to stop."""
    while not stop.is_set():
        with host.app.app_context():
            slots = host.portal.find_slots(type="visit", contact="phone", provider="ada", since=MONDAY.date())
            slot = next(iter(slots))
            ref = host.portal.request(
                PEOPLE["theo"], type="visit", contact="phone", provider="ada", starts=slot.starts
            ).ref
            host.portal.confirm(ref)
    host.state.db.close()


def test_a_backup_taken_while_the_site_writes_is_restored_and_tells_nobody_twice(
    kept: Kept, hosts: Callable[[str], Host]
) -> None:
    lost = hosts(kept.url)
    lost.apply(practice(email_reminders=True))
    asked = lost.request("maya")
    stop = threading.Event()
    writing = threading.Thread(target=keep_asking, args=(lost, stop))
    writing.start()
    try:
        until(lambda: len(rows(lost.state.db)["portal_appointment"]) > 4)
        at_least = rows(lost.state.db)
        kept.keep()
    finally:
        stop.set()
        writing.join()
    with mailbox(lost.app) as lost.mailbox:
        sent = {mail.id for mail in lost.deliver()}
    lost.state.db.close_all()

    host = hosts(kept.restore())
    there = rows(host.state.db, like=at_least)
    for table, found in at_least.items():
        assert len(there[table]) >= len(found), table
    waits = "SELECT message_id FROM portal_outbox WHERE sent IS NULL AND failed IS NULL AND due <= %d"
    again = {name for (name,) in host.state.db.execute_sql(waits % MONDAY.timestamp())}
    assert again
    assert again <= {name.strip("<>").partition("@")[0] for name in sent}

    host.clock.advance(timedelta(hours=1))
    for command in block("sh", "withhold").splitlines():
        words = command.replace("2027-01-05T14:20", "2026-12-07T07:30").split()[2:]
        if words[0] != "doctor":
            assert run(host, *words).exit_code == 0
    told = run(host, "doctor").output
    assert "ok       the database itself refuses appointments that overlap" in told
    assert "journal mode wal" in told or "PostgreSQL" in told

    with mailbox(host.app) as host.mailbox:
        assert host.deliver() == []
        given_up = json.loads(run(host, "outbox", "--failed", "--json").output)["items"]
        assert {one["message_id"] for one in given_up} == again
        run(host, "resend", given_up[0]["id"])
        assert len(host.deliver()) == 1
        # What was planned for later is still sent.
        assert asked.ref in host.browser("maya").get(UPCOMING).text
        with host.app.app_context():
            host.portal.confirm(asked.ref)
        host.deliver()
        due = "SELECT min(due) FROM portal_outbox WHERE topic = 'reminder' AND recipient = 'maya@example.org'"
        host.clock.now = datetime.fromtimestamp(host.state.db.execute_sql(due).fetchone()[0], UTC)
        assert ["maya@example.org"] in [mail.to for mail in host.deliver() if mail.subject.startswith("Reminder")]
    with pytest.raises(IntegrityError, match="portal_claim_apart"):
        host.state.db.execute_sql(
            "INSERT INTO portal_claim (provider, starts, ends) SELECT provider, starts + 1, ends FROM portal_claim"
        )
