"""What a check finds."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"


class Finding(NamedTuple):
    """One line. A warning or a failing one says what to do."""

    level: Level
    what: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.what}"


Findings = Iterator[Finding]


def told(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{span.days} days" if span.days > 1 else f"{hours} hours" if hours > 1 else f"{span.seconds // 60} minutes"
