"""Harbor Street Counseling: a small practice website that embeds the portal, as any host would.

    flask --app example_app portal init
    flask --app example_app portal apply docs/examples/practice.toml
    flask --app example_app run

What a host writes for the portal stands under "The portal" and in `create_app`. The rest is the site a practice
has anyway. Of the portal, only names that `portal_plugin` exports are used.
"""

import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue as Answer
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user  # type: ignore[import-untyped]
from flask_mail import Mail, Message, email_dispatched
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from portal_plugin import (
    Appointment,
    Client,
    Guest,
    Portal,
    Proposal,
    Refused,
    Staff,
    Status,
    appointment_cancelled,
    appointment_requested,
)

# The portal's pages need no exception: nothing of theirs is written inline or loaded from elsewhere.
CSP = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
MAIL_CSP = f"{CSP}; style-src 'self' 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox"
MOST_OPEN_REQUESTS = 5
LANGUAGES = {"en": "English", "es": "Español", "de": "Deutsch", "fr": "Français", "ar": "العربية"}
"""In which the messages can be looked at."""


@dataclass(frozen=True)
class Person(UserMixin):  # type: ignore[misc]
    """Somebody who can sign in. A real site keeps salted hashes; the sign-in page prints these passwords."""

    id: str
    name: str
    email: str
    phone: str
    password: str
    staff: bool = False

    def as_client(self) -> Client:
        return Client(self.id, self.name, self.email, self.phone)


MAYA = Person("maya", "Maya Lindqvist", "maya@example.com", "(207) 555-0117", "lighthouse")
THEO = Person("theo", "Theo Brandt", "theo@example.com", "(207) 555-0163", "driftwood")
ROSA = Person("rosa", "Rosa Delgado", "rosa@harborstreet.example", "", "foghorn", staff=True)
PEOPLE = {person.id: person for person in (MAYA, THEO, ROSA)}


# The portal: what it asks, and what it is told.

portal = Portal()


@portal.current_client
def signed_in_client() -> Client | None:
    """Whom the portal serves: whoever Flask-Login knows, except our own staff."""
    known = current_user.is_authenticated and not current_user.staff
    return current_user.as_client() if known else None


@portal.current_staff
def staff_on_duty() -> Staff | None:
    """Who decides on the review page."""
    known = current_user.is_authenticated and current_user.staff
    return Staff(current_user.id, current_user.name) if known else None


@portal.find_clients
def clients_like(text: str) -> list[Client]:
    """Whom the front desk can invite: by any part of name, address or number."""
    clients = [person for person in PEOPLE.values() if not person.staff]
    told = {person: f"{person.name} {person.email} {person.phone}".casefold() for person in clients}
    return [person.as_client() for person in clients if text.casefold() in told[person]]


@portal.guest_verified
def guest_account(guest: Guest) -> Client | None:
    """Whom we know by this address, which is theirs. Anybody else stays a guest of the portal's."""
    known = (person for person in PEOPLE.values() if person.email == guest.email.casefold() and not person.staff)
    person = next(known, None)
    return person.as_client() if person else None


@portal.veto_request
def keep_times_for_others(proposal: Proposal) -> None:
    """A request holds its time, so one person may not collect them."""
    waiting = len(portal.appointments(client=proposal.client.id, status=Status.REQUESTED))
    if waiting >= MOST_OPEN_REQUESTS:
        raise Refused(f"You have {waiting} requests open. Please wait for our answer, or cancel one of them.")


def tell_the_front_desk(app: Flask, appointment: Appointment) -> None:
    """One line in a file, not in a list: the page may be shown by another process."""
    text = f"{appointment.status.capitalize()}: {appointment.client.name}, {when(appointment.local_starts)}"
    notices_file(app).parent.mkdir(parents=True, exist_ok=True)
    with notices_file(app).open("a", encoding="utf-8") as file:
        file.write(json.dumps(text) + "\n")


# The public pages and the sign-in.

site = Blueprint("site", __name__)
for rule, name in (("/", "home"), ("/people", "people"), ("/locations", "locations")):
    site.add_url_rule(rule, name, partial(render_template, f"{name}.html"))

login = LoginManager()
login.login_view = "site.sign_in"  # The portal sends visitors there too, with the way back in `next`.
login.user_loader(PEOPLE.get)


