"""Whether what is stored agrees with itself, read past the product in plain SQL."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from portal_plugin.storage.database import is_postgres
from tests.support import Host

TOPIC_OF = {
    "request": "received",
    "invite": "invited",
    "book": "confirmed",
    "confirm": "confirmed",
    "accept": "confirmed",
    "decline": "declined",
    "cancel": "cancelled",
    "withdraw": "cancelled",
    "expire": "expired",
}
"""What the client is told of each action in the history."""

OPEN = {"requested", "invited", "confirmed"}
KEEPING = OPEN | {"completed", "no_show"}
"""What has a right to a provider's time, or had it until the end."""


class Row(NamedTuple):
    id: int
    ref: str
    status: str
    type: str
    provider: int
    busy_from: int
    busy_until: int
    claim: int | None
    replaces: str | None
    thread: str
    client_id: str
    client_email: str


class Claim(NamedTuple):
    id: int
    provider: int
    starts: int
    ends: int
    seats_taken: int
    holder: str | None


class Stored:
    """Everything about appointments, in one look."""

    def __init__(self, host: Host) -> None:
        practice = host.state.practice()
        self.automatic = {kind.key for kind in practice.types.values() if kind.confirms_itself}
        self.requests_hold = practice.requests_hold_time
        self.rows = {row.id: row for row in map(Row._make, _read(host, "portal_appointment", *Row._fields))}
        self.by_ref = {row.ref: row for row in self.rows.values()}
        self.claims = {claim.id: claim for claim in map(Claim._make, _read(host, "portal_claim", *Claim._fields))}
        self.history: dict[int, list[tuple[str, str | None, str]]] = defaultdict(list)
        for row, result, *step in _read(
            host, "portal_history", "appointment", "result", "action", "from_status", "to_status"
        ):
            # What was refused, and what changed no status, is told beside the changes.
            if row is not None and result == "done" and step[2] is not None:
                self.history[row].append(tuple(step))
        self.messages: dict[int, list[str]] = defaultdict(list)
        for row, channel, topic in _read(host, "portal_outbox", "appointment", "channel", "topic"):
            # A visitor was asked to verify their address before there was an appointment.
            if channel == "mail" and topic != "verify":
                self.messages[row].append(topic)

    def told(self, row: Row) -> list[str]:
        """What the history says that the client was to be told, in order; nothing where no address is known."""
        actions = [action for action, _, _ in self.history[row.id]]
        if not row.client_email:
            return []
        at_once = row.type in self.automatic
        return [TOPIC_OF[one] for one in actions if one in TOPIC_OF and not (at_once and one == "request")]

    def need(self, row: Row) -> tuple[int, int] | None:
        """The time that an appointment keeps, buffers included."""
        holds = row.status in KEEPING and (
            row.status != "requested" or self.requests_hold or row.type in self.automatic
        )
        return (row.busy_from, row.busy_until) if holds else None


def disagreements(host: Host) -> list[str]:
    """Where row, history, messages and claimed time contradict each other; a sentence each."""
    stored = Stored(host)
    return [*_about_rows(stored), *_about_chains(stored), *_about_time(stored)]


def _about_rows(stored: Stored) -> Iterator[str]:
    for row in stored.rows.values():
        steps, name = stored.history[row.id], f"{row.status} {row.ref[:6]}"
        if [before for _, before, _ in steps] != [None, *(after for _, _, after in steps[:-1])]:
            yield f"{name} has a history with a gap: {steps}"
        if not steps or steps[-1][2] != row.status:
            yield f"{name} has another history: {steps}"
        if not row.client_id.startswith("erased-") and stored.messages[row.id] != stored.told(row):
            yield f"{name} has messages {stored.messages[row.id]} for {stored.told(row)}"


