"""Counting the SQL statements of a page, as peewee logs them."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that run inside the block, in their order."""
    seen: list[str] = []
    asking = threading.get_ident()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # The worker of another test's site may still make its rounds.
            if record.thread != asking:
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
