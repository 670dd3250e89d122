"""The documents tell the truth: their code runs, their names exist, their links lead somewhere."""

import dataclasses
import inspect
import re
import subprocess
import sys
import threading
import typing
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

import portal_plugin
from portal_plugin import Appointment, Portal, Status, hooks, testing
from portal_plugin.config import Settings
from portal_plugin.practice_file import entries, load
from portal_plugin.services import asking
from portal_plugin.testing import frozen, make_appointment, set_up
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
# What is no command of ours; tests/docs/test_deploying_page.py runs them.
OUTSIDE = {"sqlite3", "pg_dump", "pg_restore", "createdb", "rm", "cp", "chown"}


def blocks(language: str) -> list[tuple[str, str]]:
    """Fenced blocks of all pages, with the page's name."""
    return [
        (page.name, block)
        for page in PAGES
        for block in re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_every_python_block_runs(page: str, code: str, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(code + "\nif 'create_app' in globals():\n    create_app()\n")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{page}: {done.stderr}"


def test_the_readme_example_serves_the_portal_and_its_commands_exist(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    code = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    (tmp_path / "app.py").write_text(code)
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"}
    practice = ROOT / "docs" / "examples" / "practice.toml"
    for command in re.findall(r"^flask (.*)$", readme, re.MULTILINE):
        arguments = command.replace("practice.toml", str(practice)).split()
        if arguments[-1] == "worker":
            arguments.append("--once")
        if "apply" in arguments:
            arguments.append("--yes")
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"flask {command}: {done.stderr}"
    assert "```python\n" + code in readme
    assert len([line for line in code.splitlines() if line and not line.startswith(("from", "import"))]) <= 12


def test_the_example_of_a_practice_from_own_tables_can_be_checked_and_applied(tmp_path: Path) -> None:
    [code] = [code for page, code in blocks("python") if page == "practice-file.md"]
    (tmp_path / "app.py").write_text(code)
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"}
    for command, says in (("check --strict", "The practice is fine"), ("init", "applied"), ("apply --yes", "Applied.")):
        done = subprocess.run(
            [sys.executable, "-m", "flask", "portal", *command.split()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert says in done.stdout, done.stderr


@pytest.mark.parametrize(("page", "commands"), blocks("sh"))
def test_every_shell_block_names_a_command_that_exists(page: str, commands: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    app = Flask("host")
    app.config.update(SECRET_KEY="x" * 32, PORTAL_BASE_URL="https://www.example.org", PORTAL_SIGN_IN="sign_in")
    Portal(app)
    portal = app.cli.get_command(None, "portal")  # type: ignore[arg-type]
    for line in commands.strip().splitlines():
        program, argument = line.split()[:2]
        if program == "make":
            assert argument in targets, f"{page}: {line}"
        elif program == "flask":
            assert line.split()[2] in portal.commands, f"{page}: {line}"  # type: ignore[union-attr]
        else:
            assert program in {"pip", *OUTSIDE}, f"{page}: {line}"


def test_the_example_practice_file_is_without_mistakes() -> None:
    assert load(ROOT / "docs" / "examples" / "practice.toml").practice.name == "Harbor Street Counseling"


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


HOOKS = (ROOT / "docs" / "hooks.md").read_text()
PUBLIC = {name: function for name, function in inspect.getmembers(Portal, inspect.isfunction) if name[0] != "_"}
QUESTIONS = {
    name for name, function in PUBLIC.items() if list(inspect.signature(function).parameters)[1:] == ["function"]
}


def signature_of(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    return f"{name}{signature.replace(parameters=bare, return_annotation=signature.empty)}"


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - QUESTIONS - {"init_app"}))
def test_every_verb_stands_in_the_hooks_page_with_its_signature_and_its_docstring(name: str) -> None:
    told = " ".join(str(PUBLIC[name].__doc__).split())
    assert f"| `{signature_of(name, PUBLIC[name])}` | {told} |" in HOOKS


@pytest.mark.parametrize("signal", sorted(hooks.SIGNALS, key=lambda one: one.name), ids=lambda one: one.name)
def test_every_signal_stands_in_the_hooks_page_with_its_moment(signal: NamedSignal) -> None:
    assert f"| `{signal.name.replace('-', '_')}` | {signal.__doc__} |" in HOOKS


def test_every_receiver_is_called_as_the_hooks_page_says_and_outside_of_a_transaction(host: Host) -> None:
    assert "`receiver(app, appointment=appointment)`" in HOOKS
    called = []

    def receiver(*given: object, **named: object) -> None:
        called.append((given, set(named), threading.current_thread(), host.state.db.in_transaction()))

    with ExitStack() as connected:
        for signal in set(hooks.ANNOUNCED.values()):
            connected.enter_context(signal.connected_to(receiver, sender=host.app))
        for status in Status:
            make_appointment(host.app, status)
    assert len(called) > len(Status)
    assert all(call == ((host.app,), {"appointment"}, threading.current_thread(), False) for call in called)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_every_question_stands_in_the_hooks_page_with_what_it_is_given_and_returns(name: str) -> None:
    [written] = re.findall(rf"^\| `{name}` \| `function\((.*?)\) -> (.*?)` \|", HOOKS, re.MULTILINE)
    takes, returns = typing.get_args(typing.get_type_hints(PUBLIC[name])["function"])
    names = "NoneType", "None"
    told = [part.partition(": ")[2] for part in written[0].split(", ") if part]
    assert told == [inspect.formatannotation(one).rpartition(".")[2] for one in takes]
    plain = re.sub(r"[a-z_]+\.(?=[\w.]*[A-Za-z])", "", inspect.formatannotation(returns)).replace(*names)
    assert written[1].replace("\\|", "|") == plain


def test_the_questions_with_a_deadline_are_those_that_the_hooks_page_says() -> None:
    asked = set(re.findall(r'_ask\(\s*"(\w+)"|return "(\w+)"', inspect.getsource(asking.Host)))
    with_deadline = set(re.findall(r"^\| `(\w+)` \| `function.*\| yes \|$", HOOKS, re.MULTILINE))
    assert with_deadline == {one or other for one, other in asked}


def test_everything_an_appointment_and_a_proposal_have_stands_in_the_hooks_page() -> None:
    for record in (Appointment, hooks.Proposal):
        for field in dataclasses.fields(record):
            if field.name not in {"id", "claim", "waitlist"}:
                assert f"`{field.name}`" in HOOKS, field.name


def test_the_example_of_an_own_table_keeps_up_with_every_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [code] = [code for page, code in blocks("python") if page == "hooks.md" and "own.execute" in code]
    site: dict[str, Any] = {"__name__": "site"}
    exec(code.replace('PORTAL_SIGN_IN="sign_in"', f'PORTAL_DATABASE_URL="sqlite:///{tmp_path}/portal.db"'), site)
    app, portal = site["app"], site["portal"]

    def case() -> tuple[str, str | None]:
        with site["cases"]() as own:
            found: tuple[str, str | None] = own.execute("SELECT name, visit FROM cases").fetchone()
            return found

    with frozen(app, MONDAY), app.app_context():
        set_up(app)
        with site["cases"]() as own:
            own.execute("INSERT INTO cases (name) VALUES ('A-7')")
        booked = site["book_visit"]("A-7", PEOPLE["maya"], TUESDAY_TEN)
        assert case() == ("A-7", booked.ref)
        moved = portal.reschedule(booked.ref, starts=TUESDAY_TEN.replace(hour=19))
        assert (moved.host_reference, moved.host_data, moved.thread) == ("A-7", {"room": 2}, booked.ref)
        assert case() == ("A-7", moved.ref)
        portal.cancel(moved.ref)
        assert case() == ("A-7", None)


def test_the_tests_of_the_testing_page_pass(tmp_path: Path) -> None:
    conftest, tests = [code for page, code in blocks("python") if page == "testing.md"]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_site.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert f"{tests.count('def test_')} passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", sorted(set(testing.__all__) - {"Heard", "Mail", "Text"}))
def test_every_help_for_tests_stands_in_the_testing_page_with_its_signature(name: str) -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    assert f"| `{signature_of(name, getattr(testing, name))}` |" in page


def test_every_setting_stands_in_the_embedding_page() -> None:
    page = (ROOT / "docs" / "embedding.md").read_text()
    source = inspect.getsource(sys.modules[Settings.__module__])
    for setting in set(re.findall(r'"(PORTAL_[A-Z_]+)"', source)):
        assert f"| `{setting}` |" in page


def test_every_line_of_the_practice_file_stands_in_its_page() -> None:
    page = (ROOT / "docs" / "practice-file.md").read_text()
    for section in vars(entries).values():
        if inspect.isclass(section) and issubclass(section, entries.Section):
            for name in section.model_fields:
                if name not in {"tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}:
                    assert re.search(rf"\b{name}\b", page), f"{section.__name__}.{name}"


def test_every_public_name_is_exported_on_purpose() -> None:
    assert sorted(portal_plugin.__all__) == portal_plugin.__all__
    for name in portal_plugin.__all__:
        assert hasattr(portal_plugin, name)
