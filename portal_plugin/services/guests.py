"""A visitor asks for a time, shows that the mail address is theirs, and is a client from then on."""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.appointment import Appointment, Client
from ..domain.consent import ReminderConsent
from ..domain.errors import NotAllowed, PortalError, SlotTaken
from ..domain.guests import Choices, Guest, Introduction, NewClients
from ..domain.instants import seconds
from ..domain.lifecycle import Actor, ActorKind
from ..domain.practice import Interval, Practice, Wish
from ..domain.said import said
from ..storage import appointments, claims, guests, outbox
from ..storage.appointments import DuplicateRequest
from ..storage.guests import Draft
from .messages import practice_facts
from .requests import Asking, request_appointment, willing
from .rules import check_again
from .state import State
from .tokens import LinkExpired, guest_ids

VISITOR = Client("guest-visitor", "", "", new=True)
"""Whoever has not said yet who they are; a practice's rules about new clients hold for them."""


def new_draft(
    rules: NewClients, choices: Choices, starts: datetime, form: str, introduction: Introduction, now: datetime
) -> Draft:
    """What a visitor asks for. `form` is the random id of the form that they sent."""
    now = now.replace(microsecond=0)
    expires = min(now + rules.link_life, starts)
    return Draft(secrets.token_hex(16), form, False, dict(choices), starts, introduction, expires)


def is_kept(state: State, draft: Draft) -> bool:
    """Whether the form was sent before, just as it is. Raises NotAllowed where that became a request."""
    return _stands(guests.by_form(state.db, draft.form), draft, state.now())


def keep_draft(state: State, practice: Practice, wish: Wish, draft: Draft, introduction: Introduction) -> None:
    """Store what a visitor asks for, hold its time, and mail them the link that sends it to the practice.

    The same form sent again does nothing, and with something else in it takes the place of what it said before.
    Another form takes nothing from this one, whatever address it names: somebody else may have typed it. So an
    address holds one time at once, and the mail alone says whether it does.

    Nobody is looked up by their address. Raises NotOffered, SlotTaken, NotAnswered, and NotAllowed for a form
    whose request the practice has by now.
    """
    now, starts, mailbox = state.now(), draft.starts, introduction.guest.mailbox
    asking = Asking(wish, VISITOR, starts, Actor(ActorKind.CLIENT, VISITOR.id), draft=draft)
    can_hold = practice.requests_hold_time and wish.type.capacity == 1
    for provider in willing(state, practice, asking, now):
        try:
            with state.db.atomic():
                guests.one_at_a_time(state.db, draft.form, mailbox)
                earlier = guests.by_form(state.db, draft.form)
                if _stands(earlier, draft, now):
                    return
                if earlier:
                    guests.drop(state.db, earlier)
                check_again(state.db, wish, VISITOR, provider, starts, now, None)
                claims.end_holds(state.db, seconds(now), draft.holder)
                held = can_hold and not guests.holds(state.db, mailbox, draft.form, now)
                if held:
                    stretch = Interval(seconds(starts) - wish.type.before, seconds(starts) + wish.type.reach)
                    purpose = claims.Purpose.of(wish, starts)
                    claims.hold(state.db, provider.number, stretch, purpose, draft.holder, seconds(draft.expires))
                _store(state, practice, wish, replace(draft, held=held), introduction, now)
        except SlotTaken:
            continue
        return
    raise SlotTaken


def _stands(earlier: Draft | None, draft: Draft, now: datetime) -> bool:
    """Whether the form was sent before just as it is. Raises NotAllowed where that became a request."""
    if earlier is None:
        return False
    if earlier.appointment is not None:
        raise NotAllowed(
            said("This form was sent already, and the practice has your request. Send it again for another one.")
        )
    what = (earlier.choices, earlier.starts, earlier.introduction)
    return what == (draft.choices, draft.starts, draft.introduction) and now < earlier.expires


def _store(
    state: State, practice: Practice, wish: Wish, draft: Draft, introduction: Introduction, now: datetime
) -> None:
    mail = outbox.enqueue(
        state.db,
        appointment=None,
        channel=outbox.MAIL,
        topic=outbox.VERIFY,
        recipient=introduction.guest.email,
        facts=verify_facts(practice, wish, draft) | {"language": introduction.guest.language},
        now=now,
    )
    guests.add(state.db, draft, introduction, mail)


def verify_facts(practice: Practice, wish: Wish, draft: Draft) -> dict[str, Any]:
    """What the mail with the link says: nothing that was typed, since anybody may have typed it."""
    location = wish.location
    return {
        "draft": draft.ref,
        "starts": draft.starts.isoformat(),
        "ends": (draft.starts + wish.type.duration).isoformat(),
        "expires": draft.expires.isoformat(),
        "zone": wish.zone,
        "practice": practice_facts(practice),
        "provider": None if wish.any_provider else {"name": wish.providers[0].name},
        "contact": {"name": wish.contact.name},
        "location": {"name": location.name, "address": location.address} if location else None,
        "held": draft.held,
    }


def waits(state: State, ref: str) -> bool:
    """Whether the link to a draft still leads to something."""
    draft = guests.by_ref(state.db, ref)
    return draft is not None and is_open(draft, state.now())


def is_open(draft: Draft, now: datetime) -> bool:
    return draft.introduction is not None and now < draft.expires


def send_draft(
    state: State,
    practice: Practice,
    draft: Draft,
    wish: Wish,
    consent: ReminderConsent | None,
    request_id: str | None,
) -> Appointment:
    """Make the request of a guest who followed the link; done already, what it became.

    Raises LinkExpired, and what `request_appointment` raises; then the link can be followed again.
    """
    introduction = draft.introduction
    if introduction is None or state.now() >= draft.expires:
        return _became_or_expired(state, practice, draft)
    client = state.host.client_of(introduction.guest) or own_client(state, introduction.guest)
    asking = Asking(
        wish,
        client,
        draft.starts,
        Actor(ActorKind.CLIENT, client.id, request_id),
        note=introduction.note,
        consent=consent,
        key=draft.ref,
        language=introduction.guest.language,
        zone=introduction.guest.zone,
        draft=draft,
    )
    try:
        return request_appointment(state, practice, asking)
    except DuplicateRequest:
        return _became_or_expired(state, practice, draft)
    except PortalError:
        # The button was pressed twice, and the first press is why this one could not.
        if sent := became(state, practice, draft):
            return sent
        raise


def became(state: State, practice: Practice, draft: Draft) -> Appointment | None:
    """The request that was made of a draft, as long as its link would have worked."""
    now = guests.by_ref(state.db, draft.ref)
    sent = appointments.by_id(state.db, practice, now.appointment) if now else None
    return sent if state.now() < draft.expires else None


def _became_or_expired(state: State, practice: Practice, draft: Draft) -> Appointment:
    if sent := became(state, practice, draft):
        return sent
    raise LinkExpired


def own_client(state: State, guest: Guest) -> Client:
    """Of somebody for whom the host keeps no account. Who came while an earlier key was in use stays who they are."""
    ids = guest_ids(state, guest.mailbox)
    known = guests.known_as(state.db, ids) if len(ids) > 1 else None
    return Client(known or ids[0], guest.name, guest.email, guest.phone, new=True)


def forget_drafts(state: State) -> None:
    """Forget whoever did not follow their link in time, and give back what they held."""
    db, now = state.db, state.now()
    if guests.has_expired(db, now):
        with db.atomic():
            guests.purge(db, now)
            claims.end_holds(db, seconds(now))
