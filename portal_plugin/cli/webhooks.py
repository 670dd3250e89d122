"""Other systems that are told of changes."""

from datetime import datetime, timedelta
from typing import Any

import click

from ..domain.webhooks import NAMES, Endpoint
from ..services import webhooks
from ..services.state import State
from ..storage.outbox import WEBHOOK
from .command import Answer, command, ready_state
from .telling import aligned

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


@command(name="list")
def list_endpoints() -> Answer:
    """List the endpoints, without their secrets."""
    state = _state()
    found = [_told(state, endpoint) for endpoint in state.webhooks().values()]
    return Answer({"items": found}, aligned(map(_row, found)), "" if found else "No endpoint is told of changes.")


@command(click.Argument(["url"]), _EVENTS, _FULL)
def add(url: str, events: tuple[str, ...], full: bool) -> Answer:
    """Tell URL of changes. Its secret is shown this once."""
    state = _state()
    endpoint = webhooks.add(state.db, state.settings, url, events=frozenset(events) or NAMES, full=full)
    [secret] = endpoint.secrets
    said = f"Added {endpoint.key}. Its secret, shown this once:"
    return Answer(_told(state, endpoint) | {"secret": secret.text}, [said, secret.text])


@command(_KEY, _KEEP)
def rotate(key: str, keep_hours: int) -> Answer:
    """Give the endpoint KEY a new secret, shown this once; the old one signs beside it for a while."""
    state = _state()
    keep, now = timedelta(hours=keep_hours), state.now()
    secret = webhooks.rotate(state.db, state.settings, key, keep=keep, now=now)
    said = f"The old secret signs until {_iso(now + keep)}. The new one, shown this once:"
    return Answer({"key": key, "secret": secret.text, "old_until": now + keep}, [said, secret.text])


@command(_KEY)
def remove(key: str) -> Answer:
    """Tell the endpoint KEY nothing more, not even what waits for it."""
    state = _state()
    webhooks.remove(state.db, state.settings, key)
    return Answer({"key": key}, [f"Removed {key}."])


@command(_KEY)
def enable(key: str) -> Answer:
    """Write for the endpoint KEY again, which was disabled because it answered 410."""
    state = _state()
    webhooks.enable(state.db, state.settings, key)
    said = f"Enabled {key}. Send what was given up on with: flask portal resend --failed --channel {WEBHOOK}"
    return Answer({"key": key}, [said])


def _state() -> State:
    return ready_state(practice=False)


def _told(state: State, endpoint: Endpoint) -> dict[str, Any]:
    own = endpoint.key in {one.key for one in state.settings.webhooks}
    return {
        "key": endpoint.key,
        "url": endpoint.url,
        "body": "full" if endpoint.full else "thin",
        "events": sorted(endpoint.events),
        "source": "settings" if own else "command",
        "disabled": endpoint.disabled,
        "old_secrets_until": [secret.until for secret in endpoint.secrets if secret.until],
    }


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    events = "all events" if len(told["events"]) == len(NAMES) else " ".join(told["events"])
    disabled = f"disabled since {_iso(told['disabled'])}" if told["disabled"] else ""
    return told["key"], told["url"], told["body"], events, f"by {told['source']}", disabled


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


COMMANDS = (list_endpoints, add, rotate, remove, enable)
