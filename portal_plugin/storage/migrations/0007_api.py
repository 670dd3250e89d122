"""Keys of the HTTP API, what was answered to an Idempotency-Key, and how often somebody asked."""

from peewee import Database

TABLES = (
    """
CREATE TABLE portal_api_key (
    id VARCHAR(12) PRIMARY KEY,
    name TEXT NOT NULL,
    scopes VARCHAR(60) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT
)""",
    # Of an answer, what it takes to give it again; of a body, a fingerprint. No version: it is being done.
    """
CREATE TABLE portal_api_answer (
    api_key VARCHAR(12) NOT NULL REFERENCES portal_api_key (id),
    hash VARCHAR(64) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    made BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    ref VARCHAR(32),
    status VARCHAR(16),
    version INTEGER,
    PRIMARY KEY (api_key, hash)
)""",
    "CREATE INDEX portal_api_answer_made ON portal_api_answer (made)",
    "CREATE TABLE portal_rate (name VARCHAR(200) PRIMARY KEY, hits BIGINT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX portal_rate_expires ON portal_rate (expires)",
    # What pages of a long list are cut by.
    "CREATE INDEX portal_appointment_starts ON portal_appointment (starts, id)",
)


def up(migrator: object, db: Database) -> None:
    for statement in TABLES:
        db.execute_sql(statement)
