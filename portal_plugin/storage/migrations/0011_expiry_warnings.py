"""Of which expiry staff were warned."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE portal_appointment ADD COLUMN warned BIGINT")
