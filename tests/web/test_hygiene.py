"""What every answer says about itself, how much may be sent, and where nobody is led: whatever the host's site does."""

import socket
from base64 import urlsafe_b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Response, request
from flask.testing import FlaskClient
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from portal_plugin.domain.errors import SetupError
from portal_plugin.services.tokens import AGAIN, link_token
from portal_plugin.testing import Clock
from portal_plugin.web.headers import PAGE
from tests.api.support import API, WANTED, make_key
from tests.browser.site import served
from tests.practices import PRACTICE
from tests.support import PEOPLE, STEP_2, Host, make_host
from tests.web.house import House, each, open_house
from tests.web.pages import BOOK, HTMX, UPCOMING, counted, read, step_2
from tests.web.texter import INBOUND

CSP = "Content-Security-Policy"
EVIL = "evil.example"
MISSING = f"/portal/appointments/{'0' * 32}/requested"


def policies(answer: Any) -> list[str]:
    found: list[str] = answer.headers.getlist(CSP)
    return found


# Frames, by setting.


@pytest.mark.parametrize(
    ("setting", "ancestors", "old"),
    [
        ("deny", "'none'", "DENY"),
        ("same-origin", "'self'", "SAMEORIGIN"),
        (
            ["https://www.example.org", "http://localhost:3000"],
            "'self' https://www.example.org http://localhost:3000",
            None,
        ),
    ],
)
def test_who_may_show_a_page_in_a_frame_is_a_setting(
    sqlite_url: str, tmp_path: Path, clock: Clock, setting: Any, ancestors: str, old: str | None
) -> None:
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_FRAMING=setting)
    host.apply(PRACTICE)
    for address in (BOOK, STEP_2, UPCOMING, MISSING, "/portal/review/", f"{API}/types", "/portal/health"):
        answer = host.browser().get(address)
        assert f"frame-ancestors {ancestors}" in ", ".join(policies(answer)), address
        assert answer.headers.get("X-Frame-Options") == old, address


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "none",
        "*",
        [],
        ["*"],
        ["https://a.example; script-src *"],
        ["https://a.example/path"],
        ["a.example"],
        [1],
        7,
    ],
)
def test_a_setting_that_is_none_is_told_at_the_start(tmp_path: Path, clock: Clock, setting: Any) -> None:
    with pytest.raises(SetupError, match=r'PORTAL_FRAMING is .*: write "deny", "same-origin", or a list'):
        make_host(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, clock, PORTAL_FRAMING=setting)


@pytest.mark.parametrize(
    ("theirs", "sent"),
    [
        ({CSP: "frame-ancestors https://partner.example"}, ["frame-ancestors https://partner.example"]),
        ({CSP: "default-src 'self'; Frame-Ancestors 'self'"}, ["default-src 'self'; Frame-Ancestors 'self'"]),
        ({CSP: "default-src 'self'"}, ["default-src 'self'", "frame-ancestors 'none'"]),
        ({CSP: "report-uri /frame-ancestors"}, ["report-uri /frame-ancestors", "frame-ancestors 'none'"]),
        ({"X-Frame-Options": "SAMEORIGIN"}, [PAGE]),
    ],
)
@pytest.mark.parametrize("how", ["sets", "fills in"])
def test_what_the_site_says_itself_stands_however_it_says_it(
    host: Host, theirs: dict[str, str], sent: list[str], how: str
) -> None:
    @host.app.after_request
    def own(response: Response) -> Response:
        for name, value in theirs.items():
            if how == "fills in":
                response.headers.setdefault(name, value)
            else:
                response.headers[name] = value
        return response

    answer = host.browser().get(BOOK)
    assert policies(answer) == sent
    frames = theirs.get("X-Frame-Options") or (None if "rame-" in sent[0] and len(sent) == 1 else "DENY")
    assert answer.headers.get("X-Frame-Options") == frames


