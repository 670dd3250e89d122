"""Who is told over the web: the settings' endpoints and those added by command."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..config import Settings
from ..domain.errors import NotFound, NotOffered
from ..domain.instants import instant, seconds
from ..domain.webhooks import NAMES, Endpoint, Secret, check_url, key_of, new_secret
from ..storage import webhooks as stored
from ..storage.database import Database

Endpoints = Mapping[str, Endpoint]


def known(settings: Settings, document: Mapping[str, Any]) -> dict[str, Endpoint]:
    """All endpoints by key, disabled ones too. An address in the settings is theirs alone."""
    found = {key: _endpoint(key, values) for key, values in document.get("endpoints", {}).items()}
    found |= {endpoint.key: endpoint for endpoint in settings.webhooks}
    for key, since in document.get("disabled", {}).items():
        if key in found:
            found[key] = replace(found[key], disabled=instant(since))
    return found


def add(db: Database, settings: Settings, url: str, *, events: frozenset[str] = NAMES, full: bool = False) -> Endpoint:
    """A new endpoint, with its first secret. Raises NotOffered for an address that cannot be one, or is one."""
    try:
        check_url(url, settings.private_addresses)
    except ValueError as error:
        raise NotOffered("url", f"{error}.") from None
    endpoint = Endpoint(key_of(url), url, (Secret(new_secret()),), events, full)

    def change(document: dict[str, Any]) -> None:
        if endpoint.key in known(settings, document):
            raise NotOffered("url", f"That address is the endpoint {endpoint.key} already.")
        document["disabled"].pop(endpoint.key, None)
        document["endpoints"][endpoint.key] = _values(endpoint)

    _change(db, change)
    return endpoint


def rotate(db: Database, settings: Settings, key: str, *, keep: timedelta, now: datetime) -> Secret:
    """The endpoint's new secret; those it had sign beside it for as long as `keep`, or as they had left.

    Raises NotFound, and NotOffered for an endpoint whose secrets stand in the settings.
    """
    secret, until = Secret(new_secret()), now + keep

    def change(document: dict[str, Any]) -> None:
        endpoint = _own(settings, document, key)
        former = endpoint.valid_secrets(now) if keep else []
        kept = [replace(one, until=min(one.until or until, until)) for one in former]
        document["endpoints"][key] = _values(replace(endpoint, secrets=(secret, *kept)))

    _change(db, change)
    return secret


def remove(db: Database, settings: Settings, key: str) -> None:
    """Raises NotFound, and NotOffered for an endpoint that stands in the settings."""

    def change(document: dict[str, Any]) -> None:
        _own(settings, document, key)
        del document["endpoints"][key]
        document["disabled"].pop(key, None)

    _change(db, change)


def enable(db: Database, settings: Settings, key: str) -> None:
    """Write for an endpoint again that answered 410. Raises NotFound."""

    def change(document: dict[str, Any]) -> None:
        _there(known(settings, document), key)
        document["disabled"].pop(key, None)

    _change(db, change)


def disable(db: Database, key: str, now: datetime) -> None:
    """Write nothing for an endpoint any more until it is enabled."""

    def change(document: dict[str, Any]) -> None:
        document["disabled"].setdefault(key, seconds(now))

    _change(db, change)


def _change(db: Database, change: Callable[[dict[str, Any]], None]) -> None:
    while True:
        revision, document = stored.document(db)
        document = {"endpoints": {}, "disabled": {}} | document
        change(document)
        if stored.replace(db, revision, document):
            return


def _own(settings: Settings, document: Mapping[str, Any], key: str) -> Endpoint:
    endpoint = _there(known(settings, document), key)
    if key in {one.key for one in settings.webhooks}:
        raise NotOffered("key", f"The endpoint {key} stands in PORTAL_WEBHOOKS: change it there.")
    return endpoint


def _there(endpoints: Endpoints, key: str) -> Endpoint:
    if key not in endpoints:
        raise NotFound(f"There is no endpoint {key}: `flask portal webhooks list` names them.")
    return endpoints[key]


def _values(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "secrets": [[one.text, one.until and seconds(one.until)] for one in endpoint.secrets],
        "events": sorted(endpoint.events),
        "full": endpoint.full,
    }


def _endpoint(key: str, values: Mapping[str, Any]) -> Endpoint:
    secrets = tuple(Secret(text, None if until is None else instant(until)) for text, until in values["secrets"])
    return Endpoint(key, values["url"], secrets, frozenset(values["events"]), values["full"])
