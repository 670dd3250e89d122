"""Who waits for a time to come free."""

from ..web.api import reading as api
from ..web.api.schemas import Sent, Waiting
from .command import Answer, command
from .options import call
from .telling import aligned, local


@command()
def waitlist() -> Answer:
    """List who waits for a time to come free, in the order in which they are offered one."""
    told = api.list_waitlist(call(Sent, {}))
    return Answer(told, aligned(map(_row, told.items)), "" if told.items else "Nobody waits.")


def _row(one: Waiting) -> tuple[str, ...]:
    when = f"{one.earliest} to {one.latest}"
    which = ", ".join([*one.weekdays, *one.parts])
    return (
        local(one.created, one.zone),
        one.client.id,
        one.client.name,
        f"{one.type} by {one.contact}",
        one.provider or "anybody",
        f"{when}, {which}" if which else when,
    )


COMMANDS = (waitlist,)
