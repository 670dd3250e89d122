"""Endpoints of other systems as one small document, whose revision says whether it changed."""

from peewee import Database

TABLE = """
CREATE TABLE portal_webhooks (
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
)
"""
# What was given up on is listed and sent again.
FAILED = "CREATE INDEX portal_outbox_failed ON portal_outbox (failed) WHERE failed IS NOT NULL"


def up(migrator: object, db: Database) -> None:
    db.execute_sql(TABLE)
    db.execute_sql("INSERT INTO portal_webhooks (revision, document) VALUES (0, '{}')")
    db.execute_sql(FAILED)
