"""What the portal announces."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from blinker import ANY, NamedSignal
from flask import Flask

from ..domain.appointment import Appointment
from ..hooks import SIGNALS


class Heard(NamedTuple):
    """`signal` is its name as it is imported, such as "appointment_confirmed"."""

    signal: str
    appointment: Appointment


@contextmanager
def captured(*signals: NamedSignal, app: Flask | None = None) -> Iterator[list[Heard]]:
    """What these signals, or by default all of them, tell inside the block, in order; of one app, or of any."""
    heard: list[Heard] = []

    def receiver_of(signal: NamedSignal) -> Callable[..., None]:
        def receive(_: Any, appointment: Appointment) -> None:
            heard.append(Heard(signal.name.replace("-", "_"), appointment))

        return receive

    with ExitStack() as connected:
        for signal in signals or SIGNALS:
            connected.enter_context(signal.connected_to(receiver_of(signal), sender=ANY if app is None else app))
        yield heard