def _about_chains(stored: Stored) -> Iterator[str]:
    """An old appointment stands until its new time is confirmed, and not beside it."""
    confirmed: dict[str, list[str]] = defaultdict(list)
    for row in stored.rows.values():
        if row.status == "confirmed":
            confirmed[row.thread].append(row.ref[:6])
        old = stored.by_ref.get(row.replaces or "")
        was_confirmed = any(after == "confirmed" for _, _, after in stored.history[row.id])
        if old is not None and was_confirmed and old.status in OPEN:
            yield f"{old.ref[:6]} is still {old.status} beside {row.ref[:6]}, which took its place"
    for thread, refs in confirmed.items():
        if len(refs) > 1:
            yield f"the chain of {thread[:6]} is confirmed twice: {refs}"
    for row in stored.rows.values():
        moved = any(action == "replace" for action, _, _ in stored.history[row.id])
        successors = [
            one.ref
            for one in stored.rows.values()
            if one.replaces == row.ref and any(after == "confirmed" for _, _, after in stored.history[one.id])
        ]
        if moved != bool(successors) and (moved or row.status in OPEN):
            yield f"{row.ref[:6]} was moved: {moved}, successors: {successors}"


def _about_time(stored: Stored) -> Iterator[str]:
    for one, other in pairwise(sorted(stored.claims.values(), key=lambda claim: (claim.provider, claim.starts))):
        if one.provider == other.provider and other.starts < one.ends:
            yield f"claims overlap: {one} {other}"
    owners: dict[int, list[Row]] = defaultdict(list)
    for row in stored.rows.values():
        if row.status not in KEEPING and row.claim is not None:
            yield f"{row.status} {row.ref[:6]} still has a claim"
        elif row.claim is not None:
            owners[row.claim].append(row)
        elif stored.need(row):
            # It waits within the widened claim of the one it replaces.
            old = stored.by_ref.get(row.replaces or "")
            if old is None or old.claim is None:
                yield f"{row.status} {row.ref[:6]} has no time"
            else:
                owners[old.claim].append(row)
    for claim in stored.claims.values():
        theirs = [need for row in owners[claim.id] if (need := stored.need(row))]
        if claim.holder is not None:
            if theirs:
                yield f"{claim} is held and owned"
            continue
        if not theirs:
            yield f"{claim} is nobody's"
            continue
        if (min(theirs)[0], max(ends for _, ends in theirs)) != (claim.starts, claim.ends):
            yield f"{claim} is not as wide as {theirs}"
        if claim.seats_taken != sum(row.claim == claim.id for row in owners[claim.id]):
            yield f"{claim} has other seats than {owners[claim.id]}"
        if {row.provider for row in owners[claim.id]} != {claim.provider}:
            yield f"{claim} is another provider's than {owners[claim.id]}"


def misdelivered(host: Host) -> list[str]:
    """Mails received twice, or after one that they contradict; a sentence each."""
    stored = Stored(host)
    posted = {
        message_id: (number, stored.rows[row], topic)
        for number, row, message_id, topic in _read(host, "portal_outbox", "id", "appointment", "message_id", "topic")
    }
    faults: list[str] = []
    received: set[int] = set()
    newest: dict[str, int] = {}
    for mail in host.mailbox:
        number, row, topic = posted[str(mail.msgId).strip("<").partition("@")[0]]
        if number in received:
            faults.append(f"{topic} of {row.ref[:6]} was received twice")
        if number < newest.get(row.ref, 0):
            faults.append(f"{topic} of {row.ref[:6]} came after what was said later")
        received.add(number)
        newest[row.ref] = max(number, newest.get(row.ref, 0))
        if topic == "confirmed" and row.replaces:
            # From here on the old appointment is over, and nobody is told that it takes place.
            newest[row.replaces] = max(number, newest.get(row.replaces, 0))
    return faults


def _read(host: Host, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with host.app.app_context():
        cursor = host.state.db.execute_sql(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
        return [tuple(row) for row in cursor.fetchall()]


def remove_claim_guard(host: Host) -> None:
    """Take away what keeps a provider's claims apart, and nothing else."""
    db = host.state.db
    with host.app.app_context():
        if is_postgres(db):
            db.execute_sql("ALTER TABLE portal_claim DROP CONSTRAINT portal_claim_apart")
        else:
            db.execute_sql("DROP TRIGGER portal_claim_apart_INSERT")
            db.execute_sql("DROP TRIGGER portal_claim_apart_UPDATE")
