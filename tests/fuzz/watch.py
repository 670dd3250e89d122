"""What is true after every request, whoever sent whatever."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

from werkzeug.test import TestResponse

from portal_plugin.domain.lifecycle import TRANSITIONS, Status
from portal_plugin.testing import Mail
from tests.fuzz.forms import FormReader
from tests.fuzz.hostile import MARK, SUM
from tests.fuzz.site import Site
from tests.services.agreement import disagreements
from tests.support import PEOPLE

ANSWERS = {200, 201, 204, 206, 302, 303, 304, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 416, 422, 429}

NEW = {"appointment", "claim", "outbox", "history"}
MAY_GROW: dict[str, set[str]] = {
    "request": NEW | {"consent"},
    "hold": {"claim"},
    "accept": {"outbox", "history"},
    "reschedule": NEW | {"consent"},
    "cancel": {"outbox", "history"},
    "subscribe": {"feed", "history"},
    "turn_on": {"consent", "history", "outbox"},
    "turn_off": {"consent", "history"},
    "wait": {"waitlist", "history", "outbox"},
    "leave": {"history"},
    "about_you": {"guest_request", "claim", "outbox"},
    "verify": NEW | {"intake", "consent"},
    "review_decide": {"outbox", "history"},
    "review_invite": NEW,
    "review_calendars": {"feed", "history"},
    "review_waitlist": {"history"},
    "review_appointment": {"outbox", "history"},
    "review_move": NEW,
    "portal_gateway.status": {"outbox", "history", "consent"},
    "portal_gateway.inbound": {"inbound_text", "consent", "history", "outbox"},
    **{f"portal_api.{name}": NEW | {"api_answer"} for name in ("request", "invite", "book", "reschedule")},
    **{
        f"portal_api.{name}": {"outbox", "history", "api_answer"}
        for name in ("confirm", "decline", "cancel", "accept", "withdraw", "complete", "no_show")
    },
}
"""The tables in which a call that was answered with yes may add rows. A new route has to say here which."""

BORN: dict[str, set[str]] = {
    "request": {"requested", "confirmed"},
    "reschedule": {"requested", "confirmed"},
    "verify": {"requested", "confirmed"},
    "review_invite": {"invited", "confirmed"},
    "review_move": {"confirmed"},
    "portal_api.request": {"requested", "confirmed"},
    "portal_api.invite": {"invited"},
    "portal_api.book": {"confirmed"},
    "portal_api.reschedule": {"confirmed"},
}
"""The statuses in which an appointment may begin, by the route that makes it."""

AUTOMATIC = "call"
"""The one type that confirms itself."""


class Row(NamedTuple):
    ref: str
    status: str
    version: int
    client_id: str
    type: str


class Stored(NamedTuple):
    counts: dict[str, int]
    rows: dict[str, Row]
    refusals: int


@dataclass
class Asked:
    """`shown` are texts that were typed into a form and must not be lost with it."""

    method: str
    path: str
    who: str | None
    shown: dict[str, str] = field(default_factory=dict)


class Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


class Watch:
    """`seen` counts the answers by route and status."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seen: Counter[tuple[str, int]] = Counter()
        self._known: Stored | None = None
        self._count = "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {name})" for name in site.tables)

    @property
    def requests(self) -> int:
        return self.seen.total()

    def begin(self) -> None:
        """With the site as it was furnished."""
        self.site.put_back()
        self._known = None

    def stored(self) -> Stored:
        site = self.site
        [counts] = site.query(self._count)
        rows = map(Row._make, site.query(f"SELECT {', '.join(Row._fields)} FROM portal_appointment"))
        [[refusals]] = site.query("SELECT COUNT(*) FROM portal_history WHERE result = 'refused'")
        names = (name.removeprefix("portal_") for name in site.tables)
        return Stored(dict(zip(names, counts, strict=True)), {row.ref: row for row in rows}, refusals)

    @contextmanager
    def over(self, asked: Asked) -> Iterator[list[TestResponse]]:
        """Whatever answer is put into the list is looked at, beside what is stored before and after."""
        before, answers = self._known or self.stored(), []
        with errors() as said:
            yield answers
        [answer] = answers
        rule = self.site.rule(asked.path, asked.method)
        endpoint = rule.endpoint.removeprefix("portal.") if rule else ""
        self.seen[endpoint, answer.status_code] += 1
        assert not said, said
        assert answer.status_code in ANSWERS, (answer.status_code, answer.text[:500])
        headers_are_ours(answer)
        body_is_well_formed(answer, endpoint)
        what_was_typed_is_still_there(answer, asked)
        self._known = self.stored()
        self._stored_what_it_said(asked, endpoint, answer, before, self._known)

    def over_the_worker(self) -> None:
        """What waits is delivered, and nothing that somebody typed has become a part of a mail."""
        with errors() as said:
            mails = self.site.host.deliver()
        assert not said, said
        assert self.site.query("SELECT topic, error FROM portal_outbox WHERE failed IS NOT NULL") == []
        for mail in mails:
            mail_is_ours(mail)

    def _stored_what_it_said(
        self, asked: Asked, endpoint: str, answer: TestResponse, before: Stored, after: Stored
    ) -> None:
        grown = {name for name, count in after.counts.items() if count > before.counts[name]} - {"rate"}
        refused = asked.method != "POST" or answer.status_code >= 400 or not endpoint
        if refused:
            assert after.rows == before.rows
            added = after.counts["history"] - before.counts["history"]
            assert added == after.refusals - before.refusals, "what was refused is no deed"
            assert grown <= {"history"}, grown
            return
        assert grown - {"history"} <= MAY_GROW[endpoint], (endpoint, grown)
        made = [row for ref, row in after.rows.items() if ref not in before.rows]
        changed = [(old, after.rows[ref]) for ref, old in before.rows.items() if after.rows[ref] != old]
        if "outbox" in grown and not (made or changed):
            assert endpoint in {"about_you", "turn_on", "portal_gateway.inbound", "portal_gateway.status"}, endpoint
        for row in made:
            _may_be_made(row, endpoint, asked, answer)
        assert len(made) <= 1 or endpoint == "review_invite"
        for old, new in changed:
            _may_change(old, new, endpoint, asked)
        if made or changed or "claim" in grown:
            wrong = disagreements(self.site.host)
            assert not wrong, wrong


