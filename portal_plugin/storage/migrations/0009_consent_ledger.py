"""Agreements to text reminders become a ledger: what ended them stands there too, and nothing in it can be changed.

Its words can be taken away with a client who is forgotten, once, and a digest of the number takes the number's place:
see storage/consents.py. Texts that came in are known by a digest of the gateway's id, so that none counts twice.
"""

from peewee import Database

from portal_plugin.domain.consent import version_of

TABLES = (
    # What was there before: boxes, unticked at first, on the form of a request.
    "ALTER TABLE portal_consent ADD COLUMN kind VARCHAR(8) NOT NULL DEFAULT 'in' CHECK (kind IN ('in', 'out'))",
    "ALTER TABLE portal_consent ADD COLUMN way VARCHAR(32) NOT NULL DEFAULT 'request'",
    "ALTER TABLE portal_consent ADD COLUMN said TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE portal_consent ADD COLUMN version VARCHAR(12) NOT NULL DEFAULT ''",
    "ALTER TABLE portal_consent ADD COLUMN unticked BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE portal_consent ADD COLUMN number VARCHAR(64) NOT NULL DEFAULT ''",
    "CREATE INDEX portal_consent_phone ON portal_consent (phone, id) WHERE phone <> ''",
    "CREATE INDEX portal_consent_number ON portal_consent (number, id) WHERE number <> ''",
    "CREATE INDEX portal_history_choice ON portal_history (actor) WHERE action IN ('opt_in', 'opt_out')",
    "CREATE TABLE portal_inbound_text (hash VARCHAR(64) PRIMARY KEY)",
)

KEPT = ("id", "at", "zone", "page", "text", "kind", "way", "version", "unticked")
FORGOTTEN = """OLD.phone <> '' AND NEW.number <> '' AND SUBSTR(NEW.client_id, 1, 7) = 'erased-'
    AND NEW.phone = '' AND NEW.address = '' AND NEW.user_agent = '' AND NEW.said = ''"""

SQLITE_GUARD = """
CREATE TRIGGER portal_consent_kept_{event} BEFORE {event} ON portal_consent WHEN {when} BEGIN
    SELECT RAISE(ABORT, 'portal_consent is append-only');
END
"""
POSTGRES_GUARD = """
CREATE TRIGGER portal_consent_kept_{event} BEFORE {event} ON portal_consent FOR EACH ROW WHEN ({when})
    EXECUTE FUNCTION portal_append_only()
"""
POSTGRES_TRUNCATE = """
CREATE TRIGGER portal_consent_kept_truncate BEFORE TRUNCATE ON portal_consent EXECUTE FUNCTION portal_append_only()
"""


def up(migrator: object, db: Database) -> None:
    postgres = type(migrator).__name__ == "PostgresqlMigrator"
    for statement in TABLES:
        db.execute_sql(statement)
    for (text,) in db.execute_sql("SELECT DISTINCT text FROM portal_consent").fetchall():
        db.execute_sql(
            f"UPDATE portal_consent SET version = {db.param} WHERE text = {db.param}",  # noqa: S608
            (version_of(text), text),
        )
    same = "IS NOT DISTINCT FROM" if postgres else "IS"
    words_taken = " AND ".join((FORGOTTEN, *(f"NEW.{name} {same} OLD.{name}" for name in KEPT)))
    refused = {"update": f"NOT ({words_taken})", "delete": "TRUE"}
    if postgres:
        db.execute_sql(POSTGRES_TRUNCATE)
    else:
        # REPLACE deletes without asking the trigger that watches deletions.
        refused["insert"] = "EXISTS (SELECT 1 FROM portal_consent WHERE id = NEW.id)"
    for event, when in refused.items():
        db.execute_sql((POSTGRES_GUARD if postgres else SQLITE_GUARD).format(event=event, when=when))
