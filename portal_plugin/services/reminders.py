"""Reminders: written when an appointment is confirmed, gone when it goes, and looked at again before they are sent."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from ..domain.appointment import Appointment
from ..domain.consent import Way
from ..domain.lifecycle import Status
from ..domain.practice import Practice
from ..domain.reminders import next_awake, plan
from ..domain.text import clean_line
from ..storage import appointments, outbox
from ..storage.outbox import MAIL, REMINDER, SMS, Message
from . import ledger
from .phones import textable
from .state import State


def follow(
    state: State,
    practice: Practice,
    appointment: Appointment,
    was: Status | None,
    old: Appointment | None,
    mail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Let the reminders agree with a change, in its own transaction. `mail` are the facts of a mail."""
    if was is Status.CONFIRMED:
        outbox.drop_reminders_of(state.db, appointment.id, now)
    if appointment.status is not Status.CONFIRMED:
        return
    if old is not None and old.status is Status.CONFIRMED:
        outbox.drop_reminders_of(state.db, old.id, now)
    _write_texts(state, practice, appointment, now)
    if practice.email_reminders and appointment.client.email:
        _write(state, practice, appointment, MAIL, appointment.client.email, mail, now)


def restore(state: State, phone: str, now: datetime) -> None:
    """Write the texts again that were dropped when a number (E.164) opted out, in the transaction of the opt-in."""
    practice = state.practice()
    for appointment in appointments.to_be_texted(state.db, practice, now):
        if textable(appointment.client.phone, practice.country) == phone:
            outbox.drop_reminders_of(state.db, appointment.id, now, SMS)
            _write_texts(state, practice, appointment, now)


def unwanted(state: State, message: Message) -> str | None:
    """Why a reminder is not to be sent any more, as things stand now; None when it is."""
    practice = state.practice()
    appointment = appointments.by_id(state.db, practice, message.appointment)
    if appointment is None or appointment.status is not Status.CONFIRMED:
        return "the appointment does not stand any more"
    if message.channel == SMS and _number(practice, appointment) != message.recipient:
        return "the client wants no texts at that number"
    if message.channel == SMS and not ledger.may_text(state, message.recipient):
        return "that number opted out"
    return None


def record_delivery(
    state: State, message_id: str, provider_id: str, status: str, code: str, *, opted_out: bool
) -> None:
    """Write down what a gateway reports of a text; the same again, older news and words it never used change nothing.

    `opted_out`: it says that the number wants no texts, by that code.
    """
    if status not in outbox.REPORTS:
        return
    # PostgreSQL stores no NUL.
    message_id, provider_id = clean_line(message_id), clean_line(provider_id)[:64]
    now = state.now()
    told = f", code {code}" if code.isascii() and code.isdecimal() else ""
    error = f"the gateway says {status}{told}" if status in outbox.FAILURES else ""
    phone = outbox.record_delivery(state.db, message_id, provider_id, status, error, now)
    if phone and opted_out:
        ledger.opt_out(state, phone, Way.GATEWAY, code, now)


def next_moment(state: State, message: Message, at: datetime) -> datetime | None:
    """When a reminder that is late may go out, from `at` on; None when it would be of no use any more."""
    zone = message.facts.get("client_zone") or message.facts["zone"]
    moment = next_awake(at, zone, state.practice().remind_between)
    return moment if moment < datetime.fromisoformat(message.facts["until"]) else None


def _write_texts(state: State, practice: Practice, appointment: Appointment, now: datetime) -> None:
    phone = _number(practice, appointment)
    if phone and ledger.may_text(state, phone):
        client = appointment.client
        # All that its template could ever say. A text is short, so it tells one time: for whoever has to go nowhere,
        # that of their own clock.
        facts = {
            "starts": appointment.starts.isoformat(),
            "zone": appointment.zone if appointment.contact.at_location else client.zone or appointment.zone,
            "language": client.language,
            "client_zone": client.zone,
            "practice": {"name": practice.name, "phone": practice.phone, "country": practice.country},
        }
        _write(state, practice, appointment, SMS, phone, facts, now)


def _number(practice: Practice, appointment: Appointment) -> str | None:
    """Where the client agreed to be texted, in E.164."""
    return textable(appointment.client.phone, practice.country) if appointment.text_reminders else None


def _write(
    state: State,
    practice: Practice,
    appointment: Appointment,
    channel: str,
    recipient: str,
    facts: Mapping[str, Any],
    now: datetime,
) -> None:
    starts, zone = appointment.starts, appointment.client.zone or appointment.zone
    moments = plan(starts, zone, practice.reminders, practice.remind_between, now)
    # Each is of use until the next one says the same.
    for due, until in pairwise([*moments, starts]):
        outbox.enqueue(
            state.db,
            appointment=appointment.id,
            channel=channel,
            topic=REMINDER,
            recipient=recipient,
            facts={**facts, "until": until.isoformat()},
            now=now,
            due=due,
        )
