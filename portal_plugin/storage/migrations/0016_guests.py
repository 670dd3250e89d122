"""What visitors ask for who are not clients yet: kept until they have followed the link in a mail.

The mail goes out before there is an appointment, so that not every message belongs to one. What new clients answer to
the practice's questions stands apart from their appointments.
"""

from peewee import Database

STATEMENTS = (
    """CREATE TABLE portal_guest_request (
        ref VARCHAR(32) PRIMARY KEY,
        form VARCHAR(32) NOT NULL UNIQUE,
        mailbox TEXT NOT NULL,
        held BOOLEAN NOT NULL,
        choices TEXT NOT NULL,
        starts BIGINT NOT NULL,
        introduction TEXT NOT NULL,
        expires BIGINT NOT NULL,
        mail BIGINT,
        appointment BIGINT REFERENCES portal_appointment (id)
    )""",
    "CREATE INDEX portal_guest_request_mailbox ON portal_guest_request (mailbox) WHERE mailbox <> ''",
    "CREATE INDEX portal_guest_request_expires ON portal_guest_request (expires)",
    """CREATE TABLE portal_intake (
        appointment BIGINT NOT NULL REFERENCES portal_appointment (id),
        position INTEGER NOT NULL,
        question VARCHAR(60) NOT NULL,
        label TEXT NOT NULL,
        kind VARCHAR(16) NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (appointment, position)
    )""",
    "ALTER TABLE portal_appointment ADD COLUMN new_client BOOLEAN NOT NULL DEFAULT FALSE",
)


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
    if type(migrator).__name__ == "PostgresqlMigrator":
        db.execute_sql("ALTER TABLE portal_outbox ALTER COLUMN appointment DROP NOT NULL")
    else:
        _rebuild_outbox(db)


def _rebuild_outbox(db: Database) -> None:
    """SQLite has no other way to let a column be empty. Nothing refers to the table."""
    of_outbox = "SELECT sql FROM sqlite_master WHERE tbl_name = 'portal_outbox' AND sql IS NOT NULL AND type = '{}'"
    [(table,)] = db.execute_sql(of_outbox.format("table")).fetchall()
    indexes = [sql for (sql,) in db.execute_sql(of_outbox.format("index")).fetchall()]
    db.execute_sql("ALTER TABLE portal_outbox RENAME TO portal_outbox_before")
    db.execute_sql(table.replace("appointment BIGINT NOT NULL", "appointment BIGINT"))
    db.execute_sql("INSERT INTO portal_outbox SELECT * FROM portal_outbox_before")
    # Numbers go on where they were: a cursor of the HTTP API is one.
    db.execute_sql("DELETE FROM sqlite_sequence WHERE name = 'portal_outbox'")
    db.execute_sql("UPDATE sqlite_sequence SET name = 'portal_outbox' WHERE name = 'portal_outbox_before'")
    db.execute_sql("DROP TABLE portal_outbox_before")
    for index in indexes:
        db.execute_sql(index)
