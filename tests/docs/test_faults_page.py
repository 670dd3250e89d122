"""The page of faults names tests that exist and run, and every race by its name."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import test_races as races

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
TEST = r"`(tests/[\w/]+\.py)::(test_\w+)`"
NAMED = sorted(set(re.findall(TEST, PAGE)))
FILES = sorted({file for file, _ in NAMED})
LEFT_OUT = re.compile(r"\b(skip|skipif|xfail)\b")


def parsed(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text())


@pytest.mark.parametrize("file", FILES)
def test_every_test_that_the_page_names_exists_and_none_is_left_out(file: str) -> None:
    found = {node.name: node for node in parsed(file).body if isinstance(node, ast.FunctionDef)}
    for name in (name for one, name in NAMED if one == file):
        assert name in found, f"{file}::{name}"
        assert not LEFT_OUT.search(" ".join(map(ast.unparse, found[name].decorator_list))), f"{file}::{name}"
    for node in parsed(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            assert not LEFT_OUT.search(ast.unparse(node)), file


@pytest.mark.long
def test_every_test_that_the_page_names_is_collected() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *FILES], cwd=ROOT, capture_output=True, text=True)
    collected = {line.partition("[")[0] for line in done.stdout.splitlines()}
    assert {f"{file}::{name}" for file, name in NAMED} <= collected, done.stderr


def test_every_row_of_the_page_has_its_test() -> None:
    lines = PAGE.splitlines()
    rows = [
        line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("| ") and not after.startswith("|---")
    ]
    assert len(rows) > 100
    for row in rows:
        assert re.search(TEST, row) or set(re.findall(r'"([^"]+)"', row)) & set(races.NAMED), row
    assert len(re.findall(r"\btest_\w+\b(?!\.py)", PAGE)) == len(re.findall(TEST, PAGE)), "each as file::name"


def test_every_race_on_the_page_is_run_a_hundred_times_and_has_its_control() -> None:
    table = PAGE.partition("## Races")[2].partition("## Delivery")[0]
    named = set(re.findall(r'"([^"]+)"', table))
    assert len(named) > 10
    assert named <= {name for _, name in races.CONTROLS}
    assert {races.NAMED[name].rounds for name in named} == {100}
