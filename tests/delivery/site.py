"""The site that worker processes serve: `flask --app tests.delivery.site:create_app portal worker`."""

import json
import os
from pathlib import Path

from flask import Flask

from portal_plugin.testing import Clock
from tests.support import MONDAY, make_host


def create_app() -> Flask:
    host = make_host(
        os.environ["DELIVERY_DATABASE_URL"],
        Path(os.environ["DELIVERY_FOLDER"]),
        Clock(MONDAY),
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=int(os.environ["DELIVERY_PORT"]),
        PORTAL_PRIVATE_ADDRESSES=True,
        PORTAL_STAFF_MAIL=json.loads(os.environ.get("DELIVERY_STAFF_MAIL", "[]")),
    )
    return host.app
