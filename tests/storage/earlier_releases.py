"""Databases as earlier releases left them.

The files in `earlier/` were written by the code of that time, whose newest migration names them: some weeks of a
practice through its pages, its API and its verbs. Nothing makes them anew. A migration that changes what stands in a
table comes with a file of the state before it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playhouse.migrations import Runner

from portal_plugin.storage.database import MIGRATIONS, Database, is_postgres
from portal_plugin.storage.models import insert_many

EVERY_ONE = sorted(file.stem for file in MIGRATIONS.glob("[0-9]*.py"))
RECORDED = sorted(Path(__file__).with_name("earlier").glob("*.json"))
LEFT = datetime(2026, 12, 4, 14, 0, tzinfo=UTC)
"""Some hours after whoever wrote these rows stopped."""

ENDPOINT = "https://records.example.org/hooks"
"""Where webhooks go in these rows."""

_REFERRED_TO = ("portal_claim", "portal_appointment", "portal_api_key")
_NUMBERED = ("practice", "claim", "appointment", "history", "outbox", "consent", "waitlist")

Rows = dict[str, list[tuple[Any, ...]]]


def restore(db: Database, number: int, endpoint: str = ENDPOINT) -> None:
    """A database at this migration, filled by the newest release up to it of which there is a file."""
    file = [file for file in RECORDED if int(file.stem) <= number][-1]
    if not is_postgres(db):
        Path(db.database).parent.mkdir(exist_ok=True)
        db.execute_sql("PRAGMA journal_mode = wal")
    runner = Runner(db, str(MIGRATIONS), table_name="portal_migration")
    with db.atomic():
        runner.up(EVERY_ONE[int(file.stem) - 1])
        written = json.loads(file.read_text().replace(ENDPOINT, endpoint))
        for table in (*_REFERRED_TO, *sorted(written.keys() - set(_REFERRED_TO))):
            if table in written:
                _fill(db, table, **written[table])
        runner.up(EVERY_ONE[number - 1])


def _fill(db: Database, table: str, columns: list[str], rows: list[list[Any]]) -> None:
    types = {column.name: column.data_type for column in db.get_columns(table)}
    truths = [index for index, name in enumerate(columns) if types[name].lower() == "boolean"]
    for row in rows:
        for index in truths:
            row[index] = bool(row[index])
    # A migration may have begun the table.
    db.execute_sql(f"DELETE FROM {table}")
    insert_many(db, table, columns, rows)
    if is_postgres(db) and table.removeprefix("portal_") in _NUMBERED:
        db.execute_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def rows(db: Database, like: Rows | None = None) -> Rows:
    """Everything that the portal's tables hold; with `like`, of its tables and columns alone. Each table's first row
    names the columns.
    """
    found: Rows = {}
    for table in sorted(like or db.get_tables()):
        if table.startswith("portal_") and table != "portal_migration":
            names = list(like[table][0]) if like else [column.name for column in db.get_columns(table)]
            cursor = db.execute_sql(f"SELECT {', '.join(names)} FROM {table}")
            found[table] = [tuple(names), *sorted(cursor.fetchall(), key=repr)]
    return found


def schema(db: Database) -> list[tuple[Any, ...]]:
    """Every table, index, constraint and trigger, and which migrations were applied."""
    if is_postgres(db):
        queries = [
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public'",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        ]
    else:
        queries = ["SELECT type, name, tbl_name, sql FROM sqlite_master"]
    if "portal_migration" in db.get_tables():
        queries.append("SELECT name FROM portal_migration")
    return [row for query in queries for row in sorted(db.execute_sql(query).fetchall(), key=repr)]
