"""The page on OWASP's standard names tests that there are."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "asvs.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_page_names_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE)


def test_every_requirement_that_is_met_says_how_and_is_told_once() -> None:
    met = PAGE.partition("## What is met")[2].partition("## What is not met")[0]
    rows = [line.strip("| ").split(" | ") for line in met.splitlines() if re.match(r"\| \d", line)]
    numbers = [number for cells in rows for number in re.findall(r"\d+\.\d+\.\d+", cells[0])]
    assert len(rows) > 50
    assert len(numbers) == len(set(numbers))
    for number, how, *shown in rows:
        assert len(how) > 10, number
        assert "`" in " ".join(shown) or "by reading" in " ".join(shown) or "below" in how, number


def test_the_pages_of_tests_are_named_at_all() -> None:
    assert len(NAMED) > 60
