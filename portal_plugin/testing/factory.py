"""Tables with a practice, and appointments in any status, each made the way it would come about."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from flask import Flask

from ..domain.appointment import Appointment, Client
from ..domain.errors import NotOffered
from ..domain.lifecycle import Action, Actor, ActorKind, Status
from ..domain.practice import Practice
from ..portal import Portal
from ..services.decisions import decide
from ..services.state import State
from ..storage.database import migrate
from .clock import frozen
from .practice import practice

OVER = frozenset({Status.COMPLETED, Status.NO_SHOW, Status.EXPIRED})
"""What lies in the past, unless a start is given."""

UNCONFIRMED = frozenset({Status.REQUESTED, Status.DECLINED, Status.EXPIRED})
"""What an appointment of a type that confirms itself never is."""

LONG_AGO = timedelta(days=14)

_numbers = count(1)


class _Choice(NamedTuple):
    type: str
    contact: str
    provider: str | None
    location: str | None


def set_up(app: Flask, data: Mapping[str, Any] | None = None) -> None:
    """Create the portal's tables and make `data` the practice: a dict in the practice file's shape, by default
    `practice()`. Raises PracticeFileError, and SetupError when the database is away.
    """
    state: State = app.extensions["portal"]
    migrate(state.db)
    with app.app_context():
        Portal().apply_practice(practice() if data is None else data)


def make_appointment(
    app: Flask,
    status: str = "requested",
    *,
    client: Client | None = None,
    type: str | None = None,
    contact: str | None = None,
    provider: str | None = None,
    location: str | None = None,
    starts: datetime | None = None,
    note: str = "",
    message: str = "",
    reference: str = "",
    data: Mapping[str, Any] | None = None,
) -> Appointment:
    """An appointment that came to be in `status` through the portal's own verbs: history, messages and signals of all
    its steps are there, your vetoes were asked.

    What is left out is chosen: a client of its own, the practice's first type that waits for an answer (`call` and such
    confirm themselves), the first contact type, the first location, whoever has time, and the first free time; one that
    is over lies about two weeks back. `starts` is aware. The portal's clock stands where it must while a step is taken,
    and is afterwards where it was. `message` is the practice's in the last step.

    Raises ValueError for no status, or one this type cannot be in; else what the verbs raise, such as SlotTaken.
    """
    state: State = app.extensions["portal"]
    wanted, portal = Status(status), Portal()
    with app.app_context():
        plan = state.practice()
        choice = _choose(plan, wanted, type, contact, provider, location)
        now, notice = state.now(), plan.wish(*choice).type.notice + timedelta(hours=1)
        asked = now if starts is None else min(now, starts - notice)
        if starts is None and wanted in OVER:
            asked = now - notice - LONG_AGO
        with frozen(app, asked):
            who = client or _somebody()
            when = starts or _first_free(portal, choice)
            given: dict[str, Any] = {**choice._asdict(), "starts": when, "reference": reference, "data": data}
            if wanted in {Status.INVITED, Status.WITHDRAWN}:
                made = portal.invite(who, **given, message=message if wanted is Status.INVITED else "")
            else:
                made = portal.request(who, **given, note=note)
            made = _soon_after(portal, made, wanted, message)
        over = made.expires if wanted is Status.EXPIRED else when + timedelta(minutes=1)
        with frozen(app, max(now, over)):
            return _afterwards(portal, state, made, wanted)


def _choose(
    plan: Practice, wanted: Status, type: str | None, contact: str | None, provider: str | None, location: str | None
) -> _Choice:
    kinds = [kind for kind in plan.bookable_types() if type in {None, kind.key}]
    if not kinds:
        raise NotOffered("type", "The practice has no such appointment type.")
    kind = next((kind for kind in kinds if not kind.confirms_itself), kinds[0])
    if kind.confirms_itself and wanted in UNCONFIRMED:
        raise ValueError(f"{kind.name} confirms itself: it is never {wanted}.")
    ways = [way for way in plan.contacts_for(kind) if contact in {None, way.key}]
    if not ways:
        raise NotOffered("contact", f"{kind.name} is not offered this way.")
    places = [
        place
        for place in plan.locations_for(kind, ways[0])
        if any(provider in {None, one.key} for one in plan.providers_for(kind, ways[0], place))
    ]
    return _Choice(kind.key, ways[0].key, provider, location or (places[0].key if places else None))


def _somebody() -> Client:
    number = next(_numbers)
    return Client(f"client-{number}", f"Client {number}", f"client-{number}@example.org")


def _first_free(portal: Portal, choice: _Choice) -> datetime:
    slot = next(iter(portal.find_slots(**choice._asdict())), None)
    if slot is None:
        raise NotOffered("starts", "The practice has no free time for this: name another one in `starts`.")
    return slot.starts


def _soon_after(portal: Portal, made: Appointment, wanted: Status, message: str) -> Appointment:
    match wanted:
        case Status.CONFIRMED:
            return portal.confirm(made.ref, message=message)
        case Status.COMPLETED | Status.NO_SHOW:
            return portal.confirm(made.ref)
        case Status.DECLINED:
            return portal.decline(made.ref, message=message)
        case Status.CANCELLED:
            return portal.cancel(made.ref, message=message)
        case Status.WITHDRAWN:
            return portal.withdraw(made.ref, message=message)
    return made


def _afterwards(portal: Portal, state: State, made: Appointment, wanted: Status) -> Appointment:
    match wanted:
        case Status.COMPLETED:
            return portal.complete(made.ref)
        case Status.NO_SHOW:
            return portal.no_show(made.ref)
        case Status.EXPIRED:
            return decide(state, made.ref, Action.EXPIRE, Actor(ActorKind.SYSTEM, "expiry"))
    return made
