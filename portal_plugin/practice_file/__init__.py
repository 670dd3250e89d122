"""practice.toml to domain records."""

from .entries import Entries, PracticeFile
from .reading import from_dict, load
from .records import to_practice

__all__ = ["Entries", "PracticeFile", "from_dict", "load", "to_practice"]
