"""Reading a page as a browser does: its tags, its links, and what its forms would send."""

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_plugin.services.tokens import link_token
from tests.support import STEP_2, Host

BOOK = "/portal/appointments/book"
UPCOMING = "/portal/appointments/upcoming"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
TABLES = ("practice", "claim", "appointment", "history", "outbox", "consent")


class Page(HTMLParser):
    """`tags` in the order of the page; `words` is all that a person reads, its white space evened out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.forms: dict[str, list[dict[str, str]]] = {}
        self.scripts_and_styles: list[str] = []
        self._texts: list[str] = []
        self._form: dict[str, str] = {}
        self._inside: list[str] = []
        self._textarea = ""
        self._in_summary = 0
        self.summary_links: list[str] = []
        self.feed(html)
        self.words = " ".join("".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "form":
            self._form = {}
            self.forms.setdefault(attributes.get("action", ""), []).append(self._form)
        elif tag == "input" and "name" in attributes:
            if attributes.get("type") not in {"radio", "checkbox"} or "checked" in attributes:
                self._form[attributes["name"]] = attributes.get("value", "")
        elif tag == "textarea":
            self._textarea = attributes["name"]
            self._form[self._textarea] = ""
        if tag in {"script", "style"}:
            self._inside.append(tag)
        if tag == "div":
            opens = "portal-errors" in attributes.get("class", "").split()
            self._in_summary += 1 if opens or self._in_summary else 0
        if tag == "a" and self._in_summary:
            self.summary_links.append(attributes.get("href", ""))
        if tag in {"br", "p", "li", "dt", "dd", "small", "h1", "h2", "h3", "label", "td", "div"}:
            self._texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # A browser drops the first line break of a text area.
            self._form[self._textarea] = self._form[self._textarea].removeprefix("\n")
            self._textarea = ""
        if tag in {"script", "style"}:
            self._inside.pop()
        if tag == "div" and self._in_summary:
            self._in_summary -= 1

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts_and_styles.append(data)
            return
        if self._textarea:
            self._form[self._textarea] += data
        self._texts.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    @property
    def links(self) -> list[str]:
        return [attrs["href"] for attrs in self.named("a")]

    @property
    def times(self) -> list[str]:
        """The values of step 2's time choices."""
        return [tag["value"] for tag in self.named("input") if tag.get("name") == "starts"]

    @property
    def form(self) -> dict[str, str]:
        """What step 2's form would send as it stands."""
        (address,) = (one for one in self.forms if one == BOOK or one.endswith("/reschedule"))
        return next(form for form in self.forms[address] if "portal_token" in form)


def read(response: TestResponse) -> Page:
    return Page(response.text)


def open_page(browser: FlaskClient, address: str = STEP_2, status: int = 200, **headers: str) -> Page:
    answer = browser.get(address, headers=headers)
    assert answer.status_code == status, answer.text
    return read(answer)


def step_2(browser: FlaskClient, address: str = STEP_2, **typed: Any) -> dict[str, Any]:
    """Step 2's form with its first free time chosen, and `typed` typed in."""
    page = open_page(browser, address)
    return page.form | {"starts": page.times[0]} | typed


def send(browser: FlaskClient, form: Any, headers: dict[str, str] | None = None) -> TestResponse:
    return browser.post(BOOK, data=form, headers=headers or {})


def stored(host: Host) -> dict[str, list[Any]]:
    """Every row of every table."""
    return {
        table: list(host.state.db.execute_sql(f"SELECT * FROM portal_{table} ORDER BY id").fetchall())
        for table in TABLES
    }


def standing(host: Host) -> dict[str, list[Any]]:
    """The same beside the record of what was refused."""
    done = host.state.db.execute_sql("SELECT * FROM portal_history WHERE result = 'done' ORDER BY id").fetchall()
    return stored(host) | {"history": list(done)}


def counted(host: Host) -> tuple[int, int]:
    """How many appointments and how many messages there are."""
    rows = stored(host)
    return len(rows["appointment"]), len(rows["outbox"])


def ref_of(answer: TestResponse) -> str:
    """The reference in the address that a sent request leads to."""
    assert answer.status_code == 303, answer.text
    return str(answer.location).split("/")[-2]


def again_link(host: Host, ref: str) -> str:
    return f"/portal/link/{link_token(host.state, 'again', ref)}"
