"""Phone numbers as the tables and gateways know them: E.164."""

import re
import unicodedata

import phonenumbers

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST = 40
"""Characters that a number may be typed with."""


def parsed(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    """What was typed, in whatever digits, as a number of `country` unless it names another; None for no number."""
    try:
        return phonenumbers.parse(unicodedata.normalize("NFKC", text).strip()[:_LONGEST], country)
    except phonenumbers.NumberParseException:
        return None


_MOBILE = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


def is_in_use(text: str, country: str) -> bool:
    """Whether what was typed is a number that somebody can have."""
    number = parsed(text, country)
    return number is not None and phonenumbers.is_valid_number(number)


def textable(text: str, country: str) -> str | None:
    """The same in E.164 where texts reach it; None for what is no number in use, and for landlines and premium ones."""
    number = parsed(text, country)
    if number is None or not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164(text: str, country: str) -> str:
    """The same in E.164, whether it is in use or not; "" for what cannot be one, such as a short code."""
    if _E164.fullmatch(text):
        return text
    number = parsed(text, country)
    if number is None or not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
