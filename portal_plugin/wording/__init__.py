"""What people read, in their language: sentences through gettext, dates and times as their country writes them."""

from .language import ENGLISH, Language, current, find_language, shipped, speak, speaking
from .sentences import say, say_n, tell

__all__ = ["ENGLISH", "Language", "current", "find_language", "say", "say_n", "shipped", "speak", "speaking", "tell"]