@site.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Answer:
    """Leads back to `next`, or else to the page this person comes for."""
    if request.method == "GET":
        return render_template("sign_in.html", people=PEOPLE.values())
    email, password = (request.form.get(field, "").strip() for field in ("email", "password"))
    for person in PEOPLE.values():
        if person.email == email.casefold() and hmac.compare_digest(person.password.encode(), password.encode()):
            login_user(person)
            usual = url_for("portal.review_queue" if person.staff else "portal.upcoming")
            return redirect(local_path(request.args.get("next", "")) or usual, 303)
    wrong = "That e-mail address and password do not belong together."
    return render_template("sign_in.html", people=PEOPLE.values(), wrong=wrong), 422


@site.post("/sign-out")
def sign_out() -> Answer:
    logout_user()
    flash("You are signed out.")
    return redirect(url_for("site.home"), 303)


def local_path(target: str) -> str | None:
    r"""The target if it stays on this site: to a browser, `//host`, `/\host` and `/<tab>/host` do not."""
    return target if re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", target) else None


# The front desk: what happened lately. The practice decides on the portal's own review page.

desk = Blueprint("desk", __name__, url_prefix="/front-desk")


@desk.get("/")
def lately() -> Answer:
    if not current_user.is_authenticated:
        return redirect(url_for("site.sign_in", next=url_for("desk.lately")))
    if not current_user.staff:
        abort(403)
    file = notices_file(current_app)
    notices = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return render_template(
        "front_desk.html",
        waiting=len(portal.appointments(status=Status.REQUESTED)),
        coming=portal.appointments(status=Status.CONFIRMED, since=datetime.now(UTC), limit=5),
        notices=[json.loads(line) for line in notices[:-11:-1]],
    )


def notices_file(app: Flask) -> Path:
    return Path(app.instance_path, "front-desk.jsonl")


def when(moment: datetime) -> str:
    """`Tue, Dec 1, 2026, 9:00 AM EST`."""
    return f"{moment:%a, %b} {moment.day}, {moment.year}, {moment.hour % 12 or 12}:{moment:%M %p %Z}"


# The mailbox: what the site would have sent, to look at while trying things out.

mailbox = Blueprint("mailbox", __name__, url_prefix="/dev/mailbox")


def keep_mail(app: Flask, message: Message) -> None:
    """Flask-Mail announces a mail even when MAIL_SUPPRESS_SEND keeps it here."""
    folder = Path(app.instance_path, "mailbox")
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f"{datetime.now(UTC):%Y%m%d%H%M%S%f}-{secrets.token_hex(4)}.part"
    half.write_bytes(message.as_bytes())
    half.rename(half.with_suffix(".eml"))  # A reader in another process sees a whole mail or none.


def language() -> str:
    """The one that the samples are looked at in."""
    wanted = request.args.get("language", "")
    return wanted if wanted in LANGUAGES else ""


def stored_mail(name: str) -> bytes:
    """The mail as sent, or a sample; 404 for a name that neither has."""
    if sample := next((one for one in portal.previews(language=language()) if one.name == name and one.html), None):
        return sample.source
    file = Path(current_app.instance_path, "mailbox", f"{name}.eml")
    if not re.fullmatch(r"[0-9]{20}-[0-9a-f]{8}", name) or not file.is_file():
        abort(404)
    return file.read_bytes()


def parsed(source: bytes) -> EmailMessage:
    return message_from_bytes(source, policy=policy.default)


def text_of(mail: EmailMessage, kind: str) -> str | None:
    """The first part of the type text/`kind`."""
    return next((p.get_content() for p in mail.walk() if p.get_content_type() == f"text/{kind}"), None)


@mailbox.get("/")
def mails() -> str:
    files = sorted(Path(current_app.instance_path, "mailbox").glob("*.eml"), reverse=True)[:100]
    return render_template("mailbox.html", mails={file.stem: parsed(file.read_bytes()) for file in files})


@mailbox.get("/samples/")
def samples() -> str:
    """What the portal writes to clients, whenever it would: the place to look at templates of one's own."""
    samples = list(portal.previews(language=language()))
    return render_template("samples.html", samples=samples, languages=LANGUAGES, language=language())


