"""flask portal consents: who agreed to text reminders, and who ended them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext

from .domain.consent import Choice, LedgerEntry
from .services.ledger import digests
from .services.phones import e164
from .services.state import State
from .storage.consents import listed


def consents_command(command: type[click.Command]) -> click.Command:
    """`command` turns a refusal into a sentence and an exit code."""
    params: list[click.Parameter] = [
        click.Option(["--client"], help="What this client said, by id."),
        click.Option(["--phone"], help="What was said of this number, also by whoever was erased since."),
        click.Option(["--json", "as_json"], is_flag=True, help="For a program to read, with all that proves it."),
    ]
    callback = cast(Callable[..., Any], with_appcontext(consents))
    return command("consents", callback=callback, params=params, help=consents.__doc__)


def consents(client: str | None, phone: str | None, as_json: bool) -> None:
    """List who agreed to text reminders and who ended them, oldest first. The newest word on a number counts."""
    state: State = current_app.extensions["portal"]
    state.check()
    number = e164(phone, state.practice().country) if phone is not None else None
    if number == "":
        raise click.BadParameter("write a whole phone number, such as +12125550187", param_hint="--phone")
    found = listed(state.db, client_id=client, phone=number, digests=digests(state, number) if number else ())
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], default=datetime.isoformat, indent=2))
        return
    for entry in found:
        click.echo(_line(entry))
    if not found:
        click.echo("Nobody said anything.", err=True)


def _line(entry: LedgerEntry) -> str:
    """Without what a text said: it stands in the JSON, and may be of more than one line."""
    choice = "agreed" if entry.choice is Choice.IN else "ended"
    shown = f"text {entry.version}" if entry.version else ""
    at = entry.at.astimezone(ZoneInfo(entry.zone))
    phone = entry.phone or "(erased)"
    return f"{at:%Y-%m-%d %H:%M %Z}  {choice:<6}  {entry.way:<8}  {phone:<16}  {entry.client}  {shown}".rstrip()
