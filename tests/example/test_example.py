"""The demonstration site, as its clients and its front desk use it."""

import re
from html import unescape
from itertools import islice
from pathlib import Path

import pytest

import example_app
from example_app import MAYA, MOST_OPEN_REQUESTS, PEOPLE, ROSA, THEO, create_app, local_path, portal
from portal_plugin import Refused, Status

ROOT = Path(example_app.__file__).parent
CSP = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
SESSION = {"type": "individual", "contact": "phone", "provider": "daniel-reyes"}


def make_app(folder, **settings):
    database = f"sqlite:///{folder}/portal.db"
    return create_app(str(folder), **{"TESTING": True, "PORTAL_DATABASE_URL": database} | settings)


@pytest.fixture
def app(tmp_path):
    app = make_app(tmp_path)
    for args in (["init"], ["apply", str(ROOT / "docs/examples/practice.toml"), "--yes"]):
        result = app.test_cli_runner().invoke(args=["portal", *args])
        assert result.exit_code == 0, result.output
    return app


def browser(app, person=None):
    """A browser in which somebody has signed in."""
    client = app.test_client()
    if person:
        answer = client.post("/sign-in", data={"email": person.email, "password": person.password})
        assert answer.status_code == 303
    return client


def free_times(app, count):
    with app.app_context():
        return [slot.starts for slot in islice(portal.find_slots(**SESSION), 0, 3 * count, 3)]


def ask(app, person, starts=None, **details):
    starts = starts or free_times(app, 1)[0]
    with app.app_context():
        return portal.request(person.as_client(), starts=starts, **SESSION, **details)


def now_is(app, ref):
    with app.app_context():
        return portal.appointment(ref)


def deliver(app):
    with app.app_context():
        return portal.deliver()


REVIEW = "/portal/review/"
INVITE = f"{REVIEW}invite"


def at(ref):
    return f"{REVIEW}appointments/{ref}"


def form_of(page):
    """The hidden fields of the page's first form that has a token."""
    token = re.search(r'name="portal_token" value="([^"]+)"', page.text)
    return {"portal_token": token[1]}


def decide(visitor, ref, verb, **typed):
    return visitor.post(at(ref), data=form_of(visitor.get(at(ref))) | {"verb": verb} | typed)


# The site


@pytest.mark.parametrize("path", ["/", "/people", "/locations", "/sign-in", "/dev/mailbox/"])
def test_every_public_page_is_open_and_leads_to_booking(app, path):
    page = browser(app).get(path)
    assert page.status_code == 200
    assert 'href="/portal/appointments/book"' in page.text


def test_the_pages_need_neither_database_nor_practice(tmp_path):
    visitor = browser(make_app(tmp_path))
    assert visitor.get("/people").status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert "Book an appointment" in visitor.get("/").text


