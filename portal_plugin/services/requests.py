"""Asking for a time, by a client; and proposing one, by the practice."""

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from ..domain.appointment import Appointment, Client
from ..domain.availability import Diary, Slot, bookable_range, find_slots
from ..domain.errors import AlreadyDecided, NotOffered, SlotTaken
from ..domain.history import Event
from ..domain.instants import local_date, seconds
from ..domain.lifecycle import OPEN, Action, Actor, ActorKind, Status
from ..domain.practice import Interval, Practice, Provider, Wish
from ..domain.text import clean_text
from ..hooks import Proposal, announce
from ..storage import appointments, claims, history
from ..storage.appointments import DuplicateRequest
from .decisions import move
from .messages import enqueue_mail
from .rules import check_again, check_client, too_close
from .slots import in_fairest_order, local_day_of, read_diary
from .state import State

FARTHEST_INVITATION = timedelta(days=5 * 365)
SYSTEM = Actor(ActorKind.SYSTEM, "automatic confirmation")


@dataclass(frozen=True, slots=True)
class ReminderConsent:
    """A client's agreement to text reminders, with what proves it. `phone` is E.164, `text` what they read."""

    phone: str
    zone: str
    address: str
    user_agent: str
    page: str
    text: str


def request_appointment(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    starts: datetime,
    *,
    actor: Actor,
    note: str = "",
    consent: ReminderConsent | None = None,
    key: str | None = None,
) -> Appointment:
    """Ask for a time. Sent again with the same `key`, it returns the first request and changes nothing.

    Raises NotOffered for a time the practice does not offer, SlotTaken for one that is gone, Refused when
    the host's veto says no, AlreadyDecided when the earlier request with this key has ended.
    """
    starts = whole_minute(starts)
    if earlier := _sent_before(state, practice, client, key):
        return earlier
    try:
        return _request(state, practice, wish, client, starts, actor, clean_text(note, "note"), consent, key)
    except (DuplicateRequest, SlotTaken):
        # The same form may have come in twice at once, and the other one took the time.
        if earlier := _sent_before(state, practice, client, key):
            return earlier
        raise


def _sent_before(state: State, practice: Practice, client: Client, key: str | None) -> Appointment | None:
    earlier = appointments.by_request_key(state.db, practice, client.id, key) if key else None
    if earlier and earlier.status not in OPEN:
        raise AlreadyDecided("sent again", earlier.status)
    return earlier


def _request(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    starts: datetime,
    actor: Actor,
    note: str,
    consent: ReminderConsent | None,
    key: str | None,
) -> Appointment:
    now = state.now()
    check_client(state.db, wish, client)
    check_range(practice, wish, starts, now)
    ends = starts + wish.type.duration
    # The whole day: "any available" goes to whoever has the least of it.
    diary = read_diary(state, wish, *local_day_of(wish, starts), client)
    slot = _slot_at(practice, wish, diary, starts, now)
    if slot is None:
        raise _why_not(practice, wish, diary, starts, now)
    for veto in state.questions.request_vetoes:
        veto(Proposal(client, wish, starts, ends, note))
    by_key = {provider.key: provider for provider in wish.providers}
    willing = (by_key[name] for name in in_fairest_order(diary, slot, wish.zone))
    return _store(
        state, practice, Action.REQUEST, wish, willing, client, starts, actor, now, note=note, consent=consent, key=key
    )


def invite_client(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    starts: datetime,
    *,
    actor: Actor,
    message: str = "",
) -> Appointment:
    """Propose a time to a client. The practice may invite outside its hours, but not into taken time.

    Raises NotOffered for a past time and SlotTaken.
    """
    now = state.now()
    starts = whole_minute(starts)
    if starts <= now:
        raise NotOffered("starts", "Choose a time that lies ahead.")
    if starts > now + FARTHEST_INVITATION:
        raise NotOffered("starts", "Choose a time within the next five years.")
    text = clean_text(message)
    return _store(state, practice, Action.INVITE, wish, wish.providers, client, starts, actor, now, message=text)


