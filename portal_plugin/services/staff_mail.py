"""Mails to the practice's own people: written with the change, gathered for a day where they ask for that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from ..domain.appointment import Appointment
from ..domain.instants import next_daily
from ..domain.lifecycle import OPEN, Status
from ..domain.practice import Practice
from ..domain.staff_mail import News
from ..storage import appointments, outbox
from ..storage.outbox import DIGEST, MAIL, STAFF, STAFF_DIGEST, Message
from .state import State

GRACE = timedelta(minutes=1)
"""How long after its time a digest is made: what was going on just then belongs to it."""


def tell_staff(
    state: State,
    practice: Practice,
    appointment: Appointment,
    news: News,
    was: Status,
    now: datetime,
    old: Appointment | None = None,
) -> None:
    """Write what staff are told into the change's own transaction. It names no client and nothing they said."""
    item = news_item(appointment, news, was, old)
    for person in state.settings.staff_mail:
        if news in person.events:
            outbox.enqueue(
                state.db,
                appointment=appointment.id,
                channel=DIGEST if person.daily else MAIL,
                topic=STAFF,
                recipient=person.address,
                facts=told(practice, [item]),
                now=now,
                due=next_daily(now, person.daily, practice.zone) if person.daily else None,
            )


def told(practice: Practice, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The facts of a mail to staff."""
    look = {"name": practice.name, "country": practice.country, "color": practice.color, "logo": practice.logo}
    return {"practice": look, "items": items}


def news_item(appointment: Appointment, news: News, was: Status, old: Appointment | None = None) -> dict[str, Any]:
    """One piece of news as plain values."""
    return {
        "news": news,
        "ref": appointment.ref,
        "was": was,
        "status": appointment.status,
        "starts": appointment.starts.isoformat(),
        "ends": appointment.ends.isoformat(),
        "expires": appointment.expires.isoformat(),
        "instead_of": old.starts.isoformat() if old and old.status in OPEN else None,
        "zone": appointment.zone,
        "provider": appointment.provider.name,
    }


def write_digests(state: State) -> int:
    """Make one mail for each person of what was gathered for a time of day that has come; how many."""
    due = state.now() - GRACE
    if not outbox.gathered(state.db, due):
        return 0
    practice, written = state.practice(), 0
    with state.db.atomic():
        for recipient, rows in groupby(outbox.take_gathered(state.db, due), lambda row: row.recipient):
            gathered = list(rows)
            outbox.enqueue(
                state.db,
                # It tells of others as well: the row has to belong to one.
                appointment=gathered[0].appointment,
                channel=MAIL,
                topic=STAFF_DIGEST,
                recipient=recipient,
                facts=told(practice, [one for row in gathered for one in row.items]),
                now=state.now(),
            )
            written += 1
    return written


def news_to_tell(state: State, message: Message) -> list[dict[str, Any]]:
    """What a mail to staff tells, each with the status that it has `now`; what was to expire and was answered
    meanwhile is no news any more.
    """
    items = message.facts["items"]
    there = appointments.by_refs(state.db, state.practice(), (item["ref"] for item in items))
    now = state.now()
    return [
        item | {"now": there[item["ref"]].status}
        for item in items
        if item["news"] != News.EXPIRING or there[item["ref"]].waits(now)
    ]