@mailbox.get("/<name>")
def mail(name: str) -> str:
    found = parsed(stored_mail(name))
    parts = {kind: text_of(found, kind) for kind in ("html", "plain", "calendar")}
    return render_template("mail.html", name=name, mail=found, **parts)


@mailbox.get("/<name>/<any(html, calendar, source):part>")
def mail_part(name: str, part: str) -> Response:
    source = stored_mail(name)
    if part == "source":
        return Response(source, mimetype="text/plain")
    content = text_of(parsed(source), part)
    if content is None:
        abort(404)
    if part == "calendar":
        download = {"Content-Disposition": 'attachment; filename="invitation.ics"'}
        return Response(content, mimetype="text/calendar", headers=download)
    # As a mail program does: links open outside, inline styles are allowed, and the sandbox takes the rest away.
    page = content.replace("<head>", '<head><base target="_blank">', 1)
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": MAIL_CSP})


# The app.


def create_app(instance_path: str | None = None, **settings: object) -> Flask:
    """The site, with `settings` in place of its own. Connects to nothing."""
    instance = instance_path or os.environ.get("EXAMPLE_INSTANCE")
    app = Flask(
        __name__,
        # The site's own; the portal brings its folders itself.
        template_folder="templates/example",
        static_folder="static/example",
        static_url_path="/static",
        instance_path=str(Path(instance).resolve()) if instance else None,
    )
    base_url = os.environ.get("PORTAL_BASE_URL", f"http://127.0.0.1:{os.environ.get('PORT', '5000')}")
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY", "for the demonstration only: anybody can read this key"),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=base_url.startswith("https:"),
        MAIL_SERVER=os.environ.get("MAIL_SERVER", "127.0.0.1"),
        MAIL_PORT=int(os.environ.get("MAIL_PORT", "25")),
        MAIL_SUPPRESS_SEND="MAIL_SERVER" not in os.environ,
        MAIL_DEFAULT_SENDER=("Harbor Street Counseling", "hello@harborstreet.example"),
        PORTAL_BASE_URL=base_url,
        PORTAL_BASE_TEMPLATE="site.html",
        PORTAL_STAFF_MAIL=[{"to": "desk@harborstreet.example", "events": ["requested", "cancelled", "expiring"]}],
        PORTAL_DATABASE_URL=os.environ.get("PORTAL_DATABASE_URL", f"sqlite:///{app.instance_path}/portal.db"),
    )
    app.config.update(settings)
    Mail(app)
    login.init_app(app)
    portal.init_app(app)
    # With the app named, another app of this process is none of our business.
    for fact in (appointment_requested, appointment_cancelled):
        fact.connect(tell_the_front_desk, app)
    if app.config["MAIL_SUPPRESS_SEND"]:
        email_dispatched.connect(keep_mail, app)
        app.register_blueprint(mailbox)
    app.register_blueprint(site)
    app.register_blueprint(desk)
    app.add_template_filter(when)
    app.register_error_handler(HTTPException, error_page)
    app.before_request(refuse_foreign_forms)
    app.after_request(protect)
    deliver_while_serving(app)
    return app


def refuse_foreign_forms() -> None:
    """In place of tokens in our few forms (the portal guards its own): the Lax cookie does not travel with a
    form posted from another site, and `Origin` gives that site away even where no cookie is needed, at sign-in.
    """
    own = {request.host, urlsplit(current_app.config["PORTAL_BASE_URL"]).netloc}
    if request.method == "POST" and urlsplit(request.headers.get("Origin", request.host_url)).netloc not in own:
        abort(400)


def protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if current_user.is_authenticated:
        response.headers.setdefault("Cache-Control", "no-store")  # Nothing to see with Back after signing out.
    return response


def error_page(error: HTTPException) -> Answer:
    return render_template("error.html", code=error.code), error.code or 500


def deliver_while_serving(app: Flask) -> None:
    """Mails leave from a thread of every process that serves. An import or a command does not, so the thread
    waits for the first request. A larger site runs `flask portal worker` beside its web processes instead.
    """
    first = Lock()

    @app.before_request
    def start() -> None:
        if not app.testing and first.acquire(blocking=False):
            portal.start_worker(app)


app = create_app()
