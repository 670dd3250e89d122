"""Whether a reminder still goes out, and when the next try is."""

from datetime import datetime, timedelta

from ..services import reminders
from ..services.state import State
from ..storage import outbox
from ..storage.outbox import REMINDER, Message


def held_back(state: State, message: Message) -> bool:
    """Whether a reminder is not to be sent now, as things stand; then its row says why, or waits for the morning."""
    if message.topic != REMINDER:
        return False
    now = state.now()
    moment = reminders.next_moment(state, message, now)
    reason = reminders.unwanted(state, message) or ("" if moment else "its time has passed")
    if reason:
        outbox.settle(state.db, message, failed=now, error=reason)
    elif moment and moment - now >= timedelta(seconds=1):
        outbox.put_off(state.db, message, moment)
    else:
        return False
    return True


def next_try(state: State, message: Message, pauses: tuple[timedelta, ...], asked: timedelta) -> datetime | None:
    """When a message that failed is tried again, after the pause that was `asked` for or a longer one; None when it is
    given up on. A reminder is worth trying as long as it is of use.
    """
    if message.topic == REMINDER:
        pause = pauses[min(message.attempts, len(pauses)) - 1]
        return reminders.next_moment(state, message, state.now() + max(pause, asked))
    if message.attempts > len(pauses):
        return None
    return state.now() + max(pauses[message.attempts - 1], asked)
