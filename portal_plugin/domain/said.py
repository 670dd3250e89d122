"""Sentences that are made where nobody knows yet in which language they will be read."""

from collections.abc import Mapping
from typing import Any


class Said(str):
    """A sentence in English that remembers how it was made: `message` with its `{named}` places and the `values` for
    them, and for something counted also the plural form and the number.
    """

    message: str
    values: Mapping[str, Any]
    plural: str
    number: int

    def __new__(cls, message: str, values: Mapping[str, Any], plural: str = "", number: int = 1) -> "Said":
        form = plural if plural and number != 1 else message
        said = super().__new__(cls, form.format(**{name: _english(value) for name, value in values.items()}))
        said.message, said.values, said.plural, said.number = message, values, plural, number
        return said


def said(message: str, /, **values: Any) -> Said:
    """A sentence to be told later, in the language of whoever reads it. A value may be such a sentence itself."""
    return Said(message, values)


def said_n(one: str, many: str, number: int, /, **values: Any) -> Said:
    """The same where the number, in the places named `{number}`, decides on the form."""
    return Said(one, {"number": number, **values}, many, number)


def _english(value: Any) -> Any:
    return f"{value:,}" if type(value) is int else value
