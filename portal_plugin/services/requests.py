"""Asking for a time, by a client; and proposing one, by the practice."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ..domain.appointment import Appointment, Client
from ..domain.availability import Diary, Slot, bookable_range, find_slots
from ..domain.consent import Choice, ReminderConsent, Way
from ..domain.errors import AlreadyDecided, NotOffered, PortalError, SlotTaken
from ..domain.instants import local_date, seconds
from ..domain.lifecycle import OPEN, Action, Actor, ActorKind, Status
from ..domain.practice import Interval, Practice, Provider, Wish
from ..domain.said import said, said_n
from ..domain.text import clean_text
from ..hooks import Proposal, announce
from ..storage import appointments, claims, consents, guests, history, waitlist
from ..storage.appointments import DuplicateRequest
from ..storage.guests import Draft
from ..storage.waitlist import WaitsNoMore
from . import holding
from .decisions import (
    announce_change,
    check_movable,
    check_really_moves,
    check_stands,
    locked_to_move,
    move,
    refusals_recorded,
    take_place,
)
from .ledger import write as write_consent
from .messages import enqueue
from .rules import check_again, check_client, too_close
from .slots import in_fairest_order, local_day_of, other_than, read_diary
from .state import State

FARTHEST_INVITATION = timedelta(days=5 * 365)
SYSTEM = Actor(ActorKind.SYSTEM, "automatic confirmation")


class Offer(NamedTuple):
    """To whose place on the waitlist, and until when it stands (aware UTC)."""

    place: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for by a client, or proposed or booked by the practice. `starts` is aware.

    `moving` is the client's appointment whose place this one takes once it is confirmed; until then it stands. The
    same `key` twice is one request. `language` and `zone` are those of the page it was asked on, which count where the
    client names none. `draft` is what a guest sent before, and becomes the request.
    """

    wish: Wish
    client: Client
    starts: datetime
    actor: Actor
    note: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    consent: ReminderConsent | None = None
    key: str | None = None
    moving: Appointment | None = None
    host_reference: str = ""
    host_data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    language: str = ""
    zone: str = ""
    offer: Offer | None = None
    draft: Draft | None = None

    @property
    def holder(self) -> str:
        """Whose hold of a time is theirs."""
        return self.draft.holder if self.draft else self.client.id


def asking_to_move(
    practice: Practice,
    old: Appointment,
    starts: datetime,
    actor: Actor,
    *,
    provider: str | None = None,
    location: str | None = None,
    message: str = "",
    key: str | None = None,
) -> Asking:
    """The same appointment at another time; provider and location, by key, stay unless given. Raises NotOffered."""
    return Asking(
        wish_to_move(practice, old, provider, location),
        old.client,
        starts,
        actor,
        message=message,
        key=key,
        moving=old,
        host_reference=old.host_reference,
        host_data=old.host_data,
    )


def wish_to_move(practice: Practice, old: Appointment, provider: str | None, location: str | None) -> Wish:
    """What is asked for by whoever moves it. Raises NotOffered where the practice no longer has it."""
    place = location or (old.location.key if old.location else None)
    return practice.wish(old.type.key, old.contact.key, provider or old.provider.key, place)


def request_appointment(state: State, practice: Practice, asking: Asking) -> Appointment:
    """Ask for a time. Sent again with the same key, it returns the first request and changes nothing.

    Raises NotOffered for a time the practice does not offer, SlotTaken for one that is gone, Refused when
    the host's veto says no, NotAnswered when the host says nothing, AlreadyDecided when the earlier request with this
    key, or what is to be moved, has ended, TooLate inside the reschedule window, NotAllowed while another new time
    waits for an answer.
    """
    asking = _tidied(asking)
    with _refused_moves_recorded(state, asking):
        try:
            return _ask_for(state, practice, Action.REQUEST, asking)
        except (DuplicateRequest, PortalError):
            # The same form may have come in before, and its own request is what now stands in the way.
            if earlier := _sent_before(state, practice, asking):
                return earlier
            if asking.moving is not None:
                _check_again_to_move(state, practice, asking.moving)
            raise


