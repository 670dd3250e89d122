"""For a host's own tests: a clock that stands still until it is moved."""

from datetime import datetime, timedelta


class Clock:
    """Set `PORTAL_CLOCK` to one. `now` is an aware datetime."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by
