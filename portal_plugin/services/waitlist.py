"""The waitlist: whoever joins stands at its end, and what comes free is offered from its beginning.

An offer is an invitation. Declined or expired, it frees its time as any other, and the next in line is offered it; who
had it waits on for other times.
"""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain, islice
from operator import attrgetter
from zoneinfo import ZoneInfo

from ..domain.appointment import Client
from ..domain.availability import Diary, Slot, bookable_range, find_slots
from ..domain.errors import NotAllowed, NotAnswered, NotOffered, Refused, SlotTaken
from ..domain.history import Event
from ..domain.instants import day_bounds, instant, local_date, seconds
from ..domain.lifecycle import Actor, ActorKind
from ..domain.practice import Practice, Wish
from ..domain.said import said
from ..domain.waitlist import Outcome, Preferences, Waiting
from ..storage import appointments, history, waitlist
from ..storage.appointments import AlreadyOffered
from ..storage.waitlist import WaitsAlready, WaitsNoMore
from .requests import Asking, Offer, offer_time
from .rules import check_client, days_too_close
from .slots import free_slots, read_diary
from .state import State

LOOK = timedelta(minutes=5)
"""How long a worker waits at the most before it looks again though nothing seems to have changed: the host's busy times
change unseen, holds end, a new day comes within the horizon, and PostgreSQL may show a later change first.
"""

LEAST = timedelta(hours=1)
"""What leaves less time to answer is offered to nobody."""

TRIES = 50
"""Times that one client is tried with in one look: a host whose veto refuses each is asked no more often."""

MOST = 5
"""Types that one client may wait for at once."""

ACTOR = Actor(ActorKind.SYSTEM, "waitlist")


def join(
    state: State, practice: Practice, wish: Wish, client: Client, preferences: Preferences, actor: Actor
) -> Waiting:
    """A place at the end of the line; the one there is, where the client waits for the very same already.

    Raises NotAllowed where the type has no waitlist, or the client has another place or too many; NotOffered as a
    request does.
    """
    db, kind, now = state.db, wish.type, state.now().replace(microsecond=0)
    if not practice.has_waitlist(kind):
        raise NotAllowed(said("There is no waitlist for {type}.", type=kind.name))
    check_client(db, wish, client)
    waiting = Waiting(
        ref=secrets.token_hex(16),
        client=client,
        type=kind,
        contact=wish.contact,
        provider=None if _anybody(practice, wish) else wish.providers[0],
        location=wish.location,
        zone=wish.zone,
        preferences=preferences,
        created=now,
    )
    try:
        with db.atomic():
            appointments.one_at_a_time(db, client.id)
            earlier = waitlist.of_client(db, practice, client.id)
            if same := next((one for one in earlier if _WISH(one) == _WISH(waiting)), None):
                return same
            if len(earlier) >= MOST and kind.key not in {one.type.key for one in earlier}:
                raise NotAllowed(said("You are on {number} waitlists. Leave one of them first.", number=len(earlier)))
            waiting = waitlist.add(db, waiting)
            history.record(db, None, actor, Event.WAIT, None, None, "", now)
    except WaitsAlready:
        raise NotAllowed(
            said("You are on the waitlist for {type} already. Leave it first to wait for other times.", type=kind.name)
        ) from None
    return waiting


_WISH = attrgetter("type", "contact", "provider", "location", "preferences")


def _anybody(practice: Practice, wish: Wish) -> bool:
    return wish.any_provider or list(wish.providers) == practice.providers_for(wish.type, wish.contact, wish.location)


def leave(state: State, waiting: Waiting, outcome: Outcome, actor: Actor) -> None:
    """Wait no more. An offer that was made stands until it is answered. Doing it again changes nothing."""
    with state.db.atomic():
        if waitlist.end(state.db, waiting.id, outcome, state.now()):
            history.record(state.db, None, actor, Event.WAIT_END, None, None, "", state.now())


def free_already(state: State, practice: Practice, wish: Wish, client: Client, preferences: Preferences) -> Slot | None:
    """The first time that suits and is free now: nobody needs to wait for it. Raises NotAnswered."""
    now = state.now()
    since, until = _span(wish, preferences, now, timedelta())
    found = free_slots(state, practice, wish, since=since, until=until, now=now, client=client)
    return next(_suiting(found, wish, preferences), None)


