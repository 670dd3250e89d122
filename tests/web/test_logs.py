"""What the site's log says: which request, which message, and of whom nothing."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pythonjsonlogger.json import JsonFormatter

from portal_plugin import Proposal, RequestId
from portal_plugin.testing import Clock
from tests.practices import PRACTICE
from tests.support import STEP_2, TUESDAY_TEN, Host, filled_form, make_host
from tests.web.pages import BOOK

GIVEN = "0123456789abcdef0123456789abcdef"
MARKER = "PLANTED"


@pytest.fixture
def host(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """A site whose mail server is away."""
    host = make_host(sqlite_url, tmp_path, clock, MAIL_SUPPRESS_SEND=False, MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log's lines so far, as a site that follows docs/deploying.md writes them."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter("%(levelname)s %(name)s %(process)d %(request_id)s %(message)s"))
    handler.addFilter(RequestId())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def fail_to_book(host: Host) -> None:
    """Ask for a time with a note, where the site's own veto breaks with words of the client in its mouth."""

    @host.portal.veto_request
    def break_down(proposal: Proposal) -> None:
        raise RuntimeError(f"{proposal.client.name} {proposal.client.email} {MARKER}")

    browser = host.browser()
    form = filled_form(
        browser.get(STEP_2).text,
        starts=TUESDAY_TEN.isoformat().replace("+00:00", "Z"),
        note=MARKER,
        text_reminders="1",
        phone="+1 212 555 0187",
    )
    assert browser.post(BOOK, data=form, headers={"X-Request-ID": GIVEN}).status_code == 503


def test_a_line_names_the_request_it_was_written_in(host, written):
    fail_to_book(host)
    [line] = [line for line in written() if line["message"].startswith("veto_request")]
    assert (line["request_id"], line["levelname"], line["name"]) == (GIVEN, "ERROR", "portal_plugin")


def test_a_message_that_was_not_delivered_is_named_by_its_ids_and_belongs_to_no_request(host, written):
    host.request("maya")
    host.deliver()
    [(number, message_id)] = host.state.db.execute_sql("SELECT id, message_id FROM portal_outbox").fetchall()
    [line] = written()
    assert line["message"] == f"Message {number} was not delivered (ConnectionRefusedError, attempt 1)."
    assert (line["channel"], line["message_id"], line["request_id"]) == ("mail", message_id, None)


def test_no_line_names_a_person_or_what_they_wrote(host, written):
    host.request("maya", TUESDAY_TEN + timedelta(hours=1), note=MARKER)
    host.deliver()
    fail_to_book(host)
    told = json.dumps(written())
    assert written()
    assert not [word for word in (MARKER, "Maya", "Lindqvist", "maya@", "555", "0187") if word in told]
