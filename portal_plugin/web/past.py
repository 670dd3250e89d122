"""Past appointments, on demand."""

from contextlib import suppress

from flask import request
from flask.typing import ResponseReturnValue

from ..domain.appointment import Appointment, Client
from ..domain.errors import NotOffered
from ..domain.practice import Practice
from ..storage import appointments
from ..wording import say
from .guard import current_practice, current_state, signed_in_client
from .htmx import render_panel
from .links import book_again

ON_A_PAGE = 10


def past() -> ResponseReturnValue:
    """Newest first; `after` is the reference of the last one already seen."""
    client, state, practice = signed_in_client(), current_state(), current_practice()
    after = request.args.get("after", "")
    found = appointments.past(state.db, practice, client.id, state.now(), after, ON_A_PAGE + 1)
    return render_panel(
        "past",
        say("Past appointments"),
        practice=practice,
        appointments=found[:ON_A_PAGE],
        again={one.ref: address for one in found if (address := _again(practice, client, one))},
        following=found[ON_A_PAGE - 1].ref if len(found) > ON_A_PAGE else "",
        later=bool(after),
    )


def _again(practice: Practice, client: Client, one: Appointment) -> str:
    """Step 2 with the same details, with anybody where that provider no longer has it; empty where nobody does."""
    place = one.location.key if one.location else None
    for provider in (one.provider.key, ""):
        with suppress(NotOffered):
            wish = practice.wish(one.type.key, one.contact.key, provider, place)
            return book_again(one, provider) if wish.type.open_to(new=client.new) else ""
    return ""