def _store(
    state: State,
    practice: Practice,
    action: Action,
    wish: Wish,
    willing: Iterable[Provider],
    client: Client,
    starts: datetime,
    actor: Actor,
    now: datetime,
    *,
    note: str = "",
    message: str = "",
    consent: ReminderConsent | None = None,
    key: str | None = None,
) -> Appointment:
    """Give the time to the first willing provider the database agrees to."""
    db, kind = state.db, wish.type
    now = now.replace(microsecond=0)  # as it will be read
    status = Status.INVITED if action is Action.INVITE else Status.REQUESTED
    confirms = kind.confirms_itself and action is Action.REQUEST
    holds = practice.requests_hold_time or confirms or status is Status.INVITED
    stretch = Interval(seconds(starts - kind.buffer_before), seconds(starts + kind.duration + kind.buffer_after))
    purpose = claims.Purpose.of(wish, starts)
    expires = min(starts, now + practice.request_expiry) if practice.request_expiry else starts
    # The same person as when read from the tables, whatever the host made of Client.
    who = Client(client.id, client.name, client.email, consent.phone if consent else client.phone)
    for provider in willing:
        try:
            with db.atomic():
                if action is Action.REQUEST:
                    check_again(db, wish, client, provider, starts, now)
                draft = Appointment(
                    ref=secrets.token_hex(16),
                    status=status,
                    type=kind,
                    contact=wish.contact,
                    provider=provider,
                    location=wish.location,
                    starts=starts,
                    ends=starts + kind.duration,
                    zone=wish.zone,
                    client=who,
                    note=note,
                    message=message,
                    reason="",
                    text_reminders=consent is not None,
                    version=1,
                    created=now,
                    expires=expires,
                    claim=claims.take(db, provider.number, stretch, purpose, kind.capacity) if holds else None,
                )
                stored = appointments.add(db, draft, stretch, key)
                if consent:
                    appointments.add_consent(db, at=now, client_id=client.id, **asdict(consent))
                history.record(db, stored.id, actor, action, None, status, message, now)
                if consent:
                    history.record(db, stored.id, actor, Event.OPT_IN, None, None, "", now)
                result = stored
                if confirms:
                    confirmed = move(state, practice, stored, Action.CONFIRM, Status.CONFIRMED, SYSTEM, "", now)
                    result = confirmed or stored
                else:
                    enqueue_mail(db, practice, stored, action, actor, None, message, now)
        except SlotTaken:
            continue
        announce(action, stored, state.sender)
        if confirms:
            announce(Action.CONFIRM, result, state.sender)
        return result
    raise SlotTaken


def whole_minute(starts: datetime) -> datetime:
    """The same instant in UTC, where adding a duration means elapsed time. Raises NotOffered, and ValueError for
    a naive datetime, which names no instant.
    """
    if starts.tzinfo is None:
        raise ValueError(f"{starts!r} has no time zone: give starts as an aware datetime")
    if starts.second or starts.microsecond:
        raise NotOffered("starts", "Choose a time on a full minute.")
    try:
        return starts.astimezone(UTC)
    except OverflowError:
        raise NotOffered("starts", "Choose a time within the next years.") from None


def check_range(practice: Practice, wish: Wish, starts: datetime, now: datetime) -> None:
    """Raises NotOffered for a time that is past, inside the notice, or beyond the horizon."""
    first, beyond = bookable_range(wish, now)
    if starts <= now:
        raise NotOffered("starts", "That time has passed. Choose one that lies ahead.")
    if seconds(starts) < first:
        hours = round(wish.type.notice.total_seconds() / 3600)
        raise NotOffered(
            "starts",
            f"That is too soon: {practice.name} needs {hours} hours' notice. Call {practice.phone} if it is urgent.",
        )
    if seconds(starts) >= beyond:
        raise NotOffered("starts", f"That is too far ahead: choose a day within {wish.type.horizon.days} days.")


def _slot_at(practice: Practice, wish: Wish, diary: Diary, starts: datetime, now: datetime) -> Slot | None:
    until = starts + timedelta(seconds=1)
    return next(find_slots(practice, wish, diary, since=starts, until=until, now=now), None)


def _why_not(practice: Practice, wish: Wish, diary: Diary, starts: datetime, now: datetime) -> NotOffered | SlotTaken:
    if local_date(seconds(starts), wish.zone) in diary.without:
        return too_close(wish)
    if _slot_at(practice, wish, Diary(), starts, now):
        return SlotTaken()
    return NotOffered("starts", "That is not a time the practice offers. Choose one from the list.")
