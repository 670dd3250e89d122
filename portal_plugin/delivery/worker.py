"""The worker: warns of what expires and expires what nobody answered, delivers what the outbox holds, reads outside
calendars, seals the history, and forgets whom the practice no longer keeps and what was sent long ago.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from flask import Flask

from ..domain.errors import SetupError, whereabouts
from ..domain.webhooks import EXPIRING
from ..services.decisions import expire_lapsed
from ..services.expiring import still_waits, warn_of_expiry
from ..services.guests import forget_drafts, waits
from ..services.people import erase_outdated
from ..services.staff_mail import news_to_tell, write_digests
from ..services.state import State
from ..services.waitlist import offer_what_came_free
from ..storage import chain, health, limits, outbox
from ..storage.database import Unreachable
from ..storage.outbox import LEASE, MAIL, REMINDER, SMS, STAFF, STAFF_DIGEST, VERIFY, WEBHOOK, Lane, Message
from . import mail, sms, webhooks
from .busy_calendars import read_next
from .failures import Undelivered
from .reminding import held_back, next_try

log = logging.getLogger("portal_plugin")

RETENTION_PAUSE = timedelta(hours=1)
PURGED_AT_ONCE = 500
REPORT = timedelta(minutes=10)

MOST_LANES = 8
"""Of endpoints at once: each takes a thread and a connection to the database."""

Send = Callable[[Message], str | None]


class Channel(NamedTuple):
    """`opened` gives what sends a batch; that may return what the provider calls one. `retries` are the pauses after
    each failed attempt; after the last the row is given up on and stays visible.

    `batch` is how many rows are leased together. `contradicts`: what a later message has overtaken is not sent.
    """

    opened: Callable[[Flask, State], AbstractContextManager[Send]]
    retries: tuple[timedelta, ...]
    batch: int
    contradicts: bool


def _each(
    send: Callable[[Flask, State, Message], str | None],
) -> Callable[[Flask, State], AbstractContextManager[Send]]:
    """Keeps nothing open from one message to the next."""

    @contextmanager
    def opened(app: Flask, state: State) -> Iterator[Send]:
        yield partial(send, app, state)

    return opened


CHANNELS = {
    MAIL: Channel(mail.Sender, mail.RETRIES, batch=20, contradicts=True),
    SMS: Channel(_each(sms.send), sms.RETRIES, batch=10, contradicts=False),
    # One at a time: an endpoint that asks for patience is asked nothing more.
    WEBHOOK: Channel(_each(webhooks.send), webhooks.RETRIES, batch=1, contradicts=False),
}


class Tally:
    """What became of the attempts that a worker's threads made; `heard` is called after each, one at a time."""

    def __init__(self, heard: Callable[[], object] = lambda: None) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self.sent = 0
        self.failed: Counter[str] = Counter()

    def count(self, channel: str, sent: bool) -> None:
        with self._lock:
            self.sent += sent
            self.failed[channel] += not sent
            self._heard()

    def told(self, state: State) -> str:
        """A line for a log: this, and what waits."""
        queues = health.queues(state.db, state.now())
        oldest = min((queue.oldest for queue in queues if queue.oldest), default=None)
        late = f", the oldest due for {int((state.now() - oldest).total_seconds())} s" if oldest else ""
        failed = ", ".join(f"{channel} {count}" for channel, count in sorted(self.failed.items()) if count)
        given_up = sum(queue.given_up for queue in queues)
        return (
            f"{self.sent} sent, {sum(queue.waiting for queue in queues)} waiting{late}"
            f"; failed attempts: {failed or 'none'}; given up on: {given_up}."
        )


def run_once(app: Flask, state: State, stop: threading.Event | None = None, tally: Tally | None = None) -> int:
    """Do everything that is due now, or until `stop` is set; how many messages were sent."""
    stop, tally = stop or threading.Event(), tally or Tally()
    send_due(app, state, stop, tally)
    # Each calendar once at the most: many slow ones may take longer than the pause between two readings.
    for _ in state.practice().providers:
        if stop.is_set() or not read_next(state):
            break
        send_due(app, state, stop, tally)
    keep_the_past(state)
    return tally.sent


def send_due(app: Flask, state: State, stop: threading.Event, tally: Tally) -> None:
    """Write what time brings and deliver what is due, the lanes beside each other."""
    keep_time(app, state)
    running: set[Future[None]] = set()
    lanes = outbox.lanes_due(state.db, state.now())
    # Mails do not wait until an endpoint that hangs makes room.
    lanes.sort(key=_is_endpoint)
    while lanes or running:
        room = MOST_LANES - len(running)
        running |= {_start(app, state, lane, stop, tally) for lane in lanes[:room]}
        lanes = lanes[room:]
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for lane in ended:
            lane.result()


def _is_endpoint(lane: Lane) -> bool:
    return lane.recipient is not None


def keep_time(app: Flask, state: State) -> None:
    """Do what a moment brings by itself: expiries, what came free by them for those who wait, warnings of expiries, and
    the digests of a day.
    """
    expire_lapsed(state)
    forget_drafts(state)
    # Its host is asked there, as in a request.
    with app.app_context():
        offer_what_came_free(state)
    warn_of_expiry(state)
    write_digests(state)


