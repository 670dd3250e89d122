"""The site that a crowd visits: anybody may sign in, and some are staff. Beside it the floor, on the same terms."""

import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from portal_plugin import Client, Portal, Staff

from .floor import Floor
from .seed import NOW

SECRET = "one key in every process, 32 bytes."  # noqa: S105 - measured, not kept


@dataclass(frozen=True)
class Place:
    """What every process of the site is told, by its environment. `began` is where the clocks start from NOW, in
    seconds since 1970: limits and expiries pass as in life.
    """

    database: str
    mail_port: int
    began: float

    def environment(self) -> dict[str, str]:
        told = {"SITE_DATABASE": self.database, "SITE_MAIL_PORT": str(self.mail_port), "SITE_BEGAN": str(self.began)}
        return os.environ | told

    @classmethod
    def from_environment(cls) -> "Place":
        asked = os.environ
        return cls(asked["SITE_DATABASE"], int(asked["SITE_MAIL_PORT"]), float(asked["SITE_BEGAN"]))


def create_app(place: Place | None = None) -> Flask:
    """What gunicorn serves and the worker works for."""
    place = place or Place.from_environment()
    app = Flask("host")
    app.config.update(
        SECRET_KEY=SECRET,
        PORTAL_DATABASE_URL=place.database,
        PORTAL_BASE_URL="https://www.elmrow.example",
        PORTAL_SIGN_IN="sign_in",
        PORTAL_CLOCK=lambda: NOW + timedelta(seconds=time.time() - place.began),
        # Counted all the same: a few of the crowd stand for many.
        PORTAL_LIMITS={"client_forms": "1000000/hour", "network_forms": "1000000/hour"},
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=place.mail_port,
        MAIL_DEFAULT_SENDER=("Elm Row Practice", "desk@elmrow.example"),
    )
    # The crowd says where each of them sits, as a proxy would.
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    app.add_url_rule("/sign-in", "sign_in", lambda: "Please sign in")
    portal = Portal(app)
    app.extensions["crowded"] = portal

    @portal.current_client
    def signed_in() -> Client | None:
        who = session.get("who")
        return Client(who, f"Client {who}", f"{who}@example.org") if who else None

    @portal.current_staff
    def on_duty() -> Staff | None:
        who = session.get("staff")
        return Staff(who, f"Staff {who}") if who else None

    return app


def create_floor() -> Flask:
    """The floor, for the same gunicorn."""
    return Floor(Path(Place.from_environment().database.removeprefix("sqlite:///"))).app


def cookie(**session_values: str) -> str:
    """Of somebody who has signed in before."""
    app = Flask("host")
    app.secret_key = SECRET
    signer = cast(Any, SecureCookieSessionInterface().get_signing_serializer(app))
    return f"session={signer.dumps(session_values)}"
