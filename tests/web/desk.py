"""Rosa's desk: what its pages show, and what happens there."""

from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_plugin import Appointment
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.pages import Page, open_page

REVIEW = "/portal/review/"
DECIDE = "/portal/review/decide"
SCHEDULE = "/portal/review/schedule"
LISTING = "/portal/review/appointments"
INVITE = "/portal/review/invite"
DAY = timedelta(days=1)
WAITLIST = "/portal/review/waitlist"
ADDRESSES = (REVIEW, SCHEDULE, LISTING, INVITE, WAITLIST)


def at(ref: str, more: str = "") -> str:
    return f"/portal/review/appointments/{ref}{more}"


def act(host: Host, verb: str, *args: Any, **more: Any) -> Any:
    with host.app.app_context():
        return getattr(host.portal, verb)(*args, **more)


def invited(host: Host, who: str = "maya", starts: datetime = TUESDAY_TEN, **choices: Any) -> Appointment:
    chosen = {"type": "visit", "contact": "phone", "provider": "ada"} | choices
    made: Appointment = act(host, "invite", PEOPLE[who], starts=starts, **chosen)
    return made


def now_is(host: Host, ref: str) -> Appointment:
    found: Appointment = act(host, "appointment", ref)
    return found


def listed(host: Host, **asked: Any) -> list[Appointment]:
    return list(act(host, "appointments", **asked))


def cards(page: Page) -> list[str]:
    """The references of the requests in the queue, in their order."""
    return [id_.removeprefix("request-") for id_ in page.ids if id_.startswith("request-")]


def decide(rosa: FlaskClient, ref: str, verb: str, message: str = "", **more: Any) -> TestResponse:
    """What the buttons of an appointment's page send."""
    form = token(rosa) | {"verb": verb, "message": message} | more
    return rosa.post(at(ref), data=form)


def token(rosa: FlaskClient) -> dict[str, str]:
    return {"portal_token": open_page(rosa, INVITE).forms[INVITE][0]["portal_token"]}
