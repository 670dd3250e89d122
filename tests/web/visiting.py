"""A practice that takes new clients, and a visitor who walks its pages and opens its mail as a browser would."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_plugin.testing import Mail
from tests.practices import practice
from tests.support import STEP_2, TUESDAY_TEN, Host
from tests.web.pages import Page, open_page, read

YOU = "/portal/appointments/book/you"
TEN = TUESDAY_TEN.isoformat().replace("+00:00", "Z")
ELEVEN = TEN.replace("T15", "T16")

QUESTIONS = [
    {"key": "brings", "label": "What brings you here?", "required": True},
    {"key": "heard", "label": "How did you hear of us?", "kind": "choice", "options": ["A friend", "The web"]},
    {"key": "before", "label": "Have you been in therapy before?", "kind": "yes_no"},
    {"key": "born", "label": "Your date of birth", "kind": "date"},
]
NINA: dict[str, str] = {
    "name": "Nina Okeke",
    "email": "nina@example.org",
    "phone": "+1 212 555 0187",
    "q-brings": "Zwölf Nächte ohne Schlaf",
    "q-heard": "A friend",
    "q-before": "no",
    "q-born": "1990-05-17",
}


def open_practice(*, questions: bool = True, **settings: Any) -> dict[str, Any]:
    return with_new_clients(practice(**settings), questions=questions)


def with_new_clients(data: dict[str, Any], *, questions: bool = True) -> dict[str, Any]:
    """The same practice, which visitors may ask for its first type."""
    first, *others = data["appointment_types"]
    types = [first | {"who": "anyone"}, *others]
    return data | {"appointment_types": types, "new_clients": {"questions": QUESTIONS if questions else []}}


def introduction(visitor: FlaskClient, starts: str = TEN, **typed: str) -> dict[str, str]:
    """The form of the page About you, filled in by Nina."""
    page = open_page(visitor, f"{STEP_2.replace('/time?', '/you?')}&starts={starts}")
    [form] = page.forms[YOU]
    return form | NINA | typed


def ask(visitor: FlaskClient, starts: str = TEN, **typed: str) -> TestResponse:
    return visitor.post(YOU, data=introduction(visitor, starts, **typed))


def link_in(mail: Mail) -> str:
    """The path of the link that verifies an address."""
    [path] = re.findall(r"https?://[^/\s]+(/portal/verify/\S+)", mail.text)
    return path


def guest_page_in(mail: Mail) -> str:
    """The path of a guest's own page."""
    return re.findall(r"https?://[^/\s]+(/portal/guest/[^/\s]+)", mail.text)[0]


def press(visitor: FlaskClient, path: str, **typed: str) -> TestResponse:
    """Open the mailed link and press its button."""
    page = open_page(visitor, path)
    return visitor.post(path, data=page.forms[path][0] | typed)


def became_guest(host: Host, starts: str = TEN, **typed: str) -> tuple[FlaskClient, str]:
    """A visitor who has sent a request, and the address of step 3."""
    visitor = host.browser(None)
    assert ask(visitor, starts, **typed).status_code == 200
    [mail] = host.deliver()
    answer = press(visitor, link_in(mail))
    assert answer.status_code == 303, answer.text
    return visitor, answer.location


def rows(host: Host, table: str) -> list[Any]:
    return list(host.state.db.execute_sql(f"SELECT * FROM portal_{table}").fetchall())


def page_of(answer: TestResponse, status: int) -> Page:
    assert answer.status_code == status, answer.text
    return read(answer)
