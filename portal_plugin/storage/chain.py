"""The chain of the history: each row's seal covers the row and the seal before it.

Rows are sealed after they are written, in the order of their numbers and many at a time, so that no booking waits
for another: a chain that grows within each transaction would let only one of them at a time go on to its commit.
"""

from peewee import Database, OperationalError

from ..domain.history import Row, Verdict, first_break, seal
from .database import is_postgres, run
from .models import insert_many

BATCH = 1_000
_COLUMNS = ", ".join(f"h.{name}" for name in Row._fields)


def seal_settled(db: Database) -> int:
    """Seal what has been written; how many rows. Any number of processes may, and what one leaves another does."""
    newest = _newest(db)
    if newest == _head(db)[0]:
        return 0
    last = settled(db)
    return 0 if last is None else seal_until(db, last)


def settled(db: Database) -> int | None:
    """The newest row, when no row with a lower number can turn up any more; None while somebody takes long to write.

    PostgreSQL gives numbers out before the commit, so this waits for those who are in the middle of one, and those
    who come meanwhile wait for this: a tenth of a second at most. SQLite's writers come one after the other anyway.
    """
    if not is_postgres(db):
        return _newest(db)
    try:
        with db.atomic():
            run(db, "SET LOCAL lock_timeout = '100ms'")
            run(db, "LOCK TABLE portal_history IN SHARE MODE")
            return _newest(db)
    except OperationalError:
        return None


def seal_until(db: Database, last: int) -> int:
    """Seal rows up to this one, below which nothing is missing any more; how many."""
    sealed = 0
    while more := _seal_batch(db, last):
        sealed += more
    return sealed


def _seal_batch(db: Database, last: int) -> int:
    with db.atomic():
        if is_postgres(db):
            # Two who seal at once would follow the same seal.
            run(db, "LOCK TABLE portal_seal IN EXCLUSIVE MODE")
        sealed, hash_ = _head(db)
        query = f"SELECT {_COLUMNS} FROM portal_history h WHERE h.id > ? AND h.id <= ? ORDER BY h.id LIMIT ?"  # noqa: S608
        seals = []
        for row in map(Row._make, run(db, query, sealed, last, BATCH)):
            hash_ = seal(hash_, row)
            seals.append((row.id, hash_))
        insert_many(db, "portal_seal", ("history", "hash"), seals)
    return len(seals)


def verify(db: Database, kept_head: str | None = None) -> Verdict:
    """Read the whole chain. `kept_head` is one that an earlier verdict gave, and which must still be in it."""
    last, head = _head(db)
    rows, at, previous, broken = 0, -(2**63), "", None
    while broken is None and (page := _page(db, at, last)):
        broken = first_break(previous, page)
        rows += len(page)
        at, previous, _ = page[-1]
    between = run(db, _WITHOUT_SEAL, last).fetchone()[0]
    if between is not None and (broken is None or between < broken[0]):
        broken = between, "was put in afterwards"
    unsealed = int(run(db, "SELECT COUNT(*) FROM portal_history WHERE id > ?", last).fetchone()[0])
    where, what = broken or (None, _missing_words(db) or _missing_head(db, kept_head))
    return Verdict(rows, last, head, unsealed, where, what)


_WITHOUT_SEAL = """
SELECT MIN(id) FROM portal_history h WHERE id < ? AND NOT EXISTS (SELECT 1 FROM portal_seal WHERE history = h.id)
"""
_WORDS = """
SELECT COUNT(*), (SELECT COALESCE(SUM(erased), 0) FROM portal_history) FROM portal_history WHERE salt IS NULL
"""


def _page(db: Database, after: int, last: int) -> list[tuple[int, str, Row | None]]:
    query = f"""SELECT s.history, s.hash, {_COLUMNS} FROM portal_seal s LEFT JOIN portal_history h ON h.id = s.history
        WHERE s.history > ? AND s.history <= ? ORDER BY s.history LIMIT ?"""  # noqa: S608
    return [
        (number, hash_, None if values[0] is None else Row(*values))
        for number, hash_, *values in run(db, query, after, last, BATCH)
    ]


def _missing_words(db: Database) -> str:
    without, erased = run(db, _WORDS).fetchone()
    return "" if without == erased else f"{without} rows have lost their words, and erasures took those of {erased}"


def _missing_head(db: Database, head: str | None) -> str:
    if head is None or run(db, "SELECT 1 FROM portal_seal WHERE hash = ?", head).fetchone():
        return ""
    return "no row has the head that was kept, so what led to it was written anew or cut off"


def _newest(db: Database) -> int:
    return int(run(db, "SELECT COALESCE(MAX(id), 0) FROM portal_history").fetchone()[0])


def _head(db: Database) -> tuple[int, str]:
    row = run(db, "SELECT history, hash FROM portal_seal ORDER BY history DESC LIMIT 1").fetchone()
    return (0, "") if row is None else (int(row[0]), str(row[1]))