def test_beside_flask_talisman_its_policy_and_its_frame_options_stand(host: Host) -> None:
    Talisman(host.app, force_https=False)
    answer = host.browser().get(BOOK)
    assert policies(answer) == ["default-src 'self'; object-src 'none'"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert read(answer).ids


# The policy of a page.


def test_a_page_in_the_portal_s_own_frame_allows_what_it_needs_and_nothing_else(host: Host) -> None:
    assert PAGE.startswith("default-src 'none'; ")
    assert "unsafe" not in PAGE
    for address in (BOOK, STEP_2, UPCOMING):
        assert policies(host.browser().get(address)) == [f"{PAGE}; frame-ancestors 'none'"]


def own_frame(host: Host, folder: Path) -> None:
    host.app.template_folder = str(folder)
    (folder / "portal").mkdir(parents=True)
    base = "<title>{% block title %}{% endblock %}</title>{% block content %}{% endblock %}"
    (folder / "portal" / "base.html").write_text(base)


def own_404(host: Host, _: Path) -> None:
    host.app.register_error_handler(404, lambda error: ("<style>p { color: red }</style><p>Ours", 404))


@pytest.mark.parametrize(("furnish", "address"), [(own_frame, BOOK), (own_404, MISSING)])
def test_in_a_frame_of_the_site_s_own_only_frames_are_spoken_of(
    host: Host, tmp_path: Path, furnish: Callable[[Host, Path], None], address: str
) -> None:
    """What the rest of such a page needs is not ours to know."""
    furnish(host, tmp_path / "own")
    assert policies(host.browser().get(address)) == ["frame-ancestors 'none'"]


def test_a_base_template_by_setting_is_such_a_frame(sqlite_url: str, tmp_path: Path, clock: Clock) -> None:
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_BASE_TEMPLATE="site.html")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "site.html").write_text("{% block content %}{% endblock %}")
    host.app.template_folder = str(tmp_path / "own")
    host.apply(PRACTICE)
    assert policies(host.browser().get(BOOK)) == ["frame-ancestors 'none'"]


def test_what_is_no_page_allows_nothing_to_be_loaded(host: Host) -> None:
    bearer = {"Authorization": f"Bearer {make_key(host)}"}
    for address in (
        f"{API}/types",
        f"{API}/nothing",
        f"{API}/openapi.json",
        "/portal/health",
        "/portal/static/portal.js",
    ):
        answer = host.app.test_client().get(address, headers=bearer)
        assert policies(answer) == ["default-src 'none'; frame-ancestors 'none'"], address
        assert answer.headers["X-Content-Type-Options"] == "nosniff", address


def test_the_site_s_own_pages_get_no_header_of_ours(host: Host) -> None:
    answer = host.app.test_client().get("/sign-in")
    for name in (CSP, "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"):
        assert name not in answer.headers


# Cookies.


def test_no_answer_sets_a_cookie_and_none_but_the_host_s_functions_look_at_one(
    sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    with open_house(sqlite_url, tmp_path, clock) as house:
        house.host.portal.current_client(lambda: PEOPLE["maya"])
        house.host.portal.current_staff(lambda: None)  # type: ignore[arg-type, return-value]
        for rule, _, method, _ in each():
            for headers in ({}, HTMX):
                answer = house.host.app.test_client().open(house.path(rule), method=method, headers=headers)
                assert "Set-Cookie" not in answer.headers, (method, rule)
                # By this Flask tells that the session was looked at.
                assert "Cookie" not in answer.headers.get("Vary", "").split(", "), (method, rule)


# How much may be sent.


def sent_in_pieces(address: str, path: str, pieces: int, kind: str) -> bytes:
    """The status line for a body of so many pieces, each a little less than 16 kB, which does not say its length."""
    where = urlsplit(address)
    head = f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nTransfer-Encoding: chunked\r\nContent-Type: {kind}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=10) as wire:
        wire.sendall(head.encode())
        try:
            for number in range(pieces):
                piece = b"%x=" % number + b"x" * (16 * 1024 - 8) + b"&"
                wire.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            wire.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # It was answered before everything was sent.
        return wire.makefile("rb").readline()


