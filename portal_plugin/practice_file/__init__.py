"""practice.toml to domain records."""

from .changes import changes
from .entries import KINDS, Entries, PracticeFile
from .reading import Written, from_dict, load, read
from .records import to_practice

__all__ = ["KINDS", "Entries", "PracticeFile", "Written", "changes", "from_dict", "load", "read", "to_practice"]
