"""The mail server, the gateway of texts, and the worker that delivers to them."""

import smtplib
import socket
import ssl
import threading
from datetime import timedelta
from typing import Any

import flask_mail
from flask import Flask

from ..config import Twilio
from ..delivery.failures import Undelivered
from ..delivery.mail import Connection
from ..delivery.twilio import call
from ..services.state import State
from ..storage import appointments, health
from ..storage.database import check_ready
from .findings import LOOPBACK, Finding, Findings, Level, told

PATIENCE = 5.0
"""Seconds in which the mail server has to answer, the look-up of its name included."""

OVERDUE = timedelta(minutes=10)
"""Twice a worker's lease: what has been due for longer was left by a worker that stopped, or never taken."""


def mail(app: Flask, state: State) -> Findings:
    """Mail"""
    mail = app.extensions.get("mail") or flask_mail.Mail().init_mail(app.config, app.debug, app.testing)
    if mail.default_sender:
        yield Finding(Level.OK, "mails have a sender")
    else:
        yield Finding(Level.FAILING, "MAIL_DEFAULT_SENDER is not set: set it to the address that mails come from")
    server = f"the mail server, {mail.server} port {mail.port},"
    if mail.suppress:
        yield Finding(Level.WARNING, "MAIL_SUPPRESS_SEND or TESTING is on, so no mail leaves; its server was not asked")
        return
    if trouble := _trouble(mail):
        yield Finding(Level.FAILING, f"{server} {trouble}")
        return
    encrypted = "with TLS" if mail.use_ssl else "with STARTTLS" if mail.use_tls else "unencrypted"
    if encrypted == "unencrypted" and mail.server not in LOOPBACK:
        yield Finding(
            Level.WARNING,
            f"{server} answers, but mails travel to it unencrypted: set MAIL_USE_TLS (port 587) or MAIL_USE_SSL (465)",
        )
    else:
        yield Finding(Level.OK, f"{server} answers {encrypted}{' and takes the password' if mail.username else ''}")


def staff_mail(app: Flask, state: State) -> Findings:
    """Mail to staff"""
    addresses = len({one.address for one in state.settings.staff_mail})
    if not addresses:
        yield Finding(Level.OK, "no mail goes to staff: PORTAL_STAFF_MAIL names nobody")
    elif state.questions.current_staff is None:
        yield Finding(
            Level.WARNING,
            "mails to staff carry no link, since nobody may open the review page: register @portal.current_staff",
        )
    else:
        yield Finding(Level.OK, f"mails to staff go to {addresses} {'address' if addresses == 1 else 'addresses'}")


def texts(app: Flask, state: State) -> Findings:
    """Text reminders"""
    check_ready(state.db)
    gateway, account = state.settings.sms, state.settings.twilio
    if not state.practice().reminders:
        yield Finding(Level.OK, "the practice sends no reminders")
    elif gateway == "console":
        yield Finding(
            Level.WARNING,
            'PORTAL_SMS is "console", so text reminders are shown where the worker runs and reach nobody: set it to '
            '"twilio" or to a gateway of yours, or reminders = [] in the practice file',
        )
    elif gateway == "twilio" and account:
        trouble = _twilio_trouble(account, state.settings.private_addresses)
        yield Finding(Level.FAILING if trouble else Level.OK, trouble or "Twilio knows the account and its token")
    else:
        yield Finding(Level.OK, "text reminders go to a gateway of the site's own, which was not asked")


def worker(app: Flask, state: State) -> Findings:
    """The worker"""
    check_ready(state.db)
    practice, now = state.practice(), state.now()
    stalled = [queue.oldest for queue in health.queues(state.db, now) if queue.oldest and queue.stalled(now, OVERDUE)]
    if stalled:
        late = told(now - min(stalled))
        yield Finding(
            Level.FAILING, f"a message has been due for {late}: see that `flask portal worker` runs, and what it logs"
        )
    elif appointments.lapsed(state.db, practice, now - OVERDUE):
        yield Finding(
            Level.FAILING,
            "a request or an invitation ought to have expired a while ago: see that `flask portal worker` runs",
        )
    else:
        yield Finding(Level.OK, "no message and no expiry is overdue, so the worker is alive or has had nothing to do")


def _twilio_trouble(account: Twilio, private: bool) -> str | None:
    try:
        status = call(account, "GET", ".json", private).status
    except Undelivered as reason:
        return f"Twilio was not reached: {reason}"
    if status in {401, 403, 404}:
        return f"Twilio answers {status}: check account_sid and auth_token in PORTAL_TWILIO"
    return None if status == 200 else f"Twilio answers {status}: try again, and look at its status page"


def _trouble(mail: Any) -> str | None:
    """What is wrong with the mail server, asked as the worker asks it; None when it would take a mail."""
    answer: list[str | None] = []

    def ask() -> None:
        try:
            with Connection(mail):
                answer.append(None)
        except Exception as error:
            answer.append(_reason(error))

    # A name server that is silent cannot be told to hurry: it is left waiting.
    asking = threading.Thread(target=ask, name="portal-doctor-mail", daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answer[0] if answer else f"did not answer within {PATIENCE:.0f} seconds: check MAIL_SERVER and MAIL_PORT"


def _reason(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "cannot be found by its name: check MAIL_SERVER"
        case ConnectionRefusedError():
            return "refuses connections: check MAIL_SERVER and MAIL_PORT, and that it runs"
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not valid ({error.verify_message}): name it as its certificate does"
        case ssl.SSLError():
            return "does not speak TLS there: MAIL_USE_SSL goes with port 465, MAIL_USE_TLS with port 587"
        case smtplib.SMTPAuthenticationError():
            return "refuses the password: check MAIL_USERNAME and MAIL_PASSWORD"
        case smtplib.SMTPNotSupportedError():
            return "does not offer STARTTLS, or no sign-in without it: check MAIL_USE_TLS and MAIL_PORT"
        case _:
            return f"does not answer as a mail server does ({type(error).__name__}): check MAIL_SERVER and MAIL_PORT"
