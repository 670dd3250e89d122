"""What a gateway calls a text, and what it says became of it."""

from peewee import Database

STATEMENTS = (
    "ALTER TABLE portal_outbox ADD COLUMN provider_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE portal_outbox ADD COLUMN delivery VARCHAR(32) NOT NULL DEFAULT ''",
    # Whoever texts STOP ends all that waits for their number.
    "CREATE INDEX portal_outbox_texts ON portal_outbox (recipient) "
    "WHERE channel = 'sms' AND sent IS NULL AND failed IS NULL",
)


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
