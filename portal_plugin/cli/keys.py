"""Who may call the HTTP API, and for what."""

from datetime import datetime

import click

from ..domain.errors import NotFound
from ..domain.text import clean_line
from ..storage import api_keys
from ..storage.api_keys import ApiKey, Scope
from .command import Answer, command, ready_state
from .options import printable
from .telling import aligned

_SCOPES = click.Option(
    ["--scope", "scopes"],
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="What it may do; repeat it for several.",
)


@command(click.Argument(["name"]), _SCOPES)
def create(name: str, scopes: tuple[str, ...]) -> Answer:
    """Make a key and show it, once. NAME says whose it is, and stands in the history of what it does."""
    called = clean_line(name)
    if not called or len(called) > 100:
        raise click.BadParameter("write a name of 1 to 100 characters", param_hint="NAME")
    state = ready_state()
    key, text = api_keys.create(state.db, called, frozenset(map(Scope, scopes)), state.now())
    keep = f"Keep it now: only a hash of it is stored. To end it: flask portal keys revoke {key.id}"
    return Answer(_plain(key) | {"key": text}, [text], keep)


@command(name="list")
def list_keys() -> Answer:
    """List the keys, oldest first, with scopes and last use."""
    keys = api_keys.listed(ready_state().db)
    none = "" if keys else "There is no key yet: flask portal keys create NAME --scope read"
    return Answer({"items": list(map(_plain, keys))}, aligned(map(_row, keys)), none)


@command(click.Argument(["id"], type=printable))
def revoke(id: str) -> Answer:
    """End the key with this ID; its next call is refused."""
    state = ready_state()
    if not api_keys.revoke(state.db, id, state.now()):
        raise NotFound(f"There is no key {id}: see flask portal keys list.")
    return Answer({"id": id}, [f"Revoked {id}."])


def _plain(key: ApiKey) -> dict[str, object]:
    return key._asdict() | {"scopes": sorted(key.scopes)}


def _row(key: ApiKey) -> tuple[str, ...]:
    used = f"last used about {_hour(key.last_used)}" if key.last_used else "never used"
    ended = f"; revoked {_hour(key.revoked)}" if key.revoked else ""
    return key.id, " ".join(sorted(key.scopes)), key.name, f"{used}{ended}"


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"


COMMANDS = (create, list_keys, revoke)
