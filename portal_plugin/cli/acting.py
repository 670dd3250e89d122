"""What changes an appointment. The HTTP API's own operations, so that both come to the same."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from ..domain import appointment as records
from ..domain.errors import NotFound
from ..services.requests import wish_to_move
from ..storage import appointments
from ..web.api.calls import Call
from ..web.api.routes import ACTING
from ..web.api.schemas import Action, Appointment, Decision, NewRequest, NewTime, Proposal
from .command import Answer, Command, command, ready_state
from .options import BY, CONTACT, LOCATION, MESSAGE, PROVIDER, REF, START, TYPE, call, json_object, starting
from .telling import listed

_NOTE = click.Option(["--note"], default="", help="What the client wrote to the practice.")
_CLIENT = (
    click.Option(["--client", "id"], required=True, metavar="ID", help="The client's id, as the site knows it."),
    click.Option(["--name"], required=True, help="The client's name."),
    click.Option(["--email"], default="", help="Where mails go."),
    click.Option(["--phone"], default=""),
    click.Option(["--language"], default="", help='Of messages: a tag, such as "es-MX".'),
    click.Option(["--zone"], default="", help="The client's own, such as America/Chicago."),
    click.Option(["--new"], is_flag=True, help="Not a client of the practice yet: only types for anyone are open."),
)
_OWN = (
    click.Option(["--replaces"], metavar="REF", help="The client's appointment whose place this one takes."),
    click.Option(["--reference"], default="", help="Your own name for it."),
    click.Option(["--data"], type=json_object, default="{}", help="A JSON object of your own, kept as it is."),
)
_START = "START is a local time such as 2027-01-05T10:00, or one with an offset."

View = Callable[[Call[Any]], records.Appointment]


def _new(view: View, takes: type[NewRequest | Proposal]) -> Command:
    word = _NOTE if takes is NewRequest else MESSAGE
    more = f"TYPE and CONTACT are keys: see flask portal practice. {_START}"

    @command(TYPE, CONTACT, START, PROVIDER, LOCATION, *_CLIENT, word, *_OWN, BY, **_named(view, more))
    def act(
        type: str, contact: str, start: datetime, provider: str | None, location: str | None, **said: Any
    ) -> Answer:
        zone = ready_state().practice().wish(type, contact, provider, location).zone
        wanted = {"type": type, "contact": contact, "provider": provider, "location": location}
        client = {name: said.pop(name) for name in ("id", "name", "email", "phone", "new", "language", "zone")}
        return _told(view, call(takes, wanted | said | {"client": client, "starts": starting(start, zone)}))

    return act


def _decision(view: View, takes: type[Action]) -> Command:
    @command(*((REF, MESSAGE, BY) if takes is Decision else (REF, BY)), **_named(view))
    def act(ref: str, **said: Any) -> Answer:
        return _told(view, call(takes, said, ref))

    return act


def _reschedule(view: View, takes: type[NewTime]) -> Command:
    more = f"Provider and location stay unless given. {_START}"

    @command(REF, START, PROVIDER, LOCATION, MESSAGE, BY, **_named(view, more))
    def act(ref: str, start: datetime, provider: str | None, location: str | None, **said: Any) -> Answer:
        state = ready_state()
        old = appointments.by_ref(state.db, state.practice(), ref)
        if old is None:
            raise NotFound
        zone = wish_to_move(state.practice(), old, provider, location).zone
        place = {"provider": provider, "location": location}
        return _told(view, call(takes, said | place | {"starts": starting(start, zone)}, ref))

    return act


def _named(view: View, more: str = "") -> dict[str, str]:
    return {"name": view.__name__, "help": f"{view.__doc__}\n\n{more}"}


def _told(view: View, made: Call[Any]) -> Answer:
    told = Appointment.of(view(made))
    return Answer(told, listed(made.practice, [told]))


def _all() -> list[Command]:
    make: dict[Any, Callable[[View, Any], Command]] = {
        NewRequest: _new,
        Proposal: _new,
        NewTime: _reschedule,
        Decision: _decision,
        Action: _decision,
    }
    return [make[takes](view, takes) for _, view, takes, *_ in ACTING]


COMMANDS = _all()
