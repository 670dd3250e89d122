"""flask portal webhooks, outbox, resend"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from .domain.errors import SetupError
from .domain.webhooks import NAMES, Endpoint
from .services import webhooks
from .services.state import State
from .storage import outbox
from .storage.database import check_ready
from .storage.outbox import MAIL, SMS, WEBHOOK, Entry


def add_webhook_commands(group: AppGroup, command: type[click.Command]) -> None:
    endpoints = AppGroup("webhooks", help="Other systems that are told of changes.")
    group.add_command(endpoints)
    for where, name, function, params in (
        (endpoints, "list", list_endpoints, [_JSON]),
        (endpoints, "add", add_endpoint, [click.Argument(["url"]), _EVENTS, _FULL, _JSON]),
        (endpoints, "rotate", rotate_secret, [_KEY, _KEEP, _JSON]),
        (endpoints, "remove", remove_endpoint, [_KEY]),
        (endpoints, "enable", enable_endpoint, [_KEY]),
        (group, "outbox", show_outbox, [_FAILED, _CHANNEL, _JSON]),
        (group, "resend", resend, [_NUMBERS, _FAILED, _CHANNEL, _JSON]),
    ):
        callback = cast(Callable[..., Any], with_appcontext(function))
        where.add_command(command(name, callback=callback, params=list(params), help=function.__doc__))


_JSON = click.Option(["--json", "as_json"], is_flag=True, help="For a program to read.")
_KEY = click.Argument(["key"])
_EVENTS = click.Option(
    ["--event", "events"], multiple=True, type=click.Choice(sorted(NAMES)), help="Again for each; left out, all."
)
_FULL = click.Option(["--full"], is_flag=True, help="Bodies with names, notes and types, not with references alone.")
_KEEP = click.Option(
    ["--keep-hours"],
    type=click.IntRange(0, 24 * 90),
    default=24,
    show_default=True,
    help="How long the old secret signs beside the new one.",
)
_FAILED = click.Option(["--failed"], is_flag=True, help="What was given up on.")
_CHANNEL = click.Option(["--channel"], type=click.Choice([MAIL, SMS, WEBHOOK]))
_NUMBERS = click.Argument(["numbers"], metavar="[ID]...", nargs=-1, type=click.IntRange(1, 2**63 - 1))


def list_endpoints(as_json: bool) -> None:
    """List the endpoints, without their secrets."""
    state = _state()
    found = [_told(state, endpoint) for endpoint in state.webhooks().values()]
    if as_json:
        click.echo(json.dumps(found))
        return
    for told in found:
        events = "all events" if len(told["events"]) == len(NAMES) else " ".join(told["events"])
        disabled = f"  disabled since {told['disabled']}" if told["disabled"] else ""
        click.echo(f"{told['key']}  {told['url']}  {told['body']}  {events}  by {told['source']}{disabled}")
    if not found:
        click.echo("No endpoint is told of changes.", err=True)


def add_endpoint(url: str, events: tuple[str, ...], full: bool, as_json: bool) -> None:
    """Tell URL of changes. Its secret is shown this once."""
    state = _state()
    endpoint = webhooks.add(state.db, state.settings, url, events=frozenset(events) or NAMES, full=full)
    [secret] = endpoint.secrets
    if as_json:
        click.echo(json.dumps(_told(state, endpoint) | {"secret": secret.text}))
        return
    click.echo(f"Added {endpoint.key}. Its secret, shown this once:\n{secret.text}")


def rotate_secret(key: str, keep_hours: int, as_json: bool) -> None:
    """Give the endpoint KEY a new secret, shown this once; the old one signs beside it for a while."""
    state = _state()
    keep, now = timedelta(hours=keep_hours), state.now()
    secret = webhooks.rotate(state.db, state.settings, key, keep=keep, now=now)
    until = _iso(now + keep)
    if as_json:
        click.echo(json.dumps({"key": key, "secret": secret.text, "old_until": until}))
        return
    click.echo(f"The old secret signs until {until}. The new one, shown this once:\n{secret.text}")


def remove_endpoint(key: str) -> None:
    """Tell the endpoint KEY nothing more, not even what waits for it."""
    state = _state()
    webhooks.remove(state.db, state.settings, key)
    click.echo(f"Removed {key}.")


def enable_endpoint(key: str) -> None:
    """Write for the endpoint KEY again, which was disabled because it answered 410."""
    state = _state()
    webhooks.enable(state.db, state.settings, key)
    click.echo(f"Enabled {key}. Send what was given up on with: flask portal resend --failed --channel {WEBHOOK}")


def show_outbox(failed: bool, channel: str | None, as_json: bool) -> None:
    """List the messages that wait or were given up on, oldest first, without what they say and whom they name."""
    entries = outbox.listed(_state().db, channel=channel, failed=failed)
    if as_json:
        click.echo(json.dumps([_shown(entry) for entry in entries]))
        return
    for entry in entries:
        when = f"given up on {_iso(entry.failed)}" if entry.failed else f"due {_iso(entry.due)}"
        head = f"{entry.id}  {entry.channel:<7}  {entry.topic:<21}  {_masked(entry)}  {entry.ref}  {when}"
        click.echo(f"{head}, {entry.attempts} attempts{f': {entry.error}' if entry.error else ''}")
    if not entries:
        click.echo(
            "Nothing waits, and nothing was given up on." if not failed else "Nothing was given up on.", err=True
        )


def resend(numbers: tuple[int, ...], failed: bool, channel: str | None, as_json: bool) -> None:
    """Let the messages ID be due now, or with --failed all that were given up on. They keep their ids, so whoever has
    them already can tell. Exits with 1 when one is not there, or went out.
    """
    if failed == bool(numbers):
        raise click.UsageError("Name messages, or give --failed, and not both.")
    if numbers and channel:
        raise click.UsageError("--channel goes with --failed.")
    state = _state()
    chosen = numbers or [entry.id for entry in outbox.listed(state.db, channel=channel, failed=True)]
    again = [number for number in chosen if outbox.send_again(state.db, number, state.now())]
    if as_json:
        click.echo(json.dumps({"due": again}))
    else:
        click.echo(f"Due now: {', '.join(map(str, again)) or 'none'}.")
    if left := sorted(set(numbers) - set(again)):
        raise SetupError(
            f"Not waiting and not given up on: {', '.join(map(str, left))}. `flask portal outbox` lists what is."
        )


def _state() -> State:
    state = cast(State, current_app.extensions["portal"])
    check_ready(state.db)
    return state


def _told(state: State, endpoint: Endpoint) -> dict[str, Any]:
    own = endpoint.key in {one.key for one in state.settings.webhooks}
    return {
        "key": endpoint.key,
        "url": endpoint.url,
        "body": "full" if endpoint.full else "thin",
        "events": sorted(endpoint.events),
        "source": "settings" if own else "command",
        "disabled": _iso(endpoint.disabled),
        "old_secrets_until": [_iso(secret.until) for secret in endpoint.secrets if secret.until],
    }


def _shown(entry: Entry) -> dict[str, Any]:
    values = entry._asdict() | {"recipient": _masked(entry)}
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _masked(entry: Entry) -> str:
    # Even the domain of an address may be somebody's name.
    if entry.channel == SMS:
        return f"…{entry.recipient[-2:]}"
    return entry.recipient if entry.channel == WEBHOOK else f"{entry.recipient[:1]}…@…"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
