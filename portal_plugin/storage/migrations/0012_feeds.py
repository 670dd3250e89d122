"""Addresses that a calendar program subscribes to: at most one for each client and each provider."""

from peewee import Database

STATEMENTS = (
    """CREATE TABLE portal_feed (
        kind TEXT NOT NULL,
        owner TEXT NOT NULL,
        secret TEXT NOT NULL UNIQUE,
        created BIGINT NOT NULL,
        PRIMARY KEY (kind, owner)
    )""",
)


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
