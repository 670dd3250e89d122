"""An appointment knows the language and the time zone of its client."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    for name in ("client_language", "client_zone"):
        db.execute_sql(f"ALTER TABLE portal_appointment ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
