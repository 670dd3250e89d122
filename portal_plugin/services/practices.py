"""Applying a practice file: a new revision, in which what disappeared is retired and nothing is lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..domain.appointment import Appointment
from ..domain.errors import SetupError
from ..domain.lifecycle import OPEN
from ..domain.outside import why_outside
from ..domain.practice import Practice
from ..hooks import Questions
from ..practice_file import KINDS, Entries, PracticeFile, changes, from_dict, to_practice
from ..storage import appointments
from ..storage import practice as documents
from ..storage.database import Database


@dataclass(frozen=True, slots=True)
class Document:
    """What a revision stores. Provider numbers are never reused, so old appointments keep their provider."""

    file: PracticeFile
    retired: Entries
    numbers: Mapping[str, int]

    def practice(self) -> Practice:
        return to_practice(self.file, self.numbers, self.retired)

    def dumped(self) -> str:
        return json.dumps(
            {
                "file": self.file.model_dump(mode="json", exclude_none=True),
                "retired": self.retired.model_dump(mode="json", exclude_none=True),
                "numbers": dict(self.numbers),
            }
        )


def read_document(text: str) -> Document:
    data = json.loads(text)
    return Document(PracticeFile.model_validate(data["file"]), Entries.model_validate(data["retired"]), data["numbers"])


def current_document(db: Database) -> Document | None:
    revision = documents.latest_revision(db)
    return None if revision is None else read_document(documents.document(db, revision))


def succeed(old: Document | None, file: PracticeFile) -> Document:
    """The document that follows `old` when `file` is applied."""
    numbers = dict(old.numbers) if old else {}
    for provider in file.providers:
        numbers.setdefault(provider.key, max(numbers.values(), default=0) + 1)
    retired = {}
    if old:
        for kind in KINDS:
            present = {entry.key for entry in getattr(file, kind)}
            former = {e.key: e for e in (*getattr(old.retired, kind), *getattr(old.file, kind))}
            retired[kind] = tuple(entry for key, entry in former.items() if key not in present)
    return Document(file, Entries(**retired), numbers)


class Outside(NamedTuple):
    appointment: Appointment
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a practice file would change, a line each, and which appointments it would leave outside the hours.

    Those that were outside already are only counted. No line: it is so already.
    """

    changes: list[str]
    outside: list[Outside]
    outside_before: int


def plan(db: Database, file: PracticeFile, now: datetime) -> Plan:
    """Looks at the open appointments ahead, and changes nothing."""
    old = current_document(db)
    new = succeed(old, file)
    changed = changes(old.file if old else None, file)
    if old is None or not changed:
        return Plan(changed, [], 0)
    before, after = old.practice(), new.practice()
    ahead = appointments.listed(db, after, statuses=OPEN, client_id=None, since=now, until=None, limit=None)
    outside = [Outside(one, why) for one in ahead if (why := why_outside(after, one))]
    fresh = [one for one in outside if not why_outside(before, one.appointment)]
    return Plan(changed, fresh, len(outside) - len(fresh))


def apply_practice(db: Database, file: PracticeFile, now: datetime) -> list[str]:
    """Make `file` the current practice; what changed, a line each. No line: it was so already."""
    with db.atomic():
        documents.lock(db)
        old = current_document(db)
        changed = changes(old.file if old else None, file)
        if changed:
            documents.add_revision(db, succeed(old, file).dumped(), now)
    return changed


def from_host(questions: Questions) -> PracticeFile:
    """What the host's loader returns. Raises SetupError when there is none, and PracticeFileError."""
    if questions.practice_source is None:
        raise SetupError(
            "No practice file is named, and the site registers none: name one, or register a function that returns it "
            "with @portal.practice_source."
        )
    return from_dict(questions.practice_source())
