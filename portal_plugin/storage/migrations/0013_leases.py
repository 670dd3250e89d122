"""A lease names its worker, and messages that were sent are deleted after a while."""

from peewee import Database

from portal_plugin.storage.database import is_postgres


def up(migrator: object, db: Database) -> None:
    if is_postgres(db):
        db.execute_sql("ALTER TABLE portal_outbox ALTER COLUMN lease TYPE TEXT")
    # Those to delete, and those that were not sent.
    db.execute_sql("CREATE INDEX portal_outbox_sent ON portal_outbox (sent)")
