"""For a host's own tests: a clock that stands still until it is moved, and texts that go nowhere."""

from datetime import datetime, timedelta
from typing import NamedTuple


class Clock:
    """Set `PORTAL_CLOCK` to one. `now` is an aware datetime."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Text(NamedTuple):
    """A text as a gateway gets it: the number in E.164, and a key that is the same at every attempt."""

    to: str
    text: str
    key: str


class Texts:
    """Set `PORTAL_SMS` to one: it keeps what is sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Text] = []

    def send(self, to: str, text: str, key: str) -> str:
        """What it calls the text."""
        self.sent.append(Text(to, text, key))
        return f"text-{len(self.sent)}"
