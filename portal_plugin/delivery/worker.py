"""The worker: warns of what expires and expires what nobody answered, delivers what the outbox holds, reads outside
calendars, seals the history and forgets whom the practice no longer keeps.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta
from typing import NamedTuple

from flask import Flask

from ..domain.errors import SetupError
from ..domain.webhooks import EXPIRING
from ..services.decisions import expire_lapsed
from ..services.expiring import still_waits, warn_of_expiry
from ..services.people import erase_outdated
from ..services.staff_mail import news_to_tell, write_digests
from ..services.state import State
from ..storage import chain, outbox
from ..storage.outbox import MAIL, SMS, STAFF, STAFF_DIGEST, WEBHOOK, Lane, Message
from . import mail, sms, webhooks
from .busy_calendars import read_next
from .failures import Undelivered
from .reminding import held_back, next_try

log = logging.getLogger("portal_plugin")

LEASE = timedelta(minutes=5)
RETENTION_PAUSE = timedelta(hours=1)

MOST_LANES = 8
"""Each takes a thread and a connection to the database."""


class Channel(NamedTuple):
    """`send` may return what the provider calls it. `retries` are the pauses after each failed attempt; after the last
    the row is given up on and stays visible.

    `batch` is how many rows are leased together. `contradicts`: what a later message has overtaken is not sent.
    """

    send: Callable[[Flask, State, Message], str | None]
    retries: tuple[timedelta, ...]
    batch: int
    contradicts: bool


CHANNELS = {
    MAIL: Channel(mail.send, mail.RETRIES, batch=20, contradicts=True),
    SMS: Channel(sms.send, sms.RETRIES, batch=10, contradicts=False),
    # One at a time: an endpoint that asks for patience is asked nothing more.
    WEBHOOK: Channel(webhooks.send, webhooks.RETRIES, batch=1, contradicts=False),
}


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
    """Write what time brings and deliver what is due, the lanes beside each other; how many messages were sent."""
    keep_time(state)
    sent, lanes, never = 0, outbox.lanes_due(state.db, state.now()), threading.Event()
    while lanes:
        started = [_start(app, state, lane, never) for lane in lanes[:MOST_LANES]]
        wait(started)
        sent += sum(lane.result() for lane in started)
        lanes = lanes[MOST_LANES:]
    return sent


def keep_time(state: State) -> None:
    """Do what a moment brings by itself: expiries, warnings of them, and the digests of a day."""
    expire_lapsed(state)
    warn_of_expiry(state)
    write_digests(state)


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
    running: dict[Lane, Future[int]] = {}
    while not stop.is_set():
        more = False
        try:
            keep_time(state)
            _keep_up(app, state, running, stop)
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
    wait(running.values())


def _keep_up(app: Flask, state: State, running: dict[Lane, Future[int]], stop: threading.Event) -> None:
    """Start the lanes where something is due; one that hangs holds up none but itself."""
    for lane, ended in [(lane, future) for lane, future in running.items() if future.done()]:
        del running[lane]
        if error := ended.exception():
            log.error("The worker could not finish a round of %s and tries again.", lane.channel, exc_info=error)
    for lane in outbox.lanes_due(state.db, state.now()):
        if lane not in running and len(running) < MOST_LANES:
            running[lane] = _start(app, state, lane, stop)


def _start(app: Flask, state: State, lane: Lane, stop: threading.Event) -> Future[int]:
    """Deliver in a thread; the number of messages sent is to come."""
    sent: Future[int] = Future()

    def work() -> None:
        try:
            count = _drain(app, state, lane, stop)
        except BaseException as error:
            sent.set_exception(error)
        else:
            sent.set_result(count)

    threading.Thread(target=work, name=f"portal-{lane.channel}", daemon=True).start()
    return sent


def _drain(app: Flask, state: State, lane: Lane, stop: threading.Event) -> int:
    """Deliver what is due in a lane until nothing is; how many messages were sent."""
    sent, most = 0, CHANNELS[lane.channel].batch
    try:
        while not stop.is_set() and (batch := outbox.lease_due(state.db, lane, state.now(), state.now() + LEASE, most)):
            for message in batch:
                if stop.is_set():
                    outbox.give_back(state.db, message)
                # The batch may have taken longer than its lease, and another worker this message.
                elif outbox.hold(state.db, message, state.now() + LEASE):
                    sent += _deliver(app, state, lane, message)
    finally:
        if not state.db.is_closed():
            state.db.close()
    return sent


def _deliver(app: Flask, state: State, lane: Lane, message: Message) -> bool:
    channel = CHANNELS[lane.channel]
    if channel.contradicts and outbox.overtaken(state.db, message):
        outbox.settle(state.db, message, failed=state.now(), error="overtaken by a later message")
        return False
    if held_back(state, message):
        return False
    try:
        if _is_past(state, message):
            outbox.settle(state.db, message, failed=state.now(), error="answered meanwhile")
            return False
        provider_id = channel.send(app, state, message)
    except Exception as error:
        _postpone(state, lane, message, error)
        return False
    outbox.settle(state.db, message, sent=state.now(), provider_id=provider_id or "")
    return True


def _is_past(state: State, message: Message) -> bool:
    """Whether it warns only of what was answered, or expired, since it was written."""
    if message.topic in {STAFF, STAFF_DIGEST}:
        return not news_to_tell(state, message)
    return message.topic == EXPIRING and not still_waits(state, message.facts["data"]["ref"])


def _postpone(state: State, lane: Lane, message: Message, error: Exception) -> None:
    # Otherwise the class alone: a mail server's answer repeats the address it refused.
    reason = str(error) if isinstance(error, SetupError | Undelivered) else type(error).__name__
    now, retries = state.now(), CHANNELS[lane.channel].retries
    asked = error.wait if isinstance(error, Undelivered) else None
    again = next_try(state, message, retries, asked or timedelta())
    if again is None or (isinstance(error, Undelivered) and error.for_good):
        outbox.settle(state.db, message, failed=now, error=reason)
    else:
        outbox.settle(state.db, message, due=again, error=reason)
    if asked:
        outbox.hold_off(state.db, lane, now + asked)
    log.warning("Message %s was not delivered (%s, attempt %d).", message.id, reason, message.attempts)
