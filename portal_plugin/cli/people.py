"""What a person may ask of a practice: a copy of all that is stored about them, and to be forgotten."""

import click

from ..services import people
from .command import Answer, command, consent, dumped, ready_state
from .options import BY, YES, actor, printable

_CLIENT = click.Argument(["client_id"], type=printable)


@command(_CLIENT, BY)
def export(client_id: str, by: str) -> Answer:
    """Write all that is stored about the client CLIENT_ID, as JSON."""
    found = people.export_client(ready_state(), client_id, actor(by))
    return Answer(found, [dumped(found)])


@command(_CLIENT, click.Option(["--cancel"], is_flag=True, help="Cancel what is ahead."), YES, BY)
def erase(client_id: str, cancel: bool, yes: bool, by: str) -> Answer:
    """Take away whatever names the client CLIENT_ID. Their appointments stay as numbers.

    On a terminal it asks first, elsewhere it needs --yes.
    """
    state = ready_state()
    who = actor(by)
    consent(yes, "This cannot be undone. Erase?")
    kept = people.erase_client(state, client_id, who, cancel=cancel)
    return Answer({"kept": kept}, [f"Erased. Appointments that stay, without a name: {kept}."])


COMMANDS = (export, erase)
