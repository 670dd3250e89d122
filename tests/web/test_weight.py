"""What a page costs: statements and bytes. And what it is made of: nothing inline, nothing from elsewhere."""

import gzip
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from portal_plugin.services.tokens import link_token
from portal_plugin.testing import Clock
from tests.practices import PRACTICE, practice
from tests.support import MONDAY, PEOPLE, STEP_2, TUESDAY_TEN, Host, make_host
from tests.web.pages import BOOK, HTMX, UPCOMING, Page, read, send, step_2
from tests.web.statements import statements

MOST_STATEMENTS = 6
EMPTY = 3
"""Which of the pages is a day without times."""
MOST_BYTES = 45_000
ELSEWHERE = f"{BOOK}/time?type=visit&contact=phone&zone=America/Los_Angeles"


# Statements.


def grown(providers: int, horizon: int) -> dict[str, Any]:
    data = practice()
    data["appointment_types"][0]["horizon_days"] = horizon
    ada = data["providers"][0]
    data["providers"] = [ada | {"key": f"p{n}", "name": f"Provider {n}"} for n in range(providers)]
    return data


def fill(host: Host, appointments: int, providers: int) -> None:
    """Confirmed appointments, spread over providers and time; every twentieth is Maya's."""
    now = int(host.clock().timestamp())
    with sqlite3.connect(host.state.db.database) as db:
        for n in range(appointments):
            provider, starts = n % providers + 1, now + 86_400 + (n // providers) * 3600
            claim = db.execute(
                "INSERT INTO portal_claim (provider, starts, ends) VALUES (?, ?, ?)", (provider, starts, starts + 3600)
            ).lastrowid
            row = dict.fromkeys(("client_name", "client_email", "client_phone", "note", "message", "reason"), "") | {
                "ref": f"{n:032}",
                "status": "confirmed",
                "version": 1,
                "type": "visit",
                "contact": "in-person",
                "provider": provider,
                "location": "main",
                "starts": starts,
                "ends": starts + 3000,
                "busy_from": starts,
                "busy_until": starts + 3600,
                "zone": "America/New_York",
                "client_id": "maya" if n % 20 == 0 else "theo",
                "text_reminders": 0,
                "claim": claim,
                "created": now,
                "expires": starts,
            }
            db.execute(
                f"INSERT INTO portal_appointment ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                tuple(row.values()),
            )


def counts(host: Host) -> dict[str, int]:
    browser = host.browser("maya")
    pages = {
        "step 1": f"{BOOK}?type=visit&contact=in-person",
        "step 2": STEP_2,
        "a day of step 2": f"{STEP_2}&date=2026-12-21",
        "a day without times": f"{STEP_2}&date=2026-12-20",
        "upcoming": UPCOMING,
    }
    found = {}
    for name, address in pages.items():
        browser.get(address)
        with statements() as seen:
            assert browser.get(address).status_code == 200
        found[name] = len(seen)
    return found


def test_a_page_asks_the_database_as_often_however_much_there_is(host: Host) -> None:
    """Of more than a few providers, some are asked about the month and all about the day: two statements more."""
    found: dict[bool, set[tuple[int, ...]]] = {}
    print()
    for providers, appointments, horizon in ((1, 0, 30), (40, 0, 30), (1, 0, 365), (40, 0, 365), (200, 2000, 365)):
        host.apply(grown(providers, horizon))
        fill(host, appointments, providers)
        of_pages = counts(host)
        print(f"SQL statements, {providers} providers, {appointments} appointments, {horizon} days: {of_pages}")
        found.setdefault(providers > 1, set()).add(tuple(of_pages.values()))
    ((one,), many) = found.values()
    assert all(0 <= n - m <= 2 for counted in many for m, n in zip(one, counted, strict=True))
    # Only where no time is free is looked further: at the days around, and at other ways to meet.
    assert all(1 <= n <= MOST_STATEMENTS + (page == EMPTY) * 2 for counted in many for page, n in enumerate(counted))


def test_a_page_and_a_request_ask_once_which_practice_is_current(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    appointment = f"/portal/appointments/{ref}"
    for address in (BOOK, STEP_2, UPCOMING, f"{appointment}/requested", f"{appointment}/cancel"):
        with statements() as seen:
            assert maya.get(address).status_code == 200
        assert len([statement for statement in seen if "portal_practice" in statement]) == 1, address
    form = step_2(maya)
    with statements() as seen:
        assert send(maya, form).status_code == 303
    assert len([statement for statement in seen if "portal_practice" in statement]) == 1


def test_a_request_and_its_answer_to_the_practice_cost_a_constant_number_of_statements(host: Host) -> None:
    found = set()
    for providers, day in ((1, "2026-12-08"), (40, "2026-12-09")):
        host.apply(grown(providers, 60))
        browser = host.browser("maya")
        form = step_2(browser, f"{STEP_2}&date={day}")
        with statements() as seen:
            assert send(browser, form).status_code == 303
        found.add(len(seen))
    print(f"\nSQL statements of a request: {found}")
    assert len(found) == 1


# Bytes.


def loaded(browser: FlaskClient, page: Page) -> list[str]:
    """The addresses of everything that a browser loads with the page."""
    found = [tag["src"] for name in ("script", "img", "iframe", "source") for tag in page.named(name) if "src" in tag]
    return found + [tag["href"] for tag in page.named("link")]


def test_the_first_page_with_all_it_loads_is_light_and_from_one_place(host: Host, maya: FlaskClient) -> None:
    host.request()
    static: set[str] = set()
    heaviest = 0
    for address in (BOOK, f"{BOOK}?type=visit&contact=in-person", STEP_2, ELSEWHERE, UPCOMING):
        answer = maya.get(address)
        parts = {address.partition("?")[0]: len(gzip.compress(answer.data, 9, mtime=0))}
        for source in loaded(maya, read(answer)):
            assert not urlsplit(source).scheme
            assert not urlsplit(source).netloc
            file = maya.get(source)
            assert file.status_code == 200
            static.add(source)
            parts[source] = len(gzip.compress(file.data, 9, mtime=0))
        print(f"\n{sum(parts.values()):,} bytes after gzip -9: {parts}", end="")
        heaviest = max(heaviest, sum(parts.values()))
    print()
    assert {urlsplit(source).path.rpartition("/")[2] for source in static} == {"portal.css", "portal.js", "htmx.min.js"}
    assert heaviest <= MOST_BYTES


# Every page and every partial.


@pytest.fixture(scope="module")
def everything(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Each panel in each of its states, as a page and alone."""
    folder = tmp_path_factory.mktemp("everything")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    host = make_host(f"sqlite:///{folder / 'portal.db'}", folder, Clock(MONDAY))
    host.apply(PRACTICE)
    maya = host.browser("maya")
    day = timedelta(days=1)
    with host.app.app_context():
        waiting = host.request(note="<b>").ref
        sure = host.portal.confirm(host.request(starts=TUESDAY_TEN + day).ref, message="Ring <b>twice</b>").ref
        host.portal.invite(PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN + 2 * day)
        gone = host.portal.decline(host.request(starts=TUESDAY_TEN + 3 * day).ref).ref
        soon = host.portal.confirm(host.request(starts=TUESDAY_TEN + 6 * day).ref).ref
    form = step_2(maya)
    link = link_token(host.state, "again", waiting)
    token = {"portal_token": form["portal_token"]}
    pages: dict[str, Page] = {}
    for kind, headers in (("page", {}), ("partial", HTMX)):

        def get(name: str, address: str, status: int = 200, kind: str = kind, headers: Any = headers) -> None:
            answer = maya.get(address, headers=headers)
            assert answer.status_code == status
            pages[f"{name} ({kind})"] = read(answer)

        def post(name: str, address: str, data: Any, status: int, kind: str = kind, headers: Any = headers) -> None:
            answer = maya.post(address, data=data, headers=headers)
            assert answer.status_code == status
            pages[f"{name} ({kind})"] = read(answer)

        appointment = "/portal/appointments"
        get("step 1", BOOK)
        get("step 1, complete", f"{BOOK}?type=visit&contact=in-person&location=main")
        get("step 1, wrong", f"{BOOK}/time?type=x", 422)
        get("step 2", STEP_2)
        get("step 2, elsewhere", ELSEWHERE)
        get("step 2, a day", f"{STEP_2}&date=2026-12-15")
        get("step 2, no times", f"{STEP_2}&date=2026-12-13")
        post("step 2, wrong", BOOK, form | {"starts": "", "text_reminders": "1", "phone": "1", "note": "\x01"}, 422)
        post("step 2, stale", BOOK, form | {"portal_token": ""}, 400)
        post("step 2, taken", BOOK, form | {"starts": "2026-12-08T15:00:00Z", "provider": "ada", "key": "k"}, 409)
        get("step 3, requested", f"{appointment}/{waiting}/requested")
        get("step 3, confirmed", f"{appointment}/{sure}/requested")
        get("step 3, declined", f"{appointment}/{gone}/requested")
        get("upcoming", UPCOMING)
        post("upcoming, stale", f"{appointment}/{sure}/accept", {}, 400)
        post("refused", f"{appointment}/{gone}/accept", token, 409)
        get("cancel", f"{appointment}/{waiting}/cancel")
        get("cancel, gone", f"{appointment}/{gone}/cancel")
        post("cancel, wrong", f"{appointment}/{waiting}/cancel", token | {"reason": "\x01"}, 422)
        host.clock.now = TUESDAY_TEN + 5.5 * day
        get("cancel, too late", f"{appointment}/{soon}/cancel")
        host.clock.now = TUESDAY_TEN + 200 * day
        get("expired link", f"/portal/link/{link}", 410)
        get("upcoming, empty", UPCOMING)
        get("past", f"{appointment}/past")
        get("past, no more", f"{appointment}/past?after={waiting}")
        host.clock.now = TUESDAY_TEN - day
        loader, host.portal._questions.current_client = host.portal._questions.current_client, None
        get("503", BOOK, 503)
        host.portal._questions.current_client = loader
        post("413", BOOK, {"note": "x" * 70_000}, 413)
    host.state.db.close_all()
    return pages


def test_no_page_holds_script_or_style_of_its_own(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        assert page.scripts_and_styles == [], name
        assert not page.named("style"), name
        for tag, attrs in page.tags:
            assert "style" not in attrs, (name, tag)
            assert not [a for a in attrs if a.startswith(("on", "hx-on", "data-hx-on"))], (name, tag)
            assert not [v for v in attrs.values() if v.strip().lower().startswith(("javascript:", "js:"))], (name, tag)


def test_everything_on_every_page_is_from_the_site_itself(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        for tag, attrs in page.tags:
            for attribute in ("href", "src", "action", "formaction", "data-hx-get", "data-hx-post"):
                value = attrs.get(attribute, "")
                # A link may lead elsewhere, where nobody is told which page it was on.
                leaves = tag == "a" and attrs.get("rel") == "noreferrer"
                assert leaves or not urlsplit(value).netloc, (name, tag, value)


def test_every_page_is_one_panel_whose_ids_and_references_are_whole(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        assert [tag.get("id") for tag in page.named("section")] == ["portal-panel"], name
        assert len(page.ids) == len(set(page.ids)), name
        for tag, attrs in page.tags:
            for attribute in ("aria-describedby", "aria-labelledby", "for", "list", "form"):
                for id_ in attrs.get(attribute, "").split():
                    assert id_ in page.ids, (name, tag, id_)


def test_a_partial_is_titled_and_holds_nothing_but_its_panel(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        if name.endswith("(partial)"):
            assert page.named("section")[0]["data-portal-title"], name
            assert not {"html", "head", "body", "title", "link", "script"}.intersection(tag for tag, _ in page.tags), (
                name
            )
        else:
            assert page.html.lstrip().startswith("<!doctype html>"), name


def test_every_form_names_its_method_and_every_post_carries_the_token(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        for tag in page.named("form"):
            assert tag["method"] in {"get", "post"}, name
            if tag["method"] == "post":
                assert all(form["portal_token"] for form in page.forms[tag["action"]]), name
                assert tag["data-hx-post"] == tag["action"], name


def test_an_error_takes_the_focus_and_nothing_else_does(everything: dict[str, Page]) -> None:
    for name, page in everything.items():
        focused = [attrs for _, attrs in page.tags if "data-portal-focus" in attrs]
        assert len(focused) == 1, name
        assert "tabindex" in focused[0], name
        if page.summary_links:
            assert focused[0]["role"] == "alert", name
