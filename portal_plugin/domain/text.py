"""Texts that people typed, made safe for a header, a calendar file and another reader's eyes."""

import unicodedata

from .errors import NotOffered
from .said import said

LONGEST = 2000
"""Characters."""

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINERS = "\u200c\u200d"  # Persian and emoji need them.


def clean_line(text: str) -> str:
    """One line without controls, direction overrides and surrogates; white space of any kind is one space."""
    if not text.isprintable():
        text = "".join(char for char in text if _harmless(char))
    line = " ".join(text.split())
    return line if line.strip(_JOINERS + " ") else ""


def clean_text(text: str, field: str = "message") -> str:
    """The same, line by line. Raises NotOffered, naming `field`, past 2,000 characters."""
    if len(text) > LONGEST:
        raise NotOffered(field, said("Please keep it under {number} characters.", number=LONGEST))
    return "\n".join(clean_line(line) for line in text.splitlines()).strip()


def _harmless(char: str) -> bool:
    return char.isspace() or char in _JOINERS or unicodedata.category(char) not in _UNSAFE
