"""practice.toml to domain records."""

from .entries import Entries, PracticeFile
from .reading import Written, from_dict, load, read
from .records import to_practice

__all__ = ["Entries", "PracticeFile", "Written", "from_dict", "load", "read", "to_practice"]
