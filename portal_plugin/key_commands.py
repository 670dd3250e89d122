"""flask portal keys ...: who may call the HTTP API, and for what."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from .domain.text import clean_line
from .services.state import State
from .storage import api_keys
from .storage.api_keys import ApiKey, Scope


def key_commands(command: type[click.Command]) -> AppGroup:
    """`command` turns a refusal into a sentence and an exit code."""
    group = AppGroup("keys", help="Keys of the HTTP API.")
    scopes = click.Option(
        ["--scope", "scopes"],
        type=click.Choice([scope.value for scope in Scope]),
        multiple=True,
        required=True,
        help="What it may do; repeat it for several.",
    )
    for name, function, params in (
        ("create", create, [click.Argument(["name"]), scopes]),
        ("list", list_keys, [click.Option(["--json", "as_json"], is_flag=True, help="For a program to read.")]),
        ("revoke", revoke, [click.Argument(["id"])]),
    ):
        callback = cast(Callable[..., Any], with_appcontext(function))
        group.add_command(command(name, callback=callback, params=list(params), help=function.__doc__))
    return group


def create(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key and show it, once. NAME says whose it is, and stands in the history of what it does."""
    called = clean_line(name)
    if not called or len(called) > 100:
        raise click.BadParameter("write a name of 1 to 100 characters", param_hint="NAME")
    state = _state()
    key, text = api_keys.create(state.db, called, frozenset(map(Scope, scopes)), state.now())
    click.echo(text)
    click.echo(f"Keep it now: only a hash of it is stored. To end it: flask portal keys revoke {key.id}", err=True)


def list_keys(as_json: bool) -> None:
    """List the keys, oldest first, with scopes and last use."""
    keys = api_keys.listed(_state().db)
    if as_json:
        click.echo(json.dumps([_plain(key) for key in keys], indent=2))
        return
    for key in keys:
        used = f"last used about {_hour(key.last_used)}" if key.last_used else "never used"
        ended = f"; revoked {_hour(key.revoked)}" if key.revoked else ""
        click.echo(f"{key.id}  {' '.join(sorted(key.scopes)):<16}  {key.name}  {used}{ended}")
    if not keys:
        click.echo("There is no key yet: flask portal keys create NAME --scope read", err=True)


def revoke(id: str) -> None:
    """End the key with this ID; its next call is refused."""
    state = _state()
    if not api_keys.revoke(state.db, id, state.now()):
        raise click.ClickException(f"There is no key {id}: see flask portal keys list.")
    click.echo(f"Revoked {id}.")


def _state() -> State:
    state: State = current_app.extensions["portal"]
    state.check()
    return state


def _plain(key: ApiKey) -> dict[str, Any]:
    moments = {name: value and value.isoformat() for name, value in key._asdict().items() if name in _MOMENTS}
    return key._asdict() | {"scopes": sorted(key.scopes)} | moments


_MOMENTS = {"created", "last_used", "revoked"}


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