@pytest.mark.parametrize(
    ("path", "kind"), [(BOOK, "application/x-www-form-urlencoded"), (f"{API}/bookings", "application/json")]
)
def test_a_body_that_does_not_say_its_length_is_counted_while_it_is_read(
    sqlite_url: str, tmp_path: Path, clock: Clock, path: str, kind: str
) -> None:
    with served(sqlite_url, tmp_path, clock) as site:
        site.host.apply(PRACTICE)
        for pieces, status in ((4, b" 401 "), (5, b" 413 "), (64, b" 413 ")):
            assert status in sent_in_pieces(site.address, path, pieces, kind)


def large(parts: int, size: int, boundary: str = "b") -> bytes:
    one = '--{}\r\nContent-Disposition: form-data; name="note"{}\r\n\r\n{}\r\n'
    return "".join(one.format(boundary, "", "x" * size) for _ in range(parts)).encode() + b"--b--\r\n"


@pytest.mark.parametrize(("parts", "size"), [(1, 100_000), (900, 80), (3_000, 1)])
@pytest.mark.parametrize("who", ["maya", None])
def test_a_form_in_parts_is_as_small_as_any_other(host: Host, parts: int, size: int, who: str | None) -> None:
    answer = host.browser(who).post(BOOK, data=large(parts, size), content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 413
    assert counted(host) == (0, 0)


def test_a_file_is_not_stored_and_no_field(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    file = {name: (BytesIO(value.encode()), "x.txt") for name, value in form.items()}
    answer = maya.post(BOOK, data=file, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert counted(host) == (0, 0)


@pytest.mark.parametrize(("fields", "status"), [(900, 422), (1_001, 413), (30_000, 413)])
def test_a_form_of_too_many_fields_is_too_much(host: Host, maya: FlaskClient, fields: int, status: int) -> None:
    """Shown again to be sent again, they would make a page of megabytes."""
    answer = maya.post(BOOK, data="&".join(["a"] * fields), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == status
    assert len(answer.data) < 100_000


def test_the_limit_holds_also_where_the_site_reads_the_form_before_the_portal(host: Host) -> None:
    CSRFProtect(host.app)
    answer = host.browser().post(BOOK, data={"note": "x" * 100_000}, headers={"Accept-Language": "es"})
    assert answer.status_code == 413
    assert "Nothing was sent" not in read(answer).words, "it speaks the reader's language"


def test_the_site_s_own_pages_keep_their_limit(host: Host) -> None:
    host.app.add_url_rule("/own", "own", lambda: str(len(request.get_data())), methods=["POST"])
    host.browser().get(BOOK)
    assert host.browser().post("/own", data=b"x" * 100_000).text == "100000"


def test_the_gateway_s_call_is_counted_before_its_signature_is_checked(house: House) -> None:
    for data in ({"Body": "x" * 100_000}, "&".join(["a"] * 2_000)):
        answer = house.browser(None).post(INBOUND, data=data, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, clock: Clock) -> Any:
    with open_house(sqlite_url, tmp_path, clock) as house:
        yield house


# Where nobody is led.


def leads_back(answer: Any) -> str:
    address = answer.location or answer.headers["HX-Redirect"]
    [back] = parse_qs(urlsplit(address).query)["next"]
    return back


@given(path=st.text(alphabet="/\\%2f5c.:@?#eil x\t\u2215", max_size=12))
@example("//evil.example/x")
@example("/\\evil.example")
@example("/%2fevil.example")
@example("/\t/evil.example")
@example("@evil.example")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_htmx_says_it_is_the_way_back_is_a_path_of_this_site(host: Host, path: str) -> None:
    answer = host.app.test_client().get(UPCOMING, headers=HTMX | {"HX-Current-URL": f"http://localhost{path}"})
    back = leads_back(answer)
    assert back.startswith("/")
    # As a browser reads it: it drops tabs and line breaks, and takes a backslash for a slash.
    read_as = "".join(letter for letter in back if letter not in "\t\r\n").replace("\\", "/")
    assert not read_as.startswith("//"), back


@pytest.mark.parametrize(
    "path", ["//evil.example/portal/appointments/book", "/\\evil.example", "/portal//evil.example"]
)
def test_an_address_with_more_slashes_is_no_way_to_another_site(host: Host, path: str) -> None:
    answer = host.app.test_client().get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 404


@pytest.mark.parametrize("value", [f"//{EVIL}", f"https://{EVIL}/", f"/\\{EVIL}"])
def test_no_word_in_an_address_leads_elsewhere(house: House, value: str) -> None:
    names = ("next", "back", "return", "return_to", "url", "redirect", "done", "after", "zone", "provider", "v")
    for rule, _, _, row in each():
        if "GET" in row.methods:
            answer = house.browser("maya").get(house.path(rule), query_string=dict.fromkeys(names, value))
            assert not urlsplit(answer.location or "").netloc, rule
            for href in read(answer).links if answer.mimetype == "text/html" else []:
                assert urlsplit(href).netloc != EVIL, rule


# The Host header.


@pytest.mark.parametrize(
    "headers", [{"Host": EVIL}, {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "gopher", "Forwarded": f"host={EVIL}"}]
)
def test_a_made_up_host_stands_in_no_answer(house: House, headers: dict[str, str]) -> None:
    """Neither in a redirect, a feed, a calendar file, the API's document nor any page."""
    base = f"http://{EVIL}" if "Host" in headers else "http://localhost"
    maya, rosa = house.host.app.test_client(), house.host.app.test_client()
    for browser, who in ((maya, "maya"), (rosa, "rosa")):
        browser.get(f"/sign-in?as={who}", base_url=base)
    paths = [house.path(rule) for rule, _, _, row in each() if "GET" in row.methods]
    bearer = {"Authorization": f"Bearer {make_key(house.host)}"}
    for path in (*paths, "/portal", "/portal/review", "//portal/review", "/portal//appointments/book"):
        for browser in (maya, rosa, house.host.app.test_client()):
            answer = browser.get(path, base_url=base, headers=headers | (bearer if "/api/" in path else {}))
            told = f"{answer.headers}{answer.get_data(as_text=True)}"
            assert EVIL not in told, path
            assert "gopher" not in told, path
    made = house.host.app.test_client().post(
        f"{API}/bookings", json=WANTED | {"starts": "2026-12-16T15:00:00Z"}, headers=headers | bearer, base_url=base
    )
    assert made.status_code == 201
    assert EVIL not in made.location


def test_the_portal_s_own_htmx_is_marked_and_a_host_s_is_not(host: Host, maya: FlaskClient) -> None:
    """By the mark portal.js knows which htmx it may forbid to run code; see tests/browser/test_policy.py."""
    scripts = [tag for tag in read(maya.get(BOOK)).named("script") if "data-portal-htmx" in tag]
    assert [urlsplit(tag["src"]).path for tag in scripts] == ["/portal/static/vendor/htmx.min.js"]


def test_links_are_signed_with_sha_256_and_those_of_before_still_open(host: Host, maya: FlaskClient) -> None:
    ref, made = host.request().ref, int(host.clock().timestamp())
    signature = link_token(host.state, AGAIN, ref).rpartition(".")[2]
    assert len(urlsafe_b64decode(f"{signature}=")) == 32
    before = URLSafeSerializer(host.state.settings.secret_keys[-1], salt="portal-link").dumps([AGAIN, ref, made])
    assert maya.get(f"/portal/link/{before}").status_code == 303
    assert maya.get(f"/portal/link/{before[:-2]}").status_code == 404
