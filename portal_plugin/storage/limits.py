"""Counting on the portal's own database, so that several processes count together."""

from collections.abc import Callable
from datetime import datetime

from limits.storage import Storage
from peewee import Database

from ..domain.instants import seconds
from .database import Unreachable, run


class DatabaseStorage(Storage):
    """What the strategies of `limits` count on: a row for each window that is open."""

    STORAGE_SCHEME = None

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._db, self._clock = db, clock

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return Unreachable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = seconds(self._clock())
        row = run(
            self._db,
            "INSERT INTO portal_rate (name, hits, expires) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "hits = CASE WHEN portal_rate.expires <= ? THEN excluded.hits ELSE portal_rate.hits + excluded.hits END, "
            "expires = CASE WHEN portal_rate.expires <= ? THEN excluded.expires ELSE portal_rate.expires END "
            "RETURNING hits",
            *(key, amount, now + expiry, now, now),
        ).fetchone()
        hits = int(row[0])
        if hits == amount:
            # Once a window: who stopped asking leaves nothing behind.
            run(self._db, "DELETE FROM portal_rate WHERE expires <= ?", now)
        return hits

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