def _refused_moves_recorded(state: State, asking: Asking) -> AbstractContextManager[None]:
    # Whoever asks for a first time and is refused has decided nothing: there is no appointment to tell it of, and
    # when many want one time, a row for each who lost would cost most where the least time is.
    if asking.moving is None:
        return nullcontext()
    return refusals_recorded(state, asking.moving.ref, Action.REPLACE, asking.actor)


def _check_again_to_move(state: State, practice: Practice, moving: Appointment) -> None:
    """What became of the appointment meanwhile says more than that the time which it took is taken."""
    if now := appointments.by_ref(state.db, practice, moving.ref):
        check_stands(state.db, practice, now)


def was_sent(state: State, practice: Practice, asking: Asking) -> Appointment | None:
    """What came of it when it was sent before, with the same key."""
    return appointments.by_request_key(state.db, practice, asking.client.id, asking.key) if asking.key else None


def _sent_before(state: State, practice: Practice, asking: Asking) -> Appointment | None:
    earlier = was_sent(state, practice, asking)
    if earlier and earlier.status not in OPEN:
        raise AlreadyDecided("sent again", earlier.status)
    return earlier


def hold_time(state: State, practice: Practice, asking: Asking) -> datetime | None:
    """Keep a time for a client who fills in the form, in place of any other they hold; until when (aware UTC).

    None where nothing is held: in practices without holds, in groups, and for a move. Raises NotOffered, SlotTaken.
    """
    asking = _tidied(asking)
    kind, starts = asking.wish.type, asking.starts
    if not practice.hold or kind.capacity > 1 or asking.moving is not None:
        return None
    now = state.now()
    until = now + practice.hold
    stretch = Interval(seconds(starts) - kind.before, seconds(starts) + kind.reach)
    for provider in willing(state, practice, asking, now):
        try:
            with state.db.atomic():
                check_again(state.db, asking.wish, asking.client, provider, starts, now, None)
                claims.end_holds(state.db, seconds(now), asking.client.id)
                purpose = claims.Purpose.of(asking.wish, starts)
                claims.hold(state.db, provider.number, stretch, purpose, asking.client.id, seconds(until))
        except SlotTaken:
            continue
        return until
    raise SlotTaken


def offer_time(state: State, practice: Practice, asking: Asking) -> Appointment:
    """Propose to a client who waits a time that came free, under the rules that bind a request.

    Raises NotOffered, SlotTaken, Refused, NotAnswered; WaitsNoMore, and AlreadyOffered when another worker was quicker.
    """
    return _ask_for(state, practice, Action.INVITE, asking)


def _ask_for(state: State, practice: Practice, action: Action, asking: Asking) -> Appointment:
    now = state.now()
    able = willing(state, practice, asking, now)
    ends = asking.starts + asking.wish.type.duration
    state.host.permit_request(Proposal(asking.client, asking.wish, asking.starts, ends, asking.note))
    return _store(state, practice, action, asking, able, now)


def willing(state: State, practice: Practice, asking: Asking, now: datetime) -> list[Provider]:
    """Who has that time free for this client, in the order in which they are asked. Raises what says why nobody."""
    wish, client, starts, moving = asking.wish, asking.client, asking.starts, asking.moving
    if moving is not None:
        check_movable(practice, moving, asking.actor.kind, now)
        check_really_moves(moving, wish, starts)
    check_client(state.db, wish, client, moving)
    check_range(practice, wish, starts, now)
    # The whole day: "any available" goes to whoever has the least of it.
    holder = asking.draft.holder if asking.draft else None
    diary = read_diary(state, practice, wish, *local_day_of(wish, starts), client, moving, holder)
    slot = _slot_at(practice, wish, diary, starts, now, moving)
    if slot is None:
        raise _why_not(practice, wish, diary, starts, now)
    by_key = {provider.key: provider for provider in wish.providers}
    return [by_key[name] for name in in_fairest_order(diary, slot, wish.zone)]


def invite_client(state: State, practice: Practice, asking: Asking) -> Appointment:
    """Propose a time to a client. The practice may invite outside its hours, but not into taken time.

    Raises NotOffered for a past time and SlotTaken; with `moving` as `request_appointment`.
    """
    return _by_practice(state, practice, Action.INVITE, asking)


def book_for_client(state: State, practice: Practice, asking: Asking) -> Appointment:
    """Make an appointment that the client agreed to elsewhere, or move one: it is confirmed at once.

    Raises what `invite_client` raises.
    """
    return _by_practice(state, practice, Action.BOOK, asking)


