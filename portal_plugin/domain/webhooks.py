"""Endpoints of other systems that are told of changes, by the Standard Webhooks specification."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .addresses import is_web_address
from .lifecycle import Action

EVENTS: dict[Action, str] = {
    Action.REQUEST: "appointment.requested",
    Action.INVITE: "appointment.invited",
    Action.BOOK: "appointment.confirmed",
    Action.CONFIRM: "appointment.confirmed",
    Action.ACCEPT: "appointment.accepted",
    Action.DECLINE: "appointment.declined",
    Action.CANCEL: "appointment.cancelled",
    Action.REPLACE: "appointment.cancelled",
    Action.WITHDRAW: "appointment.cancelled",
    Action.EXPIRE: "appointment.expired",
    Action.COMPLETE: "appointment.completed",
    Action.MISS: "appointment.missed",
}
"""What an endpoint is told of each action, under the names of the signals."""

EXPIRING = "appointment.expiring"
"""No action: nobody has answered yet."""

NAMES = frozenset({*EVENTS.values(), EXPIRING})

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a secret, by the specification."""


@dataclass(frozen=True, slots=True)
class Secret:
    """`text` begins with `whsec_`. `until` (aware UTC) is when a replaced one stops to count."""

    text: str = field(repr=False)
    until: datetime | None = None

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.text.removeprefix(_PREFIX))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`key` is what the outbox and the commands call it. `full`: bodies say all that is known of an appointment.

    `disabled` (aware UTC) is since when nothing is written for it, because it answered 410.
    """

    key: str
    url: str = field(repr=False)
    secrets: tuple[Secret, ...]
    events: frozenset[str] = NAMES
    full: bool = False
    disabled: datetime | None = None

    def hears(self, event: str) -> bool:
        return self.disabled is None and event in self.events

    def valid_secrets(self, now: datetime) -> list[Secret]:
        """Those that sign at that moment, newest first."""
        return [secret for secret in self.secrets if secret.until is None or now < secret.until]


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(url: str) -> str:
    """The same address is the same endpoint, wherever it is named; the address itself may hold a secret."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def check_url(url: object, private: bool) -> str:
    """The address, or ValueError with what to write instead. Plain http is for the network inside."""
    if not isinstance(url, str) or not is_web_address(url):
        raise ValueError('url must be a whole address, such as "https://records.example.org/hooks"')
    if url.startswith("http:") and not private:
        raise ValueError("url must begin with https:// unless PORTAL_PRIVATE_ADDRESSES is True")
    return url


def check_events(names: object) -> frozenset[str]:
    """The names, or ValueError with those there are."""
    known = ", ".join(sorted(NAMES))
    if not isinstance(names, list | tuple | set | frozenset) or not names:
        raise ValueError(f"events must be a list of some of {known}; leave it out for all")
    for name in names:
        if not isinstance(name, str) or name not in NAMES:
            raise ValueError(f"events holds {name!r}, which is none of {known}")
    return frozenset(names)


def read_endpoint(data: object, private: bool) -> Endpoint:
    """An endpoint of the settings. Raises ValueError with what to write instead, which repeats no secret."""
    if not isinstance(data, Mapping):
        raise ValueError("write a dict with url, secret, and perhaps events and body")
    if unknown := sorted(map(str, data.keys() - {"url", "secret", "secrets", "events", "body"})):
        raise ValueError(f"{unknown[0]} is not known: write url, secret (or secrets, a list), events, body")
    url = check_url(data.get("url"), private)
    body = data.get("body", "thin")
    if body not in ("thin", "full"):
        raise ValueError('body must be "thin" or "full"')
    return Endpoint(
        key_of(url),
        url,
        _read_secrets(data),
        check_events(data["events"]) if "events" in data else NAMES,
        body == "full",
    )


def _read_secrets(data: Mapping[str, Any]) -> tuple[Secret, ...]:
    found = [data["secret"]] if "secret" in data else data.get("secrets")
    if not isinstance(found, list | tuple) or not found or ("secret" in data and "secrets" in data):
        raise ValueError("write secret, or secrets as a list with the newest first, and not both")
    for text in found:
        if not _is_secret(text):
            raise ValueError(f'a secret must be "whsec_" and the base64 of {_LEAST} to {_MOST} random bytes')
    return tuple(map(Secret, found))


def _is_secret(text: object) -> bool:
    if not isinstance(text, str) or not text.startswith(_PREFIX):
        return False
    try:
        return _LEAST <= len(base64.b64decode(text.removeprefix(_PREFIX), validate=True)) <= _MOST
    except ValueError:
        return False
