"""Everything the first release stores."""

from peewee import Database

TABLES = """
CREATE TABLE portal_practice (
    id {id},
    document TEXT NOT NULL,
    applied BIGINT NOT NULL
);
CREATE TABLE portal_claim (
    id {id},
    provider INTEGER NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    CHECK (starts < ends AND ends - starts <= 86400)
);
CREATE INDEX portal_claim_provider ON portal_claim (provider, starts, ends);
CREATE TABLE portal_appointment (
    id {id},
    ref VARCHAR(32) NOT NULL UNIQUE,
    status VARCHAR(16) NOT NULL CHECK (status IN ('requested', 'invited', 'confirmed', 'declined', 'cancelled',
                                                  'expired', 'withdrawn', 'completed', 'no_show')),
    version INTEGER NOT NULL,
    type VARCHAR(60) NOT NULL,
    contact VARCHAR(60) NOT NULL,
    provider INTEGER NOT NULL,
    location VARCHAR(60),
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    busy_from BIGINT NOT NULL,
    busy_until BIGINT NOT NULL,
    zone VARCHAR(64) NOT NULL,
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    client_email TEXT NOT NULL,
    client_phone TEXT NOT NULL,
    note TEXT NOT NULL,
    message TEXT NOT NULL,
    reason TEXT NOT NULL,
    text_reminders BOOLEAN NOT NULL,
    request_key VARCHAR(64),
    claim BIGINT REFERENCES portal_claim (id),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    UNIQUE (client_id, request_key),
    CHECK (starts < ends AND busy_from <= starts AND ends <= busy_until)
);
CREATE INDEX portal_appointment_client ON portal_appointment (client_id, starts);
CREATE INDEX portal_appointment_open ON portal_appointment (status, starts)
    WHERE status IN ('requested', 'invited', 'confirmed');
CREATE INDEX portal_appointment_claim ON portal_appointment (claim) WHERE claim IS NOT NULL;
CREATE TABLE portal_history (
    id {id},
    at BIGINT NOT NULL,
    appointment BIGINT NOT NULL REFERENCES portal_appointment (id),
    actor_kind VARCHAR(16) NOT NULL,
    actor TEXT NOT NULL,
    action VARCHAR(32) NOT NULL,
    from_status VARCHAR(16),
    to_status VARCHAR(16) NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX portal_history_appointment ON portal_history (appointment, id);
CREATE TABLE portal_outbox (
    id {id},
    appointment BIGINT NOT NULL REFERENCES portal_appointment (id),
    channel VARCHAR(16) NOT NULL,
    topic VARCHAR(32) NOT NULL,
    recipient TEXT NOT NULL,
    message_id VARCHAR(64) NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    lease VARCHAR(32),
    leased_until BIGINT,
    sent BIGINT,
    failed BIGINT,
    error TEXT NOT NULL
);
CREATE INDEX portal_outbox_due ON portal_outbox (due) WHERE sent IS NULL AND failed IS NULL;
CREATE INDEX portal_outbox_appointment ON portal_outbox (appointment, id);
CREATE TABLE portal_consent (
    id {id},
    at BIGINT NOT NULL,
    zone VARCHAR(64) NOT NULL,
    client_id TEXT NOT NULL,
    phone VARCHAR(20) NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    page TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX portal_consent_client ON portal_consent (client_id, id)
"""

# int8range over the provider's own number stands for equality, which GiST lacks without an extension.
POSTGRES_GUARD = """
ALTER TABLE portal_claim ADD CONSTRAINT portal_claim_apart EXCLUDE USING gist
    (int8range(provider, provider, '[]') WITH &&, int8range(starts, ends) WITH &&)
"""

# Stored claims lie apart, so the last one that begins before the new one ends is the only candidate.
SQLITE_GUARD = """
CREATE TRIGGER portal_claim_apart_{event} BEFORE {event} ON portal_claim
WHEN (SELECT ends FROM portal_claim
      WHERE provider = NEW.provider AND starts < NEW.ends AND id IS NOT NEW.id
      ORDER BY starts DESC LIMIT 1) > NEW.starts
BEGIN
    SELECT RAISE(ABORT, 'portal_claim_apart');
END
"""


def up(migrator: object, db: Database) -> None:
    postgres = type(migrator).__name__ == "PostgresqlMigrator"
    number = "BIGSERIAL PRIMARY KEY" if postgres else "INTEGER PRIMARY KEY AUTOINCREMENT"
    for statement in TABLES.replace("{id}", number).split(";"):
        db.execute_sql(statement)
    if postgres:
        db.execute_sql(POSTGRES_GUARD)
    else:
        for event in ("INSERT", "UPDATE"):
            db.execute_sql(SQLITE_GUARD.replace("{event}", event))
