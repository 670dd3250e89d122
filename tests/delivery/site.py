"""The site that worker processes serve: `flask --app tests.delivery.site:create_app portal worker`."""

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask

from portal_plugin.testing import Clock
from tests.support import MONDAY, make_host


def by_twilio(api: str) -> dict[str, Any]:
    """Settings for an account that a server at `api` plays."""
    account = {"account_sid": "AC1", "auth_token": "token", "from": "+12125550100", "api": api}
    return {"PORTAL_SMS": "twilio", "PORTAL_TWILIO": account}


def create_app() -> Flask:
    twilio = os.environ.get("DELIVERY_TWILIO")
    host = make_host(
        os.environ["DELIVERY_DATABASE_URL"],
        Path(os.environ["DELIVERY_FOLDER"]),
        Clock(MONDAY),
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=int(os.environ["DELIVERY_PORT"]),
        PORTAL_PRIVATE_ADDRESSES=True,
        PORTAL_STAFF_MAIL=json.loads(os.environ.get("DELIVERY_STAFF_MAIL", "[]")),
        **by_twilio(twilio) if twilio else {},
    )
    return host.app
