"""An appointment can name the one it replaces, and the host's own record of it."""

from peewee import Database

COLUMNS = (
    "replaces VARCHAR(32) REFERENCES portal_appointment (ref)",
    # The first reference of a chain of moves, under which calendars know all of it.
    "thread VARCHAR(32) NOT NULL DEFAULT ''",
    "host_reference VARCHAR(200) NOT NULL DEFAULT ''",
    "host_data TEXT NOT NULL DEFAULT '{}'",
)
# One appointment, one new time waiting for an answer.
ONE_PENDING = """
CREATE UNIQUE INDEX portal_appointment_pending ON portal_appointment (replaces)
    WHERE replaces IS NOT NULL AND status IN ('requested', 'invited')
"""


def up(migrator: object, db: Database) -> None:
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE portal_appointment ADD COLUMN {column}")
    db.execute_sql("UPDATE portal_appointment SET thread = ref")
    db.execute_sql(ONE_PENDING)
    db.execute_sql(
        "CREATE INDEX portal_appointment_host ON portal_appointment (host_reference) WHERE host_reference <> ''"
    )
