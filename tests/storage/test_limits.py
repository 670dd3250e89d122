"""Counting in fixed windows: several at once, on the portal's database as on Redis."""

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from portal_plugin.domain.errors import SetupError
from portal_plugin.domain.instants import seconds
from portal_plugin.storage import limits
from portal_plugin.storage.database import Database, open_database
from portal_plugin.storage.limits import DatabaseStorage, Windows, open_windows
from portal_plugin.testing import Clock
from tests.redis_server import RedisServer, redis_server
from tests.support import MONDAY

RATE = parse("3/minute")
NOW = seconds(MONDAY)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close_all()


@pytest.fixture(scope="module")
def one_db(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("limits") / "portal.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = open_database(f"sqlite:///{path}")
    yield database
    database.close_all()


@pytest.fixture(scope="module")
def redis_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 130), st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)),
        max_size=20,
    )
)
def test_a_window_begins_with_its_first_hit_and_ends_after_its_time(
    one_db: Database, steps: list[tuple[int, list[str]]]
) -> None:
    """Whatever is counted together, and with whatever pauses in between (seconds)."""
    clock = Clock(MONDAY)
    storage = DatabaseStorage(one_db, clock)
    storage.reset()
    opened: dict[str, tuple[int, int]] = {}
    now = 0
    for pause, keys in steps:
        now += pause
        clock.advance(timedelta(seconds=pause))
        for key in keys:
            hits, ends = opened.get(key, (0, 0))
            opened[key] = (hits + 1, ends) if now < ends else (1, now + 60)
        found = storage.incr_all([(key, 60) for key in keys], seconds(clock()))
        assert found == [(opened[key][0], opened[key][1] - now) for key in keys]


def test_the_library_s_own_strategy_counts_the_same_windows(db: Database) -> None:
    clock = Clock(MONDAY)
    storage = DatabaseStorage(db, clock)
    own, ours = FixedWindowRateLimiter(storage), Windows(storage)
    maya, theo = RATE.key_for("maya"), RATE.key_for("theo")
    assert own.hit(RATE, "maya")
    assert ours.hit_all([(maya, RATE), (theo, RATE)], NOW) == [(2, 60), (1, 60)]
    assert own.get_window_stats(RATE, "maya") == (MONDAY.timestamp() + 60, 1)
    assert [own.hit(RATE, "maya"), own.test(RATE, "maya"), own.hit(RATE, "maya")] == [True, False, False]
    own.clear(RATE, "maya")
    assert own.get_window_stats(RATE, "maya").remaining == 3
    assert own.hit(RATE, "maya", cost=2)
    assert own.get_window_stats(RATE, "maya").remaining == 1
    assert storage.incr(maya, 60) == 3
    assert storage.check()
    clock.advance(timedelta(minutes=1))
    assert ours.hit_all([(theo, RATE)], NOW + 60) == [(1, 60)]


@pytest.mark.slow
def test_two_who_count_the_same_in_another_order_do_not_wait_for_each_other(db: Database) -> None:
    windows = Windows(DatabaseStorage(db, Clock(MONDAY)))
    names = [f"{n}" for n in range(8)]
    ready = threading.Barrier(4)

    def count(backwards: bool) -> None:
        ready.wait()
        for _ in range(25):
            windows.hit_all([(name, RATE) for name in (reversed(names) if backwards else names)], NOW)
        db.close()

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(count, backwards) for backwards in (True, False, True, False)]:
            one.result()
    assert windows.hit_all([(name, RATE) for name in names], NOW) == [(101, 60)] * 8


def test_on_redis_several_count_together_too(redis_at: RedisServer, one_db: Database) -> None:
    one, other = (open_windows(redis_at.url, one_db, Clock(MONDAY)) for _ in range(2))
    counted = [
        windows.hit_all([("client", RATE), (f"network {n}", RATE)], NOW) for n, windows in enumerate((one, other))
    ]
    assert [[window.hits for window in found or []] for found in counted] == [[1, 1], [2, 1]]
    assert all(0 < window.resets <= 60 for found in counted for window in found or [])
    assert len(redis_at.names()) == 3


def test_while_redis_is_away_nobody_is_counted_and_the_log_says_so_once_a_minute(
    tmp_path: Path, one_db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = [("client", RATE)], NOW
    with redis_server(tmp_path) as server:
        windows = open_windows(server.url, one_db, Clock(MONDAY))
        assert windows.hit_all(*asked)
        server.stop()
        with caplog.at_level(logging.ERROR, "portal_plugin"):
            assert [windows.hit_all(*asked) for _ in range(5)] == [None] * 5
        assert caplog.messages == ["Redis does not answer (ConnectionError): nobody is limited for 60 seconds."]
        server.start()
        assert windows.hit_all(*asked) is None
        now = limits.time.monotonic()
        monkeypatch.setattr(limits.time, "monotonic", lambda: now + limits.PAUSE)
        assert [window.hits for window in windows.hit_all(*asked) or []] == [1]


def test_a_redis_that_cannot_be_reached_at_the_start_stops_no_site(one_db: Database) -> None:
    assert open_windows("redis://127.0.0.1:1/0", one_db, Clock(MONDAY)).hit_all([("client", RATE)], NOW) is None


def test_a_redis_that_hangs_keeps_nobody_waiting(one_db: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        windows = open_windows(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", one_db, Clock(MONDAY))
        asked = time.monotonic()
        assert windows.hit_all([("client", RATE)], NOW) is None
        assert time.monotonic() - asked < 5


def test_a_missing_driver_is_named_with_what_to_install(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SetupError, match=r'PORTAL_LIMITS_STORAGE .*pip install "portal_plugin\[redis\]"'):
        open_windows("redis://127.0.0.1/0", one_db, Clock(MONDAY))