def keep_the_past(state: State) -> None:
    """Seal what was written to the history, and now and then forget whom and what is no longer kept."""
    now = state.now()
    # It looks at everybody's appointments: not in every round.
    if now >= state.retention_due:
        kept, messages_kept = state.settings.retention, state.settings.outbox_kept
        more = kept is not None and erase_outdated(state, now - kept)
        if messages_kept is not None:
            more |= outbox.purge(state.db, now - messages_kept, PURGED_AT_ONCE) == PURGED_AT_ONCE
        limits.purge(state.db, now)
        state.retention_due = now if more else now + RETENTION_PAUSE
    chain.seal_settled(state.db)


def run(
    app: Flask, state: State, stop: threading.Event, pause: float = 2.0, say: Callable[[str], object] = log.info
) -> None:
    """Work until `stop` is set, looking every `pause` seconds; a database that is away is waited for. `say` is told now
    and then, and at the end, what was done.
    """
    running: dict[Lane, Future[None]] = {}
    tally, told = Tally(), state.now()
    while not stop.is_set():
        more = False
        try:
            keep_time(app, state)
            _keep_up(app, state, running, stop, tally)
            keep_the_past(state)
            # One at a time: messages, and a wish to stop, wait for no more than one calendar.
            more = read_next(state)
            if abs(state.now() - told) >= REPORT:
                say(tally.told(state))
                tally, told = Tally(), state.now()
        except Exception as error:
            log.error("The worker could not finish its round and tries again: %s", _told(error))
        finally:
            if not state.db.is_closed():
                state.db.close()
        if not more:
            stop.wait(pause)
    wait(running.values())
    try:
        say(tally.told(state))
    except Unreachable:
        say(f"{tally.sent} sent.")


def _keep_up(app: Flask, state: State, running: dict[Lane, Future[None]], stop: threading.Event, tally: Tally) -> None:
    """Start the lanes where something is due; one that hangs holds up none but itself."""
    for lane, ended in [(lane, future) for lane, future in running.items() if future.done()]:
        del running[lane]
        if error := ended.exception():
            log.error("The worker could not finish a round of %s and tries again: %s", lane.channel, _told(error))
    for lane in outbox.lanes_due(state.db, state.now()):
        # There is always room for mails, however many endpoints hang.
        room = not _is_endpoint(lane) or sum(map(_is_endpoint, running)) < MOST_LANES
        if lane not in running and room:
            running[lane] = _start(app, state, lane, stop, tally)


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, (SetupError, *Unreachable)) else whereabouts(error)


def _start(app: Flask, state: State, lane: Lane, stop: threading.Event, tally: Tally) -> Future[None]:
    """Deliver in a thread."""
    ended: Future[None] = Future()

    def work() -> None:
        try:
            _drain(app, state, lane, stop, tally)
        except BaseException as error:
            ended.set_exception(error)
        else:
            ended.set_result(None)

    threading.Thread(target=work, name=f"portal-{lane.channel}", daemon=True).start()
    return ended


def _drain(app: Flask, state: State, lane: Lane, stop: threading.Event, tally: Tally) -> None:
    """Deliver what is due in a lane until nothing is."""
    channel = CHANNELS[lane.channel]
    try:
        while not stop.is_set() and (
            batch := outbox.lease_due(state.db, lane, state.now(), state.now() + LEASE, channel.batch)
        ):
            with channel.opened(app, state) as send:
                for message in batch:
                    if stop.is_set():
                        outbox.give_back(state.db, message)
                    # The batch may have taken longer than its lease, and another worker this message.
                    elif begun := outbox.take_up(state.db, message, state.now() + LEASE):
                        tally.count(lane.channel, _deliver(state, lane, begun, send))
    finally:
        if not state.db.is_closed():
            state.db.close()


def _deliver(state: State, lane: Lane, message: Message, send: Send) -> bool:
    channel = CHANNELS[lane.channel]
    if channel.contradicts and outbox.overtaken(state.db, message):
        outbox.settle(state.db, message, failed=state.now(), error="overtaken by a later message")
        return False
    # A reminder is tried until its time has passed.
    if message.topic != REMINDER and message.attempts > len(channel.retries) + 1:
        outbox.settle(state.db, message, failed=state.now(), error="the worker ended whenever it was tried")
        return False
    if held_back(state, message):
        return False
    try:
        if _is_past(state, message):
            outbox.settle(state.db, message, failed=state.now(), error="answered meanwhile")
            return False
        provider_id = send(message)
    except Exception as error:
        _postpone(state, lane, message, error)
        return False
    _mark_sent(state, message, provider_id or "")
    return True


def _mark_sent(state: State, message: Message, provider_id: str) -> None:
    """A mark that is missing costs a second copy: a database that is away for a moment is waited for."""
    for pause in (0.2, 1.0, 5.0):
        try:
            outbox.settle(state.db, message, sent=state.now(), provider_id=provider_id)
        except Unreachable:
            state.db.close()
            time.sleep(pause)
        else:
            return
    outbox.settle(state.db, message, sent=state.now(), provider_id=provider_id)


def _is_past(state: State, message: Message) -> bool:
    """Whether it warns only of what was answered, or expired, since it was written, or its link has served its time."""
    if message.topic == VERIFY:
        return not waits(state, message.facts["draft"])
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
    log.warning(
        "Message %s was not delivered (%s, attempt %d).",
        message.id,
        reason,
        message.attempts,
        extra={"channel": lane.channel, "message_id": message.message_id},
    )
