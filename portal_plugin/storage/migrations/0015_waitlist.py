"""Clients who wait for a time to come free, and which invitations were made to them from there."""

from peewee import Database

from portal_plugin.storage.database import is_postgres

WAITLIST = """
CREATE TABLE portal_waitlist (
    id {id},
    ref VARCHAR(32) NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    client_email TEXT NOT NULL,
    client_phone TEXT NOT NULL,
    client_language TEXT NOT NULL,
    client_zone TEXT NOT NULL,
    type VARCHAR(60) NOT NULL,
    contact VARCHAR(60) NOT NULL,
    provider VARCHAR(60),
    location VARCHAR(60),
    earliest VARCHAR(10) NOT NULL,
    latest VARCHAR(10) NOT NULL,
    weekdays VARCHAR(7) NOT NULL,
    parts VARCHAR(40) NOT NULL,
    created BIGINT NOT NULL,
    ended BIGINT,
    outcome VARCHAR(16)
)
"""
STATEMENTS = (
    # One place in the line for each client and type.
    "CREATE UNIQUE INDEX portal_waitlist_one ON portal_waitlist (client_id, type) WHERE ended IS NULL",
    "CREATE INDEX portal_waitlist_ended ON portal_waitlist (ended)",
    "ALTER TABLE portal_appointment ADD COLUMN waitlist BIGINT",
    # One open offer for each place in the line, whatever the number of workers.
    "CREATE UNIQUE INDEX portal_appointment_offer ON portal_appointment (waitlist) "
    "WHERE waitlist IS NOT NULL AND status = 'invited'",
    "CREATE INDEX portal_appointment_offered ON portal_appointment (waitlist) WHERE waitlist IS NOT NULL",
    # Whether anything was released is asked every few seconds.
    "CREATE INDEX portal_history_released ON portal_history (id) "
    "WHERE to_status IN ('declined', 'cancelled', 'expired', 'withdrawn')",
)


def up(migrator: object, db: Database) -> None:
    number = "BIGSERIAL PRIMARY KEY" if is_postgres(db) else "INTEGER PRIMARY KEY AUTOINCREMENT"
    db.execute_sql(WAITLIST.replace("{id}", number))
    for statement in STATEMENTS:
        db.execute_sql(statement)
