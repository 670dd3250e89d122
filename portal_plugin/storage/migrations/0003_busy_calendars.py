"""What providers' outside calendars say: when they are busy, and how the last reading went."""

from peewee import Database

# The calendar's address is a secret: a hash of it is enough to notice another one.
TABLES = """
CREATE TABLE portal_busy_calendar (
    provider INTEGER PRIMARY KEY,
    source VARCHAR(64) NOT NULL,
    tried BIGINT NOT NULL,
    fetched BIGINT,
    covers BIGINT NOT NULL,
    etag VARCHAR(200) NOT NULL,
    last_modified VARCHAR(200) NOT NULL,
    error TEXT NOT NULL
);
CREATE TABLE portal_busy_stretch (
    provider INTEGER NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    PRIMARY KEY (provider, starts, ends),
    CHECK (starts < ends)
)
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement)
