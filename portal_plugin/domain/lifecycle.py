"""Where an appointment can be, what moves it, who may, and what that does to its claim."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .errors import AlreadyDecided, NotAllowed, in_words
from .said import said


class Status(StrEnum):
    REQUESTED = "requested"
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class Action(StrEnum):
    """The words are past participles, fit for history and for "can no longer be …"."""

    REQUEST = "requested"
    INVITE = "invited"
    BOOK = "booked"
    CONFIRM = "confirmed"
    ACCEPT = "accepted"
    DECLINE = "declined"
    CANCEL = "cancelled"
    REPLACE = "moved"
    WITHDRAW = "withdrawn"
    EXPIRE = "expired"
    COMPLETE = "completed"
    MISS = "marked as missed"


class ActorKind(StrEnum):
    """`host` is the site's own code, where it names nobody; `link` whoever holds a mailed link."""

    CLIENT = "client"
    STAFF = "staff"
    SYSTEM = "system"
    LINK = "link"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for the history. `name` is the client's id or whatever the host calls its staff; `request_id` that of
    the web request through which they do.
    """

    kind: ActorKind
    name: str
    request_id: str | None = None


_ACTORS = {
    ActorKind.CLIENT: said("client"),
    ActorKind.STAFF: said("staff"),
    ActorKind.SYSTEM: said("system"),
    ActorKind.LINK: said("link"),
    ActorKind.HOST: said("host"),
}

OPEN = frozenset({Status.REQUESTED, Status.INVITED, Status.CONFIRMED})
"""States that something can still leave; these are the Upcoming Appointments."""

RELEASING = frozenset({Status.DECLINED, Status.CANCELLED, Status.EXPIRED, Status.WITHDRAWN})
"""States that give the provider's time back."""


class Rule(NamedTuple):
    target: Status
    actors: frozenset[ActorKind]


_CLIENT = frozenset({ActorKind.CLIENT})
_STAFF = frozenset({ActorKind.STAFF, ActorKind.HOST})
_EITHER = _CLIENT | _STAFF
_SYSTEM = frozenset({ActorKind.SYSTEM})

TRANSITIONS: dict[tuple[Status, Action], Rule] = {
    (Status.REQUESTED, Action.CONFIRM): Rule(Status.CONFIRMED, _STAFF | _SYSTEM),
    (Status.REQUESTED, Action.DECLINE): Rule(Status.DECLINED, _STAFF),
    (Status.REQUESTED, Action.CANCEL): Rule(Status.CANCELLED, _EITHER),
    (Status.REQUESTED, Action.EXPIRE): Rule(Status.EXPIRED, _SYSTEM),
    (Status.INVITED, Action.ACCEPT): Rule(Status.CONFIRMED, _EITHER),
    (Status.INVITED, Action.CANCEL): Rule(Status.CANCELLED, _EITHER),
    (Status.INVITED, Action.WITHDRAW): Rule(Status.WITHDRAWN, _STAFF),
    (Status.INVITED, Action.EXPIRE): Rule(Status.EXPIRED, _SYSTEM),
    (Status.CONFIRMED, Action.CANCEL): Rule(Status.CANCELLED, _EITHER),
    (Status.CONFIRMED, Action.COMPLETE): Rule(Status.COMPLETED, _STAFF),
    (Status.CONFIRMED, Action.MISS): Rule(Status.NO_SHOW, _STAFF),
}

# Another appointment took its place: whoever confirmed that one did this too.
TRANSITIONS |= {(status, Action.REPLACE): Rule(Status.CANCELLED, _EITHER | _SYSTEM) for status in OPEN}

_TARGETS = {action: rule.target for (_, action), rule in TRANSITIONS.items()}


def next_status(status: Status, action: Action, kind: ActorKind) -> Status | None:
    """The state that `action` leads to, or None when it was done already and nothing is to change.

    Raises AlreadyDecided where the table has no way on, and NotAllowed for the wrong kind of actor.
    """
    rule = TRANSITIONS.get((status, action))
    if rule is None:
        if _TARGETS.get(action) == status:
            return None
        raise AlreadyDecided(action, status)
    if kind not in rule.actors:
        raise NotAllowed(
            said("This appointment cannot be {action} by the {actor}.", action=in_words(action), actor=_ACTORS[kind])
        )
    return rule.target
