"""What every answer says about itself: who may keep it, put it into a frame, run something in it."""

from flask import Flask, current_app, request
from werkzeug.wrappers import Response

from .shipped import shipped

OURS = frozenset({"portal", "portal_api", "portal_gateway", "portal_monitoring"})
"""The portal's blueprints."""
PAGE = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'"
"""All that the portal's own pages need. No `form-action`: a form that is sent after a session has ended may be led on
to a sign-in on another host.
"""
NO_PAGE = "default-src 'none'"

_FRAME = str(shipped("templates") / "portal" / "base.html")
_WHOLE_PAGE = "portal_plugin.whole_page"


def mark_whole_page() -> None:
    """This request is answered with a page of ours, and not with one of the host's error pages."""
    request.environ[_WHOLE_PAGE] = True


def protect_ours(_: Flask, response: Response, **__: object) -> None:
    """For Flask's signal `request_finished`: it comes after the site's own `after_request` functions, so whatever they
    set is known here, and stands.
    """
    if request.blueprint in OURS:
        protect(response)


def protect(response: Response) -> None:
    headers = response.headers
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    theirs = headers.getlist("Content-Security-Policy")
    ours = [] if theirs else _needed(response)
    if "X-Frame-Options" not in headers and not any(map(_speaks_of_frames, theirs)):
        ancestors = current_app.extensions["portal"].settings.framing
        ours.append(f"frame-ancestors {ancestors}")
        if old := {"'none'": "DENY", "'self'": "SAMEORIGIN"}.get(ancestors):
            headers["X-Frame-Options"] = old
    if ours:
        # A second header beside one of the site's: browsers obey both.
        headers.add("Content-Security-Policy", "; ".join(ours))


def _needed(response: Response) -> list[str]:
    """Nothing for a page that stands in the site's own frame, whose needs are not ours to know."""
    if response.mimetype != "text/html":
        return [NO_PAGE]
    return [PAGE] if request.environ.get(_WHOLE_PAGE) and _frame_is_ours() else []


def _frame_is_ours() -> bool:
    """Not where the site names a base template, nor where it has one at the same path as ours."""
    base = current_app.extensions["portal"].settings.base_template
    return current_app.jinja_env.get_template(base).filename == _FRAME


def _speaks_of_frames(policy: str) -> bool:
    return any(part.split()[:1] == ["frame-ancestors"] for part in policy.lower().replace(",", ";").split(";"))
