"""Reading an HTMX request and shaping its answer. No other file names an HX- header."""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, make_response, render_template, request
from htmx_flask import make_response as htmx_response
from htmx_flask.requests import HtmxAwareRequest, HtmxHeaders
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from .headers import mark_whole_page


def install(app: Flask) -> None:
    """Give requests their `htmx` attribute and leave the host's own Request class in place."""
    if not issubclass(app.request_class, HtmxAwareRequest):
        app.request_class = type("PortalRequest", (HtmxAwareRequest, app.request_class), {})


def _htmx() -> HtmxHeaders:
    # A host may have put its own Request class back after the portal came.
    own: HtmxHeaders | None = getattr(request, "htmx", None)
    return own or HtmxHeaders(request.headers)


def is_partial() -> bool:
    """Whether the panel alone is wanted. A restored history entry needs the whole page."""
    htmx = _htmx()
    return bool(htmx) and not htmx.history_restore_request and request.headers.get("HX-Request-Type") != "full"


def render_panel(
    name: str, title: str, status: int = 200, *, folder: str = "partials", page: str = "page.html", **context: Any
) -> Response:
    """The panel alone for HTMX, else the page around it."""
    partial = is_partial()
    panel = f"portal/{folder}/_{name}.html"
    template = panel if partial else f"portal/{page}"
    state = current_app.extensions["portal"]
    html = render_template(
        template, panel=panel, title=title, portal=state.settings, endpoint=request.endpoint, **context
    )
    response: Response = make_response(html, status)
    if not partial:
        mark_whole_page()
    if partial and status >= 400:
        # The address of a failed POST is none to come back to.
        keep_address(response)
    return response


_TOLD_APART_BY = "HX-Request, HX-Request-Type, HX-History-Restore-Request"
_INTO_PANEL = 'data-hx-target="#portal-panel" data-hx-swap="outerHTML" data-hx-push-url="true"'


def go(address: str) -> Markup:
    """A link's address and its HTMX twin: with JavaScript only the panel is fetched."""
    safe = escape(address)
    return Markup(f'href="{safe}" data-hx-get="{safe}" {_INTO_PANEL}')  # noqa: S704 - escaped


def asks(address: str) -> Markup:
    """The same for a form that changes nothing."""
    safe = escape(address)
    return Markup(f'method="get" action="{safe}" data-hx-get="{safe}" {_INTO_PANEL}')  # noqa: S704 - escaped


def sends(address: str) -> Markup:
    """The same for a form that posts."""
    safe = escape(address)
    return Markup(f'method="post" action="{safe}" data-hx-post="{safe}" {_INTO_PANEL}')  # noqa: S704 - escaped


def into_panel(response: Response) -> Response:
    """An answer that takes the place of the whole panel, whatever part of it asked."""
    response.headers["HX-Retarget"] = "#portal-panel"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def keep_address(response: Response) -> Response:
    """An answer to a form whose address is none to come back to."""
    response.headers["HX-Push-Url"] = "false"
    return response


def vary(response: Response) -> None:
    """One address answers with a page or with a panel: caches must tell them apart."""
    others = response.headers.get("Vary")
    response.headers["Vary"] = f"{others}, {_TOLD_APART_BY}" if others else _TOLD_APART_BY


def redirect_whole_page(address: str) -> Response | None:
    """An answer that makes HTMX leave the page, or None for a browser that follows redirects itself."""
    if not _htmx():
        return None
    response: Response = htmx_response("", 401, redirect=address)
    return response


def current_path() -> str:
    """The path the person is looking at, fit to come back to: of this site, with its query."""
    if _htmx():
        with suppress(ValueError):
            url = urlsplit(_htmx().current_url or "")
            # To a browser a path that begins with two slashes is another site.
            if re.match(r"/(?![/\\])", url.path) and url.netloc == request.host:
                return f"{url.path}?{url.query}" if url.query else url.path
    return asked_path()


def asked_path() -> str:
    """The path of this request, with its query."""
    return request.script_root + (request.full_path if request.query_string else request.path)
