"""Applying a practice file: a new revision, in which what disappeared is retired and nothing is lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..domain.practice import Practice
from ..practice_file import Entries, PracticeFile, to_practice
from ..storage import practice as documents
from ..storage.database import Database

KINDS = ("locations", "contact_types", "appointment_types", "providers")


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


def changes(old: Document | None, new: Document) -> list[str]:
    """What applying would change, a line each."""
    lines: list[str] = []
    for kind in KINDS:
        before = {e.key: e for e in getattr(old.file, kind)} if old else {}
        after = {e.key: e for e in getattr(new.file, kind)}
        noun = kind.replace("_", " ").removesuffix("s")
        for key in before.keys() | after.keys():
            if key not in after:
                lines.append(f"retire {noun} {key!r}")
            elif key not in before:
                lines.append(f"add {noun} {key!r}")
            elif before[key] != after[key]:
                lines.append(f"change {noun} {key!r}")
        if before.keys() == after.keys() and list(before) != list(after):
            lines.append(f"reorder {noun}s")
    lines.sort()
    if old is None or old.file.practice != new.file.practice:
        lines.append("set the practice's name, address and policies")
    if (old.file.closures if old else ()) != new.file.closures:
        lines.append(f"set {len(new.file.closures)} closures")
    if (old.file.holidays if old else None) != new.file.holidays:
        lines.append("set the public holidays")
    return lines


def apply_practice(db: Database, file: PracticeFile, now: datetime) -> list[str]:
    """Make `file` the current practice; what changed, a line each. No line: it was so already."""
    with db.atomic():
        documents.lock(db)
        old = current_document(db)
        new = succeed(old, file)
        changed = changes(old, new)
        if changed:
            documents.add_revision(db, new.dumped(), now)
    return changed
