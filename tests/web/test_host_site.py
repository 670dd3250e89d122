"""The portal inside somebody's site: whatever the site has of its own keeps working."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request, request
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin
from flask_wtf import CSRFProtect
from werkzeug.test import TestResponse

from portal_plugin import Client, Portal
from portal_plugin.testing import Clock, deliver
from tests.practices import PRACTICE
from tests.support import MONDAY, PEOPLE, STEP_2, TUESDAY_TEN, Host, make_host
from tests.web.desk import DECIDE
from tests.web.pages import BOOK, HTMX, UPCOMING, counted, open_page, read, ref_of, send, step_2
from tests.web.visiting import became_guest, guest_page_in, open_practice

ADDRESSES = ("href", "src", "action", "data-hx-get", "data-hx-post")


class OwnRequest(Request):
    """A host's own."""

    greeting = "hello"


def answer_with_greeting(app: Flask) -> None:
    @app.get("/greeting")
    def greeting() -> str:
        own: Any = request
        return str(own.greeting)


def test_a_request_class_of_the_host_s_own_is_kept(
    sqlite_url: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Flask, "request_class", OwnRequest)
    host = make_host(sqlite_url, tmp_path, clock)
    host.apply(PRACTICE)
    answer_with_greeting(host.app)
    assert issubclass(host.app.request_class, OwnRequest)
    assert host.browser(None).get("/greeting").text == "hello"
    assert open_page(host.browser(), BOOK, **HTMX).named("section")


def test_a_request_class_set_after_the_portal_is_kept_too(host: Host) -> None:
    host.app.request_class = OwnRequest
    answer_with_greeting(host.app)
    assert host.browser(None).get("/greeting").text == "hello"
    assert open_page(host.browser(), BOOK, **HTMX).named("section")


@pytest.mark.parametrize("settings", [{}, {"WTF_CSRF_FIELD_NAME": "site_token"}])
def test_beside_flask_wtf_our_forms_pass_and_need_both_tokens(host: Host, settings: dict[str, str]) -> None:
    host.app.config.update(settings)
    CSRFProtect(host.app)
    theirs = settings.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    browser = host.browser()
    form = step_2(browser)
    assert form[theirs]
    without_theirs = {name: value for name, value in form.items() if name != theirs}
    without_ours = {name: value for name, value in form.items() if name != "portal_token"}
    assert send(browser, without_theirs).status_code == 400
    assert send(browser, without_ours).status_code == 400
    assert counted(host) == (0, 0)
    address = f"/portal/appointments/{ref_of(send(browser, form))}/cancel"
    assert browser.post(address, data=open_page(browser, address).forms[address][0]).status_code == 303
    with host.app.app_context():
        ref = host.portal.invite(PEOPLE["maya"], type="visit", contact="phone", starts=TUESDAY_TEN).ref
    address = f"/portal/appointments/{ref}/accept"
    assert browser.post(address, data=open_page(browser, UPCOMING).forms[address][0], headers=HTMX).status_code == 303


@pytest.mark.parametrize("theirs", ["csrf_token", "site_token"])
def test_beside_flask_wtf_a_session_that_ended_loses_nothing(host: Host, theirs: str) -> None:
    host.app.config.update(WTF_CSRF_FIELD_NAME=theirs)
    CSRFProtect(host.app)
    maya = host.browser()
    form = step_2(maya, note="The ramp, please.")
    maya.delete_cookie("session")
    assert "HX-Redirect" in send(maya, form, HTMX).headers
    signed_out = send(maya, form)
    assert signed_out.status_code == 401
    assert "Sign in (opens in a new tab)" in read(signed_out).words
    [before] = read(signed_out).forms[BOOK]
    # Another session than the one that the kept form was made for.
    maya.delete_cookie("session")
    maya.get("/sign-in?as=maya")
    asked_again = send(maya, before)
    assert asked_again.status_code == 400
    [kept] = read(asked_again).forms[BOOK]
    assert ref_of(send(maya, kept))
    with host.app.app_context():
        assert [one.note for one in host.portal.appointments()] == ["The ramp, please."]


