"""A text that somebody sent to the practice's number, and what is answered."""

from typing import cast
from xml.sax.saxutils import escape

from flask import Response, abort, request

from ..config import Twilio
from ..delivery import sms
from ..domain.limits import Limit
from ..domain.text import LONGEST, clean_text
from ..domain.texting import Said, read_text
from ..services import consents, limits
from ..services.phones import e164
from ..services.state import State
from .guard import current_state

_HANDLED = {"STOP": Said.STOP, "START": Said.START, "HELP": Said.HELP}
"""What Twilio says that it took a text for, where its Advanced Opt-Out is on."""


def inbound() -> Response:
    """Twilio's webhook for incoming messages; the answer is TwiML, with a message in it or without."""
    state, form = current_state(), request.form
    account = cast(Twilio, state.settings.twilio)
    if not form.get("MessageSid") or "From" not in form:
        abort(400)
    text, handled = form.get("Body", ""), _HANDLED.get(form.get("OptOutType", ""))
    answered = handled is not None or (account.answers_itself and read_text(text).keyword)
    answer = answer_to(state, form["From"], text, form["MessageSid"], handled, answered=answered)
    message = f"<Message>{escape(answer)}</Message>" if answer else ""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>', mimetype="text/xml")


def answer_to(
    state: State, phone: str, text: str, message_id: str, handled: Said | None = None, *, answered: bool = False
) -> str | None:
    """Do what a text asks for and return what to answer; None for nothing, as always where the gateway has `answered`
    and for a sender that is no phone number or never ceases to ask. `handled` is what the gateway took it for.
    """
    number = e164(phone, state.practice().country)
    raw = clean_text(text[:LONGEST])
    said = handled or read_text(text).said
    what = consents.hear(state, number, said, raw, message_id, state.now())
    if what is None or answered or not limits.may(state, {Limit.TEXT_ANSWERS: number}):
        return None
    return sms.answer(state, what, consents.language_at(state, number))
