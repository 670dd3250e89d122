"""The clock, the time zone data, and the changes of the clock ahead."""

import zoneinfo
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from ..config import utc_now
from ..domain.clock_changes import affected_starts, clock_changes
from ..domain.instants import local_date, seconds
from ..domain.practice import Practice
from ..services.state import State
from ..storage.database import check_ready
from .findings import Finding, Findings, Level, told

TWO_YEARS = timedelta(days=730)


def clock(app: Flask, state: State) -> Findings:
    """The clock"""
    apart = state.now() - utc_now()
    if abs(apart) > timedelta(hours=1):
        which = "ahead of" if apart > timedelta(0) else "behind"
        yield Finding(
            Level.FAILING,
            f"PORTAL_CLOCK is {told(abs(apart))} {which} the system's clock: remove the setting, which is for tests",
        )
    else:
        yield Finding(Level.OK, f"the clock says {state.now():%Y-%m-%d %H:%M} UTC")


def time_zones(app: Flask, state: State) -> Findings:
    """Time zone data"""
    check_ready(state.db)
    practice = state.practice()
    package = _version(files("tzdata").joinpath("zoneinfo"))
    systems = [root for root in map(Path, zoneinfo.TZPATH) if (root / practice.zone).exists()]
    if not systems:
        yield Finding(Level.OK, f"time zones come from the tzdata package, {package}")
        return
    system = _version(systems[0])
    wrong = False
    for zone in _zones(practice):
        if differs := _first_difference(zone, state.now()):
            wrong = True
            newer = system > package
            yield Finding(
                Level.WARNING if newer else Level.FAILING,
                f"{zone} differs from {differs:%Y-%m-%d} on between the system's time zones ({system or 'unknown'}), "
                f"which are used, and the tzdata package ({package}): "
                + ("upgrade the package" if newer else "upgrade the system's, or set PYTHONTZPATH to nothing"),
            )
    if not wrong:
        yield Finding(
            Level.OK,
            f"time zones come from the system, {system or 'of unknown version'}, and agree with the tzdata package, "
            f"{package}, on the practice's zones",
        )


def clock_changes_ahead(app: Flask, state: State) -> Findings:
    """Clock changes"""
    check_ready(state.db)
    practice = state.practice()
    for zone in _zones(practice):
        today = local_date(seconds(state.now()), zone)
        ahead = list(islice(clock_changes(zone, today, today + TWO_YEARS), 2))
        if not ahead:
            yield Finding(Level.OK, f"{zone}: the clock does not change within two years")
        for change in ahead:
            affected = affected_starts(practice, zone, change)
            when = f"{zone}, {change.since:%Y-%m-%d}: {change.since:%H:%M} to {change.until:%H:%M}"
            if not affected:
                what = "is skipped" if change.skips else "happens twice"
                yield Finding(Level.OK, f"{when} {what}, and no time on offer lies in it")
            elif change.skips:
                yield Finding(
                    Level.WARNING,
                    f"{when} is skipped, so {affected} times of the usual hours are not offered that day; an override "
                    "can offer others",
                )
            else:
                yield Finding(
                    Level.WARNING,
                    f"{when} happens twice, so {affected} times are offered twice, each named with its offset; an "
                    "override can close one or both",
                )


def _zones(practice: Practice) -> list[str]:
    """Every clock on which somebody works, the practice's first."""
    zones = [practice.zone, *(location.zone for location in practice.locations.values() if not location.retired)]
    for provider in practice.providers.values():
        if not provider.retired:
            zones += [provider.zone, *(hours.zone for hours in provider.hours)]
            zones += [override.zone or provider.zone for day in provider.overrides.values() for override in day]
    return list(dict.fromkeys(zones))


def _version(root: Traversable) -> str:
    """The release of the tz database under `root`, such as "2026a"; empty when it does not say."""
    source = root.joinpath("tzdata.zi")
    if not source.is_file():
        return ""
    with source.open(encoding="utf-8") as file:
        first = file.readline()
    return first.removeprefix("# version ").strip() if first.startswith("# version ") else ""


def _first_difference(zone: str, now: datetime) -> datetime | None:
    """When, within two years, the zone as Python finds it first differs from the tzdata package's, by the hour."""
    used = ZoneInfo.no_cache(zone)
    packaged = files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    if not packaged.is_file():
        return None
    with packaged.open("rb") as file:
        other = ZoneInfo.from_file(file)
    hours = (now + timedelta(hours=n) for n in range(TWO_YEARS.days * 24))
    return next((at for at in hours if at.astimezone(used).utcoffset() != at.astimezone(other).utcoffset()), None)
