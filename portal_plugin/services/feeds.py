"""What a calendar feed tells: a client's appointments, or a provider's."""

from datetime import timedelta

from ..domain.appointment import Appointment
from ..domain.history import Event
from ..domain.lifecycle import OPEN, Actor, Status
from ..domain.practice import Practice
from ..storage import appointments, feeds, history
from ..storage.feeds import Feed, Kind
from .requests import FARTHEST_INVITATION
from .state import State

PAST, AHEAD = timedelta(days=60), FARTHEST_INVITATION + timedelta(days=1)
"""How far back a feed reaches, and how far ahead: past whatever can be booked."""

_HAPPENING = frozenset({Status.CONFIRMED, Status.COMPLETED, Status.NO_SHOW})


def renew(state: State, kind: Kind, owner: str, actor: Actor) -> None:
    """A new secret address; the one before ends with it. Recorded in the history."""
    with state.db.atomic():
        feeds.renew(state.db, kind, owner, state.now())
        history.record(state.db, None, actor, Event.FEED, None, None, _about(kind, owner), state.now())


def end(state: State, kind: Kind, owner: str, actor: Actor) -> None:
    """Let the address lead nowhere."""
    with state.db.atomic():
        if feeds.end(state.db, kind, owner):
            history.record(state.db, None, actor, Event.FEED_END, None, None, _about(kind, owner), state.now())


def told(state: State, practice: Practice, feed: Feed) -> list[Appointment]:
    """Soonest first. A client's are those that are to be or were; a provider's also what still waits for an answer."""
    since, until = state.now() - PAST, state.now() + AHEAD
    if feed.kind is Kind.CLIENT:
        return appointments.listed(
            state.db, practice, statuses=_HAPPENING, client_id=feed.owner, since=since, until=until, limit=None
        )
    provider = practice.providers.get(feed.owner)
    if provider is None:
        return []
    found = appointments.of_providers(state.db, practice, [provider.number], since, until)
    return [one for one in found if one.status in _HAPPENING | OPEN]


def _about(kind: Kind, owner: str) -> str:
    # A client is named as the actor, which can be taken away.
    return owner if kind is Kind.PROVIDER else ""
