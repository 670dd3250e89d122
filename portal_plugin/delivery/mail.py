"""From an outbox row to a mail, through Flask-Mail."""

import smtplib
import ssl
from datetime import datetime
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import flask_mail
from flask import Flask, render_template, url_for

from ..domain.text import clean_line
from ..services.state import State
from ..services.tokens import link_token
from ..storage.outbox import Message
from .calendar import MICROSOFT_365, calendar_file, google_link, outlook_link

TIMEOUT = 20
"""Seconds that a mail server may stay silent."""

METHODS = {"confirmed": "REQUEST", "cancelled": "CANCEL"}


class Connection(flask_mail.Connection):
    """Flask-Mail's, with a time-out and a checked certificate, which it leaves out."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        context = ssl.create_default_context()
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(self.mail.server, self.mail.port, timeout=TIMEOUT, context=context)
        else:
            host = smtplib.SMTP(self.mail.server, self.mail.port, timeout=TIMEOUT)
            if self.mail.use_tls:
                host.starttls(context=context)
        if self.mail.username and self.mail.password:
            host.login(self.mail.username, self.mail.password)
        return host


def send(app: Flask, state: State, row: Message) -> None:
    """Render and send. Raises what SMTP or the network raises; the worker writes it down."""
    if "mail" not in app.extensions:
        flask_mail.Mail().init_app(app)
    with app.test_request_context(base_url=state.settings.base_url):
        message = compose(state, row)
        with Connection(app.extensions["mail"]) as connection:
            connection.send(message)


def compose(state: State, row: Message) -> flask_mail.Message:
    """Needs a request context whose base is the configured address: links never come from a Host header."""
    facts = row.facts
    zone = ZoneInfo(facts["zone"])
    confirmed = row.topic == "confirmed"
    context: dict[str, Any] = {
        **facts,
        "starts": datetime.fromisoformat(facts["starts"]).astimezone(zone),
        "ends": datetime.fromisoformat(facts["ends"]).astimezone(zone),
        "portal_url": url_for("portal.upcoming", _external=True),
        "again_url": url_for("portal.link", token=link_token(state, "again", facts["ref"]), _external=True),
        "book_url": url_for("portal.book", _external=True),
        "calendar_url": url_for("portal.calendar", ref=facts["ref"], _external=True) if confirmed else None,
        "google_url": google_link(facts) if confirmed else None,
        "outlook_url": outlook_link(facts) if confirmed else None,
        "microsoft_365_url": outlook_link(facts, MICROSOFT_365) if confirmed else None,
    }
    subject, _, body = render_template(f"portal/mail/{row.topic}.txt", **context).strip().partition("\n")
    practice = facts["practice"]
    message = flask_mail.Message(
        subject=clean_line(subject.removeprefix("Subject:")),
        recipients=[row.recipient],
        body=body.strip() + "\n",
        html=render_template(f"portal/mail/{row.topic}.html", **context).strip(),
        reply_to=formataddr((clean_line(practice["name"]), practice["email"])) if practice["email"] else None,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = f"<{row.message_id}@{urlsplit(state.settings.base_url).hostname}>"
    method = METHODS.get(row.topic)
    # A calendar learns only of what was confirmed once, and an organizer needs an address.
    if method and practice["email"] and (confirmed or facts["was"] == "confirmed"):
        file = calendar_file(facts, state.settings.base_url, state.now(), method, row.recipient)
        message.alts[f"calendar; method={method}"] = file.decode()
    return message
