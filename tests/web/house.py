"""A site with everything on: clients, a stranger, a guest, staff, keys, a feed, a gateway and a monitor; and all that
its database holds.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import session
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from portal_plugin import Client
from portal_plugin.domain.limits import Limit
from portal_plugin.services.tokens import GUEST, link_token
from portal_plugin.storage.api_keys import Scope
from portal_plugin.testing import Clock, Texts, mailbox
from tests.api.support import make_key
from tests.practices import practice
from tests.services.line import TUESDAY, join
from tests.support import PEOPLE, TUESDAY_TEN, Host, make_host
from tests.web.addresses import ADDRESSES, For, Row
from tests.web.desk import act, invited
from tests.web.pages import again_link, open_page
from tests.web.texter import TOKEN, TWILIO
from tests.web.visiting import ask, became_guest, guest_page_in, link_in, with_new_clients

MISSING = "0" * 32
PRACTICE = with_new_clients(practice(waitlist_hours=24, hold_minutes=10), questions=False)
MONITOR = "a-token-of-the-monitor"
DAY = timedelta(days=1)
STRANGER = Client("zoe", "Zoe Marsh", "zoe@example.org")
"""Signed in, and without an appointment."""
EVERYBODY = PEOPLE | {"zoe": STRANGER}


@dataclass
class House:
    """`names` has a value for each place of an address, such as `<ref>`."""

    host: Host
    names: dict[str, str]
    keys: dict[Scope, str]
    guests: list[str]
    foreign: list[str]
    erased: str
    dead_link: str
    draft: str
    _browsers: dict[str | None, FlaskClient] = field(default_factory=dict)

    def browser(self, who: str | None) -> FlaskClient:
        if who not in self._browsers:
            self._browsers[who] = self.host.browser(who)
        return self._browsers[who]

    def path(self, rule: str, **names: str) -> str:
        return re.sub(r"<(?:path:)?(\w+)>", lambda place: (self.names | names)[place[1]], rule)

    def right(self, row: Row, rule: str, method: str, **more: Any) -> TestResponse:
        """As the one whom the address is for."""
        return self.ask(row.audience, rule, method, scope=row.scope, **more)

    def ask(
        self,
        audience: For,
        rule: str,
        method: str,
        *,
        names: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        scope: Scope | None = None,
        **more: Any,
    ) -> TestResponse:
        sent, who = dict(headers or {}), WHO.get(audience)
        path = self.path(rule, **({"token": self.draft} if audience is For.DRAFT else {}) | (names or {}))
        if scope:
            sent["Authorization"] = f"Bearer {self.keys[scope]}"
        if audience is For.MONITOR:
            sent["Authorization"] = f"Bearer {MONITOR}"
        if audience is For.GATEWAY:
            url = f"https://www.elmrow.example{path}"
            sent["X-Twilio-Signature"] = RequestValidator(TOKEN).compute_signature(url, more.get("data") or {})
        query = QUERIES.get(rule.removeprefix("/portal"), {}) if method in {"GET", "HEAD"} else None
        return self.browser(who).open(path, method=method, headers=sent, query_string=query, **more)


WHO = {For.CLIENT: "maya", For.NEW_TOO: "maya", For.OWNER: "maya", For.LINKED: "maya", For.STAFF: "rosa"}
_ASKED = {"type": "visit", "contact": "in-person", "location": "main"}
QUERIES: dict[str, dict[str, str]] = {
    "/appointments/book/time": _ASKED,
    "/appointments/waitlist": _ASKED,
    "/api/v1/slots": _ASKED,
    "/api/v1/slots/explain": _ASKED | {"starts": "2026-12-08T15:00:00Z"},
}
"""Without these there is nothing to show."""


@contextmanager
def open_house(url: str, folder: Path, clock: Clock, **settings: Any) -> Iterator[House]:
    lifted = dict.fromkeys(limit.key for limit in Limit)
    given = {"PORTAL_TWILIO": TWILIO, "PORTAL_SMS": Texts(), "PORTAL_METRICS_TOKEN": MONITOR, "PORTAL_LIMITS": lifted}
    given |= settings
    host = make_host(url, folder, clock, **given)
    host.portal.current_client(lambda: EVERYBODY.get(session.get("who", "")))
    host.apply(PRACTICE)
    with mailbox(host.app) as host.mailbox:
        yield _furnished(host)
    host.state.db.close_all()


def _furnished(host: Host) -> House:
    mine = host.request("maya", TUESDAY_TEN + 13 * DAY)
    act(host, "confirm", mine.ref)
    guests, guest_pages = [], []
    host.deliver()
    for starts in ("2026-12-09T15:00:00Z", "2026-12-10T15:00:00Z"):
        _, step_3 = became_guest(host, starts, email=f"nina{starts[9]}@example.org")
        guests.append(step_3.split("/")[-2])
        guest_pages.append(guest_page_in(host.deliver()[0]))
    theirs = [host.request("theo", TUESDAY_TEN + hours * timedelta(hours=1)) for hours in (1, 4)]
    act(host, "confirm", theirs[1].ref)
    act(host, "confirm", guests[0])
    foreign = [*(one.ref for one in theirs), invited(host, "theo", TUESDAY_TEN + 6 * DAY).ref]
    join(host, "maya", TUESDAY)
    maya = host.browser("maya")
    page = "/portal/appointments/calendar"
    maya.post(page, data=open_page(maya, page).forms[page][0])
    [feed] = re.findall(r"/portal/calendar/([^/]+)\.ics", maya.get(page).text)[:1]
    gone = act(host, "request", Client("olga", "Olga Sand", "olga@example.org"), starts=TUESDAY_TEN + 7 * DAY, **_ASKED)
    act(host, "erase_client", "olga", cancel=True)
    dead_link = link_token(host.state, GUEST, gone.ref)
    host.deliver()
    ask(host.browser(None), "2026-12-11T15:00:00Z", email="olaf@example.org")
    draft = link_in(host.deliver()[-1]).rpartition("/")[2]
    names = {
        "ref": mine.ref,
        "guest": guest_pages[0].split("/")[3],
        "secret": feed,
        "token": again_link(host, mine.ref).rpartition("/")[2],
        "key": "sms-key",
        "filename": "portal.css",
    }
    keys = {scope: make_key(host, scope) for scope in Scope}
    return House(host, names, keys, guests, foreign, gone.ref, dead_link, draft)


def every_row(host: Host) -> dict[str, list[str]]:
    """Of every table there is, but for the one that counts calls of the API."""
    db = host.state.db
    tables = [name for name in db.get_tables() if name.startswith("portal_") and name != "portal_rate"]
    return {name: sorted(map(repr, db.execute_sql(f"SELECT * FROM {name}").fetchall())) for name in tables}


def each(*audiences: For) -> list[tuple[str, str, str, Row]]:
    """Rule, endpoint, method and row of every address for these; by default of all."""
    return [
        (rule, endpoint, method, row)
        for (rule, endpoint), row in ADDRESSES.items()
        for method in row.methods.split()
        if row.audience in (audiences or For)
    ]
