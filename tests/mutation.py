"""What `make mutate` asks of pytest besides, so that a mutant falls quickly and always the same way; and the score."""

import gc
import json
from collections import Counter
from functools import _lru_cache_wrapper
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from mutmut.state import state
from mutmut.stats import status_by_exit_code

settings.register_profile("mutation", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])


def pytest_configure() -> None:
    settings.load_profile("mutation")


@pytest.fixture(autouse=True, scope="session")
def caches() -> list[_lru_cache_wrapper]:
    found = [one for one in gc.get_objects() if type(one) is _lru_cache_wrapper]
    return [one for one in found if one.__module__.startswith("portal_plugin")]


@pytest.fixture(autouse=True)
def without_caches(caches: list[_lru_cache_wrapper]) -> None:
    """What an earlier test left in a cache would hide what this one passes through, and a mutant of it."""
    for cache in caches:
        cache.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quickest test first: each mutant's run ends with the first that fails."""
    items.sort(key=lambda item: state().duration_by_test.get(item.nodeid, 0))


def table(folder: Path) -> str:
    """How each file's mutants fared, as a table of Markdown. Those of a run that was cut short are not counted."""
    lines = ["| file | mutants | killed | timeout | survived | no tests | score |", "|---|" + "--:|" * 6]
    for file in sorted(folder.rglob("*.py.meta")):
        codes = json.loads(file.read_text())["exit_code_by_key"].values()
        ended = Counter(status_by_exit_code[code] for code in codes if code is not None)
        if mutants := ended.total():
            killed, timeout = ended["killed"], ended["timeout"]
            name = str(file.relative_to(folder)).removesuffix(".py.meta")
            counts = f"{mutants} | {killed} | {timeout} | {ended['survived']} | {ended['no tests']}"
            lines.append(f"| {name} | {counts} | {100 * (killed + timeout) / mutants:.1f} % |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(Path("mutants/portal_plugin")))
