"""The history tells more, can no longer be changed, and is sealed row by row; what was there before is sealed now.

Its words can be taken away and nothing else, see storage/history.py. The chain is made by storage/chain.py: whoever
changes what a seal covers later has to seal everything anew and will find this file then.
"""

import secrets

from peewee import Database

from portal_plugin.domain.history import digest
from portal_plugin.storage.chain import seal_until
from portal_plugin.storage.models import insert_many

# SQLite cannot take NOT NULL from a column, so the table is made anew on both.
TABLES = (
    "ALTER TABLE portal_history RENAME TO portal_history_before",
    "DROP INDEX portal_history_appointment",
    """CREATE TABLE portal_history (
        id {id},
        at BIGINT NOT NULL,
        appointment BIGINT REFERENCES portal_appointment (id),
        actor_kind VARCHAR(16) NOT NULL,
        actor TEXT NOT NULL,
        action VARCHAR(32) NOT NULL,
        from_status VARCHAR(16),
        to_status VARCHAR(16),
        result VARCHAR(16) NOT NULL CHECK (result IN ('done', 'refused')),
        reason TEXT NOT NULL,
        request_id VARCHAR(64),
        erased INTEGER,
        salt VARCHAR(32),
        digest VARCHAR(64) NOT NULL
    )""",
    "CREATE TABLE portal_seal (history BIGINT PRIMARY KEY, hash VARCHAR(64) NOT NULL)",
)
INDEXES = (
    "CREATE INDEX portal_history_appointment ON portal_history (appointment, id)",
    "CREATE INDEX portal_history_refused_one ON portal_history (actor, at) WHERE result = 'refused'",
    "CREATE INDEX portal_history_refused_all ON portal_history (at) WHERE result = 'refused'",
    "CREATE INDEX portal_history_export ON portal_history (reason) WHERE action = 'export'",
)
OLD = ("id", "at", "appointment", "actor_kind", "actor", "action", "from_status", "to_status", "reason")
NEW = (*OLD, "result", "salt", "digest")

# The one change that is let through takes the words away: of everybody the reason, of a person the name as well.
FIXED = (*(name for name in NEW if name not in {"actor", "reason", "salt"}), "request_id", "erased")
WORDS_TAKEN = """NEW.salt IS NULL AND NEW.reason = ''
    AND NEW.actor = CASE WHEN OLD.actor_kind IN ('client', 'link') THEN '' ELSE OLD.actor END"""

SQLITE_GUARD = """
CREATE TRIGGER {table}_kept_{event} BEFORE {event} ON {table} WHEN {when} BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""
POSTGRES_REFUSAL = """
CREATE FUNCTION portal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only', ERRCODE = 'integrity_constraint_violation';
END $$
"""
POSTGRES_GUARD = """
CREATE TRIGGER {table}_kept_{event} BEFORE {event} ON {table} FOR EACH ROW WHEN ({when})
    EXECUTE FUNCTION portal_append_only()
"""
POSTGRES_TRUNCATE = """
CREATE TRIGGER {table}_kept_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION portal_append_only()
"""


def up(migrator: object, db: Database) -> None:
    postgres = type(migrator).__name__ == "PostgresqlMigrator"
    number = "BIGSERIAL PRIMARY KEY" if postgres else "INTEGER PRIMARY KEY AUTOINCREMENT"
    for statement in TABLES:
        db.execute_sql(statement.replace("{id}", number))
    last = copy(db)
    if postgres and last:
        db.execute_sql("SELECT setval(pg_get_serial_sequence('portal_history', 'id'), %s)", (last,))
    for statement in ("DROP TABLE portal_history_before", *INDEXES):
        db.execute_sql(statement)
    seal_until(db, last)
    guard(db, postgres)


def copy(db: Database) -> int:
    """Copies every row, and its words' digest with it; the last one's number."""
    last = 0
    page = f"SELECT {', '.join(OLD)} FROM portal_history_before WHERE id > {db.param} ORDER BY id LIMIT 1000"  # noqa: S608
    while rows := db.execute_sql(page, (last,)).fetchall():
        copies = []
        for row in rows:
            salt = secrets.token_hex(16)
            old = dict(zip(OLD, row, strict=True))
            copies.append((*row, "done", salt, digest(salt, old["actor"], old["reason"])))
        insert_many(db, "portal_history", NEW, copies)
        last = rows[-1][0]
    return last


def guard(db: Database, postgres: bool) -> None:
    same = "IS NOT DISTINCT FROM" if postgres else "IS"
    words_taken = " AND ".join((WORDS_TAKEN, *(f"NEW.{name} {same} OLD.{name}" for name in FIXED)))
    changes = {"portal_history": f"NOT ({words_taken})", "portal_seal": "TRUE"}
    if postgres:
        db.execute_sql(POSTGRES_REFUSAL)
    for table, change in changes.items():
        refused = {"update": change, "delete": "TRUE"}
        if postgres:
            db.execute_sql(POSTGRES_TRUNCATE.format(table=table))
        else:
            # REPLACE deletes without asking the trigger that watches deletions.
            number = "id" if table == "portal_history" else "history"
            refused["insert"] = f"EXISTS (SELECT 1 FROM {table} WHERE {number} = NEW.{number})"  # noqa: S608
        for event, when in refused.items():
            template = POSTGRES_GUARD if postgres else SQLITE_GUARD
            db.execute_sql(template.format(table=table, event=event, when=when))
