"""Reading providers' outside calendars, so that what stands in them is not offered."""

import hashlib
import json
import logging
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from ..domain.instants import DAY, instant, seconds
from ..domain.practice import Interval, Practice, Provider
from ..services.state import State
from ..storage import busy_calendars
from ..storage.busy_calendars import Calendar
from .outbound import Answer, NoAnswer, ask

log = logging.getLogger("portal_plugin")

EVERY = timedelta(minutes=5)

FETCHING = 20
"""Seconds until a calendar has answered, redirects included."""

READING = 10
"""Seconds to work out what it says."""

MOST_BYTES = 4_000_000

REDIRECTS = 3

FARTHEST = timedelta(days=730)

READER = Path(__file__).with_name("ical_reader.py")


def read_next(state: State) -> bool:
    """Read the calendar that has waited longest, if one is due; false when none is."""
    practice = state.practice()
    providers = {provider.number: provider for provider in practice.providers.values() if provider.reads_calendar}
    sources = {number: _source(provider) for number, provider in providers.items()}
    calendar = busy_calendars.lease_due(state.db, sources, state.now(), EVERY)
    if calendar is None:
        return False
    provider = providers[calendar.provider]
    try:
        _read(state, practice, provider, calendar)
    except NoAnswer as reason:
        busy_calendars.settle(state.db, calendar, error=str(reason))
        log.warning("The calendar of %s was not read: %s.", provider.key, reason)
    return True


def _source(provider: Provider) -> str:
    # The zone too: all-day events are days of the provider.
    return hashlib.sha256(f"{provider.busy_calendar}\n{provider.zone}".encode()).hexdigest()


def _read(state: State, practice: Practice, provider: Provider, calendar: Calendar) -> None:
    horizon = max((kind.horizon for kind in practice.types.values() if not kind.retired), default=timedelta())
    today = seconds(calendar.tried) // DAY * DAY
    # The last bookable day may lie ahead of UTC, and its last appointment end on the next.
    needed = today + int(min(horizon, FARTHEST).total_seconds()) + 4 * DAY
    headers = {"Accept": "text/calendar, */*;q=0.1", "User-Agent": "portal_plugin"}
    known = {"If-None-Match": calendar.etag, "If-Modified-Since": calendar.last_modified}
    # "Not changed" is an answer only while what was read reaches far enough.
    unless = {name: value for name, value in known.items() if value and seconds(calendar.covers) >= needed}
    answer = _fetch(provider.busy_calendar, headers | unless, state.settings.private_addresses)
    if answer.status == 304 and unless:
        busy_calendars.settle(state.db, calendar, fetched=state.now(), error="")
        return
    if answer.status != 200:
        raise NoAnswer(f"the server answered {answer.status}")
    until = needed + DAY
    busy, unread = _stretches(answer.body, today - DAY, until, provider.zone)
    busy_calendars.replace(
        state.db,
        calendar,
        busy,
        fetched=state.now(),
        covers=instant(until),
        # What could not be read is told after every reading.
        etag="" if unread else _kept(answer, "ETag"),
        last_modified="" if unread else _kept(answer, "Last-Modified"),
        error=f"{unread} of its entries could not be understood and take no time" if unread else "",
    )


def _fetch(url: str, headers: dict[str, str], private: bool) -> Answer:
    ends = time.monotonic() + FETCHING
    for _ in range(REDIRECTS + 1):
        left = max(ends - time.monotonic(), 0)
        answer = ask("GET", url, headers=headers, seconds=left, most=MOST_BYTES, private=private)
        if answer.status not in {301, 302, 303, 307, 308}:
            return answer
        try:
            target = urldefrag(urljoin(url, answer.headers.get("Location", ""))).url
        except ValueError:
            target = ""
        if url.startswith("https:") and target.startswith("http:"):
            raise NoAnswer("it redirects to an address without encryption")
        url = target
    raise NoAnswer("it redirects too often")


def _stretches(data: bytes, since: int, until: int, zone: str) -> tuple[list[Interval], int]:
    """When the file says busy, and how many of its entries could not be understood."""
    command = [sys.executable, "-P", str(READER), str(since), str(until), zone, str(READING)]
    try:
        # Ctrl+C is for the worker, which finishes what it has in hand.
        done = subprocess.run(  # noqa: S603 - nothing in the command comes from outside
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=READING,
            check=True,
            start_new_session=True,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise NoAnswer("it takes too long to work out: perhaps an entry repeats every second") from None
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise NoAnswer("it could not be worked out: perhaps it takes too much memory") from None
    if "error" in answer:
        raise NoAnswer(answer["error"])
    return [Interval(*stretch) for stretch in answer["busy"]], answer["unread"]


def _kept(answer: Answer, name: str) -> str:
    value: str = answer.headers.get(name, "")
    return value if len(value) <= 200 and value.isascii() and value.isprintable() else ""
