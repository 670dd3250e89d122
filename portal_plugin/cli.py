"""flask portal ..."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from . import doctor
from .consent_commands import consents_command
from .delivery import worker
from .domain.appointment import Appointment
from .domain.errors import NotFound, PortalError
from .domain.instants import local_date, seconds, wall_instants
from .domain.lifecycle import Action, Actor, ActorKind, Status
from .key_commands import key_commands
from .practice_file import Written, read
from .services import decisions, people, practices, slots
from .services.state import State
from .storage import appointments, busy_calendars, chain
from .storage import history as past
from .storage.database import check_ready, migrate
from .webhook_commands import add_webhook_commands


class _Command(click.Command):
    """A refusal is a sentence and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PortalError as error:
            raise click.ClickException(str(error)) from None


def portal_commands() -> AppGroup:
    group = AppGroup("portal", help="The appointment portal.")
    for name, function, params in (
        ("init", init, []),
        ("check", check, [_FILE, click.Option(["--strict"], is_flag=True, help="Exit with 1 when something is odd.")]),
        (
            "apply",
            apply,
            [
                _FILE,
                _YES,
                click.Option(["--dry-run"], is_flag=True, help="Show what would change, and apply nothing."),
            ],
        ),
        ("doctor", examine, []),
        ("explain", explain, _SLOT),
        ("requests", requests, []),
        ("confirm", confirm, [_REF, _MESSAGE]),
        ("decline", decline, [_REF, _MESSAGE]),
        ("history", history, [_REF, _JSON]),
        ("verify", verify, [click.Option(["--head"], help="A head that an earlier run told."), _JSON]),
        ("export", export, [_CLIENT]),
        ("erase", erase, [_CLIENT, click.Option(["--cancel"], is_flag=True, help="Cancel what is ahead."), _YES]),
        ("calendars", calendars, []),
        ("worker", work, [click.Option(["--once"], is_flag=True, help="Do what is due and stop, for cron.")]),
    ):
        callback = cast(Callable[..., Any], with_appcontext(function))
        group.add_command(_Command(name, callback=callback, params=list(params), help=function.__doc__))
    add_webhook_commands(group, _Command)
    group.add_command(key_commands(_Command))
    group.add_command(consents_command(_Command))
    return group


_STAFF = Actor(ActorKind.STAFF, "command line")
_FILE = click.Argument(["file"], type=click.Path(), required=False)
_YES = click.Option(["--yes"], is_flag=True, help="Do not ask.")
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="For a program to read.")
_CLIENT = click.Argument(["client_id"])
_SLOT = [
    click.Argument(["type"]),
    click.Argument(["contact"]),
    click.Argument(["start"]),
    click.Option(["--provider"], help="Key of the provider; left out, anybody who offers it."),
    click.Option(["--location"], help="Key of the location, where there are several."),
]
_REF = click.Argument(["ref"])
_MESSAGE = click.Option(["--message"], default="", help="A word to the client, which the mail carries.")


def init() -> None:
    """Create the tables, or bring them up to date."""
    applied = migrate(_state().db)
    click.echo("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")


def check(file: str | None, strict: bool) -> None:
    """Name every mistake in FILE, and what is odd, with its line.

    Without FILE, the site's own practice_source is asked.
    """
    state = _state()
    written = _written(file, state)
    told = written.file
    click.echo(
        f"{file or 'The practice'} is fine: {len(told.providers)} providers, {len(told.locations)} locations, "
        f"{len(told.appointment_types)} appointment types."
    )
    warnings = written.warnings(local_date(seconds(state.now()), told.practice.zone))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    if strict and warnings:
        click.get_current_context().exit(1)


def apply(file: str | None, yes: bool, dry_run: bool) -> None:
    """Make FILE the practice, after showing what changes.

    On a terminal it asks first. Appointments that this leaves outside the hours are listed, and none is touched.
    Without FILE, the site's own practice_source is asked.
    """
    state = _state()
    check_ready(state.db)
    told = _written(file, state).file
    plan = practices.plan(state.db, told, state.now())
    if not plan.changes:
        click.echo("Nothing changes.")
        return
    click.echo("\n".join(plan.changes))
    _show_outside(plan)
    if dry_run:
        click.echo("Nothing was applied.")
        return
    if not yes and sys.stdin.isatty():
        click.confirm("Apply?", abort=True)
    practices.apply_practice(state.db, told, state.now())
    click.echo("Applied.")


def _written(file: str | None, state: State) -> Written:
    return read(file) if file else Written(practices.from_host(state.questions), {})


def _show_outside(plan: practices.Plan) -> None:
    if plan.outside:
        click.echo("Now outside the hours, and kept as they are:")
    for one, why in plan.outside:
        click.echo(f"{_line(one, one.client.id)}  {why}")
    if plan.outside_before:
        click.echo(f"Outside the hours already: {plan.outside_before}.")


