"""What has to be true of a database that a crowd has been at, and of what the crowd was told."""

from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from portal_plugin.storage.database import Database, run

OVERLAPPING = """
SELECT provider, starts FROM (
    SELECT provider, starts, MAX(ends) OVER (
        PARTITION BY provider ORDER BY starts, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM portal_claim) AS each_claim
WHERE before > starts
"""
WITHOUT_CLAIM = """
SELECT a.ref, a.status FROM portal_appointment a LEFT JOIN portal_claim c ON c.id = a.claim
WHERE a.id > ? AND a.status IN ('requested', 'invited', 'confirmed')
    AND (c.id IS NULL OR c.provider <> a.provider OR c.starts > a.busy_from OR c.ends < a.busy_until)
"""
CLAIM_LEFT = """
SELECT ref, status FROM portal_appointment
WHERE id > ? AND status NOT IN ('requested', 'invited', 'confirmed') AND claim IS NOT NULL
"""
UNTOLD = """
SELECT a.ref, a.version, COUNT(h.id) FROM portal_appointment a
LEFT JOIN portal_history h ON h.appointment = a.id AND h.result = 'done'
WHERE a.id > ? GROUP BY a.ref, a.version HAVING COUNT(h.id) <> a.version
"""
OTHERWISE_TOLD = """
SELECT a.ref, a.status, h.to_status FROM portal_appointment a
JOIN portal_history h ON h.id = (
    SELECT MAX(id) FROM portal_history WHERE appointment = a.id AND result = 'done')
WHERE a.id > ? AND h.to_status <> a.status
"""
WITHOUT_MESSAGE = """
SELECT h.appointment, h.to_status FROM portal_history h
WHERE h.appointment > ? AND h.result = 'done' AND NOT EXISTS (
    SELECT 1 FROM portal_outbox o WHERE o.appointment = h.appointment AND o.channel = 'mail'
        AND o.topic = CASE h.to_status WHEN 'requested' THEN 'received' ELSE h.to_status END)
"""

RULES = {
    "claims of one provider overlap": OVERLAPPING,
    "an active appointment has not its claim": WITHOUT_CLAIM,
    "an appointment that is over has a claim": CLAIM_LEFT,
    "not one row of history for each change": UNTOLD,
    "the history ends in another status": OTHERWISE_TOLD,
    "a change has no message": WITHOUT_MESSAGE,
}


def audit(db: Database, since: int, notes: Path, mails: Callable[[], list[str]], copies: int = 0) -> list[str]:
    """What is wrong, in a sentence each, of the appointments whose ids are greater than `since`.

    `notes` are the crowd's own, and `mails` tells the ids of those that arrived. So many `copies` are right: one for
    each time that the worker crashed, or lost its database, between sending and marking.
    """
    wrong = []
    for rule, query in RULES.items():
        found = run(db, query, *[since] * query.count("?")).fetchall()
        if found:
            wrong.append(f"{rule}: {len(found)} times, first {tuple(found[0])}")
    wrong += _about_requests(db, since, notes)
    wrong += _about_mails(db, mails, copies)
    return wrong


def last_appointment(db: Database) -> int:
    return int(run(db, "SELECT COALESCE(MAX(id), 0) FROM portal_appointment").fetchone()[0])


def _about_requests(db: Database, since: int, notes: Path) -> Iterable[str]:
    lines = [line.split() for line in notes.read_text().splitlines()]
    promised = {words[1] for words in lines if words[0] == "stored"}
    sent = {request_key(*words[1:]) for words in lines if words[0] == "sent"}
    rows = run(db, "SELECT ref, request_key FROM portal_appointment WHERE id > ?", since).fetchall()
    if lost := promised - {ref for ref, _ in rows}:
        yield f"somebody was told that a request is stored, and it is not: {len(lost)} times"
    if made_up := {key for _, key in rows} - sent:
        yield f"a request is stored that nobody sent: {len(made_up)} times"
    if len({key for _, key in rows}) < len(rows):
        yield "a request is stored twice"


def request_key(key: str, starts: str) -> str:
    """How the portal keeps a form's own key."""
    return sha256(f"{key}\n{starts}".encode()).hexdigest()[:32]


def _about_mails(db: Database, mails: Callable[[], list[str]], copies: int) -> Iterable[str]:
    """A worker may be at it meanwhile: it marks what has arrived, and sends what has a row."""
    marked = _mails(db, "AND sent IS NOT NULL")
    arrived = Counter(mails())
    written = _mails(db)
    more = sum(count - 1 for count in arrived.values())
    if more > copies:
        yield f"mails came twice: {more}"
    if unknown := set(arrived) - written:
        yield f"mails came that no row tells of: {len(unknown)}"
    if lost := marked - set(arrived):
        yield f"mails are marked as sent and never came: {len(lost)}"


def _mails(db: Database, condition: str = "") -> set[str]:
    query = f"SELECT message_id FROM portal_outbox WHERE channel = 'mail' {condition}"  # noqa: S608
    return {name for (name,) in run(db, query).fetchall()}
