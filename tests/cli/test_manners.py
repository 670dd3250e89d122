"""What all commands have in common: --json, exit codes, and that nobody is asked where nobody sits."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from portal_plugin.cli import portal_commands
from portal_plugin.cli.command import EXIT_CODES
from portal_plugin.testing import Clock
from tests.cli.test_acting import refused, told
from tests.cli.test_commands import EXAMPLE, ODD, SMALL, run
from tests.practices import practice
from tests.support import MONDAY, Host, make_host

ROOT = Path(__file__).parents[2]


def every_command() -> Iterator[tuple[str, click.Command]]:
    group = portal_commands()
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from ((f"{name} {inner}", command) for inner, command in one.commands.items())
        else:
            yield name, one


EVERY = dict(every_command())


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_json_and_says_what_it_is_for(host: Host, name: str) -> None:
    command = EVERY[name]
    output = run(host, *name.split(), "--help").output
    assert "--json" in output
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.opts[0] in output


def test_the_help_lists_the_exit_codes(host: Host) -> None:
    output = run(host, "--help").output
    for code, what in EXIT_CODES.items():
        assert f"\n    {code}  {what}\n" in output


def test_an_unknown_command_is_a_usage_error_for_a_program_too(host: Host) -> None:
    for command in (["nonsense"], ["keys", "nonsense"], ["show"], ["show", "x", "--nonsense"]):
        assert refused(host, *command, exit_code=2)["error"] == "usage"


# Before all is in place.


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Host]:
    host = make_host(f"sqlite:///{tmp_path / 'new' / 'portal.db'}", tmp_path, Clock(MONDAY))
    yield host
    host.state.db.close_all()


@pytest.mark.parametrize("name", EVERY)
def test_before_init_every_command_says_so_and_none_fails(bare: Host, name: str) -> None:
    """Given something for each argument, there is a sentence, and never a traceback or the code of a refusal."""
    command = EVERY[name]
    given = {"start": "2027-01-05T10:00", "file": str(EXAMPLE), "numbers": "1", "url": "https://example.org/"}
    given["due_before"] = given["start"]
    arguments = [given.get(str(one.name), "x") for one in command.params if isinstance(one, click.Argument)]
    for one in command.params:
        if isinstance(one, click.Option) and one.required:
            otherwise = given.get(str(one.name), "x")
            arguments += [one.opts[0], one.type.choices[0] if isinstance(one.type, click.Choice) else otherwise]
    arguments += ["--yes"] * (name == "erase") + ["--once"] * (name == "worker")
    if name in {"init", "check"}:
        assert told(bare, name, *arguments)
    elif name == "doctor":
        result = run(bare, "doctor", "--json")
        assert result.exit_code == 1
        assert "flask portal init" in result.stdout
    else:
        assert "flask portal init" in refused(bare, *name.split(), *arguments, exit_code=5)["detail"]


def test_a_database_that_goes_away_is_told_apart_from_a_refusal(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ref = host.request().ref
    run(host, "confirm", ref)
    host.state.db.close_all()
    monkeypatch.setattr(host.state.db, "database", str(tmp_path))
    said = run(host, "cancel", ref, "--json")
    assert (said.exit_code, json.loads(said.stderr)["error"]) == (5, "unavailable")


# What a program reads of the commands that set up and run.


def test_setting_up_is_told_to_a_program(bare: Host, tmp_path: Path) -> None:
    file = tmp_path / "practice.toml"
    file.write_text(ODD)
    assert told(bare, "init")["applied"][0] == "0001_initial"
    assert told(bare, "init") == {"applied": []}
    checked = told(bare, "check", file)
    assert (checked["providers"], checked["locations"], checked["appointment_types"]) == (1, 0, 1)
    [warning] = checked["warnings"]
    assert warning["line"] == ODD.splitlines().index('  tuesday = ["9:00-9:30"]') + 1
    assert run(bare, "check", "--strict", file, "--json").exit_code == 1
    planned = told(bare, "apply", file, "--dry-run")
    assert (len(planned["changes"]), planned["applied"]) == (4, False)
    assert told(bare, "apply", file, "--yes") == planned | {"applied": True}
    assert told(bare, "apply", file) == {"changes": [], "outside": [], "outside_before": 0, "applied": False}
    file.write_text(SMALL.replace("minutes = 50", 'minutes = "fifty"'))
    for name in ("check", "apply"):
        said = refused(bare, name, file, exit_code=1)
        assert said["error"] == "practice_file"
        assert [mistake["line"] for mistake in said["mistakes"]] == [SMALL.splitlines().index("minutes = 50") + 1]


def test_what_is_left_outside_the_hours_is_told_to_a_program(host: Host, tmp_path: Path) -> None:
    ref = host.request(contact="phone", location=None).ref
    file = tmp_path / "practice.toml"
    file.write_text(SMALL.replace("9:00-12:00", "11:00-12:00"))
    [outside] = told(host, "apply", file, "--dry-run")["outside"]
    assert outside == {"appointment": told(host, "show", ref), "why": "outside the hours"}


def test_running_is_told_to_a_program(host: Host) -> None:
    host.request()
    assert told(host, "worker", "--once") == {"sent": 1}
    assert json.loads(run(host, "worker", "--json").stderr)["detail"] == "--json goes with --once and with --health."
    assert told(host, "calendars") == {"items": []}


def test_a_calendar_is_told_to_a_program(host: Host) -> None:
    data = practice()
    data["providers"][0]["busy_calendar"] = "https://calendar.example.org/ada.ics"
    host.apply(data)
    assert told(host, "calendars")["items"] == [
        {"provider": "ada", "name": "Ada Moreau", "read": None, "busy_times": 0, "error": ""}
    ]


def test_a_client_s_rights_are_told_to_a_program(host: Host) -> None:
    ref = host.request().ref
    with host.app.app_context():
        exported = host.portal.export_client("maya", by="Rosa")
    assert told(host, "export", "maya", "--by", "Rosa")["appointments"] == exported["appointments"]
    assert refused(host, "erase", "maya", "--yes", exit_code=1)["error"] == "refused"
    assert "say --yes" in refused(host, "erase", "maya", exit_code=2)["detail"]
    assert told(host, "erase", "maya", "--yes", "--cancel", "--by", "Rosa") == {"kept": 1}
    with host.app.app_context():
        assert host.portal.history(ref)[-1].actor == "Rosa"
    for wrong in ("half \udcff", "x\0"):
        assert refused(host, "export", wrong, exit_code=2)["error"] == "usage"


def test_keys_and_endpoints_are_told_to_a_program(host: Host) -> None:
    made = told(host, "keys", "create", "Desk", "--scope", "read")
    assert made["key"].startswith(f"portal_{made['id']}_")
    assert "key" not in told(host, "keys", "list")["items"][0]
    assert told(host, "keys", "revoke", made["id"]) == {"id": made["id"]}
    assert refused(host, "keys", "revoke", "nobody", exit_code=3)["error"] == "not_found"
    key = told(host, "webhooks", "add", "https://records.example.org/hooks")["key"]
    assert told(host, "webhooks", "enable", key) == told(host, "webhooks", "remove", key) == {"key": key}
    assert refused(host, "webhooks", "remove", key, exit_code=3)["error"] == "not_found"
    assert refused(host, "webhooks", "add", "nowhere", exit_code=1)["field"] == "url"


# Processes.

SITE = """
import os
from flask import Flask
from portal_plugin import Portal

