"""Everything that leaves the portal, read for what is planted: pages, addresses, mails, texts, hooks, logs, tables."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, NamedTuple

from click.testing import Result
from flask import Flask

from portal_plugin.testing import Mail
from portal_plugin.testing.texts import Text
from tests.delivery.receiver import Hook
from tests.secrecy.markers import MAY, PERSON, found
from tests.support import Host

ADDRESSES = frozenset({"href", "src", "action", "formaction", "srcset", "poster", "cite", "data"})
HTMX = ("hx-get", "hx-post", "data-hx-get", "data-hx-post")
_URL = re.compile(r"https?://[^\s<>\"]+")
STAFFS, GUESTS, STRANGERS = "@elmrow.example", PERSON["guest's mail"].partition("@")[2], "stranger@example.org"
_CALENDARS = ("https://calendar.google.com/", "https://outlook.live.com/", "https://outlook.office.com/")


class Leak(NamedTuple):
    what: str
    outlet: str
    where: str


class Watch:
    """`leaks` is what stood where it may not; `seen`, for each outlet, what was there at all."""

    def __init__(self) -> None:
        self.leaks: list[Leak] = []
        self.seen: dict[str, set[str]] = defaultdict(set)

    def look(self, outlet: str, text: str, where: object = "") -> None:
        there = found(text)
        self.seen[outlet] |= there
        self.leaks += [Leak(what, outlet, f"{where}"[:300]) for what in sorted(there - MAY[outlet])]

    # Over HTTP.

    def listen(self, app: Flask) -> None:
        """Read every request and every answer from now on."""
        answer = app.wsgi_app

        def heard(environ: Any, start_response: Any) -> list[bytes]:
            begun: list[Any] = []

            def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                begun[:] = [status, headers]
                return start_response(status, headers, *more)

            parts: Any = answer(environ, begin)
            try:
                body = b"".join(parts)
            finally:
                getattr(parts, "close", lambda: None)()
            self._exchange(environ, begun[0], begun[1], body)
            return [body]

        app.wsgi_app = heard  # type: ignore[method-assign]

    def _exchange(self, environ: Any, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if not path.startswith("/portal/") or path.startswith("/portal/static/"):
            return
        where = f"{environ['REQUEST_METHOD']} {path}?{query} {status}"
        self.look("address that was asked for", f"{path}?{query}", where)
        kind = ""
        for name, value in headers:
            kind = value if name == "Content-Type" else kind
            if name == "Location" or name.startswith("HX-"):
                self.look("address that is led to", value, where)
            else:
                self.look("cookie", value, where)
        outlet, text = _outlet_of(environ, path, int(status[:3])), body.decode()
        if status.startswith("3"):
            # A browser goes on, and the words name the address.
            self.look("address that is led to", text, where)
        elif outlet == "calendar":
            self.look(
                "calendar of a provider" if "NAME:Ada" in text else "calendar of the client", _unfolded(text), where
            )
        elif kind.startswith("text/html"):
            self.look_at_page(outlet, text, where, guest=path.startswith(("/portal/guest/", "/portal/verify/")))
        else:
            self.look(outlet, text, where)

    def look_at_page(self, outlet: str, html: str, where: str, *, guest: bool = False) -> None:
        page = Parts(html)
        calendar = "subscribe" in where or "calendar" in where
        kind = "a guest's page" if guest else "a calendar's page" if calendar else "a page"
        kind += " of staff" if outlet == "page of staff" and not calendar else ""
        for address in page.addresses:
            own = "address of a calendar on the web" if address.startswith(_CALENDARS) else f"address on {kind}"
            self.look(own, address, where)
        self.look("hidden in a page", "\n".join(page.hidden), where)
        self.look(outlet, "\n".join(page.shown), where)

    # Messages.

    def mails(self, mails: Iterable[Mail]) -> None:
        for mail in mails:
            where = f"mail {mail.subject!r} to {len(mail.to)}"
            [address] = mail.to
            to = "staff" if address.endswith(STAFFS) else "a guest" if address.endswith(GUESTS) else "the client"
            to = "another client" if address == STRANGERS else to
            self.look("subject", mail.subject, where)
            self.look(
                "header of a mail", "\n".join(f"{k}: {v}" for k, v in mail.message.items() if k != "Subject"), where
            )
            html = Parts(mail.html)
            for address in (*html.addresses, *_URL.findall(mail.text)):
                web = address.startswith(_CALENDARS)
                self.look("address of a calendar on the web" if web else "address in a mail", address, where)
            self.look("hidden in a page", "\n".join(html.hidden), where)
            self.look(f"mail to {to}", _URL.sub("", mail.text) + "\n".join(html.shown), where)
            if mail.part("calendar") is not None:
                self.look(f"invitation to {to}", _unfolded(mail.content("calendar")), where)

    def texts(self, texts: Iterable[Text]) -> None:
        for text in texts:
            self.look("text", f"{text.text} {text.key}", "text")

    def hooks(self, hooks: Iterable[Hook]) -> None:
        for hook in hooks:
            outlet = "full webhook" if hook.path == "/full" else "thin webhook"
            self.look(outlet, f"{hook.headers} {hook.body.decode()}", hook.path)

    # What is kept.

    def tables(self, host: Host) -> None:
        """What stands in columns that others read, or that outlive what they are about."""
        for outlet, columns in KEPT.items():
            for table, names in columns.items():
                for row in host.state.db.execute_sql(f"SELECT {names} FROM portal_{table}").fetchall():
                    self.look(outlet, "\n".join(map(str, row)), table)

    # On a terminal, and for machines.

    def command(self, host: Host, *args: str, names: bool = True) -> Result:
        ended = host.app.test_cli_runner().invoke(args=["portal", *args])
        self.look("command" if names else "command without names", ended.stdout, args)
        self.look("command's error output", ended.stderr, args)
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            self.error(ended.exception, args)
        return ended

    def error(self, error: BaseException, where: object = "") -> None:
        """An exception with all that it was made of, as a log or a tracker would tell it."""
        told: BaseException | None = error
        while told is not None:
            self.look("error", f"{told} {told!r}", where)
            told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Every logger at DEBUG but peewee's, which would then write down all statements with their values."""
        watch = self

        class Reader(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                watch.seen["log"].add(record.name)
                watch.look("log", self.format(record), record.name)

        reader, levels = Reader(), {logging.root: logging.DEBUG, logging.getLogger("peewee"): logging.WARNING}
        before = {logger: logger.level for logger in levels}
        for logger, level in levels.items():
            logger.setLevel(level)
        logging.root.addHandler(reader)
        try:
            yield
        finally:
            logging.root.removeHandler(reader)
            for logger, level in before.items():
                logger.setLevel(level)


KEPT = {
    "history": {"history": "actor, action, reason, request_id"},
    "outbox's reasons": {"outbox": "error, provider_id, delivery, message_id, lease", "busy_calendar": "error, source"},
    "counters": {"rate": "name"},
    "kept answers": {"api_answer": "hash, fingerprint, ref"},
    "ledger": {"consent": "client_id, phone, said, page, text, number"},
    "repr": {"api_key": "id, name, hash"},
}


class Parts(HTMLParser):
    """A page taken apart: its `addresses`, what is `shown` or sent by a form, and what is `hidden` in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.shown: list[str] = []
        self.hidden: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in {"script", "style", "template"} else self._inside
        for name, value in attrs:
            # A program is opened by these, and no server is asked.
            asks = name in ADDRESSES and not (value or "").startswith(("mailto:", "tel:"))
            kept = self.addresses if asks or name.startswith(HTMX) else self.hidden if tag == "meta" else self.shown
            kept.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        (self.hidden if self._inside else self.shown).append(data)

    def handle_comment(self, data: str) -> None:
        self.hidden.append(data)


def _outlet_of(environ: Any, path: str, status: int) -> str:
    """By who reads it."""
    area = path.removeprefix("/portal/").partition("/")[0]
    if area in {"health", "ready", "metrics"}:
        return "monitoring"
    if area == "sms":
        return "answer to a text"
    if area == "api":
        named = re.search("/(appointments|requests|invitations|bookings)", path)
        return "API's refusal" if status >= 400 else "API" if named else "API without names"
    if status == 404:
        return "page of nobody"
    if path.endswith(".ics"):
        return "calendar"
    if area in {"guest", "verify"}:
        return "page of a guest"
    if area == "review":
        return "page of staff"
    return "page of the client" if "session=" in environ.get("HTTP_COOKIE", "") else "page of a visitor"


def _unfolded(calendar: str) -> str:
    return calendar.replace("\r\n ", "").replace("\r\n\t", "")


def told(leaks: Iterable[Leak]) -> str:
    """A line for each kind of leak, for a test that failed."""
    first: dict[tuple[str, str], str] = {}
    for leak in leaks:
        first.setdefault((leak.what, leak.outlet), leak.where)
    return "\n".join(f"{what} in: {outlet} ({where})" for (what, outlet), where in sorted(first.items()))
