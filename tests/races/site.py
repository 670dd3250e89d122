"""A host site for several server processes. Anybody may sign in, and the host takes its time to answer."""

import os
import time

from flask import Flask, redirect, request, session
from flask.typing import ResponseReturnValue
from limits.storage import MemoryStorage
from werkzeug.wrappers import Response

from portal_plugin import Client, Portal, Proposal
from portal_plugin.storage.limits import Windows
from tests.support import MONDAY

PAUSE = 0.05
"""Seconds the host's veto thinks, as one that asks another machine does. A request has passed the check for free
times by then and has not taken its claim: the window in which it can lose."""


def create_app(database_url: str) -> Flask:
    app = Flask("races")
    app.config.update(
        SECRET_KEY="one key in every process, please.",
        PORTAL_DATABASE_URL=database_url,
        PORTAL_BASE_URL="http://127.0.0.1",
        PORTAL_SIGN_IN="sign_in",
        PORTAL_CLOCK=lambda: MONDAY,
        MAIL_SUPPRESS_SEND=True,
        MAIL_DEFAULT_SENDER="desk@elmrow.example",
    )

    @app.get("/sign-in")
    def sign_in() -> ResponseReturnValue:
        session["who"] = request.args["as"]
        return redirect("/")

    @app.after_request
    def name_process(response: Response) -> Response:
        response.headers["X-Process"] = str(os.getpid())
        return response

    portal = Portal(app)
    app.extensions["races"] = portal

    @portal.current_client
    def signed_in() -> Client | None:
        who = session.get("who")
        return Client(who, f"Client {who}", f"{who}@example.org") if who else None

    @portal.veto_request
    def think(_: Proposal) -> None:
        time.sleep(PAUSE)

    return app


def from_environment() -> Flask:
    """What the servers run: `gunicorn "tests.races.site:from_environment()"`."""
    app = create_app(os.environ["RACES_DATABASE_URL"])
    if os.environ.get("RACES_COUNT") == "alone":
        app.extensions["portal"].windows = Windows(MemoryStorage())
    return app
