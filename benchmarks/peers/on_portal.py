"""The portal's half, as a site for gunicorn: who asks stands in a header. The database's path is in PEER_DATABASE."""

import os
from datetime import UTC, datetime

from flask import Flask, request

from portal_plugin import Client, Portal

SECRET = "a secret for measuring, 32 bytes."  # noqa: S105 - measured, not kept

application = Flask("peer")
application.config.update(
    SECRET_KEY=SECRET,
    PORTAL_DATABASE_URL=f"sqlite:///{os.environ['PEER_DATABASE']}",
    PORTAL_BASE_URL="http://localhost",
    PORTAL_SIGN_IN="sign_in",
    PORTAL_CLOCK=lambda: datetime.now(UTC),
)
portal = Portal(application)


@portal.current_client
def who() -> Client:
    return Client(request.headers.get("X-Client", "client-0"), "Maya Lindqvist", "maya@example.org")
