"""Signed texts that leave the house and come back: form tokens and mailed links."""

from datetime import timedelta
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from ..domain.instants import seconds
from .state import State

FORM_LIFE = timedelta(hours=24)
LINK_LIFE = timedelta(days=90)


class LinkExpired(Exception):
    """The link was genuine once."""


class Link(NamedTuple):
    purpose: str
    ref: str


def form_token(state: State, client_id: str) -> str:
    return _signer(state, "form").dumps([client_id, seconds(state.now())])


def form_token_is_good(state: State, token: str, client_id: str) -> bool:
    """Signed by us for this client within the last day."""
    try:
        owner, made = _signer(state, "form").loads(token)
    except (BadData, ValueError, TypeError):
        return False
    return bool(owner == client_id and made + FORM_LIFE.total_seconds() > seconds(state.now()))


def link_token(state: State, purpose: str, appointment_ref: str) -> str:
    return _signer(state, "link").dumps([purpose, appointment_ref, seconds(state.now())])


def read_link(state: State, token: str) -> Link | None:
    """What a mailed link is for; None for a forged or mangled one. Raises LinkExpired after 90 days."""
    try:
        purpose, ref, made = _signer(state, "link").loads(token)
    except (BadData, ValueError, TypeError):
        return None
    if made + LINK_LIFE.total_seconds() <= seconds(state.now()):
        raise LinkExpired
    return Link(purpose, ref)


def _signer(state: State, purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(list(state.settings.secret_keys), salt=f"portal-{purpose}")
