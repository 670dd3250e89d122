"""A booking link on a page of the host's own."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import render_template_string, request
from peewee import OperationalError

from tests.practices import practice
from tests.support import TUESDAY_TEN, Host
from tests.web.pages import BOOK, Page, open_page
from tests.web.statements import statements

NEXT = '{{ portal_next_available(type="visit", contact="in-person", location="main") }}'


def shown(host: Host, source: str, who: str | None = None, **headers: str) -> Page:
    """The host's own page with that in its template."""
    if "own_home" not in host.app.view_functions:
        host.app.add_url_rule("/home", "own_home", lambda: render_template_string(request.args["source"]))
    return open_page(host.browser(who), f"/home?{urlencode({'source': source})}", **headers)


def test_a_button_leads_to_step_1_with_what_it_names_chosen(host: Host) -> None:
    page = shown(host, '{{ portal_booking_button("Come <soon>", type="visit") }}')
    assert page.links == [f"{BOOK}?type=visit"]
    assert page.words.strip() == "Come <soon>"
    assert "Book an appointment" in shown(host, "{{ portal_booking_button() }}").words


def test_the_next_free_time_is_told_and_leads_to_its_day(host: Host) -> None:
    page = shown(host, NEXT)
    assert "Next available: Tue, Dec 8, 9:00 AM" in page.words
    [address] = page.links
    step_2 = open_page(host.browser(), address)
    assert "Tuesday, December 8, 2026" in step_2.words
    assert step_2.times[0] == "2026-12-08T14:00:00Z"


def test_it_is_the_first_of_all_places_and_ways_that_were_left_open(host: Host) -> None:
    """Ben is free at the Annex on Tuesday and Wednesday, Ada at Main Street every day."""
    page = shown(host, '{{ portal_next_available(type="visit", provider="ben") }}')
    assert "location=annex" in page.links[0]
    assert "Tue, Dec 8" in page.words


def test_what_is_taken_is_not_told(host: Host) -> None:
    source = '{{ portal_next_available(type="visit", contact="phone", provider="ada") }}'
    before = shown(host, source).words
    host.request(starts=TUESDAY_TEN - timedelta(hours=1), contact="phone", provider="ada", location=None)
    assert "9:00 AM" in before
    assert "10:00 AM" in shown(host, source).words


@pytest.mark.parametrize("who", ["invited", "clients", "anyone"])
def test_a_type_that_only_the_practice_proposes_shows_no_time(host: Host, who: str) -> None:
    data = practice()
    data["appointment_types"][0]["who"] = who
    host.apply(data)
    assert ("Next available" in shown(host, NEXT).words) == (who != "invited")


def test_whoever_may_not_ask_sees_the_button_alone(host: Host) -> None:
    data = practice()
    data["appointment_types"][0]["open_requests"] = 1
    host.apply(data)
    host.request("maya")
    assert "Next available" in shown(host, NEXT, "theo").words
    assert shown(host, NEXT, "maya").words.strip() == "Book an appointment"


def test_it_speaks_the_reader_s_language(host: Host) -> None:
    page = shown(host, NEXT, **{"Accept-Language": "es"})
    [link] = [attributes for tag, attributes in page.tags if attributes.get("class") == "portal-embed"]
    assert link["lang"].startswith("es")
    assert "8 de dic" in page.words


def test_the_stylesheet_comes_once(host: Host) -> None:
    page = shown(host, f"{NEXT}{{{{ portal_booking_button() }}}}{NEXT}")
    assert len(page.named("link")) == 1
    assert len(page.links) == 3


def test_one_time_costs_few_statements(host: Host) -> None:
    shown(host, NEXT)
    with statements() as seen:
        shown(host, NEXT)
    assert len(seen) <= 2, seen


def away(*_: Any, **__: Any) -> None:
    raise OperationalError("no route to host")


def test_without_its_database_the_host_s_page_still_has_the_button(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(host.state.db, "execute_sql", away)
    page = shown(host, NEXT)
    assert page.words.strip() == "Book an appointment"
    assert page.links == [f"{BOOK}?type=visit&contact=in-person&location=main"]
    assert "no route to host" in caplog.text


def test_a_host_that_does_not_answer_and_a_type_that_is_not_there_show_the_button(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.portal.busy_times(away)
    assert shown(host, NEXT).words.strip() == "Book an appointment"
    assert shown(host, '{{ portal_next_available(type="nonsense") }}').words.strip() == "Book an appointment"
    assert "no appointment type 'nonsense'" in caplog.text


def test_the_host_may_show_it_in_its_own_way(host: Host, tmp_path: Any) -> None:
    folder = tmp_path / "templates" / "portal"
    folder.mkdir(parents=True)
    (folder / "embed.html").write_text("<b>{{ starts | portal_date }} at {{ address }}</b>")
    host.app.template_folder = str(tmp_path / "templates")
    assert "Tuesday, December 8, 2026 at /portal/" in shown(host, NEXT).words
