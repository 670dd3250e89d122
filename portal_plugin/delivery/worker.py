"""The worker: expires what nobody answered, delivers what the outbox holds, reads outside calendars, seals the
history and forgets whom the practice no longer keeps.
"""

import logging
import threading
from datetime import timedelta

from flask import Flask

from ..domain.errors import SetupError
from ..services.decisions import expire_lapsed
from ..services.people import erase_outdated
from ..services.state import State
from ..storage import chain, outbox
from ..storage.outbox import Message
from . import mail
from .busy_calendars import read_next

log = logging.getLogger("portal_plugin")

LEASE = timedelta(minutes=5)
BATCH = 20
RETENTION_PAUSE = timedelta(hours=1)
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""Pauses after each failed attempt; after the last the row is given up on and stays visible."""


def run_once(app: Flask, state: State) -> int:
    """Do everything that is due now; how many messages were sent."""
    sent = send_due(app, state)
    # Each calendar once at the most: many slow ones may take longer than the pause between two readings.
    for _ in state.practice().providers:
        if not read_next(state):
            break
        sent += send_due(app, state)
    keep_the_past(state)
    return sent


def send_due(app: Flask, state: State) -> int:
    """Expire what lapsed and deliver what is due; how many messages were sent."""
    expire_lapsed(state)
    sent = 0
    while batch := outbox.lease_due(state.db, state.now(), state.now() + LEASE, BATCH):
        for message in batch:
            # The batch may have taken longer than its lease, and another worker this message.
            if outbox.hold(state.db, message, state.now() + LEASE):
                sent += _deliver(app, state, message)
    return sent


def keep_the_past(state: State) -> None:
    """Seal what was written to the history, and now and then forget whom the practice no longer keeps."""
    now = state.now()
    # It looks at everybody's appointments: not in every round.
    if state.settings.retention is not None and now >= state.retention_due:
        more = erase_outdated(state, now - state.settings.retention)
        state.retention_due = now if more else now + RETENTION_PAUSE
    chain.seal_settled(state.db)


def run(app: Flask, state: State, stop: threading.Event, pause: float = 2.0) -> None:
    """Work until `stop` is set, looking every `pause` seconds; a database that is away is waited for."""
    while not stop.is_set():
        more = False
        try:
            send_due(app, state)
            keep_the_past(state)
            # One at a time: messages, and a wish to stop, wait for no more than one calendar.
            more = read_next(state)
        except Exception:
            log.exception("The worker could not finish its round and tries again.")
        finally:
            if not state.db.is_closed():
                state.db.close()
        if not more:
            stop.wait(pause)


def _deliver(app: Flask, state: State, message: Message) -> bool:
    if outbox.overtaken(state.db, message):
        outbox.settle(state.db, message, failed=state.now(), error="overtaken by a later message")
        return False
    try:
        mail.send(app, state, message)
    except Exception as error:
        _postpone(state, message, error)
        return False
    outbox.settle(state.db, message, sent=state.now())
    return True


def _postpone(state: State, message: Message, error: Exception) -> None:
    # Otherwise the class alone: a mail server's answer repeats the address it refused.
    reason = str(error) if isinstance(error, SetupError) else type(error).__name__
    now = state.now()
    if message.attempts > len(RETRIES):
        outbox.settle(state.db, message, failed=now, error=reason)
    else:
        outbox.settle(state.db, message, due=now + RETRIES[message.attempts - 1], error=reason)
    log.warning("Message %s was not delivered (%s, attempt %d).", message.id, reason, message.attempts)
