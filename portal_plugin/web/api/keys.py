"""Who calls, what their key may do, and how often."""

from flask import g, request
from werkzeug.wrappers import Response

from ...services.state import State
from ...storage.api_keys import ApiKey, Scope, recognise
from .. import limits
from .problems import Problem


def authorised(state: State, scope: Scope) -> ApiKey:
    """The caller's key. Raises Problem without a good one, for one without the scope, and for one that is too quick."""
    given = request.authorization
    text = given.token if given is not None and given.type == "bearer" else None
    key = recognise(state.db, text, state.now()) if text else None
    if key is None:
        raise Problem(
            401,
            "unauthorized",
            "Send a key that was not revoked, as Authorization: Bearer portal_…",
            headers=[("WWW-Authenticate", "Bearer")],
        )
    g.portal_allowance = allowance = limits.ask(state, state.settings.api_rate, "api", key.id)
    if not allowance.granted:
        raise Problem(429, "too_many_requests", f"This key may call again in {allowance.resets} seconds.")
    if scope not in key.scopes:
        raise Problem(
            403,
            "insufficient_scope",
            f"This key lacks the scope {scope}.",
            headers=[("WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{scope}"')],
        )
    return key


def tell_allowance(response: Response) -> Response:
    allowance = g.pop("portal_allowance", None)
    if allowance is not None:
        for name, value in allowance.headers():
            response.headers[name] = value
    return response
