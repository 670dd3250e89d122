"""Who waits for a time to come free."""

from typing import Any
from zoneinfo import ZoneInfo

from ..domain.waitlist import Waiting
from ..storage.waitlist import line
from .command import Answer, command, ready_state
from .telling import aligned


@command()
def waitlist() -> Answer:
    """List who waits for a time to come free, in the order in which they are offered one."""
    state = ready_state()
    found = line(state.db, state.practice())
    return Answer({"items": list(map(_told, found))}, aligned(map(_row, found)), "" if found else "Nobody waits.")


def _told(one: Waiting) -> dict[str, Any]:
    wanted = one.preferences
    return {
        "ref": one.ref,
        "client": one.client.id,
        "name": one.client.name,
        "type": one.type.key,
        "contact": one.contact.key,
        "provider": one.provider and one.provider.key,
        "location": one.location and one.location.key,
        "earliest": wanted.earliest,
        "latest": wanted.latest,
        "weekdays": [_DAYS[day] for day in sorted(wanted.weekdays)],
        "parts": sorted(wanted.parts),
        "created": one.created,
    }


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _row(one: Waiting) -> tuple[str, ...]:
    told = _told(one)
    since = one.created.astimezone(ZoneInfo(one.zone))
    when = f"{told['earliest']} to {told['latest']}"
    which = ", ".join([*told["weekdays"], *told["parts"]])
    return (
        f"{since:%Y-%m-%d %H:%M %Z}",
        one.client.id,
        one.client.name,
        f"{one.type.key} by {one.contact.key}",
        one.provider.key if one.provider else "anybody",
        f"{when}, {which}" if which else when,
    )


COMMANDS = (waitlist,)
