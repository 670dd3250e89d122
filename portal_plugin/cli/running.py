"""The worker and what it sends and reads, and the chain of the history."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app

from ..delivery import worker
from ..delivery.preview import previews
from ..doctor.sending import OVERDUE
from ..services.state import State
from ..storage import busy_calendars, chain, outbox, outbox_entries
from ..storage.health import queues
from ..storage.outbox import MAIL, SMS, WEBHOOK
from ..storage.outbox_entries import Entry
from .command import NOT_FOUND, REFUSED, Answer, command, ready_state, wants_json
from .options import day, edge, printable
from .telling import aligned

_FAILED = click.Option(["--failed"], is_flag=True, help="What was given up on.")
_CHANNEL = click.Option(["--channel"], type=click.Choice([MAIL, SMS, WEBHOOK]))
_NUMBERS = click.Argument(["numbers"], metavar="[ID]...", nargs=-1, type=click.IntRange(1, 2**63 - 1))


_ONCE = click.Option(["--once"], is_flag=True, help="Do what is due and stop, for cron.")
_HEALTH = click.Option(["--health"], is_flag=True, help="Say what waits; exit with 1 when nobody sends it.")

BACKLOG = 100
"""From so many messages on, --once shows on a terminal how far it is."""


@command(_ONCE, _HEALTH, name="worker")
def work(once: bool, health: bool) -> Answer:
    """Deliver messages, expire what nobody answered, read outside calendars, seal the history and delete what was sent
    long ago, until stopped.
    """
    if once and health:
        raise click.UsageError("Give --once or --health, and not both.")
    if health:
        return _health()
    if wants_json() and not once:
        raise click.UsageError("--json goes with --once and with --health.")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    state, stop = ready_state(), threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    if once:
        with _progress(state) as tally:
            sent = worker.run_once(app, state, stop, tally)
        return Answer({"sent": sent}, [f"{sent} sent."])
    click.echo("Working; Ctrl+C stops after the message in hand.")
    worker.run(app, state, stop, say=click.echo)
    return Answer({})


@contextmanager
def _progress(state: State) -> Iterator[worker.Tally]:
    """A tally that moves a bar on stderr, where somebody watches and there is much to do."""
    due = sum(queue.due for queue in queues(state.db, state.now()))
    if due < BACKLOG or wants_json() or not sys.stderr.isatty():
        yield worker.Tally()
        return
    with click.progressbar(
        length=due, label="Sending", file=sys.stderr, show_pos=True, update_min_steps=max(due // 200, 1)
    ) as bar:
        yield worker.Tally(lambda: bar.update(1))


def _health() -> Answer:
    state = ready_state(practice=False)
    now = state.now()
    found = queues(state.db, now)
    stalled = [queue.channel for queue in found if queue.stalled(now, OVERDUE)]
    rows = [
        (
            queue.channel,
            f"{queue.waiting} waiting, {queue.due} due{f' for {_age(now - queue.oldest)}' if queue.oldest else ''}, "
            f"{queue.in_hand} in hand, {queue.given_up} given up on",
        )
        for queue in found
    ]
    said = f"Nobody sends what is due: {', '.join(stalled)}. See that `flask portal worker` runs." if stalled else ""
    return Answer(
        {"healthy": not stalled, "stalled": stalled, "items": [queue._asdict() for queue in found]},
        aligned(rows) or ["Nothing waits, and nothing was given up on."],
        said,
        REFUSED if stalled else 0,
    )


@command(
    click.Argument(["folder"], type=click.Path(file_okay=False, path_type=Path)),
    click.Option(["--language"], default="", help="Another than the first of the site's, such as es."),
)
def preview(folder: Path, language: str) -> Answer:
    """Write every message with sample facts into FOLDER, to look at before one of yours is sent. Nothing is."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    shown = list(previews(app, ready_state(), language))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in shown:
            head = f"Subject: {one.subject}\n\n" if one.html else ""
            (folder / f"{one.name}.txt").write_text(f"{head}{one.text}", "utf-8")
            if one.html:
                (folder / f"{one.name}.html").write_text(one.html, "utf-8")
                (folder / f"{one.name}.eml").write_bytes(one.source)
    except OSError as error:
        raise click.FileError(str(folder), error.strerror or "it cannot be written") from None
    items = [{"name": one.name, "subject": one.subject} for one in shown]
    return Answer({"items": items}, aligned((one.name, one.subject) for one in shown), f"Written to {folder}.")