def _by_practice(state: State, practice: Practice, action: Action, asking: Asking) -> Appointment:
    asking = _tidied(asking)
    with _refused_moves_recorded(state, asking):
        return _given_by_practice(state, practice, action, asking)


def _given_by_practice(state: State, practice: Practice, action: Action, asking: Asking) -> Appointment:
    now = state.now()
    if asking.starts <= now:
        raise NotOffered("starts", said("Choose a time that lies ahead."))
    if asking.starts > now + FARTHEST_INVITATION:
        raise NotOffered("starts", said("Choose a time within the next five years."))
    if asking.moving is not None:
        check_movable(practice, asking.moving, asking.actor.kind, now)
        check_really_moves(asking.moving, asking.wish, asking.starts)
    return _store(state, practice, action, asking, asking.wish.providers, now)


def _tidied(asking: Asking) -> Asking:
    """Raises NotOffered for what cannot be a time, or a text that is too long."""
    tidy: dict[str, Any] = {
        "starts": whole_minute(asking.starts),
        "note": clean_text(asking.note, "note"),
        "message": clean_text(asking.message),
    }
    changed = {name: value for name, value in tidy.items() if value is not getattr(asking, name)}
    return replace(asking, **changed) if changed else asking


FIRST_STATUS = {
    Action.REQUEST: Status.REQUESTED,
    Action.INVITE: Status.INVITED,
    Action.BOOK: Status.CONFIRMED,
}


def _store(
    state: State, practice: Practice, action: Action, asking: Asking, willing: Iterable[Provider], now: datetime
) -> Appointment:
    """Give the time to the first willing provider the database agrees to."""
    for provider in willing:
        try:
            with state.db.atomic():
                stored = _write(state, practice, action, asking, provider, now)
                result = _confirm_itself(state, practice, stored, now) if action is Action.REQUEST else stored
        except SlotTaken:
            continue
        if action is not Action.BOOK:
            announce(action, stored, state.sender)
        if result.status is Status.CONFIRMED:
            announce_change(state, practice, Action.CONFIRM, result)
        return result
    raise SlotTaken


def _write(
    state: State, practice: Practice, action: Action, asking: Asking, provider: Provider, now: datetime
) -> Appointment:
    """The rows of one attempt, inside its transaction. Raises SlotTaken."""
    db = state.db
    wish, starts, kind, consent = asking.wish, asking.starts, asking.wish.type, asking.consent
    now = now.replace(microsecond=0)  # as it will be read
    if consent:
        # Before any other lock: a STOP that comes meanwhile holds this one first, too.
        consents.one_at_a_time(db, consent.phone)
    old = locked_to_move(db, practice, asking.moving)
    if asking.offer and not waitlist.locked(db, asking.offer.place):
        raise WaitsNoMore
    if action is Action.REQUEST or asking.offer:
        check_again(db, wish, asking.client, provider, starts, now, old)
    stretch = Interval(seconds(starts) - kind.before, seconds(starts) + kind.reach)
    if practice.has_holds or asking.draft:
        claims.end_holds(db, seconds(now), asking.holder if action is Action.REQUEST else None)
    claim = None
    if action is Action.INVITE or (action is Action.REQUEST and (practice.requests_hold_time or kind.confirms_itself)):
        purpose = claims.Purpose.of(wish, starts)
        claim = holding.hold(db, provider.number, stretch, purpose, kind.capacity, old)
    ref = secrets.token_hex(16)
    draft = Appointment(
        ref=ref,
        status=FIRST_STATUS[action],
        type=kind,
        contact=wish.contact,
        provider=provider,
        location=wish.location,
        starts=starts,
        ends=starts + kind.duration,
        zone=wish.zone,
        client=_as_stored(asking, _texted_at(consent, old)),
        note=asking.note,
        message=asking.message,
        reason="",
        text_reminders=consent is not None or (old is not None and old.text_reminders),
        version=old.version + 1 if old else 1,
        created=now,
        expires=_expiry(practice, asking, now),
        replaces=old.ref if old else None,
        thread=old.thread if old else ref,
        host_reference=asking.host_reference,
        host_data=asking.host_data,
        claim=claim,
        waitlist=asking.offer.place if asking.offer else None,
    )
    stored = appointments.add(db, draft, stretch, asking.key)
    if asking.draft and not guests.settle(db, asking.draft, stored.id):
        raise DuplicateRequest
    history.record(db, stored.id, asking.actor, action, None, stored.status, asking.message, now)
    if consent:
        write_consent(
            state,
            Choice.IN,
            consent,
            Way.REQUEST,
            now,
            client=stored.client.id,
            actor=asking.actor,
            appointment=stored.id,
        )
    if action is Action.BOOK:
        stored = take_place(db, stored, old, asking.actor, now)
    enqueue(state, practice, stored, action, asking.actor, None, asking.message, now, old)
    return stored


