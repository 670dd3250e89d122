"""A practice's colour, made readable wherever a message uses it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

DEFAULT = "#0f5c6e"
"""The accent of a practice that names no colour."""

_PAPER, _NIGHT = "#ffffff", "#172126"
_LEAST = {_PAPER: 4.5, _NIGHT: 7}
"""Contrast of text with what it stands on: WCAG 2.2, success criterion 1.4.3, asks for 4.5; light letters want more."""

_INKS = (_PAPER, "#000000")
"""Any colour has a contrast of 4.58 at least with one of them; with less than black that would not be so."""


class Scheme(NamedTuple):
    """Hex colours. `text` is for links and titles on the page, `button` a button's ground and `on_button` its words."""

    page: str
    text: str
    button: str
    on_button: str


def is_color(text: str) -> bool:
    """Whether it is written as `#0f5c6e`."""
    return bool(re.fullmatch("#[0-9a-fA-F]{6}", text))


def light(color: str) -> Scheme:
    """The colour on white."""
    return _scheme(color, _PAPER)


def dark(color: str) -> Scheme:
    """The colour at night: as light as it has to be to be read there."""
    return _scheme(color, _NIGHT)


def _scheme(color: str, page: str) -> Scheme:
    text = _readable(color, page)
    # A button that nobody can tell from the page is none.
    button = color if contrast(color, page) >= 3 else text
    return Scheme(page, text, button, max(_INKS, key=lambda ink: contrast(ink, button)))


def _readable(color: str, page: str) -> str:
    """The colour, mixed with as little of the farthest ink as makes it readable on the page."""
    ink = max(_INKS, key=lambda ink: contrast(ink, page))
    mixed = (_mix(color, ink, share) for share in range(0, 101, 5))
    return next((one for one in mixed if contrast(one, page) >= _LEAST[page]), ink)


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white), as WCAG 2.2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _mix(color: str, ink: str, share: int) -> str:
    """`share` per cent of the ink."""
    pairs: Iterable[tuple[int, int]] = zip(_parts(color), _parts(ink), strict=True)
    return "#" + "".join(f"{round((a * (100 - share) + b * share) / 100):02x}" for a, b in pairs)


def _parts(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color.removeprefix("#")))
