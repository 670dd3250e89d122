"""The review page is for staff, and is not there for anybody else."""

import pytest

from portal_plugin import Staff
from tests.support import PEOPLE, Host
from tests.web.desk import ADDRESSES, DECIDE, INVITE, REVIEW, SCHEDULE, WAITLIST, at
from tests.web.pages import HTMX, open_page, read, stored

MISSING = "0" * 32


def every_address(ref: str) -> list[tuple[str, str]]:
    shown = [("GET", address) for address in (*ADDRESSES, at(ref), at(ref, "/move"))]
    return [*shown, *(("POST", address) for address in (DECIDE, INVITE, WAITLIST, at(ref), at(ref, "/move")))]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
@pytest.mark.parametrize("registered", [True, False])
def test_to_a_client_every_address_is_byte_for_byte_one_that_is_not_there(
    host: Host, headers: dict[str, str], registered: bool
) -> None:
    if not registered:
        host.portal.current_staff(None)  # type: ignore[arg-type]
    ref = host.request().ref
    before = stored(host)
    maya = host.browser("maya")
    missing = maya.get(f"/portal/appointments/{MISSING}/requested", headers=headers)
    assert missing.status_code == 404
    for method, address in every_address(ref):
        answer = maya.open(address, method=method, headers=headers)
        assert (answer.status_code, answer.data) == (404, missing.data), (method, address)
        assert sorted(answer.headers) == sorted(missing.headers)
    after = stored(host)
    assert len(after["history"]) > len(before["history"]), "who was refused is written down"
    assert after | {"history": before["history"]} == before


def test_where_no_staff_is_known_nobody_is_asked_to_sign_in(host: Host) -> None:
    host.portal.current_staff(None)  # type: ignore[arg-type]
    for method, address in every_address(host.request().ref):
        assert host.browser(None).open(address, method=method).status_code == 404


def test_a_visitor_signs_in_and_comes_back(host: Host) -> None:
    visitor = host.browser(None)
    answer = visitor.get(f"{SCHEDULE}?day=2026-12-08")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/portal/review/schedule?day%3D2026-12-08%26signed-in%3D1"
    answer = visitor.post(at(host.request().ref))
    assert answer.status_code == 401
    assert "/sign-in?next=/portal/review/?signed-in%3D1" in read(answer).links
    assert host.browser("rosa").get(f"{REVIEW}?signed-in=1").status_code == 200
    answer = visitor.get(REVIEW, headers=HTMX | {"HX-Current-URL": f"http://localhost{REVIEW}"})
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=/portal/review/")


def test_whoever_signed_in_and_is_nobody_here_is_not_sent_round_and_round(host: Host) -> None:
    bookkeeper = host.browser("bo")
    assert bookkeeper.get(REVIEW).status_code == 302
    assert bookkeeper.get(f"{REVIEW}?signed-in=1").status_code == 404


def test_a_missing_appointment_looks_the_same_to_staff_at_every_address(host: Host) -> None:
    rosa = host.browser("rosa")
    for ref in (MISSING, "x", "%00", "x" * 3000):
        for more in ("", "/move"):
            assert rosa.get(at(ref, more)).status_code == 404
    answer = rosa.get(at(MISSING), headers=HTMX)
    assert answer.status_code == 404
    assert REVIEW in read(answer).links


def test_no_page_of_staff_is_kept_by_a_browser(host: Host) -> None:
    rosa = host.browser("rosa")
    ref = host.request().ref
    for method, address in every_address(ref):
        answer = rosa.open(address, method=method)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.status_code in {200, 400}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(host: Host, method: str) -> None:
    ref = host.request().ref
    before = stored(host)
    rosa = host.browser("rosa")
    for _, address in every_address(ref):
        assert rosa.open(address, method=method).status_code in {200, 405}
    assert stored(host) == before


def test_no_review_address_carries_a_name_an_address_or_a_note(host: Host) -> None:
    host.request(note="PLANTED")
    rosa = host.browser("rosa")
    for address in (*ADDRESSES, f"{SCHEDULE}?day=2026-12-08"):
        for link in open_page(rosa, address).links:
            assert (
                not any(word in link for word in ("Maya", "Lindqvist", "example.org", "PLANTED")) or "mailto:" in link
            )


@pytest.mark.parametrize("answer", ["rosa", PEOPLE["maya"], 1])
def test_a_loader_that_returns_something_else_is_told_to_the_developer(host: Host, answer: object) -> None:
    host.portal.current_staff(lambda: answer)  # type: ignore[arg-type, return-value]
    host.app.debug = True
    page = host.browser("rosa").get(REVIEW)
    assert page.status_code == 503
    assert "@portal.current_staff must return a Staff or None" in page.text


def test_a_token_of_one_is_none_of_another(host: Host) -> None:
    ref = host.request().ref
    form = open_page(host.browser("rosa"), at(ref)).forms[at(ref)][0] | {"verb": "confirm"}
    host.portal.current_staff(lambda: Staff("iris", "Iris"))
    assert host.browser("rosa").post(at(ref), data=form).status_code == 400
    host.portal.current_staff(lambda: Staff("rosa", "Rosa"))
    assert host.browser("rosa").post(at(ref), data=form).status_code == 303


def test_a_find_clients_that_returns_something_else_is_told_to_the_developer(host: Host) -> None:
    host.portal.find_clients(lambda text: ["maya"])  # type: ignore[arg-type, return-value, list-item]
    host.app.debug = True
    rosa = host.browser("rosa")
    form = open_page(rosa, INVITE).forms[INVITE][0] | {"verb": "find", "find": "maya"}
    answer = rosa.post(INVITE, data=form)
    assert answer.status_code == 503
    assert "@portal.find_clients must return Clients" in answer.text
