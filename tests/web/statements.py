"""Counting the SQL statements of a page, as peewee logs them."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that run inside the block, in their order."""
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # A worker of another test may be at its last round.
            if record.thread != threading.get_ident():
                return
            seen.append(str(record.msg[0]) if isinstance(record.msg, tuple) else str(record.msg))

    log, keep = logging.getLogger("peewee"), Keep()
    before = log.level
    log.addHandler(keep)
    log.setLevel(logging.DEBUG)
    try:
        yield seen
    finally:
        log.removeHandler(keep)
        log.setLevel(before)
