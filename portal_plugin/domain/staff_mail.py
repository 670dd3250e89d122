"""What the practice's own people are told by mail, and which of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

from .addresses import MAIL_ADDRESS
from .lifecycle import Action, ActorKind, Status
from .practice import AppointmentType

_DAILY = re.compile("daily at ([01][0-9]|2[0-3]):([0-5][0-9])")


class News(StrEnum):
    """What happened without the practice: what it does itself it knows."""

    REQUESTED = "requested"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRING = "expiring"
    EXPIRED = "expired"


def news_of(kind: AppointmentType, action: Action, actor: ActorKind, was: Status | None) -> News | None:
    """What staff are told of a change to an appointment of that type, which `was` in that state."""
    if action is Action.REQUEST:
        return News.BOOKED if kind.confirms_itself else News.REQUESTED
    if action is Action.EXPIRE:
        return News.EXPIRED
    if actor is not ActorKind.CLIENT:
        return None
    if action is Action.CANCEL:
        return News.DECLINED if was is Status.INVITED else News.CANCELLED
    return News.ACCEPTED if action is Action.ACCEPT else None


@dataclass(frozen=True, slots=True)
class StaffMail:
    """Who hears what. `daily` is the practice's local time of one mail a day about all of it; without, each thing is
    told at once.
    """

    address: str = field(repr=False)
    events: frozenset[News] = frozenset(News)
    daily: time | None = None


def read_staff_mail(data: object) -> StaffMail:
    """An entry of the settings. Raises ValueError with what to write instead."""
    if not isinstance(data, Mapping):
        raise ValueError('write a dict with to, and perhaps events and send, such as {"to": "desk@example.org"}')
    if unknown := sorted(map(str, data.keys() - {"to", "events", "send"})):
        raise ValueError(f"{unknown[0]} is not known: write to, events, send")
    address = data.get("to")
    if not isinstance(address, str) or not MAIL_ADDRESS.fullmatch(address):
        raise ValueError(f'to is {address!r}: write one address, such as "desk@example.org", and an entry for each')
    return StaffMail(address, _events(data.get("events", list(News))), _daily(data.get("send", "single")))


def _events(names: object) -> frozenset[News]:
    known = ", ".join(News)
    if not isinstance(names, list | tuple | set | frozenset) or not names:
        raise ValueError(f"events must be a list of some of {known}; leave it out for all")
    for name in names:
        if not isinstance(name, str) or name not in set(News):
            raise ValueError(f"events holds {name!r}, which is none of {known}")
    return frozenset(map(News, names))


def _daily(send: object) -> time | None:
    if send == "single":
        return None
    told = _DAILY.fullmatch(send) if isinstance(send, str) else None
    if told is None:
        raise ValueError(f'send is {send!r}: write "single", or "daily at 18:00" for one mail a day')
    return time(int(told[1]), int(told[2]))
