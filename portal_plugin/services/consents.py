"""What clients say to text reminders, on their page and in text messages: yes, no more, yes again.

Each is one transaction: the ledger's row, the history's, and what it means for the reminders that wait. Phone numbers
are E.164 here.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from ..domain.consent import Choice, LedgerEntry, ReminderConsent, Way
from ..domain.lifecycle import Actor
from ..domain.texting import Said
from ..storage import appointments, consents
from . import reminders
from .ledger import bare, may_text, opt_out, write
from .state import State

__all__ = ["Answer", "agreed", "hear", "language_at", "may_text", "opt_out", "turn_off", "turn_on"]


class Answer(StrEnum):
    """What is answered to a text, as templates/portal/sms/ has it."""

    STOPPED = "stopped"
    STARTED = "started"
    HELP = "help"


def hear(state: State, phone: str, said: Said | None, raw: str, message_id: str, now: datetime) -> Answer | None:
    """Do what a text message asks for, once for each id of the gateway; what to answer, None for nothing.

    An opt-out is confirmed once and no number that has opted out hears more, unless it asks for help.
    """
    if not phone or said is None:
        return None
    with state.db.atomic():
        if not consents.first_time(state.db, sha256(message_id.encode(errors="surrogatepass")).hexdigest()):
            return None
        if said is Said.HELP:
            return Answer.HELP
        consents.one_at_a_time(state.db, phone)
        texted = may_text(state, phone)
        if said is Said.STOP:
            write(state, Choice.OUT, bare(state, phone), Way.TEXT, now, said=raw)
            return Answer.STOPPED if texted else None
        if not texted:
            write(state, Choice.IN, bare(state, phone), Way.TEXT, now, said=raw)
            reminders.restore(state, phone, now)
        # "Yes" is most often said to something else.
        return None if texted and said is Said.YES else Answer.STARTED


def language_at(state: State, phone: str) -> str:
    """The tag of the language that whoever spoke of a number last reads; "" where nobody knows."""
    return appointments.language_of(state.db, consents.whose(state.db, phone))


def agreed(state: State, client_id: str) -> list[LedgerEntry]:
    """What a client agreed to and did not end: the newest of each number, latest first."""
    newest: dict[str, LedgerEntry] = {}
    for entry in reversed(consents.listed(state.db, client_id=client_id)):
        if entry.choice is Choice.IN:
            newest.setdefault(entry.phone, entry)
    return [entry for phone, entry in newest.items() if may_text(state, phone)]


def turn_on(state: State, client_id: str, consent: ReminderConsent, actor: Actor, now: datetime) -> None:
    """Send text reminders of all that is still ahead of a client; nothing changes where they are on already."""
    with state.db.atomic():
        consents.one_at_a_time(state.db, consent.phone)
        if any(entry.phone == consent.phone for entry in agreed(state, client_id)):
            return
        write(state, Choice.IN, consent, Way.PAGE, now, client=client_id, actor=actor)
        appointments.remind_by_text(state.db, client_id, consent.phone, now)
        reminders.restore(state, consent.phone, now)


def turn_off(state: State, client_id: str, proof: ReminderConsent, actor: Actor, now: datetime) -> None:
    """End what a client agreed to, at whichever numbers; `proof` says where they did so."""
    with state.db.atomic():
        # Always in one order: two who wait for each other's numbers would wait for good.
        for phone in sorted(entry.phone for entry in agreed(state, client_id)):
            consents.one_at_a_time(state.db, phone)
            if may_text(state, phone):
                write(state, Choice.OUT, replace(proof, phone=phone), Way.PAGE, now, client=client_id, actor=actor)
