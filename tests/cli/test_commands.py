"""`flask portal ...`: what each command says, changes and returns."""

import json
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from portal_plugin import Appointment
from portal_plugin.cli import command
from portal_plugin.storage import outbox
from portal_plugin.storage.database import MIGRATIONS
from portal_plugin.storage.outbox import Lane
from portal_plugin.testing import Clock
from tests.practices import PRACTICE, practice
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host, without_guards
from tests.web.pages import stored

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "practice.toml"

SMALL = """\
[practice]
name = "Elm Row Practice"
zone = "America/New_York"
phone = "+1 212 555 0100"

[[contact_types]]
key = "phone"
name = "Phone call"

[[appointment_types]]
key = "visit"
name = "Therapy visit"
minutes = 50
contact_types = ["phone"]

[[providers]]
key = "ada"
name = "Ada Moreau"
types = ["visit"]
contact_types = ["phone"]

  [[providers.hours]]
  tuesday = ["9:00-12:00"]
"""


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Host]:
    """A host that nobody has run a command for yet."""
    host = make_host(f"sqlite:///{tmp_path / 'new' / 'portal.db'}", tmp_path, Clock(MONDAY))
    yield host
    host.state.db.close_all()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "practice.toml"
    path.write_text(SMALL)
    return path


def run(host: Host, *arguments: object, answer: str | None = None) -> Result:
    result = host.app.test_cli_runner().invoke(args=["portal", *map(str, arguments)], input=answer)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def lines(result: Result, exit_code: int = 0) -> list[str]:
    assert result.exit_code == exit_code, result.output
    return result.output.splitlines()


def revisions(host: Host) -> int:
    [(count,)] = host.state.db.execute_sql("SELECT count(*) FROM portal_practice").fetchall()
    return int(count)


# init


def test_init_makes_the_tables_and_the_second_time_nothing(bare: Host) -> None:
    assert lines(run(bare, "init")) == [f"applied {file.stem}" for file in sorted(MIGRATIONS.glob("[0-9]*.py"))]
    assert lines(run(bare, "init")) == ["The database is up to date."]
    assert revisions(bare) == 0


def test_init_without_a_place_to_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for url in (
        f"sqlite:///{tmp_path}/file/portal.db",
        f"sqlite:///{tmp_path}",
        "postgresql://x:PLANTED@127.0.0.1:1/x",
    ):
        host = make_host(url, tmp_path, Clock(MONDAY))
        result = run(host, "init")
        assert result.exit_code == 5
        assert "PORTAL_DATABASE_URL" in result.output
        assert "PLANTED" not in result.output


@pytest.mark.parametrize(
    "command", [["apply", "FILE"], ["requests"], ["confirm", "x"], ["decline", "x"], ["worker", "--once"]], ids=" ".join
)
def test_every_command_before_init_says_to_run_it(bare: Host, file: Path, command: list[str]) -> None:
    result = run(bare, *(str(file) if word == "FILE" else word for word in command))
    assert result.exit_code == 5
    assert "flask portal init" in result.output


@pytest.mark.parametrize(
    "command", [["requests"], ["confirm", "x"], ["decline", "x"], ["worker", "--once"]], ids=" ".join
)
def test_every_command_before_apply_says_to_run_it(bare: Host, command: list[str]) -> None:
    run(bare, "init")
    result = run(bare, *command)
    assert result.exit_code == 5
    assert "flask portal apply" in result.output


# check


def test_check_says_that_a_good_file_is_fine_and_needs_no_database(bare: Host, file: Path) -> None:
    for path in (file, EXAMPLE):
        [line] = lines(run(bare, "check", path))
        assert f"{path} is fine" in line
    assert not Path(bare.state.db.database).exists()


def line_of(text: str, beginning: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(beginning))


def test_check_names_every_mistake_with_its_line(bare: Host, file: Path) -> None:
    wrong = (
        SMALL.replace("America/New_York", "America/New_Yrok")
        .replace("minutes = 50", 'minutes = "fifty"')
        .replace('types = ["visit"]', 'types = ["visit"]\nspecialty = "x"')
        .replace("9:00-12:00", "12:00-9:00")
    )
    file.write_text(wrong)
    result = run(bare, "check", file)
    assert result.exit_code == 1
    for mistake, word in (
        ("zone = ", "America/New_York"),
        ("minutes = ", "minutes"),
        ("specialty = ", "specialty"),
        ("  tuesday = ", "12:00-9:00"),
    ):
        [line] = [line for line in result.output.splitlines() if f"line {line_of(wrong, mistake)}," in line]
        assert word in line
    assert len([line for line in result.output.splitlines() if "line " in line]) == 4