def _expiry(practice: Practice, asking: Asking, now: datetime) -> datetime:
    if asking.offer:
        return asking.offer.expires
    return min(asking.starts, now + practice.request_expiry) if practice.request_expiry else asking.starts


def _as_stored(asking: Asking, phone: str | None) -> Client:
    """The same person as when read from the tables, whatever the host made of Client."""
    client = asking.client
    return Client(
        client.id,
        client.name,
        client.email,
        client.phone if phone is None else phone,
        client.new,
        client.language or asking.language,
        client.zone or asking.zone,
    )


def _texted_at(consent: ReminderConsent | None, old: Appointment | None) -> str | None:
    """Where the client agreed to be texted: now, or for the appointment that this one takes the place of."""
    if consent:
        return consent.phone
    return old.client.phone if old and old.text_reminders else None


def _confirm_itself(state: State, practice: Practice, stored: Appointment, now: datetime) -> Appointment:
    """What a type that needs no review does with a request, in the same transaction."""
    if not stored.type.confirms_itself:
        return stored
    return move(state, practice, stored, Action.CONFIRM, Status.CONFIRMED, SYSTEM, "", now) or stored


def whole_minute(starts: datetime) -> datetime:
    """The same instant in UTC, where adding a duration means elapsed time. Raises NotOffered, and ValueError for
    a naive datetime, which names no instant.
    """
    if starts.tzinfo is None:
        raise ValueError(f"{starts!r} has no time zone: give starts as an aware datetime")
    if starts.second or starts.microsecond:
        raise NotOffered("starts", said("Choose a time on a full minute."))
    try:
        return starts.astimezone(UTC)
    except OverflowError:
        raise NotOffered("starts", said("Choose a time within the next years.")) from None


def check_range(practice: Practice, wish: Wish, starts: datetime, now: datetime) -> None:
    """Raises NotOffered for a time that is past, inside the notice, or beyond the horizon."""
    first, beyond = bookable_range(wish, now)
    if starts <= now:
        raise NotOffered("starts", said("That time has passed. Choose one that lies ahead."))
    if seconds(starts) < first:
        hours = round(wish.type.notice.total_seconds() / 3600)
        raise NotOffered(
            "starts",
            said_n(
                "That is too soon: {practice} needs {number} hour's notice. Call {phone} if it is urgent.",
                "That is too soon: {practice} needs {number} hours' notice. Call {phone} if it is urgent.",
                hours,
                practice=practice.name,
                phone=practice.phone,
            ),
        )
    if seconds(starts) >= beyond:
        raise NotOffered(
            "starts",
            said_n(
                "That is too far ahead: choose a day within {number} day.",
                "That is too far ahead: choose a day within {number} days.",
                wish.type.horizon.days,
            ),
        )


def _slot_at(
    practice: Practice,
    wish: Wish,
    diary: Diary,
    starts: datetime,
    now: datetime,
    moving: Appointment | None = None,
) -> Slot | None:
    until = starts + timedelta(seconds=1)
    found = find_slots(practice, wish, diary, since=starts, until=until, now=now)
    return next(other_than(moving, wish, found) if moving else found, None)


def _why_not(practice: Practice, wish: Wish, diary: Diary, starts: datetime, now: datetime) -> NotOffered | SlotTaken:
    if local_date(seconds(starts), wish.zone) in diary.without:
        return too_close(wish)
    if _slot_at(practice, wish, Diary(), starts, now):
        return SlotTaken()
    return NotOffered("starts", said("That is not a time the practice offers. Choose one from the list."))
