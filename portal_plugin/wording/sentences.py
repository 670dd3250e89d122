"""Sentences in the language spoken now."""

from typing import Any

from babel.numbers import format_decimal
from markupsafe import Markup, escape

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
        # Its places, if it has any, are filled elsewhere: by the script.
        return message
    marked = False
    for name, value in values.items():
        kind = type(value)
        if kind is str:
            # Else the groups of a phone number would stand in the order of the text around it (Unicode, UAX #9).
            if value.startswith("+") and language.direction == "rtl":
                values[name] = f"\N{LEFT-TO-RIGHT MARK}{value}"
        elif kind is int:
            values[name] = f"{value}" if abs(value) < 1000 else format_decimal(value, locale=language.locale)
        elif kind is Said:
            values[name] = tell(value)
        elif kind is Markup:
            marked = True
    if not marked:
        return message.format(**values)
    safe = {name: escape(value) for name, value in values.items()}
    return Markup(str(escape(message)).format(**safe))  # noqa: S704 - escaped, each part