def test_check_names_what_does_not_fit_together(bare: Host, file: Path) -> None:
    file.write_text(SMALL.replace('types = ["visit"]', 'types = ["visti"]'))
    result = run(bare, "check", file)
    assert result.exit_code == 1
    assert f"line {line_of(SMALL, 'types = ')}" in result.output
    assert "did you mean 'visit'?" in result.output


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[practice\nname = 1", "line 1"),
        (b"x = 1\ny = = 2\n", "line 2"),
        (b'x = 1\nname = "M\xfcller"\n', "UTF-8"),
        (b"", "'practice' is missing"),
        (b"\0", "line 1"),
        (b"practice = 5", "line 1"),
    ],
)
def test_check_says_what_stops_it_from_reading(bare: Host, file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    result = run(bare, "check", file)
    assert result.exit_code == 1
    assert told in result.output


def test_check_says_when_there_is_no_file(bare: Host, tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        result = run(bare, "check", path)
        assert result.exit_code == 1
        assert "cannot be read" in result.output


ODD = SMALL.replace('tuesday = ["9:00-12:00"]', 'tuesday = ["9:00-9:30"]')


def test_check_warns_of_what_is_odd_and_strict_makes_it_a_failure(bare: Host, file: Path) -> None:
    assert lines(run(bare, "check", file, "--strict")) == lines(run(bare, "check", file))
    file.write_text(ODD)
    told = lines(run(bare, "check", file))
    assert told == [
        f"{file} is fine: 1 providers, 0 locations, 1 appointment types.",
        f"warning: line {line_of(ODD, '  tuesday = ')}, providers 'ada', hours 1, tuesday: 9:00-9:30 is shorter than "
        "all that Ada Moreau offers then (at least 50 minutes); lengthen or remove it",
    ]
    assert lines(run(bare, "check", "--strict", file), exit_code=1) == told


def test_check_reads_the_clock_for_what_has_passed(bare: Host, file: Path) -> None:
    file.write_text(SMALL + "\n[[closures]]\nfirst = 2026-12-24\n")
    assert len(lines(run(bare, "check", file))) == 1
    bare.clock.now += timedelta(days=30)
    assert "every closure lies in the past" in lines(run(bare, "check", file))[1]


# apply


def test_apply_shows_what_changes_and_the_second_time_nothing(bare: Host, file: Path) -> None:
    run(bare, "init")
    assert lines(run(bare, "apply", file, "--yes")) == [
        "add appointment type 'visit'",
        "add contact type 'phone'",
        "add provider 'ada'",
        "set up the practice 'Elm Row Practice'",
        "Applied.",
    ]
    assert lines(run(bare, "apply", file)) == ["Nothing changes."]
    assert revisions(bare) == 1
    file.write_text(SMALL.replace("minutes = 50", "minutes = 45"))
    assert lines(run(bare, "apply", file, "--yes")) == ["change appointment type 'visit': minutes 50 -> 45", "Applied."]
    assert revisions(bare) == 2


def test_apply_asks_first_on_a_terminal(bare: Host, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(bare, "init")
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    assert "Apply?" in run(bare, "apply", file, answer="n\n").output
    assert revisions(bare) == 0
    assert run(bare, "apply", file, answer="y\n").exit_code == 0
    assert revisions(bare) == 1
    file.write_text(SMALL.replace("minutes = 50", "minutes = 45"))
    assert "Apply?" not in run(bare, "apply", file, "--yes").output
    assert revisions(bare) == 2


def test_apply_of_a_file_with_a_mistake_changes_nothing(bare: Host, file: Path) -> None:
    run(bare, "init")
    run(bare, "apply", file, "--yes")
    file.write_text(SMALL.replace("minutes = 50", "minutes = 0"))
    result = run(bare, "apply", file)
    assert result.exit_code == 1
    assert f"line {line_of(SMALL, 'minutes = ')}," in result.output
    assert revisions(bare) == 1


def test_apply_loses_no_appointment(host: Host, file: Path) -> None:
    ref = host.request(starts=TUESDAY_TEN + timedelta(days=1), contact="phone", location=None).ref
    result = run(host, "apply", file, "--yes")
    assert "retire provider 'ben'" in result.output
    assert ref in run(host, "requests").output
    file.write_text(SMALL.replace('key = "ada"', 'key = "eve"'))
    run(host, "apply", file, "--yes")
    assert ref in run(host, "requests").output
    assert "Ada Moreau" in run(host, "confirm", ref).output


def test_apply_lists_what_it_leaves_outside_the_hours(host: Host, file: Path) -> None:
    """Those that were outside already are counted, those that stay inside, have ended or lie behind are not told."""
    wednesday = TUESDAY_TEN + timedelta(days=1)
    late, early = host.request(starts=wednesday).ref, host.request("theo", contact="phone", location=None).ref
    decided = host.request(starts=TUESDAY_TEN + timedelta(days=7)).ref
    with host.app.app_context():
        host.portal.decline(decided)
        visit = {"type": "visit", "contact": "phone", "provider": "ada"}
        night, weekend = TUESDAY_TEN + timedelta(hours=10), TUESDAY_TEN + timedelta(days=4)
        for starts in (night, weekend):
            host.portal.invite(PEOPLE["theo"], starts=starts, **visit)
        invited = host.portal.invite(PEOPLE["theo"], starts=wednesday + timedelta(hours=3), **visit).ref
        host.portal.confirm(early)
    file.write_text(SMALL.replace("9:00-12:00", "11:00-12:00"))

    for flags in (["--dry-run"], ["--yes"]):
        output = lines(run(host, "apply", file, *flags))
        begins = output.index("Now outside the hours, and kept as they are:")
        assert any(line.startswith("change appointment type 'visit': ") for line in output[:begins])
        assert output[begins + 1 : -1] == [
            f"{early}  confirmed  2026-12-08 10:00 EST  Ada Moreau  theo  outside the hours",
            f"{late}  requested  2026-12-09 10:00 EST  Ada Moreau  maya  "
            "Therapy visit is no longer offered as In person",
            f"{invited}  invited    2026-12-09 13:00 EST  Ada Moreau  theo  no hours on that day",
            "Outside the hours already: 2.",
        ]
        assert (output[-1], revisions(host)) == {
            "--dry-run": ("Nothing was applied.", 1),
            "--yes": ("Applied.", 2),
        }[flags[0]]
    statuses = {one.ref: one.status for one in open_appointments(host)}
    assert (statuses[early], statuses[late], statuses[invited]) == ("confirmed", "requested", "invited")


def open_appointments(host: Host) -> list[Appointment]:
    with host.app.app_context():
        return host.portal.appointments()


def test_apply_says_nothing_of_what_stays_inside(host: Host, file: Path) -> None:
    host.request(contact="phone", location=None)
    output = run(host, "apply", file, "--dry-run").output
    assert "outside" not in output.lower()


# The host's own tables instead of a file.


def test_check_and_apply_without_a_file_ask_the_site(bare: Host) -> None:
    bare.portal.practice_source(lambda: PRACTICE)
    run(bare, "init")
    [line] = lines(run(bare, "check"))
    assert line == "The practice is fine: 2 providers, 2 locations, 2 appointment types."
    assert lines(run(bare, "apply", "--yes"))[-2:] == ["set up the practice 'Elm Row Practice'", "Applied."]
    assert lines(run(bare, "apply")) == ["Nothing changes."]


def test_mistakes_of_the_site_s_practice_spell_out_their_place(bare: Host) -> None:
    wrong = practice(zone="Mars/Olympus")
    wrong["providers"][0]["hours"][0]["monday"] = ["9:00-8:00"]
    wrong["providers"][1]["types"] = ["visti"]
    bare.portal.practice_source(lambda: wrong)
    assert lines(run(bare, "check"), exit_code=1) == [
        "Error: providers 'ada', hours 1, monday: '9:00-8:00' ends before it begins; "
        "hours past midnight are two windows on two days",
        "practice, zone: unknown time zone 'Mars/Olympus'",
        "providers 'ben', types: unknown appointment type 'visti'; did you mean 'visit'?",
    ]


@pytest.mark.parametrize("command", ["check", "apply"])
def test_without_a_file_and_without_a_source_the_sentence_says_what_to_do(host: Host, command: str) -> None:
    [sentence] = lines(run(host, command), exit_code=5)
    assert "@portal.practice_source" in sentence


# requests, confirm, decline


def test_requests_lists_those_that_wait_soonest_first(host: Host) -> None:
    later, sooner = host.request(starts=TUESDAY_TEN + timedelta(days=1)).ref, host.request("theo", contact="phone").ref
    confirmed = host.request(starts=TUESDAY_TEN + timedelta(days=2)).ref
    with host.app.app_context():
        host.portal.confirm(confirmed)
    first, second = lines(run(host, "requests"))
    for fact in (sooner, "requested", "2026-12-08 10:00 EST", "Theo Brandt"):
        assert fact in first
    assert second.startswith(later)
    assert "Ada Moreau" in second


def test_requests_says_when_none_wait_and_prints_nothing_a_script_would_read(host: Host) -> None:
    result = run(host, "requests")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No requests are waiting.\n"


def test_confirm_confirms_and_the_client_is_told(host: Host) -> None:
    ref = host.request().ref
    [line] = lines(run(host, "confirm", ref, "--message", "See you"))
    assert ref in line
    assert "confirmed" in line
    mail = host.deliver()[-1]
    assert "See you" in mail.text
    rows = host.state.db.execute_sql("SELECT actor_kind, actor, action FROM portal_history ORDER BY id").fetchall()
    assert rows[-1] == ("staff", "command line", "confirm")


def test_decline_declines_with_the_practice_s_words(host: Host) -> None:
    [line] = lines(run(host, "decline", host.request().ref, "--message", "Ada is away"))
    assert "declined" in line
    assert "Ada is away" in host.deliver()[-1].text


@pytest.mark.parametrize("verb", ["confirm", "decline"])
def test_an_unknown_reference_is_a_sentence_and_exit_code_3(host: Host, verb: str) -> None:
    for ref in ("0" * 32, "", "x\0y", "😀"):
        assert lines(run(host, verb, ref), exit_code=3) == ["Error: There is no such appointment."]


def test_the_same_decision_again_changes_nothing_and_another_is_refused(host: Host) -> None:
    ref = host.request().ref
    first = run(host, "confirm", ref).output
    assert run(host, "confirm", ref).output == first
    [sentence] = lines(run(host, "decline", ref), exit_code=4)
    assert sentence == "Error: This appointment is confirmed and can no longer be declined."
    assert len(host.deliver()) == 2


def test_confirming_what_somebody_else_was_given_is_refused(host: Host) -> None:
    host.apply(practice(requests_hold_time=False))
    first, second = host.request(provider="ada").ref, host.request("theo", provider="ada").ref
    assert run(host, "confirm", second).exit_code == 0
    [sentence] = lines(run(host, "confirm", first), exit_code=4)
    assert "taken" in sentence
    assert first in run(host, "requests").output


# worker


def test_worker_once_delivers_what_is_due_and_expires_what_lapsed(host: Host) -> None:
    host.request()
    assert lines(run(host, "worker", "--once")) == ["1 sent."]
    assert lines(run(host, "worker", "--once")) == ["0 sent."]
    host.clock.now = TUESDAY_TEN
    assert lines(run(host, "worker", "--once")) == ["1 sent."]
    assert "has expired" in host.mailbox[-1].subject


# history, verify, export, erase


def test_worker_health_is_bad_while_nobody_sends_what_is_due(host: Host) -> None:
    assert run(host, "worker", "--health").stdout == "Nothing waits, and nothing was given up on.\n"
    host.request()
    said = run(host, "worker", "--health")
    assert (said.exit_code, said.stdout) == (0, "mail  1 waiting, 1 due for 0 min, 0 in hand, 0 given up on\n")

    host.clock.advance(timedelta(minutes=11))
    said = run(host, "worker", "--health")
    assert (said.exit_code, said.stderr) == (
        1,
        "Nobody sends what is due: mail. See that `flask portal worker` runs.\n",
    )
    assert json.loads(run(host, "worker", "--health", "--json").stdout)["stalled"] == ["mail"]

    now = host.clock.now
    outbox.lease_due(host.state.db, Lane("mail"), now, now + timedelta(minutes=5), 20)
    assert run(host, "worker", "--health").exit_code == 0, "a worker is at it"
    held = f"in hand of {socket.gethostname()}:{os.getpid()}"
    assert held in run(host, "outbox").stdout
    assert run(host, "worker", "--health", "--once").exit_code == 2


def test_worker_deletes_what_was_sent_long_ago_unless_everything_is_kept(
    host: Host, sqlite_url: str, tmp_path: Path
) -> None:
    host.request()
    host.deliver()
    host.clock.advance(timedelta(days=31))
    keeping = make_host(sqlite_url, tmp_path, host.clock, PORTAL_OUTBOX_DAYS=None)
    run(keeping, "worker", "--once")
    count = "SELECT COUNT(*) FROM portal_outbox WHERE topic = 'received'"
    assert host.state.db.execute_sql(count).fetchone() == (1,)
    run(host, "worker", "--once")
    assert host.state.db.execute_sql(count).fetchone() == (0,)
    keeping.state.db.close_all()


def test_history_tells_who_did_what_and_when(host: Host) -> None:
    ref = host.request().ref
    run(host, "confirm", ref, "--message", "See\nyou")
    host.browser("theo").get(f"/portal/appointments/{ref}/requested")
    assert lines(run(host, "history", ref)) == [
        "2026-12-07 07:00:00 EST  request  - -> requested          host host",
        "2026-12-07 07:00:00 EST  confirm  requested -> confirmed  staff command line  See you",
        "2026-12-07 07:00:00 EST  access   refused                 client theo",
    ]
    told = json.loads(run(host, "history", ref, "--json").stdout)["items"]
    assert [entry["action"] for entry in told] == ["request", "confirm", "access"]
    assert told[1] == {
        "at": "2026-12-07T12:00:00Z",
        "actor_kind": "staff",
        "actor": "command line",
        "action": "confirm",
        "from_status": "requested",
        "to_status": "confirmed",
        "result": "done",
        "reason": "See\nyou",
        "request_id": None,
    }


def test_history_of_what_is_not_there_is_a_sentence(host: Host) -> None:
    assert lines(run(host, "history", "0" * 32), exit_code=3) == ["Error: There is no such appointment."]


def change_history(host: Host, change: str) -> None:
    with host.app.app_context(), without_guards(host.state.db):
        host.state.db.execute_sql(change)


def test_verify_seals_what_waits_and_tells_the_head(host: Host) -> None:
    assert lines(run(host, "verify"))[0] == "The history is sound: 0 rows, the last is 0."
    host.request()
    host.request("theo", contact="phone")
    said, head = lines(run(host, "verify"))
    assert said == "The history is sound: 2 rows, the last is 2."
    assert re.fullmatch("Head: [0-9a-f]{64}", head)
    kept = head.split()[1]
    host.request(starts=TUESDAY_TEN + timedelta(days=1))
    assert run(host, "verify", "--head", kept).exit_code == 0
    told = json.loads(run(host, "verify", "--json").stdout)
    assert (told["sound"], told["rows"], told["last"], told["unsealed"], told["broken"]) == (True, 3, 3, 0, None)
    assert told["head"] != kept


def test_verify_names_the_first_broken_row_and_ends_with_1(host: Host) -> None:
    for days in range(3):
        host.request(starts=TUESDAY_TEN + timedelta(days=days))
    run(host, "verify")
    change_history(host, "UPDATE portal_history SET at = at - 1 WHERE id >= 2")
    result = run(host, "verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "The history is broken: row 2 was changed, or what stood before it was.\n"
    result = run(host, "verify", "--json")
    assert result.exit_code == 1
    assert (json.loads(result.stdout)["sound"], json.loads(result.stdout)["broken"]) == (False, 2)


def test_verify_finds_a_history_written_anew_when_it_is_given_an_earlier_head(host: Host) -> None:
    host.request()
    kept = lines(run(host, "verify"))[1].split()[1]
    change_history(host, "DELETE FROM portal_seal")
    change_history(host, "UPDATE portal_history SET at = at - 1")
    assert run(host, "verify").exit_code == 0
    result = run(host, "verify", "--head", kept)
    assert result.exit_code == 1
    assert "no row has the head that was kept" in result.stderr


def test_verify_needs_no_practice_but_a_database(bare: Host) -> None:
    assert "flask portal init" in run(bare, "verify").output
    run(bare, "init")
    assert run(bare, "verify").exit_code == 0


def test_export_writes_json_that_another_program_reads(host: Host) -> None:
    host.request(note="Größe 😀")
    result = run(host, "export", "maya")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["appointments"][0]["note"] == "Größe 😀"
    with host.app.app_context():
        rows = host.state.db.execute_sql("SELECT actor_kind, actor, action FROM portal_history ORDER BY id").fetchall()
    assert rows[-1] == ("staff", "command line", "export")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t"], ids=["equals", "plus", "minus", "at", "tab"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_text_in_an_export(host: Host, first: str) -> None:
    note = f'x\n{first}HYPERLINK("https://evil.example")'
    host.request(note=note)
    result = run(host, "export", "maya")
    # A tab at the beginning of a line is not even stored.
    assert json.loads(result.stdout)["appointments"][0]["note"] == note.replace("\t", "")
    assert not [line for line in result.stdout.splitlines() if line.startswith(first)]


def test_erase_without_a_terminal_needs_to_be_told_yes(host: Host) -> None:
    host.request()
    before = stored(host)
    result = run(host, "erase", "maya")
    assert result.exit_code == 2
    assert "say --yes" in result.stderr
    assert stored(host) == before


def test_erase_asks_on_a_terminal(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.request()
    before = stored(host)
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    assert run(host, "erase", "maya", "--cancel", answer="n\n").exit_code == 1
    assert stored(host) == before
    assert run(host, "erase", "maya", "--cancel", answer="y\n").exit_code == 0
    assert "maya" not in str(stored(host)).lower()


def test_erase_of_somebody_who_is_expected_is_refused_unless_it_cancels(host: Host) -> None:
    ref = host.request().ref
    [sentence] = lines(run(host, "erase", "maya", "--yes"), exit_code=1)
    assert sentence.startswith("Error: This client has an appointment ahead: cancel it first, or")
    assert "--cancel" in sentence
    assert lines(run(host, "erase", "maya", "--yes", "--cancel")) == [
        "Erased. Appointments that stay, without a name: 1."
    ]
    assert "cancelled" in lines(run(host, "history", ref))[-1]
    assert run(host, "verify").exit_code == 0


# Everything together.


def test_commands_that_need_an_argument_say_so_and_an_unknown_one_is_none(host: Host) -> None:
    for arguments in (["confirm"], ["decline"], ["nonsense"], ["confirm", "x", "--nonsense"]):
        assert run(host, *arguments).exit_code == 2


def test_help_says_what_each_command_is_for(host: Host) -> None:
    output = run(host, "--help").output
    names = "init check apply requests confirm decline history verify export erase calendars worker"
    for name in names.split():
        assert f"\n  {name} " in output


def test_an_existing_database_of_somebody_else_is_left_as_it_was(tmp_path: Path) -> None:
    """The portal may share the host's database: its tables carry their own prefix."""
    path = tmp_path / "site.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE appointment (id INTEGER)")
        db.execute("INSERT INTO appointment VALUES (7)")
    host = make_host(f"sqlite:///{path}", tmp_path, Clock(MONDAY))
    run(host, "init")
    host.apply(PRACTICE)
    with sqlite3.connect(path) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert db.execute("SELECT id FROM appointment").fetchall() == [(7,)]
    assert all(name.startswith(("portal_", "sqlite_")) for name in names - {"appointment"})
    host.state.db.close_all()


def test_explain_says_why_a_time_is_offered_or_is_not(host):
    visit = ("explain", "visit", "in-person", "--location", "main")
    assert lines(run(host, *visit, "2026-12-09T10:00")) == ["Offered. Ada Moreau is free from 10:00 to 10:50."]
    assert lines(run(host, *visit, "2026-12-09T15:30+00:00")) == ["Offered. Ada Moreau is free from 10:30 to 11:20."]
    assert lines(run(host, *visit, "2026-12-09 11:30")) == [
        "Not offered. It would end at 12:20, and Ada Moreau's hours end at 12:00."
    ]


def test_explain_knows_the_hours_that_a_clock_change_skips_and_repeats(host):
    visit = ("explain", "visit", "in-person", "--location", "main")
    assert "does not exist on 2027-03-14" in run(host, *visit, "2027-03-14T02:30").output
    assert "say which, 2026-11-01T01:30-04:00 or 2026-11-01T01:30-05:00" in run(host, *visit, "2026-11-01T01:30").output
    assert lines(run(host, *visit, "2026-11-01T01:30-05:00")) == ["Not offered. That time has passed."]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("visit", "in-person", "tomorrow", "--location", "main"), "write a time as 2027-01-05T10:00"),
        (("massage", "in-person", "2026-12-09T10:00"), "Choose an appointment type"),
    ],
)
def test_explain_names_what_it_cannot_read(host, arguments, sentence):
    refused = run(host, "explain", *arguments)
    assert refused.exit_code in {1, 2}
    assert sentence in refused.output
