"""Sentences in the language spoken now."""

from typing import Any

from babel.numbers import format_decimal
from markupsafe import Markup

from ..domain.errors import PortalError
from ..domain.said import Said
from .language import Language, current


def say(message: str, /, **values: Any) -> str:
    """The message in the language spoken now, its `{named}` places filled. With a Markup among the values it is one."""
    language = current()
    return _fill(language, language.catalog.gettext(message), values)


def say_n(one: str, many: str, number: int, /, **values: Any) -> str:
    """The same where the number, in the places named `{number}`, decides on the form."""
    language = current()
    return _fill(language, language.catalog.ngettext(one, many, number), {"number": number, **values})


def tell(sentence: str | PortalError) -> str:
    """What was said where nobody knew the language. A host's own words stay as they are."""
    if isinstance(sentence, PortalError):
        sentence = sentence.sentence
    if not isinstance(sentence, Said):
        return sentence
    if sentence.plural:
        return say_n(sentence.message, sentence.plural, sentence.number, **sentence.values)
    return say(sentence.message, **sentence.values)


def _fill(language: Language, message: str, values: dict[str, Any]) -> str:
    if not values:
        return message
    told = {name: _told(language, value) for name, value in values.items()}
    if any(isinstance(value, Markup) for value in told.values()):
        return Markup.escape(message).format(**told)
    return message.format(**told)


def _told(language: Language, value: Any) -> Any:
    if isinstance(value, Said):
        return tell(value)
    if type(value) is str and value.startswith("+") and language.direction == "rtl":
        # Else the groups of a phone number would stand in the order of the text around it (Unicode, UAX #9).
        return f"\N{LEFT-TO-RIGHT MARK}{value}"
    if type(value) is not int:
        return value
    return f"{value}" if abs(value) < 1000 else format_decimal(value, locale=language.locale)
