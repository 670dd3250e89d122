"""Every message as a client would get it, of an appointment that there is not: for a host who words them anew."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from flask import Flask

from ..domain.appointment import Appointment, Client
from ..domain.errors import SetupError
from ..domain.instants import wall_instants
from ..domain.lifecycle import ActorKind, Status
from ..domain.practice import Practice, Wish
from ..services.messages import facts
from ..services.state import State
from ..storage.outbox import MAIL, REMINDER, SMS, Message
from .mail import compose, mail_of
from .sms import compose as compose_text

REF = "0" * 32
CLIENT = Client("sample", "Alex Sample", "alex@example.org", "+1 212 555 0147")
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


_CASES = (
    _Case("received", "received", None, ActorKind.CLIENT),
    _Case("received-to-move", "received", None, ActorKind.CLIENT, moves=True),
    _Case("invited", "invited", None, word=WORD),
    _Case("invited-to-move", "invited", None, moves=True),
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


def previews(app: Flask, state: State) -> Iterator[Preview]:
    """All mails, with the practice's own names in them, in the order of an appointment's life; and the reminder as a
    text.

    Raises SetupError when the practice offers nothing that an appointment could be made of, or mails have no sender.
    """
    practice = state.practice()
    mail_of(app)
    with app.test_request_context(base_url=state.settings.base_url):
        for case in _CASES:
            yield _mail(app, state, practice, case)
        yield _text(practice, _sample(practice, state.now(), at_a_distance=False))


def _mail(app: Flask, state: State, practice: Practice, case: _Case) -> Preview:
    sample = _sample(practice, state.now(), case.at_a_distance)
    told = facts(practice, sample) | {
        "was": case.was,
        "by": case.by,
        "message": case.word,
        "instead_of": (sample.starts - timedelta(days=1)).isoformat() if case.moves else None,
    }
    row = Message(0, 0, MAIL, case.topic, CLIENT.email, case.name, told, 1, "")
    source = compose(state, row).as_bytes()
    parsed = message_from_bytes(source, policy=policy.default)
    return Preview(case.name, str(parsed["Subject"]), _body(parsed, "plain"), _body(parsed, "html"), source)


def _text(practice: Practice, sample: Appointment) -> Preview:
    told = facts(practice, sample)
    text = compose_text(Message(0, 0, SMS, REMINDER, CLIENT.phone, "reminder-text", told, 1, ""))
    return Preview("reminder-text", "Text message", text, "", text.encode())


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