@pytest.mark.parametrize(
    ("person", "path"),
    [
        (None, "/"),
        (None, "/nothing-here"),
        (None, "/static/site.css"),
        (None, "/dev/mailbox/"),
        (MAYA, "/portal/appointments/book"),
        (ROSA, "/front-desk/"),
    ],
)
def test_every_answer_carries_the_strict_policy(app, person, path):
    answer = browser(app, person).get(path)
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("person", [None, MAYA, ROSA])
def test_nothing_is_written_inline_or_loaded_from_elsewhere(app, person):
    ask(app, MAYA)
    visitor = browser(app, person)
    for path in ("/", "/people", "/locations", "/sign-in", "/front-desk/", "/dev/mailbox/"):
        page = visitor.get(path).text
        assert not re.search(r"<style|<script|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_a_failure_is_told_in_the_look_of_the_site(app):
    app.add_url_rule("/broken", view_func=lambda: 1 // 0)
    app.testing = False
    page = browser(app).get("/broken")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text
    assert "Harbor Street" in page.text


def test_a_client_sees_appointments_and_staff_see_the_front_desk(app):
    assert "Upcoming Appointments" in browser(app, MAYA).get("/").text
    assert "/front-desk/" not in browser(app, MAYA).get("/").text
    assert "Upcoming Appointments" not in browser(app, ROSA).get("/").text
    assert "/front-desk/" in browser(app, ROSA).get("/").text


# Signing in and out


def test_a_visitor_who_is_a_client_signs_in_and_comes_back(app):
    visitor = browser(app)
    page = visitor.get("/portal/appointments/book?type=first-visit").text
    [to_sign_in] = re.findall(r'Already a client\?\s*<a href="([^"]+)"', page)
    back = visitor.post(unescape(to_sign_in), data={"email": MAYA.email, "password": MAYA.password})
    assert back.headers["Location"] == "/portal/appointments/book?type=first-visit"
    assert "Already a client?" not in visitor.get(back.headers["Location"]).text
    assert browser(app).get("/portal/appointments/upcoming").headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(("email", "known"), [("nina@example.com", False), ("Theo@example.com", True)])
def test_a_visitor_books_a_first_visit_by_mail(app, email, known):
    visitor = browser(app)
    assert "/portal/appointments/book?type=first-visit" in visitor.get("/").text
    choice = {"type": "first-visit", "contact": "telehealth"}
    with app.app_context():
        starts = next(iter(portal.find_slots(**choice))).starts
    address = "/portal/appointments/book/you"
    page = visitor.get(address, query_string=choice | {"starts": starts.isoformat()}).text
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    told = {"name": "Nina Okeke", "email": email, "q-before": "no"}
    assert "Look into your mailbox" in visitor.post(address, data=hidden | told).text
    deliver(app)
    [mail] = re.findall(r'href="(/dev/mailbox/[0-9][^"]+)"', visitor.get("/dev/mailbox/").text)
    link = re.findall(r"/portal/verify/[\w.-]+", visitor.get(f"{mail}/html").text)[0]
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', visitor.get(link).text))
    sent = visitor.post(link, data=hidden)
    assert "Request sent" in visitor.get(sent.headers["Location"]).text
    with app.app_context():
        [request] = portal.appointments()
    assert (request.client.id == THEO.id) == known
    assert request.client.new != known


def test_everybody_shown_on_the_sign_in_page_can_sign_in_with_one_click(app):
    page = browser(app).get("/sign-in").text
    shown = re.findall(r'type="hidden" name="(email|password)" value="([^"]+)"', page)
    assert [value for _, value in shown] == [
        word for person in PEOPLE.values() for word in (person.email, person.password)
    ]


@pytest.mark.parametrize("password", ["", "wrong", "Lighthouse", "naïve"])
def test_a_wrong_password_is_told_and_the_address_kept(app, password):
    page = browser(app).post("/sign-in", data={"email": MAYA.email, "password": password})
    assert page.status_code == 422
    assert "do not belong together" in page.text
    assert f'value="{MAYA.email}"' in page.text


@pytest.mark.parametrize("path", ["/", "/people", "/portal/appointments/book?type=first-visit&date=2030-01-07"])
def test_sign_in_leads_back_to_a_path_of_this_site(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "target",
    [
        "",
        "people",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/people\n",
        " /people",
        "javascript:alert(1)",
    ],
)
def test_sign_in_leads_nowhere_else(app, target):
    assert local_path(target) is None
    answer = app.test_client().post(
        "/sign-in", query_string={"next": target}, data={"email": MAYA.email, "password": MAYA.password}
    )
    assert answer.headers["Location"] == "/portal/appointments/upcoming"


def test_signing_out_takes_a_form_and_ends_the_session(app):
    maya = browser(app, MAYA)
    assert maya.get("/sign-out").status_code == 405
    assert maya.post("/sign-out").headers["Location"] == "/"
    assert "You are signed out." in maya.get("/").text
    assert maya.get("/portal/appointments/upcoming").status_code == 302


def test_a_form_from_another_site_does_nothing(app):
    request = ask(app, MAYA)
    rosa = browser(app, ROSA)
    form = form_of(rosa.get(at(request.ref))) | {"verb": "confirm"}
    for origin in ("https://evil.example", "null"):
        assert rosa.post(at(request.ref), data=form, headers={"Origin": origin}).status_code == 400
    assert now_is(app, request.ref).status == Status.REQUESTED
    assert rosa.post(at(request.ref), data=form, headers={"Origin": "http://localhost"}).status_code == 303
    assert now_is(app, request.ref).status == Status.CONFIRMED


def test_the_session_cookie_stays_on_this_site_and_away_from_scripts(app):
    answer = app.test_client().post("/sign-in", data={"email": MAYA.email, "password": MAYA.password})
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_what_a_signed_in_person_saw_is_not_kept_by_the_browser(app):
    assert browser(app, ROSA).get("/front-desk/").headers["Cache-Control"] == "no-store"


# The front desk


def test_a_client_cannot_open_the_front_desk_and_finds_no_review_page(app):
    maya = browser(app, MAYA)
    page = maya.get("/front-desk/")
    assert page.status_code == 403
    assert "This door is ours" in page.text
    for path in (REVIEW, INVITE, at(ask(app, MAYA).ref)):
        page = maya.get(path)
        assert page.status_code == 404
        assert "There is nothing here" in page.text


@pytest.mark.parametrize(("path", "back"), [("/front-desk/", "/front-desk/"), (REVIEW, f"{REVIEW}?signed-in=1")])
def test_a_visitor_at_the_practice_s_side_signs_in_and_comes_back(app, path, back):
    visitor = browser(app)
    answer = visitor.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?next=")
    answer = visitor.post(answer.headers["Location"], data={"email": ROSA.email, "password": ROSA.password})
    assert answer.headers["Location"] == back
    assert visitor.get(back).status_code == 200


def test_staff_are_no_clients_of_the_portal(app):
    assert browser(app, ROSA).get("/portal/appointments/upcoming").headers["Location"].startswith("/sign-in")


def test_the_front_desk_leads_to_the_review_page(app):
    assert "Nobody is waiting for us" in browser(app, ROSA).get("/front-desk/").text
    request = ask(app, MAYA, note="Is <b>the elevator</b> working?")
    rosa = browser(app, ROSA)
    desk = rosa.get("/front-desk/").text
    assert f'href="{REVIEW}"' in desk
    assert "1 waiting for an answer" in desk
    page = rosa.get(REVIEW).text
    assert "Maya Lindqvist" in page
    assert "Individual session, Phone call · Daniel Reyes" in page
    assert "Is &lt;b&gt;the elevator&lt;/b&gt; working?" in page
    assert "Harbor Street" in page
    with app.app_context():
        portal.confirm(request.ref)
    assert f'href="{at(request.ref)}"' in rosa.get("/front-desk/").text


def test_a_time_is_told_in_words_and_with_its_zone(app):
    request = ask(app, MAYA)
    local = request.local_starts
    assert example_app.when(local).startswith(f"{local:%a, %b} {local.day}, {local.year}, ")
    assert example_app.when(local).endswith((" EST", " EDT"))


def test_what_is_decided_on_the_review_page_reaches_the_client(app):
    confirmed, declined = ask(app, MAYA), ask(app, THEO, free_times(app, 2)[1])
    rosa = browser(app, ROSA)
    assert decide(rosa, confirmed.ref, "confirm", message="See you.").status_code == 303
    assert decide(rosa, declined.ref, "decline", message="Daniel is away.").status_code == 303
    assert now_is(app, confirmed.ref).message == "See you."
    assert now_is(app, declined.ref).status == Status.DECLINED
    deliver(app)
    mailbox = browser(app)
    newest = re.search(r'href="(/dev/mailbox/[0-9][^"]+)"', mailbox.get("/dev/mailbox/").text)
    assert "Daniel is away." in mailbox.get(newest[1]).text


def test_the_front_desk_is_told_of_requests_and_cancellations_whichever_process_asks(app, tmp_path):
    request = ask(app, MAYA)
    with app.app_context():
        portal.cancel(request.ref)
    elsewhere = browser(make_app(tmp_path), ROSA).get("/front-desk/").text
    when = example_app.when(request.local_starts)
    assert elsewhere.index(f"Cancelled: Maya Lindqvist, {when}") < elsewhere.index(f"Requested: Maya Lindqvist, {when}")


def test_nobody_holds_more_times_than_are_good_for_others(app):
    *times, one_more = free_times(app, MOST_OPEN_REQUESTS + 1)
    for starts in times:
        ask(app, THEO, starts)
    with pytest.raises(Refused, match="You have 5 requests open"):
        ask(app, THEO, one_more)
    assert ask(app, MAYA, one_more).status == Status.REQUESTED


# Inviting


@pytest.mark.parametrize("typed", ["theo", "Brandt", "(207) 555-0163", "THEO@example"])
def test_the_front_desk_finds_clients_by_any_part_of_what_it_knows(app, typed):
    with app.app_context():
        assert example_app.clients_like(typed) == [THEO.as_client()]
        assert example_app.clients_like("rosa") == []


def test_a_client_is_found_and_invited_on_the_practice_s_own_clock(app):
    rosa = browser(app, ROSA)
    found = {"find": "brandt", "client": "theo", "type": "individual", "contact": "phone", "weeks": "1"}
    typed = {"date": "2030-01-07", "time": "09:00", "message": "A place came free."}
    answer = rosa.post(INVITE, data=form_of(rosa.get(INVITE)) | found | typed | {"verb": "invite"})
    assert answer.status_code == 303
    with app.app_context():
        [invited] = portal.appointments(status=Status.INVITED)
    assert f"{invited.local_starts:%Y-%m-%d %H:%M %Z}" == "2030-01-07 09:00 EST"
    assert (invited.client.id, invited.message) == (THEO.id, "A place came free.")
    assert answer.headers["Location"] == at(invited.ref)


# The mailbox


@pytest.fixture
def mail(app):
    """The address of a confirmation in the mailbox."""
    request = ask(app, MAYA)
    with app.app_context():
        portal.confirm(request.ref)
    deliver(app)
    [found] = re.findall(r'href="(/dev/mailbox/[^"]+)">Confirmed', browser(app).get("/dev/mailbox/").text)
    return found


def test_the_mailbox_lists_mails_newest_first(app, mail):
    page = browser(app).get("/dev/mailbox/").text
    assert page.index(">Confirmed") < page.index(">We have your request")
    assert page.count(f"To {MAYA.email}") == 2


def test_a_mail_is_shown_as_page_as_text_and_as_source(app, mail):
    visitor = browser(app)
    page = visitor.get(mail).text
    assert re.search(rf'<iframe[^>]+sandbox="[^"]*"[^>]+src="{mail}/html"', page)
    assert "Daniel Reyes" in page
    assert "BEGIN:VCALENDAR" in page
    assert visitor.get(f"{mail}/html").text.startswith("<!DOCTYPE html>")
    source = visitor.get(f"{mail}/source")
    assert source.content_type == "text/plain; charset=utf-8"
    assert f"To: {MAYA.email}" in source.text


def test_the_calendar_part_can_be_downloaded(app, mail):
    file = browser(app).get(f"{mail}/calendar")
    assert file.content_type == "text/calendar; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="invitation.ics"'
    assert file.text.startswith("BEGIN:VCALENDAR")


def test_only_the_html_of_a_mail_may_have_inline_styles_and_it_is_sandboxed(app, mail):
    visitor = browser(app)
    policy = visitor.get(f"{mail}/html").headers["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "script" not in policy
    for path in (mail, f"{mail}/source", f"{mail}/calendar"):
        assert visitor.get(path).headers["Content-Security-Policy"] == CSP


def test_every_message_there_can_be_is_shown(app):
    site = browser(app)
    addresses = re.findall(r'href="(/dev/mailbox/[a-z][a-z_-]+)"', site.get("/dev/mailbox/samples/").text)
    assert len(addresses) > 10
    for address in addresses:
        assert ("Alex Sample" in site.get(address).text) == (not re.search("/(staff|verify)", address))
        assert "Harbor Street Counseling" in site.get(f"{address}/html").text


@pytest.mark.parametrize("name", ["x", "..%2fportal", "%2e%2e%2fportal", "00000000000000000000-00000000", "a%00b"])
def test_the_mailbox_opens_nothing_but_its_own_mails(app, name):
    for part in ("", "/html", "/calendar", "/source"):
        assert browser(app).get(f"/dev/mailbox/{name}{part}").status_code == 404


def test_mail_that_is_really_sent_is_not_on_show(tmp_path):
    site = browser(make_app(tmp_path, MAIL_SUPPRESS_SEND=False))
    assert site.get("/dev/mailbox/").status_code == 404
    assert "/dev/mailbox" not in site.get("/").text


# Running


def test_one_thread_delivers_once_the_site_is_visited(app, monkeypatch):
    started = []
    monkeypatch.setattr(portal, "start_worker", started.append)
    app.testing = False
    visitor = browser(app)
    assert started == []
    visitor.get("/")
    visitor.get("/people")
    assert started == [app]


def test_no_command_delivers(app, monkeypatch):
    started = []
    monkeypatch.setattr(portal, "start_worker", started.append)
    app.testing = False
    app.test_cli_runner().invoke(args=["portal", "requests"])
    assert started == []


def test_the_home_page_tells_the_next_free_time_of_a_first_visit(app):
    page = browser(app).get("/").text
    assert re.search(r"Next available: \w{3}, \w{3} \d+, \d+:\d\d [AP]M", page)
    assert "/portal/appointments/book/time?type=first-visit" in page
