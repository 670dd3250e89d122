"""A live host site for the browser: its own page around the portal, and a policy that allows nothing inline."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response
from jinja2 import DictLoader
from werkzeug.serving import WSGIRequestHandler, make_server

from portal_plugin import Appointment, Portal
from portal_plugin.testing import Clock, mailbox
from portal_plugin.web.headers import PAGE
from tests.support import Host, make_host

BASE = """
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{% block title %}{% endblock %} · Elm Row Practice</title>
    <link rel="stylesheet" href="/host.css">
  </head>
  <body>
    <header id="host-header"><a href="/">Elm Row Practice</a></header>
    <main>{% block content %}{% endblock %}</main>
  </body>
</html>
"""
STRICT = f"{PAGE}; form-action 'self'; frame-ancestors 'none'"
"""The strictest policy that the portal works under, as docs/embedding.md tells it."""
STYLE = """
:root { color-scheme: light dark; background: light-dark(#f6f8f8, #0e1518); }
body { margin: 0; font-family: system-ui, sans-serif; }
#host-header { padding: 1rem; border-bottom: 1px solid light-dark(#cfd8dc, #3a4a52); }
"""


@dataclass
class Site:
    address: str
    host: Host

    @property
    def portal(self) -> Portal:
        return self.host.portal

    def decide(self, decision: str, ref: str, **words: str) -> None:
        """What the practice decides, through the public API: `decide("confirm", ref)`."""
        with self.host.app.app_context():
            getattr(self.portal, decision)(ref, **words)

    def appointments(self) -> list[Appointment]:
        with self.host.app.app_context():
            return list(self.portal.appointments())

    def count(self, table: str) -> int:
        return int(next(iter(self.host.state.db.execute_sql(f"SELECT count(*) FROM portal_{table}")))[0])


class Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Hundreds of lines that nobody reads."""


@contextmanager
def served(database_url: str, folder: Path, clock: Clock, *, policy: str = STRICT, **settings: Any) -> Iterator[Site]:
    """The site on a port of its own until the block ends; with an empty `policy` it says none itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        defaults = {"PORTAL_BASE_URL": address, "PORTAL_BASE_TEMPLATE": "host.html"}
        host = make_host(database_url, folder, clock, **(defaults | settings))
        _furnish(host.app, policy)
        server = make_server("127.0.0.1", port, host.app, threaded=True, fd=listening.fileno(), request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with mailbox(host.app) as host.mailbox:
                yield Site(address, host)
        finally:
            server.shutdown()
            thread.join()
            host.state.db.close_all()


def _furnish(app: Flask, policy: str) -> None:
    app.jinja_loader = DictLoader({"host.html": BASE})
    app.add_url_rule("/", "home", lambda: "Welcome")
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    app.add_url_rule("/host.css", "style", lambda: Response(STYLE, mimetype="text/css"))

    @app.after_request
    def allow_as_little_as_can_be(response: Response) -> Response:
        if policy:
            response.headers["Content-Security-Policy"] = policy
        return response
