"""Signed texts that leave the house and come back: form tokens and mailed links."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from ..domain.guests import GUEST as OWN_ID
from ..domain.instants import seconds
from .state import State

FORM_LIFE = timedelta(hours=24)
_FORM_SECONDS = int(FORM_LIFE.total_seconds())
LINK_LIFE = timedelta(days=90)

AGAIN, VERIFY, GUEST = "again", "verify", "guest"
"""What links are for: to ask anew, to show that a mail address is one's own, and to see to one's own appointments
without an account. What the second names has a life of its own, and so has what the third names.
"""


class LinkExpired(Exception):
    """The link was genuine, and its time is over."""


class Link(NamedTuple):
    purpose: str
    ref: str


def form_token(state: State, client_id: str) -> str:
    """When it was made and a signature over that and the client, who is not named in it."""
    made = str(seconds(state.now()))
    return f"{made}.{_form_signature(state.settings.secret_keys[-1], made, client_id)}"


def form_token_is_good(state: State, token: str, client_id: str) -> bool:
    """Signed by us for this client within the last day."""
    made, _, signature = token.partition(".")
    given = signature.encode(errors="surrogatepass")
    # The newest key first: nearly every form was signed with it.
    for key in reversed(state.settings.secret_keys):
        if hmac.compare_digest(_form_signature(key, made, client_id).encode(), given):
            return seconds(state.now()) < int(made) + _FORM_SECONDS
    return False


def _form_signature(key: str, made: str, client_id: str) -> str:
    # A page of times makes one and a request checks one: the library's signer costs ten times as much.
    signed = f"portal-form.{made}.{client_id}".encode(errors="surrogatepass")
    return hmac.digest(key.encode(), signed, "sha256").hex()


def guest_ids(state: State, mailbox: str) -> list[str]:
    """A client's ids for who has no account, the newest key's first: the same for the same mailbox, so that the
    practice's rules hold.
    """
    return [OWN_ID + _fingerprint(key, "guest", mailbox) for key in reversed(state.settings.secret_keys)]


def fingerprint(state: State, purpose: str, text: str) -> str:
    """32 hexadecimal digits that stand for a text, and tell nothing of it to who has not the key."""
    return _fingerprint(state.settings.secret_keys[-1], purpose, text)


def _fingerprint(key: str, purpose: str, text: str) -> str:
    return hmac.digest(key.encode(), f"portal-{purpose}.{text}".encode(), "sha256").hex()[:32]


def link_token(state: State, purpose: str, ref: str) -> str:
    """`ref` is an appointment's, a draft's, or the thread's of a guest's appointments."""
    return _link_signer(state).dumps([purpose, ref, seconds(state.now())])


def read_link(state: State, token: str) -> Link | None:
    """What a link is for; None for a forged or mangled one. Raises LinkExpired for one to ask anew after 90 days."""
    try:
        purpose, ref, made = _link_signer(state).loads(token)
    except (BadData, ValueError, TypeError):
        return None
    if purpose == AGAIN and made + LINK_LIFE.total_seconds() <= seconds(state.now()):
        raise LinkExpired
    return Link(purpose, ref)


def _link_signer(state: State) -> URLSafeSerializer:
    # The second way is itsdangerous' own default, with SHA-1, in which links of earlier releases were signed.
    return URLSafeSerializer(
        list(state.settings.secret_keys),
        salt="portal-link",
        signer_kwargs={"digest_method": sha256, "key_derivation": "hmac"},
        fallback_signers=[{"key_derivation": "django-concat"}],
    )
