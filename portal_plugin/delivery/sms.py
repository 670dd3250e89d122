"""From an outbox row to a text message, through the gateway that the host chose."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import click
from flask import Flask, render_template

from ..domain.consent import Way
from ..domain.text import clean_line
from ..services import consents
from ..services.consents import Answer
from ..services.state import State
from ..storage.outbox import Message
from ..wording import find_language, speaking
from .failures import OptedOut
from .speaking import language_of
from .twilio import TwilioGateway

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30))
"""Pauses after each failed attempt; a reminder goes on with the last one until its time has passed."""

LONGEST_NAME = 30
"""Characters of the practice's name, so that a text stays within two segments in any alphabet."""


class SmsGateway(Protocol):
    """What sends a text to a number in E.164, and returns what the provider calls it, or nothing.

    `key` is the same at every attempt for the same text: a gateway that can, sends it once. Raises OptedOut where the
    provider says that the number did, Undelivered with `for_good` where another try would bring nothing, and anything
    else for another try.
    """

    def send(self, to: str, text: str, key: str) -> str | None: ...


def send(app: Flask, state: State, row: Message) -> str:
    """Render and send; what the provider calls it. Raises what the gateway raises."""
    with app.test_request_context(base_url=state.settings.base_url):
        try:
            return _gateway(state)(row.recipient, compose(state, row), row.message_id) or ""
        except OptedOut as refusal:
            consents.opt_out(state, row.recipient, Way.GATEWAY, refusal.said, state.now())
            raise


def compose(state: State, row: Message) -> str:
    """One line, and nothing in it but what its template may say. Needs a request context, as templates do."""
    facts, practice = row.facts, row.facts["practice"]
    starts = datetime.fromisoformat(facts["starts"]).astimezone(ZoneInfo(facts["zone"]))
    with speaking(language_of(state, facts)):
        return _rendered(row.topic, practice["name"], practice["phone"], starts=starts)


def answer(state: State, what: Answer, language: str) -> str:
    """What is texted back. Needs the same."""
    practice = state.practice()
    with speaking(find_language([language], state.settings.languages, practice.country)):
        return _rendered(what, practice.name, practice.phone)


def _rendered(template: str, name: str, phone: str, **facts: Any) -> str:
    practice = {"name": shortened(name), "phone": phone}
    return clean_line(render_template(f"portal/sms/{template}.txt", practice=practice, **facts))


def shortened(name: str) -> str:
    """A name of at most 30 characters, cut after a whole word where there is one."""
    name = clean_line(name)
    if len(name) <= LONGEST_NAME:
        return name
    start = name[: LONGEST_NAME - 2]
    return f"{start[: start.rfind(' ') if ' ' in start else len(start) - 1].rstrip(' ,;:&-')}..."


def _gateway(state: State) -> Callable[[str, str, str], str | None]:
    chosen = state.settings.sms
    if chosen == "console":
        return _show
    if chosen == "twilio" and state.settings.twilio:
        return TwilioGateway(state).send
    found: Callable[[str, str, str], str | None] = getattr(chosen, "send", chosen)
    return found


def _show(to: str, text: str, key: str) -> None:
    """On the worker's terminal, which may be kept: whose number it is stays out."""
    click.echo(f"Text to ...{to[-2:]}: {text}")
