"""What tests share: a host site, its people, and a form filled in."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, redirect, request, session
from flask.testing import FlaskClient
from limits import parse

from portal_plugin import Appointment, Client, Portal, Staff
from portal_plugin.domain.limits import Limit
from portal_plugin.practice_file import from_dict
from portal_plugin.services.practices import apply_practice
from portal_plugin.services.state import State
from portal_plugin.storage.database import Database, is_postgres
from portal_plugin.testing import Clock, Mail

MONDAY = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)
"""Where the clock stands when a test begins: Monday, 7:00 in New York."""

TUESDAY_TEN = datetime(2026, 12, 8, 15, 0, tzinfo=UTC)
"""A time that Ada (and Ben) can give: Tuesday, 10:00 in New York."""

PEOPLE = {
    "maya": Client("maya", "Maya Lindqvist", "maya@example.org", "+1 212 555 0187"),
    "theo": Client("theo", "Theo Brandt", "theo@example.org"),
}

STAFF = {"rosa": Staff("rosa", "Rosa Delgado")}


def require(what: str, found: bool, how: str) -> None:
    """Skip loudly where a real part is missing, and fail where the run demands it."""
    if not found:
        message = f"no {what} found: {how}"
        if what in os.environ.get("PORTAL_TEST_REQUIRE", "").split(","):
            pytest.fail(message)
        pytest.skip(message)


def on_server(server: str, database: str) -> str:
    """The server's address with a database name in it."""
    head, _, query = server.partition("?")
    return f"{head.rstrip('/')}/{database}" + (f"?{query}" if query else "")


def execute(server: str, *statements: str) -> None:
    with psycopg.connect(on_server(server, "postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def without_guards(db: Database) -> Iterator[None]:
    """History, seals and ledger can be changed inside the block, by whoever owns the database."""
    if is_postgres(db):
        before = [f"ALTER TABLE portal_{table} DISABLE TRIGGER USER" for table in ("history", "seal", "consent")]
        after = [statement.replace("DISABLE", "ENABLE") for statement in before]
    else:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'portal_%_kept_%'"
        guards = db.execute_sql(query).fetchall()
        before, after = [f"DROP TRIGGER {name}" for name, _ in guards], [sql for _, sql in guards]
    for statement in before:
        db.execute_sql(statement)
    try:
        yield
    finally:
        for statement in after:
            db.execute_sql(statement)


@dataclass
class Host:
    """A small site that embeds the portal, as a host developer would write it."""

    app: Flask
    portal: Portal
    clock: Clock
    mailbox: list[Mail] = field(default_factory=list)

    @property
    def state(self) -> State:
        state: State = self.app.extensions["portal"]
        return state

    def browser(self, who: str | None = "maya") -> FlaskClient:
        """A test client, signed in."""
        client = self.app.test_client()
        if who:
            client.get("/sign-in", query_string={"as": who})
        return client

    def apply(self, data: dict[str, Any]) -> None:
        apply_practice(self.state.db, from_dict(data), self.clock())

    def limit(self, **rates: str | None) -> None:
        """Change limits of a site that runs, each by its name in PORTAL_LIMITS."""
        changed = {Limit[name.upper()]: parse(rate) if rate else None for name, rate in rates.items()}
        self.state.settings = replace(self.state.settings, limits={**self.state.settings.limits, **changed})

    def request(self, who: str = "maya", starts: datetime = TUESDAY_TEN, **choices: Any) -> Appointment:
        """Ask for a time through the public API, by default a visit with Ada at Main Street."""
        chosen = {"type": "visit", "contact": "in-person", "location": "main"} | choices
        with self.app.app_context():
            return self.portal.request(PEOPLE[who], starts=starts, **chosen)

    def deliver(self) -> list[Mail]:
        """Run the worker once; the mails it sent."""
        before = len(self.mailbox)
        with self.app.app_context():
            self.portal.deliver()
        return self.mailbox[before:]


def make_host(database_url: str, folder: Path, clock: Clock, **settings: Any) -> Host:
    """A host app over a migrated database, without a practice."""
    app = Flask("host", instance_path=str(folder))
    app.config.update(
        {
            "SECRET_KEY": "test key, thirty-two characters.",
            "TESTING": True,
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_BASE_URL": "https://www.elmrow.example",
            "PORTAL_SIGN_IN": "sign_in",
            "PORTAL_CLOCK": clock,
            "MAIL_SUPPRESS_SEND": True,
            "MAIL_DEFAULT_SENDER": ("Elm Row Practice", "desk@elmrow.example"),
        }
        | settings
    )

    @app.get("/sign-in")
    def sign_in() -> Any:
        if who := request.args.get("as"):
            session["who"] = who
            return redirect("/")
        return "Please sign in"

    portal = Portal(app)

    @portal.current_client
    def signed_in() -> Client | None:
        return PEOPLE.get(session.get("who", ""))

    @portal.current_staff
    def on_duty() -> Staff | None:
        return STAFF.get(session.get("who", ""))

    return Host(app, portal, clock)


STEP_2 = "/portal/appointments/book/time?type=visit&contact=in-person&location=main"


def filled_form(page: str, **values: str) -> dict[str, str]:
    """The hidden fields of step 2 as rendered, with `values` typed in."""
    hidden = re.findall(r'<input[^>]*type="hidden"[^>]*>', page)
    fields = {}
    for tag in hidden:
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name[1]] = value[1] if value else ""
    return fields | values


def offered_times(page: str) -> list[str]:
    """The values of step 2's time choices."""
    return re.findall(r'name="starts" value="([^"]+)"', page)