def test_beside_flask_wtf_a_form_from_another_site_is_refused_by_the_host_s_own_page(host: Host) -> None:
    CSRFProtect(host.app)
    host.app.register_error_handler(400, lambda error: ("Our own 400", 400))
    answer = send(host.browser(), {"note": "planted"}, {"Origin": "https://evil.example"})
    assert (answer.status_code, answer.text) == (400, "Our own 400")


def test_beside_flask_wtf_a_decision_whose_session_ended_is_kept_for_staff_and_shown_to_nobody_else(host: Host) -> None:
    CSRFProtect(host.app)
    ref = host.request().ref
    decide = {"ref": ref, "action": "confirm"}
    assert host.browser(None).post(DECIDE, data=decide).status_code == 401
    assert host.browser("maya").post(DECIDE, data=decide).status_code == 404
    assert host.browser("rosa").post(DECIDE, data=decide).status_code == 400


@pytest.fixture
def termine(sqlite_url: str, tmp_path: Path, clock: Clock) -> Host:
    app = Flask("termine", instance_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="x" * 32,
        TESTING=True,
        PORTAL_DATABASE_URL=sqlite_url,
        PORTAL_BASE_URL="https://www.elmrow.example/haus",
        PORTAL_SIGN_IN="sign_in",
        PORTAL_CLOCK=clock,
        MAIL_SUPPRESS_SEND=True,
        MAIL_DEFAULT_SENDER="desk@elmrow.example",
    )
    app.add_url_rule("/anmelden", "sign_in", lambda: "")
    portal = Portal(app, url_prefix="/termine")
    portal.current_client(lambda: PEOPLE["maya"])
    host = Host(app, portal, clock)
    host.apply(PRACTICE)
    return host


def test_another_prefix_moves_every_address(termine: Host) -> None:
    browser = termine.app.test_client()
    page = open_page(browser, STEP_2.replace("/portal/", "/termine/"))
    for tag, attrs in page.tags:
        for name in ADDRESSES:
            assert attrs.get(name, "/termine/").startswith(("/termine/", "#")), tag
    form = page.forms["/termine/appointments/book"][0] | {"starts": page.times[0]}
    answer = browser.post("/termine/appointments/book", data=form)
    assert answer.location.startswith("/termine/appointments/")
    assert browser.get(answer.location).status_code == 200
    assert browser.get(BOOK).status_code == 404


def test_mails_follow_the_prefix_and_the_path_of_the_base_address(termine: Host) -> None:
    ref = termine.request().ref
    with termine.app.app_context():
        termine.portal.decline(ref)
    mails = deliver(termine.app)
    assert "https://www.elmrow.example/haus/termine/appointments/upcoming" in mails[0].text
    assert "https://www.elmrow.example/haus/termine/link/" in mails[1].text


def test_a_template_in_the_host_s_folder_replaces_ours(host: Host, tmp_path: Path, maya: FlaskClient) -> None:
    folder = tmp_path / "templates" / "portal"
    (folder / "partials").mkdir(parents=True)
    (folder / "mail").mkdir()
    (folder / "partials" / "_upcoming.html").write_text(
        '<section id="portal-panel">{{ appointments | length }} of ours</section>'
    )
    (folder / "mail" / "received.txt").write_text("Subject: Ours\n\nDear {{ client.name }}")
    host.app.template_folder = str(tmp_path / "templates")
    host.request()
    assert "1 of ours" in open_page(maya, UPCOMING).words
    [mail] = host.deliver()
    assert (mail.subject, mail.text) == ("Ours", "Dear Maya Lindqvist\n")