def examine() -> None:
    """Look whether all is in place, and say what to do.

    A line for each thing: ok, warning, or failing, which exits with 1. Nothing is changed or sent.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    failing = False
    for finding in doctor.examine(app, _state()):
        click.echo(finding)
        failing |= finding.level is doctor.Level.FAILING
    if failing:
        click.get_current_context().exit(1)


def explain(type: str, contact: str, start: str, provider: str | None, location: str | None) -> None:
    """Say why a start of appointment TYPE by CONTACT type is offered, or is not. START is a local time such as
    2027-01-05T10:00, or one with an offset.
    """
    state = _state()
    state.check()
    practice = state.practice()
    wish = practice.wish(type, contact, provider, location)
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        raise click.BadParameter("write a time as 2027-01-05T10:00", param_hint="START") from None
    instants = [moment] if moment.tzinfo else wall_instants(moment, wish.zone)
    if not instants:
        click.echo(f"Not offered. {moment:%H:%M} does not exist on {moment.date()} in {wish.zone}: the clocks skip it.")
    for at in instants:
        told = slots.explain(state, practice, wish, at)
        which = f" ({at.astimezone(ZoneInfo(wish.zone)):%H:%M %Z})" if len(instants) > 1 else ""
        click.echo(f"{'Offered' if told.offered else 'Not offered'}{which}. {told}")


def requests() -> None:
    """List the requests that wait for a decision, soonest first."""
    state = _state()
    state.check()
    found = appointments.listed(
        state.db,
        state.practice(),
        statuses=[Status.REQUESTED],
        client_id=None,
        since=None,
        until=None,
        limit=1000,
    )
    for request in found:
        click.echo(_line(request, request.client.name))
    if not found:
        click.echo("No requests are waiting.", err=True)


def confirm(ref: str, message: str) -> None:
    """Confirm the request REF."""
    _decide(ref, Action.CONFIRM, message)


def decline(ref: str, message: str) -> None:
    """Decline the request REF."""
    _decide(ref, Action.DECLINE, message)


def history(ref: str, as_json: bool) -> None:
    """Tell what happened to the appointment REF, oldest first."""
    state = _state()
    state.check()
    appointment = appointments.by_ref(state.db, state.practice(), ref)
    if appointment is None:
        raise NotFound
    found = past.entries(state.db, appointment.id)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], default=datetime.isoformat))
        return
    for entry in found:
        at = entry.at.astimezone(ZoneInfo(appointment.zone))
        change = f"{entry.from_status or '-'} -> {entry.to_status}" if entry.to_status else entry.result
        who = f"{entry.actor_kind} {entry.actor}".strip()
        # On one line: whoever typed a reason could otherwise write lines of history.
        reason = " ".join(entry.reason.split())
        click.echo(f"{at:%Y-%m-%d %H:%M:%S %Z}  {entry.action:<8}  {change:<22}  {who}  {reason}".rstrip())


def verify(head: str | None, as_json: bool) -> None:
    """Say whether the history is as it was written; exit code 1 when it is not. Keep the head it tells somewhere else,
    and give it with --head another time: it finds what was written anew as a whole.
    """
    state = _state()
    check_ready(state.db)
    chain.seal_settled(state.db)
    verdict = chain.verify(state.db, head)
    if as_json:
        click.echo(json.dumps(asdict(verdict) | {"sound": verdict.sound}))
    elif verdict.sound:
        late = f" {verdict.unsealed} more wait for their seal." if verdict.unsealed else ""
        click.echo(
            f"The history is sound: {verdict.rows} rows, the last is {verdict.last}.{late}\nHead: {verdict.head}"
        )
    else:
        where = "" if verdict.broken is None else f"row {verdict.broken} "
        click.echo(f"The history is broken: {where}{verdict.what}.", err=True)
    if not verdict.sound:
        sys.exit(1)


def export(client_id: str) -> None:
    """Write all that is stored about the client CLIENT_ID, as JSON."""
    state = _state()
    state.check()
    click.echo(json.dumps(people.export_client(state, client_id, _STAFF), ensure_ascii=False, indent=2))


def erase(client_id: str, cancel: bool, yes: bool) -> None:
    """Take away whatever names the client CLIENT_ID. Their appointments stay as numbers. Asks first, on a terminal."""
    state = _state()
    state.check()
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("This cannot be undone: say --yes.")
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True)
    kept = people.erase_client(state, client_id, _STAFF, cancel=cancel)
    click.echo(f"Erased. Appointments that stay, without a name: {kept}.")


def calendars() -> None:
    """List the outside calendars: age of the last good answer, busy times known, last error."""
    state = _state()
    state.check()
    readings = {reading.provider: reading for reading in busy_calendars.known(state.db)}
    counts = busy_calendars.counts(state.db)
    listed = [provider for provider in state.practice().providers.values() if provider.reads_calendar]
    for provider in listed:
        reading = readings.get(provider.number)
        age = f"read {_age(state.now() - reading.fetched)} ago" if reading and reading.fetched else "never read"
        error = f"; last try: {reading.error}" if reading and reading.error else ""
        click.echo(f"{provider.key}  {provider.name}  {age}, {counts.get(provider.number, 0)} busy times{error}")
    if not listed:
        click.echo("No provider has a busy_calendar.", err=True)


def work(once: bool) -> None:
    """Deliver messages, expire what nobody answered, read outside calendars and seal the history, until stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    state = _state()
    state.check()
    if once:
        click.echo(f"{worker.run_once(app, state)} sent.")
        return
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    click.echo("Working; Ctrl+C stops after the message in hand.")
    worker.run(app, state, stop)


def _state() -> State:
    return cast(State, current_app.extensions["portal"])


def _decide(ref: str, action: Action, message: str) -> None:
    state = _state()
    state.check()
    appointment = decisions.decide(state, ref, action, _STAFF, message)
    click.echo(_line(appointment, appointment.client.name))


def _age(age: timedelta) -> str:
    minutes = max(round(age.total_seconds() / 60), 0)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def _line(appointment: Appointment, client: str) -> str:
    return (
        f"{appointment.ref}  {appointment.status:<9}  {appointment.local_starts:%Y-%m-%d %H:%M %Z}  "
        f"{appointment.provider.name}  {client}"
    )
