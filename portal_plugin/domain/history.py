"""What is kept of each thing that happened, and how a row of it vouches for all before it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from .lifecycle import ActorKind, Status

PERSONS = frozenset({ActorKind.CLIENT, ActorKind.LINK})
"""Actors who may ask to be forgotten: their names are hashed as words, and can be taken away."""


class Event(StrEnum):
    """What is recorded beside the changes of appointments, which are Actions."""

    ACCESS = "access"
    LINK = "link"
    EXPORT = "export"
    ERASE = "erase"
    OPT_IN = "opt_in"
    FEED = "feed"
    FEED_END = "feed_end"
    OPT_OUT = "opt_out"
    TEXT = "text"
    WAIT = "wait"
    WAIT_END = "wait_end"


class Result(StrEnum):
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened. `at` is aware UTC; `action` is a word such as `confirm` or `access`.

    `from_status` and `to_status` are None where no appointment changed, and `from_status` for a new one. `actor` of a
    client and `reason` are empty once the client was erased.
    """

    at: datetime
    actor_kind: ActorKind
    actor: str = field(repr=False)
    action: str
    from_status: Status | None
    to_status: Status | None
    result: Result
    reason: str = field(repr=False)
    request_id: str | None


class Row(NamedTuple):
    """A row as stored, in the order in which it is hashed. `erased` is how many rows an erasure took the words of."""

    id: int
    at: int
    appointment: int | None
    actor_kind: str
    actor: str
    action: str
    from_status: str | None
    to_status: str | None
    result: str
    reason: str
    request_id: str | None
    erased: int | None
    salt: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading the whole chain found. `broken` is the first row that is not as it was sealed, and `what` says why.

    `head` is the last seal: whoever keeps it elsewhere can tell later that nothing up to `last` was written anew.
    """

    rows: int
    last: int
    head: str
    unsealed: int
    broken: int | None = None
    what: str = ""

    @property
    def sound(self) -> bool:
        return not self.what


def digest(salt: str, actor: str, reason: str) -> str:
    """Stands for the words in a row's seal, and tells nothing of them once the salt is gone."""
    return sha256(json.dumps([salt, actor, reason]).encode()).hexdigest()


def seal(previous: str, row: Row) -> str:
    """The seal of a row that follows the one sealed with `previous`: all of the row but its words, and their digest."""
    kept = row._replace(actor="" if row.actor_kind in PERSONS else row.actor, reason="", salt=None)
    return sha256(json.dumps([previous, *kept]).encode()).hexdigest()


def words_fit(row: Row) -> bool:
    """Whether a row's words are those that were digested, or were taken away as a whole."""
    if row.salt is None:
        return not row.reason and (not row.actor or row.actor_kind not in PERSONS)
    return digest(row.salt, row.actor, row.reason) == row.digest


def first_break(previous: str, rows: Sequence[tuple[int, str, Row | None]]) -> tuple[int, str] | None:
    """The first of sealed rows, each with its number and seal, that does not follow, and why."""
    for number, sealed, row in rows:
        if row is None:
            return number, "is missing"
        if seal(previous, row) != sealed:
            return number, "was changed, or what stood before it was"
        if not words_fit(row):
            return number, "has other words than it had"
        previous = sealed
    return None