def test_a_template_of_the_host_s_fills_a_block_and_keeps_the_rest(
    host: Host, tmp_path: Path, maya: FlaskClient
) -> None:
    folder = tmp_path / "templates" / "portal"
    (folder / "partials").mkdir(parents=True)
    for name, block in (("page.html", "portal_after"), ("partials/_upcoming.html", "portal_intro")):
        ours = f"{{% block {block} %}}<p>Ours in {name}, {{{{ title }}}}</p>{{% endblock %}}"
        (folder / name).write_text(f'{{% extends "portal_plugin/{name}" %}}{ours}')
    host.app.template_folder = str(tmp_path / "templates")
    host.request()
    words = open_page(maya, UPCOMING).words
    assert "Ours in page.html, Upcoming appointments" in words
    assert "Ours in partials/_upcoming.html, Upcoming appointments" in words
    assert "Requested" in words
    panel = open_page(maya, UPCOMING, **HTMX).words
    assert "Ours in partials/_upcoming.html" in panel
    assert "Ours in page.html" not in panel


def test_below_a_path_of_the_server_every_address_has_it_in_front(host: Host) -> None:
    """As a server says that mounts the site: SCRIPT_NAME."""
    below = {"SCRIPT_NAME": "/haus", "PATH_INFO": STEP_2.partition("?")[0], "QUERY_STRING": STEP_2.partition("?")[2]}
    page = read(host.browser().get("/", environ_overrides=below))
    assert page.times
    own = [attrs[name] for _, attrs in page.tags for name in ADDRESSES if attrs.get(name, "#")[0] != "#"]
    assert own
    assert [address for address in own if not address.startswith(("/haus/portal/", "tel:"))] == []


def test_the_host_s_base_template_surrounds_every_page(sqlite_url: str, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "site.html").write_text(
        "<title>{% block title %}{% endblock %} | Elm Row</title><p>Our site</p>{% block content %}{% endblock %}"
    )
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_BASE_TEMPLATE="site.html", PORTAL_HTMX="host")
    host.app.template_folder = str(tmp_path / "templates")
    host.apply(PRACTICE)
    page = open_page(host.browser(), BOOK)
    assert "Book an appointment | Elm Row Our site" in page.words
    assert not [tag for tag in page.named("script") if "htmx" in tag["src"]]
    assert "Our site" not in open_page(host.browser(), BOOK, **HTMX).words


@pytest.mark.parametrize("name", ["portal.css", "portal.js", "vendor/htmx.min.js"])
def test_static_files_are_served_and_may_be_cached(host: Host, name: str) -> None:
    answer = host.browser(None).get(f"/portal/static/{name}")
    assert answer.status_code == 200
    assert "no-store" not in answer.headers.get("Cache-Control", "")
    assert host.browser(None).get(f"/portal/static/../{name}").status_code == 404


def test_the_host_s_own_error_pages_are_used(host: Host) -> None:
    host.app.register_error_handler(404, lambda error: ("Our own 404", 404))
    host.app.register_error_handler(400, lambda error: ("Our own 400", 400))
    maya = host.browser()
    for address in (f"/portal/appointments/{'0' * 32}/requested", "/portal/link/x", "/portal/nothing"):
        answer = maya.get(address)
        assert (answer.status_code, answer.text) == (404, "Our own 404")
    assert send(maya, {}, {"Origin": "https://evil.example"}).text == "Our own 400"


def test_the_host_s_own_pages_and_headers_are_left_alone(host: Host) -> None:
    host.app.add_url_rule("/own", "own", lambda: "own")
    answer = host.browser(None).get("/own")
    assert answer.text == "own"
    assert "Cache-Control" not in answer.headers
    assert "HX-Request" not in answer.headers.get("Vary", "")
    assert host.browser(None).post("/own-post", headers={"Origin": "https://elsewhere.example"}).status_code == 404


