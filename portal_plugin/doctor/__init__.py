"""`flask portal doctor`: everything that has to be in place, looked at in turn."""

from collections.abc import Callable

from flask import Flask

from ..domain.errors import SetupError
from ..services.state import State
from .clocks import clock, clock_changes_ahead, time_zones
from .findings import Finding, Findings, Level
from .sending import mail, staff_mail, texts, worker
from .setup import database, limits, practice, settings

__all__ = ["CHECKS", "Finding", "Level", "examine"]

CHECKS: tuple[Callable[[Flask, State], Findings], ...] = (
    settings,
    clock,
    database,
    limits,
    practice,
    time_zones,
    clock_changes_ahead,
    mail,
    staff_mail,
    texts,
    worker,
)
"""Each looks at one thing, and yields a finding for each part of it. Its docstring is its name."""


def examine(app: Flask, state: State) -> Findings:
    """What every check finds. Needs an app context; changes nothing and sends nothing."""
    told: set[str] = set()
    for check in CHECKS:
        try:
            yield from check(app, state)
        except SetupError as error:
            # What stops several checks is told once.
            if str(error) not in told:
                yield Finding(Level.FAILING, str(error))
            told.add(str(error))
        except Exception as error:
            # Its own text may repeat an address or a password.
            yield Finding(Level.FAILING, f"{check.__doc__}: could not be looked at ({type(error).__name__})")
