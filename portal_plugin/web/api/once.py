"""Idempotency-Key: the same call twice is done once."""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from flask import request

from ...domain.appointment import Appointment
from ...domain.errors import NotFound
from ...storage import api_answers, appointments
from ...storage.api_answers import Given
from ...storage.api_keys import ApiKey
from .calls import Call, Content
from .problems import Problem

HEADER = "Idempotency-Key"
PATTERN = r"^[\x21-\x7e]{1,255}$"


def once(call: Call[Content], caller: ApiKey, act: Callable[[Call[Content]], Appointment]) -> Appointment:
    """What `act` comes to, or came to when this very call was made before. Raises Problem for another call's key."""
    key = request.headers.get(HEADER)
    if key is None:
        return act(call)
    if not re.fullmatch(PATTERN, key, re.ASCII):
        raise Problem(400, "bad_idempotency_key", f"{HEADER} has 1 to 255 visible ASCII characters, as a UUID has.")
    db = call.state.db
    fingerprint = _fingerprint(key, call)
    turn = api_answers.take_turn(db, caller.id, key, fingerprint, call.state.now())
    if isinstance(turn, Given):
        return _again(call, turn, fingerprint)
    try:
        done = act(replace(call, request_key=turn.request_key))
    except Exception:
        api_answers.give_back(db, turn)
        raise
    api_answers.keep(db, turn, done)
    return done


def _again(call: Call[Content], given: Given, fingerprint: str) -> Appointment:
    """The first answer once more: the appointment with the status and version that it had then."""
    if given.fingerprint != fingerprint:
        raise Problem(422, "idempotency_key_reused", f"This {HEADER} was sent with another call. Use a new one.")
    if given.ref is None or given.status is None or given.version is None:
        raise Problem(
            409,
            "in_progress",
            "The first call with this key is not answered yet. Please ask again.",
            headers=[("Retry-After", "1")],
        )
    found = appointments.by_ref(call.state.db, call.practice, given.ref)
    if found is None:
        raise NotFound
    return replace(found, status=given.status, version=given.version)


def _fingerprint(key: str, call: Call[Content]) -> str:
    # With the key, which is not stored, in it: nobody finds a body out by trying.
    return sha256("\n".join((key, request.path, call.sent.model_dump_json())).encode()).hexdigest()
