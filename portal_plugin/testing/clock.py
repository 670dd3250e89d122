"""A clock that stands still until it is moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from flask import Flask

from ..services.state import State


class Clock:
    """Set `PORTAL_CLOCK` to one. `now` is an aware datetime."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@contextmanager
def frozen(app: Flask, now: datetime) -> Iterator[Clock]:
    """Inside the block the app's portal has this Clock, whatever its settings say. `now` is aware."""
    state: State = app.extensions["portal"]
    before, clock = state.settings, Clock(now)
    state.settings = replace(before, clock=clock)
    try:
        yield clock
    finally:
        state.settings = before
