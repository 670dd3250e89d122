"""The rows of what is said of text reminders at a number, and whether texts may go there.

Phone numbers are E.164 here. The newest word on a number counts, whoever said it.
"""

import hmac
from datetime import datetime

from ..domain.consent import Choice, ReminderConsent, Way
from ..domain.history import Event
from ..domain.lifecycle import Actor, ActorKind
from ..storage import consents, history, outbox
from .state import State


def may_text(state: State, phone: str) -> bool:
    """False when that number opted out and has not opted in again."""
    return consents.last_choice(state.db, phone, digests(state, phone)) is not Choice.OUT


def opt_out(state: State, phone: str, way: Way, raw: str, now: datetime, actor: Actor | None = None) -> None:
    """Text a number no more, and drop its reminders that wait. `raw` is what was said, word for word; `actor`, who did
    it where that was not the client whose number it is.
    """
    with state.db.atomic():
        consents.one_at_a_time(state.db, phone)
        write(state, Choice.OUT, bare(state, phone), way, now, said=raw, actor=actor)


def write(
    state: State,
    choice: Choice,
    consent: ReminderConsent,
    way: Way,
    now: datetime,
    *,
    said: str = "",
    client: str | None = None,
    actor: Actor | None = None,
    appointment: int | None = None,
) -> None:
    """The rows of one choice, inside a transaction that began with `consents.one_at_a_time`. An opt-out drops what
    waits for the number. Without `client` it is whoever spoke of that number last, and without `actor` they said it.
    """
    db = state.db
    client = consents.whose(db, consent.phone) if client is None else client
    consents.add(db, choice, consent, way, client, said, now)
    if choice is Choice.OUT:
        outbox.drop_reminders(db, consent.phone, now)
    event = Event.OPT_OUT if choice is Choice.OUT else Event.OPT_IN
    history.record(db, appointment, actor or Actor(ActorKind.CLIENT, client), event, None, None, way, now)


def bare(state: State, phone: str) -> ReminderConsent:
    """A word that was said away from the portal's pages, where nothing was shown and no box was ticked."""
    return ReminderConsent(phone, state.practice().zone, "", "", "", "", unticked=False)


def digests(state: State, phone: str) -> list[str]:
    """What stands for a number in the ledger once its client was erased, the newest key's first. Who has the tables
    but no key of the site cannot try numbers out.
    """
    keys = reversed(state.settings.secret_keys)
    return [hmac.digest(key.encode(), f"portal-phone.{phone}".encode(), "sha256").hex() for key in keys]