@command()
def calendars() -> Answer:
    """List the outside calendars: age of the last good answer, busy times known, last error."""
    state = ready_state()
    readings = {reading.provider: reading for reading in busy_calendars.known(state.db)}
    counts = busy_calendars.counts(state.db)
    items, rows = [], []
    for provider in state.practice().providers.values():
        if not provider.reads_calendar:
            continue
        reading, busy = readings.get(provider.number), counts.get(provider.number, 0)
        fetched, error = (reading.fetched, reading.error) if reading else (None, "")
        items.append(
            {"provider": provider.key, "name": provider.name, "read": fetched, "busy_times": busy, "error": error}
        )
        age = f"read {_age(state.now() - fetched)} ago" if fetched else "never read"
        rows.append((provider.key, provider.name, f"{age}, {busy} busy times{f'; last try: {error}' if error else ''}"))
    return Answer({"items": items}, aligned(rows), "" if rows else "No provider has a busy_calendar.")


def _age(age: timedelta) -> str:
    minutes = max(round(age.total_seconds() / 60), 0)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


@command(_FAILED, _CHANNEL, name="outbox")
def show_outbox(failed: bool, channel: str | None) -> Answer:
    """List the messages that wait or were given up on, oldest first, without what they say and whom they name."""
    entries = outbox_entries.listed(ready_state(practice=False).db, channel=channel, failed=failed)
    none = "Nothing was given up on." if failed else "Nothing waits, and nothing was given up on."
    return Answer({"items": [_shown(entry) for entry in entries]}, aligned(map(_row, entries)), "" if entries else none)


def _shown(entry: Entry) -> dict[str, Any]:
    return entry._asdict() | {"recipient": entry.masked}


def _row(entry: Entry) -> tuple[str, ...]:
    when = f"given up on {_iso(entry.failed)}" if entry.failed else f"due {_iso(entry.due)}"
    how = f"{when}, {entry.attempts} attempts{f': {entry.error}' if entry.error else ''}"
    held = f", in hand of {entry.worker}" if entry.worker else ""
    return str(entry.id), entry.channel, entry.topic, entry.masked, entry.ref or "", how + held


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


@command(_NUMBERS, _FAILED, _CHANNEL)
def resend(numbers: tuple[int, ...], failed: bool, channel: str | None) -> Answer:
    """Let the messages ID be due now, or with --failed all that were given up on. They keep their ids, so whoever has
    them already can tell. Exits with 3 when one is not there, or went out.
    """
    if failed == bool(numbers):
        raise click.UsageError("Name messages, or give --failed, and not both.")
    if numbers and channel:
        raise click.UsageError("--channel goes with --failed.")
    state = ready_state(practice=False)
    chosen = numbers or [entry.id for entry in outbox_entries.listed(state.db, channel=channel, failed=True)]
    again = [number for number in chosen if outbox.send_again(state.db, number, state.now())]
    missing = sorted(set(numbers) - set(again))
    return Answer(
        {"due": again, "missing": missing},
        [f"Due now: {_joined(again) or 'none'}."],
        f"Not waiting and not given up on: {_joined(missing)}. `flask portal outbox` lists what is." if missing else "",
        NOT_FOUND if missing else 0,
    )


@command(click.Option(["--due-before"], type=day, required=True, help="When the lost database last sent anything."))
def withhold(due_before: date | datetime) -> Answer:
    """Give up on messages that were due before then: in a backup that was restored, they wait again and went out
    already. `resend` sends any of them after all.
    """
    state = ready_state()
    before = edge(due_before, state.practice().zone, "--due-before")
    count = outbox.withhold(state.db, datetime.fromisoformat(str(before)), state.now())
    return Answer({"withheld": count}, [f"{count} withheld."])


def _joined(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


@command(click.Option(["--head"], type=printable, help="A head that an earlier run told."))
def verify(head: str | None) -> Answer:
    """Say whether the history is as it was written; exit code 1 when it is not. Keep the head it tells somewhere else,
    and give it with --head another time: it finds what was written anew as a whole.
    """
    state = ready_state(practice=False)
    chain.seal_settled(state.db)
    verdict = chain.verify(state.db, head)
    data = asdict(verdict) | {"sound": verdict.sound}
    if not verdict.sound:
        where = "" if verdict.broken is None else f"row {verdict.broken} "
        return Answer(data, aside=f"The history is broken: {where}{verdict.what}.", exit_code=REFUSED)
    late = f" {verdict.unsealed} more wait for their seal." if verdict.unsealed else ""
    said = f"The history is sound: {verdict.rows} rows, the last is {verdict.last}.{late}"
    return Answer(data, [said, f"Head: {verdict.head}"])


COMMANDS = (work, preview, calendars, show_outbox, resend, withhold, verify)
