"""The review panels are made as every other panel is, and on both databases."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.testing import Clock
from tests.practices import PRACTICE, practice
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host
from tests.web.desk import ADDRESSES, DAY, DECIDE, INVITE, LISTING, REVIEW, SCHEDULE, act, at, invited
from tests.web.pages import HTMX, Page, open_page, read

# The same rules, held against this file's pages.
from tests.web.test_weight import (  # noqa: F401
    test_a_partial_is_titled_and_holds_nothing_but_its_panel,
    test_an_error_takes_the_focus_and_nothing_else_does,
    test_every_form_names_its_method_and_every_post_carries_the_token,
    test_every_page_is_one_panel_whose_ids_and_references_are_whole,
    test_everything_on_every_page_is_from_the_site_itself,
    test_no_page_holds_script_or_style_of_its_own,
)


@pytest.fixture(scope="module")
def everything(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Each review panel in each of its states, as a page and alone."""
    folder = tmp_path_factory.mktemp("review")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    host = make_host(f"sqlite:///{folder / 'portal.db'}", folder, Clock(MONDAY))
    host.apply(PRACTICE)
    rosa = host.browser("rosa")
    pages: dict[str, Page] = {}

    def keep(name: str, method: str, address: str, status: int = 200, data: Any = None) -> None:
        for kind, headers in (("page", {}), ("partial", HTMX)):
            answer = rosa.open(address, method=method, data=data, headers=headers)
            assert answer.status_code == status, (name, answer.text)
            pages[f"{name} ({kind})"] = read(answer)

    keep("empty queue", "GET", REVIEW)
    host.apply(practice(requests_hold_time=False))
    one, other = (host.request(who, note="<b>").ref for who in ("maya", "theo"))
    sure = act(host, "confirm", host.request(starts=TUESDAY_TEN + DAY).ref, message="Ring <b>twice</b>").ref
    moved = act(host, "reschedule", sure, starts=TUESDAY_TEN + 2 * DAY).ref
    host.request(starts=TUESDAY_TEN + 3 * DAY, replaces=moved)
    proposed = invited(host, starts=TUESDAY_TEN + 6 * DAY).ref
    gone = act(host, "decline", host.request(starts=TUESDAY_TEN + 7 * DAY).ref).ref
    form = open_page(rosa, INVITE).forms[INVITE][0]
    token = {"portal_token": form["portal_token"]}
    keep("queue", "GET", REVIEW)
    keep("queue, done", "GET", f"{REVIEW}?done={gone}")
    keep("queue, nothing ticked", "POST", DECIDE, 422, token | {"verb": "confirm", "message": "x"})
    keep("queue, not all", "POST", DECIDE, 409, token | {"verb": "confirm", "ref": [gone, "x"]})
    keep("queue, stale", "POST", DECIDE, 400, {"verb": "confirm", "ref": one})
    for name, ref in (("requested", one), ("moved", moved), ("invited", proposed), ("ended", gone)):
        keep(name, "GET", at(ref))
        keep(f"{name}, move", "GET", at(ref, "/move"))
    keep("wrong", "POST", at(other), 422, token | {"verb": "x", "message": "\x01"})
    keep("slower", "POST", at(gone), 409, token | {"verb": "confirm"})
    keep("move, a day", "GET", at(moved, "/move") + "?date=2026-12-15&provider=nobody")
    keep("move, wrong", "POST", at(moved, "/move"), 422, token | {"message": "\x01"})
    keep("day", "GET", f"{SCHEDULE}?day=2026-12-08")
    keep("week", "GET", f"{SCHEDULE}?day=2026-12-08&span=week")
    keep("list", "GET", LISTING)
    keep("list, later", "GET", f"{LISTING}?after={one}&since=")
    keep("list, empty", "GET", f"{LISTING}?client=nobody")
    keep("invite", "GET", INVITE)
    keep("invite again", "GET", f"{INVITE}?again={one}")
    keep("invite, wrong", "POST", INVITE, 422, token)
    host.portal.find_clients(lambda text: PEOPLE.values())
    keep("invite, find", "GET", INVITE)
    keep("invite, found", "POST", INVITE, 200, token | {"verb": "find", "find": "a"})
    keep("invite, not found", "POST", INVITE, 422, token | {"verb": "find"})
    filled = token | {"verb": "invite", "key": "k", "find": "a", "client": "theo", "type": "visit", "contact": "phone"}
    filled |= {"date": "2026-12-08", "time": "10:00", "weeks": "3", "provider": "ada"}
    act(host, "confirm", one)
    keep("series, taken", "POST", INVITE, 409, filled)
    keep("series", "POST", INVITE, 200, filled | {"which": "free"})
    host.clock.now = TUESDAY_TEN + 2 * DAY + timedelta(minutes=5)
    keep("begun", "GET", at(moved))
    keep("begun, move", "GET", at(moved, "/move"))
    keep("not there", "GET", at("0" * 32), 404)
    pages.pop("not there (page)")
    host.state.db.close_all()
    return pages


def test_the_review_page_works_on_both_databases(either_host: Host) -> None:
    host = either_host
    rosa = host.browser("rosa")
    host.apply(practice(requests_hold_time=False))
    refs = [host.request(who, TUESDAY_TEN + n * DAY).ref for who in ("maya", "theo") for n in range(2)]
    odd = (f"{LISTING}?client=%00", f"{LISTING}?after={refs[0]}", f"{LISTING}?after=%F0%9F%98%80", f"{REVIEW}?done=%00")
    for address in (*ADDRESSES, *odd, f"{SCHEDULE}?day=2026-12-08", at(refs[0]), at(refs[0], "/move"), at("%00")):
        assert rosa.get(address).status_code in {200, 404}, address
    page = open_page(rosa, REVIEW)
    assert page.words.count("Overlaps") == 4
    answer = rosa.post(DECIDE, data=page.forms[DECIDE][0] | {"verb": "confirm", "ref": [*refs, "\x00"]})
    assert answer.status_code == 409
    assert read(answer).words.count("was taken a moment ago") == 2
    assert "Maya Lindqvist Confirmed" in open_page(rosa, f"{SCHEDULE}?day=2026-12-08").words
