"""The documents tell the truth: their code runs, their names exist, their links lead somewhere."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

import portal_plugin
from portal_plugin import Portal, hooks
from portal_plugin.config import Settings
from portal_plugin.practice_file import entries, load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]


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
    app.config.update(SECRET_KEY="x", PORTAL_BASE_URL="https://www.example.org", PORTAL_SIGN_IN="sign_in")
    Portal(app)
    portal = app.cli.get_command(None, "portal")  # type: ignore[arg-type]
    for line in commands.strip().splitlines():
        program, argument = line.split()[:2]
        if program == "make":
            assert argument in targets, f"{page}: {line}"
        elif program == "flask":
            assert line.split()[2] in portal.commands, f"{page}: {line}"  # type: ignore[union-attr]
        else:
            assert program in {"pip", "gunicorn"}, f"{page}: {line}"


def test_the_example_practice_file_is_without_mistakes() -> None:
    assert load(ROOT / "docs" / "examples" / "practice.toml").practice.name == "Harbor Street Counseling"


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_signal_question_and_verb_stands_in_the_hooks_page_with_its_signature() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text()
    for signal in hooks.ANNOUNCED.values():
        assert f"| `{signal.name.replace('-', '_')}` |" in page
    for name, function in inspect.getmembers(Portal, inspect.isfunction):
        if name.startswith("_") or name in {
            "init_app",
            "current_client",
            "current_staff",
            "find_clients",
            "busy_times",
            "veto_request",
            "veto_cancellation",
            "veto_confirmation",
            "practice_source",
        }:
            continue
        signature = inspect.signature(function)
        bare = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
        written = f"{name}{signature.replace(parameters=bare, return_annotation=signature.empty)}"
        assert f"| `{written}` |" in page


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