app = Flask(__name__)
app.config.update(
    SECRET_KEY="test key, thirty-two characters.",
    PORTAL_BASE_URL="https://www.elmrow.example",
    PORTAL_SIGN_IN="sign_in",
    PORTAL_DATABASE_URL="sqlite:///" + os.path.abspath("portal.db"),
)
Portal(app)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site on disk, with its tables and without a practice."""
    (tmp_path / "app.py").write_text(SITE)
    (tmp_path / "practice.toml").write_text(SMALL)
    assert flask(tmp_path, "init").returncode == 0
    return tmp_path


def flask(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", "portal", *command],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def at_a_terminal(folder: Path, typed: str, *command: str) -> tuple[int, str]:
    """Exit code and all that was seen by somebody who typed an answer."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        os.execve(sys.executable, [sys.executable, "-m", "flask", "portal", *command], environment)
    os.write(terminal, typed.encode())
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so at the end.
            break
        if not part:
            break
        seen += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), seen.decode()


def test_without_a_terminal_nobody_is_asked_and_nothing_is_done(folder: Path) -> None:
    for more in ((), ("--json",)):
        done = flask(folder, "apply", "practice.toml", *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert "say --yes" in done.stderr
    assert flask(folder, "requests").returncode == 5
    assert flask(folder, "apply", "practice.toml", "--yes").returncode == 0
    done = flask(folder, "erase", "maya")
    assert (done.returncode, "say --yes" in done.stderr) == (2, True)


def test_at_a_terminal_it_shows_and_asks(folder: Path) -> None:
    code, seen = at_a_terminal(folder, "n\n", "apply", "practice.toml")
    assert code == 1
    assert "add provider 'ada'" in seen
    assert "Apply? [y/N]" in seen
    assert flask(folder, "requests").returncode == 5
    code, seen = at_a_terminal(folder, "y\n", "apply", "practice.toml")
    assert (code, seen.count("add provider 'ada'"), "Applied." in seen) == (0, 1, True)
    code, seen = at_a_terminal(folder, "", "erase", "maya", "--json")
    assert (code, '"error": "usage"' in seen) == (2, True)


def test_a_refusal_of_a_process_is_json_on_stderr_alone(folder: Path) -> None:
    flask(folder, "apply", "practice.toml", "--yes")
    done = flask(folder, "show", "0" * 32, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert json.loads(done.stderr) == {"error": "not_found", "detail": "There is no such appointment."}
    listed = flask(folder, "appointments", "--json")
    assert (listed.returncode, listed.stderr, json.loads(listed.stdout)) == (0, "", {"items": [], "next": None})
