"""Killed at any moment, nothing is lost, nothing is made up, and what comes twice says so."""

from pathlib import Path

import pytest

from tests.delivery.kills import counted

MANY = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("kills", [pytest.param(5, marks=pytest.mark.slow), pytest.param(250, marks=MANY)])
def test_kills_at_random_moments_lose_nothing_and_make_up_nothing(
    database_url: str, tmp_path: Path, kills: int
) -> None:
    with counted(database_url, tmp_path, kills) as found:
        print(found)
        assert found.messages > found.kills
        assert (found.lost, found.phantom, found.unwritten, found.contradicted) == (0, 0, 0, 0)
        assert found.duplicate <= found.kills
        assert found.most_copies <= 1 + found.kills
