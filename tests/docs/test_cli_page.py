"""docs/cli.md names every command, in examples that are understood, and the exit codes as they are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from portal_plugin.cli import portal_commands
from portal_plugin.cli.command import EXIT_CODES
from tests.cli.test_manners import EVERY

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
EXAMPLES = re.findall(r"^flask portal (.*?)(?: > .*)?$", PAGE, re.MULTILINE)


def named(example: str) -> tuple[str, list[str]]:
    """The command's whole name, and what is given to it."""
    words = shlex.split(example)
    inside = 2 if isinstance(portal_commands().commands[words[0]], click.Group) else 1
    return " ".join(words[:inside]), words[inside:]


def test_every_command_has_an_example() -> None:
    assert {named(example)[0] for example in EXAMPLES} == set(EVERY)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    name, arguments = named(example)
    EVERY[name].make_context(name, arguments)


def test_the_exit_codes_are_those_that_there_are() -> None:
    rows = re.findall(r"^\| (\d) \| (.*?) \| ", PAGE, re.MULTILINE)
    assert {int(code): what for code, what in rows} == EXIT_CODES
