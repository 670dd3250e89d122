"""From an outbox row to a mail, through Flask-Mail."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.charset import QP, Charset
from email.mime.base import MIMEBase
from email.mime.text import MIMEText
from email.policy import SMTP
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import flask_mail
from css_inline import CSSInliner
from flask import Flask, current_app, render_template, url_for

from ..domain import colors
from ..domain.errors import SetupError
from ..domain.text import clean_line
from ..services.staff_mail import news_to_tell
from ..services.state import State
from ..services.tokens import AGAIN, GUEST, link_token
from ..services.tokens import VERIFY as VERIFY_LINK
from ..storage.outbox import STAFF, STAFF_DIGEST, VERIFY, Message
from ..wording import say, speaking
from .calendar import calendar_file, google_link, outlook_link
from .speaking import language_of, own_start

TIMEOUT = 20
"""Seconds that a mail server may stay silent."""

DEADLINE = 120
"""Seconds for a whole delivery, however slowly the server goes on talking."""

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""Pauses after each failed attempt."""

_INLINER = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
"""Some mail programs read no style element. What it says of the dark stays there: it can stand nowhere else."""

Items = Sequence[dict[str, Any]]

METHODS = {"confirmed": "REQUEST", "cancelled": "CANCEL"}


class Connection(flask_mail.Connection):
    """Flask-Mail's, with a time-out and a checked certificate, which it leaves out."""

    deadline: threading.Timer | None = None

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        context = ssl.create_default_context() if self.mail.use_ssl or self.mail.use_tls else None
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(timeout=TIMEOUT, context=context)
        else:
            host = smtplib.SMTP(timeout=TIMEOUT)
        self._start_deadline(host)
        # smtplib checks certificates against the name it was constructed with.
        host._host = self.mail.server  # type: ignore[attr-defined]
        try:
            host.connect(self.mail.server, self.mail.port)
            if self.mail.use_tls and not self.mail.use_ssl:
                host.starttls(context=context)
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            self._end_deadline()
            host.close()
            raise
        return host

    def answers(self) -> bool:
        """Whether another mail can follow: a server may have hung up meanwhile, or had enough. Gives it new time."""
        if self.host is None:
            return True
        self._start_deadline(self.host)
        try:
            return self.host.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def send(self, message: flask_mail.Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        # After MAIL_MAX_EMAILS Flask-Mail would connect anew at once: if that failed, a mail that was sent would too.
        self.num_emails = -1
        super().send(message, envelope_from)

    def _start_deadline(self, host: smtplib.SMTP) -> None:
        self._end_deadline()
        self.deadline = threading.Timer(DEADLINE, _hang_up, [host])
        self.deadline.daemon = True
        self.deadline.start()

    def _end_deadline(self) -> None:
        if self.deadline:
            self.deadline.cancel()

    def __exit__(self, *error: Any) -> None:
        if self.host is None:
            return
        # By now the server has the message or has refused it: how it says goodbye changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            self.host.quit()
        self.host.close()
        self._end_deadline()


def _hang_up(host: smtplib.SMTP) -> None:
    if host.sock is not None:
        with suppress(OSError):
            host.sock.shutdown(socket.SHUT_RDWR)


class Mail(flask_mail.Message):
    """Flask-Mail's, in quoted-printable, since mail servers refuse lines of 1,000 characters (RFC 5321, 4.5.3.1.6),
    and with its headers left as they were folded: folded again, a long name with a comma loses its quotes.
    """

    def _message(self) -> MIMEBase:
        message = super()._message()
        message.policy = SMTP.clone(refold_source="none")
        return message

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        utf8 = Charset("utf-8")
        utf8.body_encoding = QP
        part = MIMEText("", subtype)
        del part["Content-Transfer-Encoding"]
        part.set_payload(text or "", utf8)
        return part


class Sender:
    """Renders and sends one mail after the other, over one connection as long as nothing goes wrong."""

    def __init__(self, app: Flask, state: State) -> None:
        self._app, self._state = app, state
        self._connection: Connection | None = None
        self._sent = 0

    def __enter__(self) -> Callable[[Message], None]:
        return self.send

    def __exit__(self, *error: object) -> None:
        self._end_connection()

    def send(self, row: Message) -> None:
        """Raises what SMTP or the network raises; the worker writes it down."""
        mail = mail_of(self._app)
        with self._app.test_request_context(base_url=self._state.settings.base_url):
            message = compose(self._state, row)
            try:
                self._connected(mail).send(message)
            except BaseException:
                # What one mail met is nothing to the next.
                self._end_connection()
                raise
        self._sent += 1

    def _connected(self, mail: Any) -> Connection:
        if self._connection and (self._sent == mail.max_emails or not self._connection.answers()):
            self._end_connection()
        if self._connection is None:
            self._connection, self._sent = Connection(mail).__enter__(), 0
        return self._connection

    def _end_connection(self) -> None:
        if self._connection:
            self._connection.__exit__()
        self._connection = None


def mail_of(app: Flask) -> Any:
    """The host's Flask-Mail, or one by its settings. Raises SetupError when mails would come from nobody."""
    if "mail" not in app.extensions:
        flask_mail.Mail().init_app(app)
    mail = app.extensions["mail"]
    if not mail.default_sender:
        raise SetupError("MAIL_DEFAULT_SENDER is not set: set it to the address that mails come from.")
    return mail


def compose(state: State, row: Message, news: Items | None = None) -> flask_mail.Message:
    """Needs a request context whose base is the configured address: links never come from a Host header.

    `news` is what a mail to staff tells, where that is not to be looked up.
    """
    with speaking(language_of(state, row.facts)):
        return _compose(state, row, news)


def _compose(state: State, row: Message, news: Items | None) -> flask_mail.Message:
    facts = row.facts
    if row.topic in {STAFF, STAFF_DIGEST}:
        items = news_to_tell(state, row) if news is None else news
        return _mail(state, row, _for_staff(state, row, items), "" if row.topic == STAFF_DIGEST else items[0]["ref"])
    if row.topic == VERIFY:
        return _from_practice(_mail(state, row, _to_verify(state, facts)), facts["practice"])
    zone, calendars = ZoneInfo(facts["zone"]), state.settings.calendar_links
    confirmed = row.topic == "confirmed"
    # Who has no account sees to their appointment through the mail's own link.
    guest = link_token(state, GUEST, facts["thread"]) if facts.get("guest") else None
    context: dict[str, Any] = {
        **facts,
        "starts": datetime.fromisoformat(facts["starts"]).astimezone(zone),
        "ends": datetime.fromisoformat(facts["ends"]).astimezone(zone),
        "expires": datetime.fromisoformat(facts["expires"]).astimezone(zone),
        "instead_of": datetime.fromisoformat(instead).astimezone(zone)
        if (instead := facts.get("instead_of"))
        else None,
        # A message of an earlier release, still waiting, does not say.
        "from_waitlist": facts.get("from_waitlist", False),
        "own_starts": own_start(facts),
        "own_zone": facts.get("own_zone"),
        "portal_url": url_for("portal.upcoming", guest=guest, _external=True),
        "again_url": url_for("portal.again", guest=guest, ref=facts["ref"], _external=True)
        if guest
        else url_for("portal.link", token=link_token(state, AGAIN, facts["ref"]), _external=True),
        "book_url": url_for("portal.book", _external=True),
        "calendar_url": url_for("portal.calendar", ref=facts["ref"], guest=guest, _external=True)
        if confirmed
        else None,
        "google_url": google_link(facts, calendars.google) if confirmed else None,
        "outlook_url": outlook_link(facts, calendars.outlook) if confirmed else None,
        "microsoft_365_url": outlook_link(facts, calendars.microsoft_365) if confirmed else None,
    }
    message, practice = _mail(state, row, context, thread=facts.get("thread", facts["ref"])), facts["practice"]
    _from_practice(message, practice)
    method = METHODS.get(row.topic)
    # A calendar learns only of what was confirmed once, and an organizer needs an address.
    if method and practice["email"] and (confirmed or facts["was"] == "confirmed"):
        file = calendar_file(facts, state.settings.base_url, state.now(), method, row.recipient)
        message.alts[f"calendar; method={method}"] = file.decode()
    return message


def _from_practice(message: flask_mail.Message, practice: Mapping[str, Any]) -> flask_mail.Message:
    """Answers go to the practice."""
    if practice["email"]:
        message.reply_to = (clean_line(practice["name"]), practice["email"])
    return message


def _to_verify(state: State, facts: Mapping[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(facts["zone"])
    moments = {name: datetime.fromisoformat(facts[name]).astimezone(zone) for name in ("starts", "ends", "expires")}
    return {
        **facts,
        **moments,
        "message": "",
        "instead_of": None,
        "provider": facts["provider"] or {"name": say("Any available provider")},
        "verify_url": url_for("portal.verify", token=link_token(state, VERIFY_LINK, facts["draft"]), _external=True),
    }


def _mail(state: State, row: Message, context: Mapping[str, Any], thread: str = "") -> flask_mail.Message:
    """The mail of a topic's templates, with an identity that stays the same at every attempt."""
    site = urlsplit(state.settings.base_url).hostname
    look = _look(state, row.facts["practice"])
    subject, _, body = render_template(f"portal/mail/{row.topic}.txt", **context).strip().partition("\n")
    headers = {"Auto-Submitted": "auto-generated"}
    if thread:
        # One conversation for one appointment. The root is nobody's (RFC 5322, section 3.6.4, allows that), so that
        # every mail can name it, whichever comes first.
        headers["In-Reply-To"] = headers["References"] = f"<{thread}.appointment@{site}>"
    message = Mail(
        subject=clean_line(subject.removeprefix("Subject:")),
        recipients=[row.recipient],
        body=body.strip() + "\n",
        html=_INLINER.inline(render_template(f"portal/mail/{row.topic}.html", **context, **look).strip()),
        extra_headers=headers,
    )
    # The constructor would write a pair as text, in which a comma makes two senders of one.
    message.sender = current_app.extensions["mail"].default_sender
    message.msgId = f"<{row.message_id}@{site}>"
    return message


def _look(state: State, practice: Mapping[str, Any]) -> dict[str, Any]:
    # A message of an earlier release, still waiting, names neither.
    color, logo = practice.get("color", colors.DEFAULT), practice.get("logo", "")
    logo_url = urljoin(state.settings.base_url, logo) if logo else ""
    return {"light": colors.light(color), "dark": colors.dark(color), "logo_url": logo_url}


def _for_staff(state: State, row: Message, items: Items) -> dict[str, Any]:
    """Links lead to the review page, where the host has opened it to somebody."""
    linked = state.questions.current_staff is not None

    def told(item: Mapping[str, Any]) -> dict[str, Any]:
        zone = ZoneInfo(item["zone"])
        moments = {name: item[name] for name in ("starts", "ends", "expires", "instead_of")}
        return {
            **item,
            **{name: at and datetime.fromisoformat(at).astimezone(zone) for name, at in moments.items()},
            "url": url_for("portal.review_appointment", ref=item["ref"], _external=True) if linked else None,
        }

    return {
        "practice": row.facts["practice"],
        "items": [told(item) for item in items],
        "queue_url": url_for("portal.review_queue", _external=True) if linked else None,
    }
