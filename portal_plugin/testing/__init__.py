"""For a host's own tests: docs/testing.md. Pytest is needed for `portal_plugin.testing.fixtures` alone."""

from .clock import Clock, frozen
from .factory import make_appointment, set_up
from .hearing import Heard, captured
from .mails import Mail, deliver, mailbox
from .practice import practice
from .texts import Text, Texts

__all__ = [
    "Clock",
    "Heard",
    "Mail",
    "Text",
    "Texts",
    "captured",
    "deliver",
    "frozen",
    "mailbox",
    "make_appointment",
    "practice",
    "set_up",
]
