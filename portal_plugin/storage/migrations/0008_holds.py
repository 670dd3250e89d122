"""A claim can be held for a while by a client who fills in the form."""

from peewee import Database

STATEMENTS = (
    "ALTER TABLE portal_claim ADD COLUMN holder TEXT",
    "ALTER TABLE portal_claim ADD COLUMN held_until BIGINT",
    # One hold for each client: choosing another time gives the first one back.
    "CREATE UNIQUE INDEX portal_claim_holder ON portal_claim (holder) WHERE holder IS NOT NULL",
)


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
