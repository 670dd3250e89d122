"""The site that the example practice system talks to, by the clock on the wall: webhooks are signed with their time."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask

from portal_plugin.testing import Clock
from tests.support import MONDAY, Host, make_host


def wall_host(database_url: str, folder: Path, webhooks: list[dict[str, Any]]) -> Host:
    return make_host(
        database_url,
        folder,
        Clock(MONDAY),
        PORTAL_CLOCK=lambda: datetime.now(UTC),
        PORTAL_PRIVATE_ADDRESSES=True,
        PORTAL_WEBHOOKS=webhooks,
    )


def create_app() -> Flask:
    """What the processes run: `flask --app tests.api.site:create_app run`."""
    given = os.environ
    return wall_host(
        given["SYSTEM_DATABASE_URL"], Path(given["SYSTEM_FOLDER"]), json.loads(given["SYSTEM_WEBHOOKS"])
    ).app
