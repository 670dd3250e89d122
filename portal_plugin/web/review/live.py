"""Pages that ask for themselves again every two seconds, and are told at once that nothing is new."""

from flask import request

from ...storage import pulse as storage
from ..guard import current_state

UNCHANGED = ("", 204)
"""What leaves the page as it is."""


def pulse() -> str:
    """What a page that shows this moment asks with the next time, as `seen` in its address."""
    state = current_state()
    return storage.pulse(state.db, state.now())


def nothing_new() -> bool:
    """Whether the page that asks shows it all already."""
    return "seen" in request.args and request.args["seen"] == pulse()
