"""The watch over the fuzzed requests sees what it is there to see."""

import logging

import pytest
from werkzeug import Response
from werkzeug.test import TestResponse

from tests.fuzz.hostile import MARK, MARKUP
from tests.fuzz.watch import (
    Asked,
    Balanced,
    calendar_is_ours,
    errors,
    headers_are_ours,
    what_was_typed_is_still_there,
)


def answered(body: str, status: int = 200, headers: dict[str, str] | None = None) -> TestResponse:
    response = Response(body, status, mimetype="text/html", headers=headers)
    return TestResponse(response.response, response.status, response.headers, request=None)


@pytest.mark.parametrize("text", [one for one in MARKUP if MARK in one and "&lt;" not in one])
def test_a_text_that_is_not_escaped_is_a_stranger_s(text: str) -> None:
    pages = [f"<p>{text}</p>", f'<p title="{text}"></p>', f"<p title='{text}'></p>", f'<a href="{text}"></a>']
    assert any(Balanced(page).faults or f"<{MARK}" in page for page in pages)


@pytest.mark.parametrize("html", ["<p>", "<p></div>", "</p>", '<p id="a"></p><p id="a"></p>', "<p><b></p></b>"])
def test_a_page_that_is_not_well_formed_is_a_fault(html: str) -> None:
    assert Balanced(html).faults
    assert not Balanced('<p id="a"><br><input value="&lt;p&gt;"></p>').faults


def test_a_stranger_s_header_line_and_address_are_faults() -> None:
    for headers in ({"X-Said": f"<{MARK}>"}, {f"X-{MARK}": "1"}, {"Location": "https://evil.example/"}):
        with pytest.raises(AssertionError):
            headers_are_ours(answered("", 303, headers))
    with pytest.raises(AssertionError):
        calendar_is_ours(f"BEGIN:VCALENDAR\r\nX-{MARK}:1\r\nEND:VCALENDAR\r\n")


def test_a_typed_text_that_a_form_has_lost_is_a_fault() -> None:
    page = '<form method="post" action="/x"><textarea name="note">{}</textarea></form>'
    asked = Asked("POST", "/x", "maya", {"note": "a word"})
    what_was_typed_is_still_there(answered(page.format("a word"), 422), asked)
    with pytest.raises(AssertionError):
        what_was_typed_is_still_there(answered(page.format(""), 422), asked)


def test_an_error_in_the_log_is_heard() -> None:
    with errors() as said:
        logging.getLogger("portal_plugin").error("a fault")
        logging.getLogger("portal_plugin").warning("none")
    assert said == ["a fault"]
