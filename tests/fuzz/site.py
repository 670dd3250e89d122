"""A site with something of everything, which can be put back to what it was, and all the ways into it."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException, Rule

from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.domain.waitlist import Preferences
from portal_plugin.services import waitlist
from portal_plugin.services.tokens import AGAIN, GUEST, VERIFY, link_token
from portal_plugin.storage import feeds
from portal_plugin.storage.database import is_postgres
from portal_plugin.testing import make_appointment
from tests.api.support import make_key
from tests.fuzz.forms import FormReader, PageForm
from tests.support import MONDAY, PEOPLE, STEP_2, Host
from tests.web.pages import BOOK
from tests.web.visiting import YOU, became_guest, introduction, open_practice

REMINDERS = "/portal/appointments/reminders"

WHO = ("maya", "theo", "rosa", None)
"""Two clients, staff, and nobody."""

FINDERS = ("maya", "rosa", None)

MOST_ALIKE = 9
"""Pages of one route that one person looks at, to find the forms."""


class Way(NamedTuple):
    """A form, and who found it on the page at which address."""

    who: str | None
    page: str
    form: PageForm


class Site:
    """The host, furnished. `refs` are of appointments in every status, `ways` all forms, `pages` all addresses that
    answer GET, filled in.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.browsers: dict[str | None, FlaskClient] = {}
        self._furnish()
        self._keep()
        self.tables = sorted(self._tables())
        self.acting = [rule.rule for rule in self.rules() if "POST" in rule.methods]
        self.links: list[str] = []
        """Addresses with a query, as the pages name them."""
        at = [address for rule in self.rules() if "GET" in rule.methods for address in self._at(rule)]
        self.pages = list(dict.fromkeys(at))
        self.ways = self._find_forms()
        self.stranger = host.app.test_client(use_cookies=False)
        """Sends the cookies it is told to send."""
        self.cookies = {who: self._cookie(who) for who in WHO}
        self.put_back()

    def _furnish(self) -> None:
        host, app = self.host, self.host.app
        host.apply(open_practice(waitlist_hours=24))
        maya, theo = PEOPLE["maya"], PEOPLE["theo"]
        day = MONDAY + timedelta(days=2, hours=2)
        standing = [
            *(("requested", maya), ("invited", maya), ("confirmed", maya)),
            *(("requested", theo), ("declined", maya), ("cancelled", maya)),
        ]
        made = [
            make_appointment(
                app, status, client=client, provider="ada", starts=day + timedelta(days=n // 2, hours=n % 2)
            )
            for n, (status, client) in enumerate(standing)
        ]
        # Over, and nobody has said yet how it was.
        self.host.clock.advance(-timedelta(days=3))
        then = MONDAY - timedelta(days=3, hours=-2)
        made.insert(0, make_appointment(app, "confirmed", client=maya, starts=then, provider="ada"))
        self.host.clock.advance(timedelta(days=3))
        made += [make_appointment(app, status, client=maya) for status in ("completed", "no_show", "expired")]
        host.deliver()
        visitor, page = became_guest(host, "2026-12-08T19:00:00Z")
        other = introduction(visitor, "2026-12-08T20:00:00Z", email="omar@example.org")
        assert visitor.post(YOU, data=other).status_code == 200
        with app.app_context():
            db, practice = host.state.db, host.portal.practice()
            self.wish = practice.wish("visit", "in-person", "ada", "main")
            day_off = Preferences(MONDAY.date(), MONDAY.date(), frozenset(), frozenset())
            waiting = waitlist.join(host.state, practice, self.wish, maya, day_off, Actor(ActorKind.CLIENT, "maya"))
            for kind, owner in _FEEDS:
                feeds.renew(db, kind, owner, MONDAY)
            secrets = [known.secret for kind, owner in _FEEDS if (known := feeds.of(db, kind, owner))]
            [draft] = db.execute_sql("SELECT ref FROM portal_guest_request WHERE appointment IS NULL").fetchone()
            [key] = db.execute_sql("SELECT message_id FROM portal_outbox LIMIT 1").fetchone()
        host.deliver()
        self.key = make_key(host)
        self.refs = [one.ref for one in made] + [page.split("/")[-2], waiting.ref]
        again = [link_token(host.state, AGAIN, ref) for ref in self.refs[:5]]
        verify = link_token(host.state, VERIFY, draft)
        self.arguments: dict[str, list[str]] = {
            "ref": self.refs,
            "guest": [page.split("/")[3]],
            "token": [*again, verify, link_token(host.state, GUEST, self.refs[0])],
            "secret": secrets,
            "key": [key],
            "filename": ["portal.css"],
        }

    def browser(self, who: str | None) -> FlaskClient:
        if who not in self.browsers:
            self.browsers[who] = self.host.browser(who)
        return self.browsers[who]

    def _cookie(self, who: str | None) -> str:
        kept = self.browser(who).get_cookie("session")
        return f"session={kept.value}" if kept else ""

    # Its addresses.

    def rules(self) -> Iterator[Rule]:
        for rule in self.host.app.url_map.iter_rules():
            if rule.endpoint.startswith(("portal.", "portal_")):
                yield rule

    def _at(self, rule: Rule) -> Iterator[str]:
        """The address with each value that can stand in it. A new kind of argument needs a source in `arguments`."""
        names = sorted(rule.arguments)
        values: list[dict[str, str]] = [{}]
        for name in names:
            values = [known | {name: value} for known in values for value in self.arguments[name]]
        for chosen in values:
            yield re.sub(r"<(?:[^:>]*:)?([^>]*)>", lambda part, chosen=chosen: chosen[part[1]], rule.rule)

    def _find_forms(self) -> list[Way]:
        """Those of all pages that somebody comes to by links, or by an address of `pages`."""
        found: dict[Any, Way] = {}
        for who in FINDERS:
            waiting = [STEP_2, *self.pages]
            looked_at: Counter[str] = Counter()
            seen: set[str] = set()
            while waiting:
                page = waiting.pop(0)
                rule = self.rule(page, "get")
                if rule is None or page in seen or looked_at[rule.rule] >= MOST_ALIKE:
                    continue
                seen.add(page)
                looked_at[rule.rule] += 1
                answer = self.browser(who).get(page)
                if answer.status_code != 200 or answer.mimetype != "text/html":
                    continue
                reader = FormReader(answer.text)
                waiting += reader.links
                self.links += (link for link in reader.links if link.startswith("/portal") and "?" in link)
                for form in reader.forms:
                    form.action = form.action or page
                    if form.method == "get":
                        waiting.append(with_query(form.action, form.fields))
                    if leads_to := self.rule(form.action, form.method):
                        found.setdefault((who, form.method, leads_to.rule, form.shape), Way(who, page, form))
        return [*found.values(), *(way._replace(form=replace(way.form, action=other)) for way, other in _unseen(found))]

    def rule(self, path: str, method: str) -> Rule | None:
        """The portal's route for an address; None where it has none."""
        adapter = self.host.app.url_map.bind("localhost")
        try:
            rule, _ = adapter.match(path.partition("?")[0], method=method.upper(), return_rule=True)
        except (HTTPException, RoutingException):
            return None
        return rule if rule.endpoint.startswith(("portal.", "portal_")) else None

    # What is stored.

    def _tables(self) -> list[str]:
        db = self.host.state.db
        return [name for name in db.get_tables() if name.startswith("portal_") and name != "portal_migration"]

    def _keep(self) -> None:
        db = self.host.state.db
        if is_postgres(db):
            db.execute_sql("CREATE SCHEMA kept")
            for name in self._tables():
                db.execute_sql(f"CREATE TABLE kept.{name} AS TABLE {name}")
            return
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        db.connection().backup(self._kept)

    def put_back(self) -> None:
        """Whatever was done since, undone, past all guards."""
        db = self.host.state.db
        if not is_postgres(db):
            self._kept.backup(db.connection())
            return
        script = ["SET LOCAL session_replication_role = replica"]
        for name in self.tables:
            script += [f"DELETE FROM {name}", f"INSERT INTO {name} SELECT * FROM kept.{name}"]
        with db.atomic():
            db.execute_sql("; ".join(script))

    def query(self, sql: str) -> Sequence[Any]:
        return list(self.host.state.db.execute_sql(sql).fetchall())


_FEEDS = ((feeds.Kind.CLIENT, "maya"), (feeds.Kind.PROVIDER, "ada"))


def with_query(path: str, fields: Sequence[tuple[str, str]]) -> str:
    return f"{path.partition('?')[0]}?{urlencode(fields)}"


def _unseen(found: dict[Any, Way]) -> Iterator[tuple[Way, str]]:
    """Forms that no page shows beside those: the script's own, and the one that ends what was agreed to."""
    for way in found.values():
        if way.who and way.form.method == "post" and way.form.action in {BOOK, REMINDERS}:
            yield way, f"{way.form.action}/{'hold' if way.form.action == BOOK else 'off'}"
