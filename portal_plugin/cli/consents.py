"""Who agreed to text reminders, and who ended them."""

from dataclasses import asdict
from zoneinfo import ZoneInfo

import click

from ..domain.consent import Choice, LedgerEntry
from ..services.ledger import digests
from ..services.phones import e164
from ..storage.consents import listed
from .command import Answer, command, ready_state
from .options import printable
from .telling import aligned

_CLIENT = click.Option(["--client"], type=printable, help="What this client said, by id.")
_PHONE = click.Option(["--phone"], help="What was said of this number, also by whoever was erased since.")


@command(_CLIENT, _PHONE)
def consents(client: str | None, phone: str | None) -> Answer:
    """List who agreed to text reminders and who ended them, oldest first. The newest word on a number counts."""
    state = ready_state()
    number = e164(phone, state.practice().country) if phone is not None else None
    if number == "":
        raise click.BadParameter("write a whole phone number, such as +12125550187", param_hint="--phone")
    found = listed(state.db, client_id=client, phone=number, digests=digests(state, number) if number else ())
    items = [asdict(entry) for entry in found]
    return Answer({"items": items}, aligned(map(_row, found)), "" if found else "Nobody said anything.")


def _row(entry: LedgerEntry) -> tuple[str, ...]:
    """Without what a text said: it stands in the JSON, and may be of more than one line."""
    at = entry.at.astimezone(ZoneInfo(entry.zone))
    choice = "agreed" if entry.choice is Choice.IN else "ended"
    shown = f"text {entry.version}" if entry.version else ""
    return f"{at:%Y-%m-%d %H:%M %Z}", choice, entry.way, entry.phone or "(erased)", entry.client, shown


COMMANDS = (consents,)
