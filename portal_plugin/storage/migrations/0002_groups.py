"""Claims say what for: several clients may share one, and a day's sessions of a type can be counted."""

from peewee import Database

# SQLite knows no ADD COLUMN IF NOT EXISTS, and PostgreSQL no several columns in SQLite's way: one at a time.
COLUMNS = (
    "purpose VARCHAR(200) NOT NULL DEFAULT ''",
    "begins BIGINT NOT NULL DEFAULT 0",
    "seats_taken INTEGER NOT NULL DEFAULT 1 CHECK (seats_taken >= 0)",
)
BACKFILL = """
UPDATE portal_claim SET
    begins = COALESCE((SELECT starts FROM portal_appointment WHERE claim = portal_claim.id), starts),
    purpose = COALESCE((SELECT type || '/' || contact || '/' || COALESCE(location, '') FROM portal_appointment
                        WHERE claim = portal_claim.id), '')
"""
# The same client cannot sit on two chairs of one session.
ONE_SEAT = (
    "CREATE UNIQUE INDEX portal_appointment_seat ON portal_appointment (claim, client_id) WHERE claim IS NOT NULL"
)


def up(migrator: object, db: Database) -> None:
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE portal_claim ADD COLUMN {column}")
    db.execute_sql(BACKFILL)
    db.execute_sql("DROP INDEX portal_appointment_claim")
    db.execute_sql(ONE_SEAT)
