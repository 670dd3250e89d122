"""A lease names its worker, and messages that were sent are deleted after a while."""

from peewee import Database

from portal_plugin.storage.database import is_postgres


def up(migrator: object, db: Database) -> None:
    if is_postgres(db):
        db.execute_sql("ALTER TABLE portal_outbox ALTER COLUMN lease TYPE TEXT")
    # Without its condition SQLite would look up in it what waits, and read all of that for each lease.
    db.execute_sql("CREATE INDEX portal_outbox_sent ON portal_outbox (sent) WHERE sent IS NOT NULL")