@contextmanager
def errors() -> Iterator[list[str]]:
    """What is logged as an error inside the block."""
    handler = Errors()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.said
    finally:
        logging.getLogger().removeHandler(handler)


def _may_be_made(row: Row, endpoint: str, asked: Asked, answer: TestResponse) -> None:
    assert row.status in BORN[endpoint], (endpoint, row)
    if row.status == "confirmed" and endpoint in {"request", "reschedule", "verify", "portal_api.request"}:
        assert row.type == AUTOMATIC, row
    told = answer.json["ref"] if answer.status_code == 201 else answer.location or answer.text
    assert row.ref in told, (endpoint, row, answer.status)
    if endpoint in {"request", "reschedule"} and "/guest/" not in asked.path:
        assert row.client_id == asked.who, row
    elif endpoint == "verify" or "/guest/" in asked.path:
        assert row.client_id.startswith("guest-"), row


def _may_change(old: Row, new: Row, endpoint: str, asked: Asked) -> None:
    targets = {rule.target for (status, _), rule in TRANSITIONS.items() if status == old.status}
    assert Status(new.status) in targets | {old.status}, (old, new)
    assert (new.client_id, new.type) == (old.client_id, old.type)
    if not endpoint.startswith(("review_", "portal_")) and "/guest/" not in asked.path:
        assert asked.who in PEOPLE, (old, new)
        assert old.client_id == asked.who, (old, new)
    elif "/guest/" in asked.path:
        assert old.client_id.startswith("guest-"), (old, new)


