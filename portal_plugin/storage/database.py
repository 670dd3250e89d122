"""Opening, migrating and checking a database. Nothing connects before the first query."""

import logging
import os
import time
import weakref
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import Database as Database
from peewee import OperationalError, PeeweeException, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import parse
from playhouse.migrations import Migration, Runner
from playhouse.pool import MaxConnectionsExceeded

from ..domain.errors import SetupError
from ..domain.instants import seconds

Unreachable = (OperationalError, MaxConnectionsExceeded)
"""What a query raises when the database is away or overwhelmed."""

_LOG = logging.getLogger("peewee")

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x706F7274616C  # "portal"


class ThreadSqliteDatabase(SqliteDatabase):
    """SQLite whose connections last as long as their threads: taking one from a pool costs more than most reads."""

    def close_all(self) -> None:
        """The calling thread's; the others' end with them."""
        self.close()


def open_database(url: str) -> Database:
    """A database that connects on first use. Raises SetupError when its driver is not installed.

    SQLite writers take their lock at BEGIN: a deferred one fails when a second writer was quicker.
    """
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        database: Database = ThreadSqliteDatabase(
            path,
            pragmas={"busy_timeout": 30_000, "synchronous": "normal", "foreign_keys": 1},
            lock_type="IMMEDIATE",
            check_same_thread=False,
        )
    else:
        try:
            from .postgres import PostgresDatabase
        except ImportError:
            raise SetupError(
                'PORTAL_DATABASE_URL names PostgreSQL, whose driver is missing: pip install "portal_plugin[postgres]".'
            ) from None
        options = {"max_connections": 16, "timeout": 10, "stale_timeout": 300, "connect_timeout": 5}
        options |= parse(url, unquote_password=True, unquote_user=True)
        database = PostgresDatabase(options.pop("database"), **options)
    # A connection shared by parent and child mixes their answers.
    reference = weakref.ref(database)

    def forget_connections() -> None:
        if alive := reference():
            alive.dispose()

    os.register_at_fork(after_in_child=forget_connections)
    return database


def give_back(db: Database) -> None:
    """At the end of a request: a pooled connection is another thread's from here on."""
    if is_postgres(db) and not db.is_closed():
        db.close()


def is_postgres(db: Database) -> bool:
    return isinstance(db, PostgresqlDatabase)


def run(db: Database, sql: str, *values: Any) -> Any:
    """The cursor of a statement in plain SQL, whose marks are `?` and whose instants are aware datetimes.

    Peewee's builder costs several times what a statement on the way of a request does itself.
    """
    given = [seconds(value) if isinstance(value, datetime) else value for value in values]
    return db.execute_sql(sql if db.param == "?" else sql.replace("?", db.param), given)


def read(db: Database, sql: str, values: tuple[Any, ...] = ()) -> Any:
    """The cursor of a read that every page makes, or a count that every form does, with the engine's own marks, past
    what peewee adds to a statement.

    While statements are logged, and when one goes wrong, it is peewee's to carry out and to tell.
    """
    if not _LOG.isEnabledFor(logging.DEBUG):
        try:
            return db.connection().execute(sql, values)
        except Exception:  # noqa: S110 - asked again below, by which the error gets its name
            pass
    return db.execute_sql(sql, values)


def marks(values: Collection[Any]) -> str:
    """A mark for each, or for none what nothing is equal to, since PostgreSQL reads no empty list."""
    return ", ".join("?" * len(values)) or "NULL"


def migrate(db: Database) -> list[str]:
    """Bring the tables up to date, all or nothing; the names of the migrations applied.

    Safe to run in several processes at once. Raises SetupError when the database cannot be reached, is of a later
    release, or refuses a migration.
    """
    try:
        if not is_postgres(db):
            Path(db.database).parent.mkdir(parents=True, exist_ok=True)
            _use_wal(db)
        db.connect(reuse_if_open=True)
    except (PeeweeException, OSError) as error:
        raise _unreachable(error) from error
    try:
        with db.atomic():
            if is_postgres(db):
                db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            runner = _runner(db)
            _refuse_later(runner.status())
            applied: list[str] = runner.up()
            return applied
    except PeeweeException as error:
        raise SetupError(
            f"The tables could not be brought up to date, and nothing was changed ({_reason(error)}): see to that, and "
            "run `flask portal init` again."
        ) from error


def _use_wal(db: Database) -> None:
    """Readers and a writer side by side. The file remembers it; while another process sets it, SQLite does not wait."""
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            db.execute_sql("PRAGMA journal_mode = wal")
            return
        except OperationalError:
            time.sleep(pause)
    db.execute_sql("PRAGMA journal_mode = wal")


def check_ready(db: Database, *, later: bool = False) -> None:
    """Raises SetupError when the database cannot be reached, its tables are not up to date, or they are those of a
    later release, unless `later` allows that.
    """
    if not is_postgres(db) and not Path(db.database).exists():
        raise SetupError(f"There is no database at {db.database} yet: run `flask portal init`.")
    try:
        found = _runner(db).status()
    except (PeeweeException, OSError) as error:
        raise _unreachable(error) from error
    if not later:
        _refuse_later(found)
    pending = [migration.name for migration in found if not migration.applied]
    if pending:
        raise SetupError(f"The database is not up to date ({', '.join(pending)}): run `flask portal init`.")


def _refuse_later(found: list[Migration]) -> None:
    unknown = [migration.name for migration in found if migration.path is None]
    if unknown:
        raise SetupError(
            f"The database is of a later release than this portal ({', '.join(unknown)}): install that release, or "
            "restore a backup from before it."
        )


def _runner(db: Database) -> Runner:
    return Runner(db, str(MIGRATIONS), table_name="portal_migration")


def _unreachable(error: Exception) -> SetupError:
    return SetupError(
        f"The database cannot be reached: check PORTAL_DATABASE_URL and that the server runs ({_reason(error)})."
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())