def test_a_header_that_the_host_set_is_not_overwritten(host: Host) -> None:
    @host.app.after_request
    def policy(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    answer = host.browser().get(BOOK)
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_with_flask_login_its_own_sign_in_is_used(sqlite_url: str, tmp_path: Path, clock: Clock) -> None:
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_SIGN_IN="")
    host.apply(PRACTICE)
    manager = LoginManager(host.app)
    host.app.add_url_rule("/enter", "enter", lambda: "")
    manager.login_view = "enter"
    manager.user_loader(lambda id_: UserMixin())
    answer = host.browser(None).get(BOOK)
    assert answer.location == f"/enter?next={BOOK}"


def test_without_any_sign_in_a_visitor_is_told_and_the_log_says_what_to_set(
    sqlite_url: str, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    host = make_host(sqlite_url, tmp_path, clock, PORTAL_SIGN_IN="")
    host.apply(PRACTICE)
    assert host.browser(None).get(BOOK).status_code == 503
    assert "PORTAL_SIGN_IN is not set" in caplog.text


def test_a_loader_that_sees_nobody_for_one_app_does_not_matter_to_another(sqlite_url: str, tmp_path: Path) -> None:
    """One Portal, two apps, each with its own database, practice and clock."""
    portal = Portal()
    portal.current_client(lambda: PEOPLE["maya"])
    hosts = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        app = Flask(name, instance_path=str(folder))
        app.config.update(SECRET_KEY=name * 16, PORTAL_BASE_URL=f"https://{name}.example", TESTING=True)
        app.config["PORTAL_CLOCK"] = Clock(MONDAY)
        portal.init_app(app)
        app.test_cli_runner().invoke(args=["portal", "init"])
        host = Host(app, portal, app.config["PORTAL_CLOCK"])
        data = PRACTICE | {"practice": PRACTICE["practice"] | {"name": f"Practice {name}"}}
        host.apply(data)
        hosts.append(host)
    hosts[0].request()
    assert [counted(host)[0] for host in hosts] == [1, 0]
    for host, name in zip(hosts, ("one", "two"), strict=True):
        answer: TestResponse = host.app.test_client().get(STEP_2)
        assert f"Practice {name}" in read(answer).words
        host.state.db.close_all()


def test_the_client_loader_is_asked_once_a_page(host: Host, maya: FlaskClient) -> None:
    asked: list[Client] = []

    def loader() -> Client:
        asked.append(PEOPLE["maya"])
        return PEOPLE["maya"]

    host.portal.current_client(loader)
    ref = host.request().ref
    for address in (BOOK, STEP_2, UPCOMING, f"/portal/appointments/{ref}/cancel"):
        asked.clear()
        open_page(maya, address)
        assert len(asked) == 1


def test_two_people_in_one_application_context_stay_two_people(host: Host) -> None:
    """Tests of a host often hold one context open, and Flask's `g` with it."""
    host.request("maya")
    maya, theo = host.browser("maya"), host.browser("theo")
    with host.app.app_context():
        assert "Requested" in open_page(maya, UPCOMING).words
        assert "You have no upcoming appointments." in open_page(theo, UPCOMING).words
        host.apply(PRACTICE | {"practice": PRACTICE["practice"] | {"name": "Birch Row"}})
        assert "Birch Row" in open_page(maya, UPCOMING).words


def test_a_guest_s_form_without_the_host_s_token_is_refused_as_its_link_deserves(host: Host) -> None:
    """Made up, made up once too often, and of an appointment that is over."""
    CSRFProtect(host.app)
    host.apply(open_practice())
    visitor, _ = became_guest(host)
    home = guest_page_in(host.deliver()[0])
    host.limit(wrong_links="1/hour")

    def send(page: str) -> int:
        return visitor.post(f"{page}/{'0' * 32}/cancel").status_code

    assert [send("/portal/guest/made-up") for _ in range(3)] == [404, 429, 429]
    assert send(home) == 400
    host.clock.advance(timedelta(days=3))
    assert send(home) == 410
