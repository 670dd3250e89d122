"""Who calls, what their key may do, and how often."""

from flask import g, request

from ...domain.limits import Limit
from ...services.limits import ask
from ...services.state import State
from ...storage.api_keys import ApiKey, Scope, recognise
from ..limits import TooMany, refuse_guess
from .problems import Problem


def authorised(state: State, scope: Scope) -> ApiKey:
    """The caller's key. Raises Problem without a good one, for one without the scope, and for one that is too quick."""
    given = request.authorization
    text = given.token if given is not None and given.type == "bearer" else None
    key = recognise(state.db, text, state.now()) if text else None
    if key is None:
        raise _unknown(state, text)
    g.portal_allowance = allowance = ask(state, {Limit.API_CALLS: key.id})
    if allowance is not None and not allowance.granted:
        raise Problem(429, "too_many_requests", f"This key may call again in {allowance.resets} seconds.")
    if scope not in key.scopes:
        raise Problem(
            403,
            "insufficient_scope",
            f"This key lacks the scope {scope}.",
            headers=[("WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{scope}"')],
        )
    return key


def _unknown(state: State, text: str | None) -> Problem:
    """Who shares an address with a caller whose key is wrong is let in all the same: only wrong ones are counted."""
    try:
        if text:
            refuse_guess(state, Limit.WRONG_KEYS)
    except TooMany as refused:
        told = f"Too many wrong keys came from this address. Another wrong one may be tried in {refused.wait} seconds."
        return Problem(429, "too_many_requests", told)
    return Problem(
        401,
        "unauthorized",
        "Send a key that was not revoked, as Authorization: Bearer portal_…",
        headers=[("WWW-Authenticate", "Bearer")],
    )
