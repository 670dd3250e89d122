"""Every message as a client would get it, of an appointment that there is not: for a host who words them anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import flask_mail
from flask import Flask

from ..domain.appointment import Appointment, Client
from ..domain.errors import SetupError
from ..domain.instants import wall_instants
from ..domain.lifecycle import ActorKind, Status
from ..domain.practice import Practice, Wish
from ..domain.staff_mail import News
from ..services.consents import Answer
from ..services.guests import verify_facts
from ..services.messages import facts
from ..services.staff_mail import news_item, told
from ..services.state import State
from ..storage.guests import Draft
from ..storage.outbox import MAIL, REMINDER, SMS, STAFF, STAFF_DIGEST, VERIFY, Message
from . import sms
from .mail import Items, compose, mail_of

REF = "0" * 32
CLIENT = Client("sample", "Alex Sample", "alex@example.org", "+1 212 555 0147", zone="America/Los_Angeles")
WORD = "Thank you for asking.\nPlease call us if anything changes."


@dataclass(frozen=True, slots=True)
class Preview:
    """One message. `name` says when it is sent and is fit for a file; `html` is empty for a text message."""

    name: str
    subject: str
    text: str
    html: str
    source: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    topic: str
    was: Status | None
    by: ActorKind = ActorKind.STAFF
    moves: bool = False
    word: str = ""
    at_a_distance: bool = False
    from_waitlist: bool = False


_CASES = (
    _Case("received", "received", None, ActorKind.CLIENT),
    _Case("received-to-move", "received", None, ActorKind.CLIENT, moves=True),
    _Case("invited", "invited", None, word=WORD),
    _Case("invited-to-move", "invited", None, moves=True),
    _Case("invited-from-waitlist", "invited", None, ActorKind.SYSTEM, from_waitlist=True),
    _Case("confirmed", "confirmed", Status.REQUESTED, word=WORD),
    _Case("confirmed-at-a-distance", "confirmed", Status.REQUESTED, at_a_distance=True),
    _Case("confirmed-and-moved", "confirmed", Status.REQUESTED, moves=True),
    _Case("reminder", "reminder", Status.REQUESTED),
    _Case("declined", "declined", Status.REQUESTED, word=WORD),
    _Case("declined-to-move", "declined", Status.REQUESTED, moves=True),
    _Case("cancelled-by-client", "cancelled", Status.CONFIRMED, ActorKind.CLIENT),
    _Case("cancelled-by-practice", "cancelled", Status.CONFIRMED, word=WORD),
    _Case("cancelled-request", "cancelled", Status.REQUESTED, ActorKind.CLIENT),
    _Case("cancelled-invitation", "cancelled", Status.INVITED, word=WORD),
    _Case("expired-request", "expired", Status.REQUESTED, ActorKind.SYSTEM),
    _Case("expired-invitation", "expired", Status.INVITED, ActorKind.SYSTEM),
)

_NEWS = (
    (News.REQUESTED, Status.REQUESTED, Status.REQUESTED),
    (News.BOOKED, Status.REQUESTED, Status.CONFIRMED),
    (News.ACCEPTED, Status.INVITED, Status.CONFIRMED),
    (News.DECLINED, Status.INVITED, Status.CANCELLED),
    (News.CANCELLED, Status.CONFIRMED, Status.CANCELLED),
    (News.EXPIRING, Status.REQUESTED, Status.REQUESTED),
    (News.EXPIRED, Status.REQUESTED, Status.EXPIRED),
)
"""What staff are told: the news, what the appointment was, and what it is."""


def previews(app: Flask, state: State, language: str = "") -> Iterator[Preview]:
    """All mails, with the practice's own names in them, in the order of an appointment's life, the texts, and the
    mails to staff; in the site's first language or in that of a tag.

    Raises SetupError when the practice offers nothing that an appointment could be made of, mails have no sender, or
    the site does not speak that language.
    """
    offered = state.settings.languages
    if language and language.replace("_", "-").partition("-")[0].lower() not in offered:
        raise SetupError(f"{language!r} is none of the site's languages: choose one of {', '.join(offered)}.")
    practice = state.practice()
    mail_of(app)
    with app.test_request_context(base_url=state.settings.base_url):
        for held in (True, False):
            yield _to_verify(state, practice, held, language)
        for case in _CASES:
            yield _to_client(state, practice, case, language)
        sample = _sample(practice, state.now(), at_a_distance=False)
        reminder = Message(
            0, 0, SMS, REMINDER, CLIENT.phone, "", facts(practice, sample) | {"language": language}, 1, ""
        )
        yield _text("reminder-text", sms.compose(state, reminder))
        for what in Answer:
            yield _text(f"text-{what}", sms.answer(state, what, language))
        items = [news_item(replace(sample, status=now), news, was) for news, was, now in _NEWS]
        for item in items:
            yield _to_staff(state, practice, f"staff-{item['news']}", STAFF, [item], language)
        yield _to_staff(state, practice, "staff_digest", STAFF_DIGEST, items, language)


def _to_verify(state: State, practice: Practice, held: bool, language: str) -> Preview:
    sample = _sample(practice, state.now(), at_a_distance=False)
    draft = Draft(REF, REF, held, {}, sample.starts, None, state.now() + timedelta(hours=1))
    said = verify_facts(practice, _wish(practice, at_a_distance=False), draft) | {"language": language}
    name = "verify" if held else "verify-not-held"
    return _preview(name, compose(state, _row(name, VERIFY, CLIENT.email, said)))


def _to_client(state: State, practice: Practice, case: _Case, language: str) -> Preview:
    sample = _sample(practice, state.now(), case.at_a_distance)
    said = facts(practice, sample) | {
        "was": case.was,
        "by": case.by,
        "message": case.word,
        "from_waitlist": case.from_waitlist,
        "instead_of": (sample.starts - timedelta(days=1)).isoformat() if case.moves else None,
        "language": language,
    }
    return _preview(case.name, compose(state, _row(case.name, case.topic, CLIENT.email, said)))


def _to_staff(state: State, practice: Practice, name: str, topic: str, items: Items, language: str) -> Preview:
    row = _row(name, topic, practice.email or "desk@example.org", told(practice, items) | {"language": language})
    return _preview(name, compose(state, row, [item | {"now": item["status"]} for item in items]))


def _row(name: str, topic: str, recipient: str, said: Mapping[str, Any]) -> Message:
    return Message(0, 0, MAIL, topic, recipient, name, said, 1, "")


def _preview(name: str, mail: flask_mail.Message) -> Preview:
    source = mail.as_bytes()
    parsed = message_from_bytes(source, policy=policy.default)
    return Preview(name, str(parsed["Subject"]), _body(parsed, "plain"), _body(parsed, "html"), source)


def _text(name: str, text: str) -> Preview:
    return Preview(name, "Text message", text, "", text.encode())


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _sample(practice: Practice, now: datetime, at_a_distance: bool) -> Appointment:
    """Ten o'clock in a week."""
    wish = _wish(practice, at_a_distance)
    day = (now + timedelta(days=7)).astimezone(ZoneInfo(wish.zone)).date()
    starts = wall_instants(datetime.combine(day, time(10)), wish.zone)[0]
    return Appointment(
        ref=REF,
        status=Status.CONFIRMED,
        type=wish.type,
        contact=wish.contact,
        provider=wish.providers[0],
        location=wish.location,
        starts=starts,
        ends=starts + wish.type.duration,
        zone=wish.zone,
        client=CLIENT,
        note="",
        message="",
        reason="",
        text_reminders=True,
        version=1,
        created=now,
        expires=starts - timedelta(days=2),
        thread=REF,
    )


def _wish(practice: Practice, at_a_distance: bool) -> Wish:
    """The first thing on offer, preferably in that way."""
    offered = [(kind, contact) for kind in practice.bookable_types() for contact in practice.contacts_for(kind)]
    if not offered:
        raise SetupError("The practice offers no appointment type yet, so there is nothing to show.")
    kind, contact = next((pair for pair in offered if pair[1].at_location is not at_a_distance), offered[0])
    places = practice.locations_for(kind, contact)
    return practice.wish(kind.key, contact.key, location=places[0].key if places else None)
