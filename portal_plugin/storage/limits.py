"""Where is counted how often somebody did something: on the portal's own database, so that several processes count
together, or on Redis.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from limits import RateLimitItem
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Database

from ..domain.errors import SetupError
from ..domain.instants import seconds
from .database import Unreachable, read, run

log = logging.getLogger("portal_plugin")

PAUSE = 60
"""Seconds for which Redis is left alone, and nobody counted, once it did not answer."""

_PATIENCE = 0.5
"""Seconds that Redis may take to answer; a client waits for it."""


@cache
def _count(rows: int, mark: str) -> str:
    sql = (
        f"INSERT INTO portal_rate (name, hits, expires) VALUES {', '.join(['(?, ?, ?)'] * rows)} "  # noqa: S608
        "ON CONFLICT (name) DO UPDATE SET "
        "hits = CASE WHEN portal_rate.expires <= ? THEN excluded.hits ELSE portal_rate.hits + excluded.hits END, "
        "expires = CASE WHEN portal_rate.expires <= ? THEN excluded.expires ELSE portal_rate.expires END "
        "RETURNING name, hits, expires"
    )
    return sql.replace("?", mark)


class Window(NamedTuple):
    """How often within it, and in how many seconds the next one opens."""

    hits: int
    resets: int


class DatabaseStorage(Storage):
    """What the strategies of `limits` count on: a row for each window that is open."""

    STORAGE_SCHEME = None

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._db, self._clock = db, clock

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return Unreachable

    def incr_all(self, keys: Sequence[tuple[str, int]], now: int, amount: int = 1) -> list[Window]:
        """Count for each of several keys, which have their seconds beside them, in one statement."""
        # Always in one order: two who wait for each other's rows would wait for good.
        values = [value for key, expiry in sorted(keys) for value in (key, amount, now + expiry)]
        rows = read(self._db, _count(len(keys), self._db.param), (*values, now, now)).fetchall()
        counted = {name: Window(hits, expires - now) for name, hits, expires in rows}
        return [counted[key] for key, _ in keys]

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self.incr_all([(key, expiry)], seconds(self._clock()), amount)[0].hits

    def get(self, key: str) -> int:
        return self._window(key)[0]

    def get_expiry(self, key: str) -> float:
        return self._window(key)[1]

    def _window(self, key: str) -> tuple[int, int]:
        now = seconds(self._clock())
        row = run(self._db, "SELECT hits, expires FROM portal_rate WHERE name = ? AND expires > ?", key, now).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, now)

    def check(self) -> bool:
        run(self._db, "SELECT 1")
        return True

    def reset(self) -> int | None:
        return int(run(self._db, "DELETE FROM portal_rate").rowcount)

    def clear(self, key: str) -> None:
        run(self._db, "DELETE FROM portal_rate WHERE name = ?", key)


class Windows(FixedWindowRateLimiter):
    """The library's fixed windows, several of them counted at once."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self._resumes = 0.0

    def hit_all(self, asked: Sequence[tuple[str, RateLimitItem]], now: int) -> list[Window] | None:
        """Count once for each key, by its rate; None where Redis is away, since a portal without limits serves
        clients better than none at all. `now` is in seconds, and Redis has its own.
        """
        keys = [(key, rate.get_expiry()) for key, rate in asked]
        if isinstance(self.storage, DatabaseStorage):
            return self.storage.incr_all(keys, now)
        if time.monotonic() < self._resumes:
            return None
        try:
            return [Window(self.storage.incr(*key), self._resets(key[0])) for key in keys]
        except self.storage.base_exceptions as error:
            self._resumes = time.monotonic() + PAUSE
            # Its own text may hold the address, and that the password.
            log.error("Redis does not answer (%s): nobody is limited for %d seconds.", type(error).__name__, PAUSE)
            return None

    def _resets(self, key: str) -> int:
        return math.ceil(self.storage.get_expiry(key) - time.time())


def open_windows(url: str, db: Database, clock: Callable[[], datetime]) -> Windows:
    """On the database where `url` is empty, else on that Redis, which is first asked when something is counted. Raises
    SetupError when its driver is not installed.
    """
    if not url:
        return Windows(DatabaseStorage(db, clock))
    try:
        # What limits' own clients of Redis take, and its annotations do not know.
        storage = storage_from_string(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
    except ConfigurationError:
        raise SetupError(
            'PORTAL_LIMITS_STORAGE names Redis, whose driver is missing: pip install "portal_plugin[redis]".'
        ) from None
    assert isinstance(storage, Storage)  # noqa: S101 - asynchronous ones have addresses of their own
    return Windows(storage)


def purge(db: Database, now: datetime) -> None:
    """Drop the rows of windows that are over."""
    run(db, "DELETE FROM portal_rate WHERE expires <= ?", now)