def offer_what_came_free(state: State) -> int:
    """Offer free times to those who wait for them, first come, first served; to how many.

    Costs one statement while nothing was released, no practice applied and nobody has joined.
    """
    practice, now = state.practice(), state.now().replace(microsecond=0)
    if not practice.waitlist:
        return 0
    sign = waitlist.sign(state.db)
    looked = state.waitlist_looked
    if sign.newest is None or (looked and looked[0] == sign and abs(now - looked[1]) < LOOK):
        return 0
    offered = 0
    # A host that is silent is asked again with the next look: each question takes its whole deadline.
    with suppress(NotAnswered):
        for given in _line(state, practice, now):
            offered += given
    state.waitlist_looked = sign, now
    return offered


def _line(state: State, practice: Practice, now: datetime) -> Iterator[bool]:
    """For each in the line, whether they were offered a time."""
    diaries: dict[tuple[str | None, ...], Diary] = {}
    for waiting in waitlist.unoffered(state.db, practice):
        if waiting.preferences.latest < local_date(seconds(now), waiting.zone):
            waitlist.end(state.db, waiting.id, Outcome.EXPIRED, now)
            continue
        choices = (
            waiting.type.key,
            waiting.contact.key,
            waiting.provider.key if waiting.provider else None,
            waiting.location.key if waiting.location else None,
        )
        try:
            wish = practice.wish(*choices)
        except NotOffered:
            # The practice may offer it again before they wait no more.
            continue
        if not practice.has_waitlist(wish.type):
            continue
        if choices not in diaries:
            first, beyond = bookable_range(wish, now)
            diaries[choices] = read_diary(state, practice, wish, instant(first), instant(beyond))
        given = _offer(state, practice, waiting, wish, diaries[choices], now)
        if given:
            # Their time is in the way of others now.
            diaries.clear()
        yield given


def _offer(state: State, practice: Practice, waiting: Waiting, wish: Wish, diary: Diary, now: datetime) -> bool:
    """Offer the first time that suits and that nothing keeps the client from; whether there was one."""
    since, until = _span(wish, waiting.preferences, now, LEAST)
    slots = _suiting(find_slots(practice, wish, diary, since=since, until=until, now=now), wish, waiting.preferences)
    # Most look in vain, and nothing more is asked of the database about those.
    if (first := next(slots, None)) is None:
        return False
    try:
        check_client(state.db, wish, waiting.client)
    except NotOffered:
        return False
    for slot in islice(_bearable(state, practice, waiting, wish, chain([first], slots), now), TRIES):
        # Whoever accepts in time keeps the notice, too.
        offer = Offer(waiting.id, min(now + practice.waitlist, slot.starts - wish.type.notice))
        try:
            offer_time(state, practice, Asking(wish, waiting.client, slot.starts, ACTOR, offer=offer))
        except (NotOffered, Refused, SlotTaken):
            continue
        except (AlreadyOffered, WaitsNoMore):
            return False
        return True
    return False


def _bearable(
    state: State, practice: Practice, waiting: Waiting, wish: Wish, slots: Iterator[Slot], now: datetime
) -> Iterator[Slot]:
    """Those that they were not offered before, far enough from their last one, and at which they are nowhere else."""
    before, client = waitlist.offered(state.db, waiting), waiting.client
    without = days_too_close(state.db, wish, client, now)
    elsewhere = appointments.upcoming(state.db, practice, client.id, now)
    for slot in slots:
        meets = any(one.starts < slot.ends and slot.starts < one.ends for one in elsewhere)
        if slot.starts not in before and not meets and local_date(seconds(slot.starts), wish.zone) not in without:
            yield slot


def _span(wish: Wish, preferences: Preferences, now: datetime, spare: timedelta) -> tuple[datetime, datetime]:
    """From when until when a start may lie, with so much time before the notice begins."""
    first, beyond = bookable_range(wish, now)
    earliest, latest = day_bounds(preferences.earliest, wish.zone)[0], day_bounds(preferences.latest, wish.zone)[1]
    return max(instant(first) + spare, instant(earliest)), instant(min(beyond, latest))


def _suiting(slots: Iterator[Slot], wish: Wish, preferences: Preferences) -> Iterator[Slot]:
    zone = ZoneInfo(wish.zone)
    return (slot for slot in slots if preferences.suit(slot.starts.astimezone(zone)))