# The answer itself.


def headers_are_ours(answer: TestResponse) -> None:
    for name, value in answer.headers:
        assert not re.search(r"[\r\n\0]", name + value), (name, value)
        assert not re.search(rf"<{MARK}|[\"']on{MARK}", value), (name, value)
        assert MARK not in name.lower()
    # Where two slashes are made one, Werkzeug names the Host header before any of our code runs.
    if answer.location and answer.status_code != 308:
        assert urlsplit(answer.location).netloc in {"", "localhost"}, answer.location


VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ADDRESSES = {"href", "action", "src", "data-hx-get", "data-hx-post", "formaction"}
SCRIPT = re.compile(r"\s*(javascript|data|vbscript):", re.IGNORECASE)


VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ADDRESSES = {"href", "action", "src", "data-hx-get", "data-hx-post", "formaction"}
SCRIPT = re.compile(r"\s*(javascript|data|vbscript):", re.IGNORECASE)


class Balanced(HTMLParser):
    """Every element is closed, in its turn, and none of them is a stranger's."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is left open" for tag in self.stack]
        self.faults += [f"two of id {name}" for name, count in self.ids.items() if count > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.stack.append(tag)
        if MARK in tag:
            self.faults.append(f"a stranger's <{tag}>")
        for name, value in attrs:
            if MARK in name or name.startswith("on"):
                self.faults.append(f"a stranger's attribute {name} of <{tag}>")
            if name in ADDRESSES and SCRIPT.match(value or ""):
                self.faults.append(f"{name}={value}")
            if name == "id":
                self.ids[value or ""] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing, or something else")


def body_is_well_formed(answer: TestResponse, endpoint: str) -> None:
    if answer.mimetype == "text/html" and answer.data:
        text = answer.text
        assert SUM not in text
        assert f"<{MARK}" not in text
        # Flask's own short pages close none of their elements.
        if 'id="portal-panel"' in text:
            faults = Balanced(text).faults
            assert not faults, faults
    elif answer.mimetype == "text/xml":
        assert {one.tag for one in ElementTree.fromstring(answer.data)} <= {"Message"}
    elif answer.mimetype in {"application/json", "application/problem+json"} and answer.data:
        assert isinstance(answer.json, dict)
    elif answer.mimetype == "text/calendar" and answer.data:
        calendar_is_ours(answer.data.decode())


def calendar_is_ours(file: str) -> None:
    lines = re.sub("\r?\n[ \t]", "", file).splitlines()
    strangers = [line for line in lines if re.match(f"(x-{MARK}|attendee.*:mailto:{MARK})", line, re.IGNORECASE)]
    assert not strangers, strangers
    assert lines.count("BEGIN:VCALENDAR") == 1


def mail_is_ours(mail: Mail) -> None:
    names = [name.lower() for name in mail.message]
    assert not [name for name in names if MARK in name or name in {"cc", "bcc"}], names
    assert len(names) == len(set(names)), names
    assert len(mail.to) == 1, mail.to
    for part in mail.message.walk():
        if part.get_content_type() == "text/html":
            assert f"<{MARK}" not in part.get_content()
            assert SUM not in part.get_content()
        elif part.get_content_type() == "text/calendar":
            calendar_is_ours(str(part.get_content()))


def what_was_typed_is_still_there(answer: TestResponse, asked: Asked) -> None:
    """Where a form is refused it comes back, and what a person typed is in it."""
    if not asked.shown or answer.status_code not in {400, 401, 409, 422, 429}:
        return
    forms = [form for form in FormReader(answer.text).forms if form.action.partition("?")[0] == asked.path]
    for name, text in asked.shown.items():
        given_back = [value for form in forms if name in form.controls for value in form.controls[name].values]
        if forms and any(name in form.controls for form in forms):
            assert text in given_back, (name, text, given_back)
