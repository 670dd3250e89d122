"""Whatever a person reads goes through the catalogs, but for the practice's own words, numbers and dates."""

from collections.abc import Iterator

import pytest

from portal_plugin.delivery.preview import CLIENT, WORD
from tests.practices import PRACTICE
from tests.support import PEOPLE, STAFF, Host
from tests.web.pages import Page

# Every panel there is, in each of its states.
from tests.web.test_review_markup import everything as review_pages  # noqa: F401
from tests.web.test_weight import everything as client_pages  # noqa: F401
from tests.wording.pseudo import Missed, pseudo_spoken, strings
from tests.wording.sources import NAMES, in_code, in_templates

TYPED = ("Ring <b>twice</b>", "<b>", "x")
"""What the people of these tests write."""

WRITTEN_ONCE = ("This appointment is declined and can no longer be confirmed.",)
"""The history keeps a refusal in the words in which it was first written down."""


@pytest.fixture(scope="module", autouse=True)
def pseudo() -> Iterator[None]:
    with pseudo_spoken():
        yield


@pytest.fixture(scope="module")
def missed() -> Missed:
    people = [word for one in (*PEOPLE.values(), *STAFF.values()) for word in (one.name, one.id)]
    return Missed([*strings(PRACTICE), *people, *TYPED, CLIENT.name, *WORD.splitlines(), *NAMES, *WRITTEN_ONCE])


def left(pages: dict[str, Page], missed: Missed) -> dict[str, str]:
    """Each text once, with one of the pages that have it."""
    return {text: name for name, page in pages.items() for text in missed.in_html(page.html)}


def test_clients_pages(client_pages: dict[str, Page], missed: Missed) -> None:  # noqa: F811
    assert left(client_pages, missed) == {}


def test_review_page(review_pages: dict[str, Page], missed: Missed) -> None:  # noqa: F811
    assert left(review_pages, missed) == {}


def test_messages(host: Host, missed: Missed) -> None:
    with host.app.app_context():
        messages = list(host.portal.previews())
    # The subject of a text message is what a developer calls it.
    texts = {one.name: missed.in_text(f"{one.subject if one.html else ''}\n{one.text}") for one in messages}
    pages = {one.name: missed.in_html(one.html) for one in messages}
    assert {name: found for name, found in texts.items() if found} == {}
    assert {name: found for name, found in pages.items() if found} == {}


def test_no_template_holds_a_sentence() -> None:
    """Not even where none of the pages above comes by."""
    assert [*in_templates()] == []


def test_no_code_holds_a_sentence() -> None:
    assert [*in_code()] == []
