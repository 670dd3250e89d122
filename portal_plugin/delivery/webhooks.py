"""From an outbox row to a signed POST, by the Standard Webhooks specification, https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta

from flask import Flask

from ..domain.instants import seconds
from ..domain.webhooks import Endpoint
from ..services import webhooks
from ..services.state import State
from ..storage.outbox import Message
from .failures import Undelivered
from .outbound import Answer, NoAnswer, ask, retry_after

DEADLINE = 15
"""Seconds for everything: name, connection, sending and the answer's head. Its body is not read."""

RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""The pauses that the specification recommends: a little over three days."""

LONGEST_WAIT = timedelta(days=1)
"""How far a Retry-After is followed."""


def send(app: Flask, state: State, row: Message) -> None:
    """Raises Undelivered for everything but an answer from 200 to 299; a redirect is not followed."""
    endpoint = state.webhooks().get(row.recipient)
    if endpoint is None:
        raise Undelivered("the endpoint is no longer there", for_good=True)
    if endpoint.disabled:
        raise Undelivered("the endpoint is disabled, because it answered 410", for_good=True)
    now = state.now()
    answer = _post(endpoint, row, now, state.settings.private_addresses)
    if answer.status == 410:
        webhooks.disable(state.db, endpoint.key, now)
        raise Undelivered("the server answered 410, so the endpoint is disabled", for_good=True)
    if not 200 <= answer.status < 300:
        wait = retry_after(answer, now, LONGEST_WAIT) if answer.status in {429, 503} else None
        raise Undelivered(f"the server answered {answer.status}", wait=wait)


def _post(endpoint: Endpoint, row: Message, now: datetime, private: bool) -> Answer:
    body = json.dumps(row.facts, separators=(",", ":")).encode()
    signed = f"{row.message_id}.{seconds(now)}.".encode() + body
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "portal_plugin",
        "webhook-id": row.message_id,
        "webhook-timestamp": str(seconds(now)),
        "webhook-signature": " ".join(_signature(secret.key, signed) for secret in endpoint.valid_secrets(now)),
    }
    try:
        return ask("POST", endpoint.url, headers=headers, body=body, seconds=DEADLINE, most=None, private=private)
    except NoAnswer as reason:
        raise Undelivered(str(reason)) from None


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
