"""Whatever colour a practice has, its mails can be read by day and at night."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal_plugin.domain.colors import DEFAULT, Scheme, contrast, dark, is_color, light

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLORS)
@example("#ffffff")
@example("#000000")
@example("#ffd400")
@example("#777777")
@example(DEFAULT)
def test_text_and_buttons_have_the_contrast_that_people_need(color: str) -> None:
    for scheme in (light(color), dark(color)):
        assert contrast(scheme.text, scheme.page) >= 4.5
        assert contrast(scheme.on_button, scheme.button) >= 4.5
        assert contrast(scheme.button, scheme.page) >= 3
    assert contrast(dark(color).text, dark(color).page) >= 7, "light letters want more"


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert light("#0f5c6e").text == light("#0f5c6e").button == "#0f5c6e"
    assert light("#ffd400").button != "#ffd400"
    assert dark("#ffd400").button == "#ffd400"


@pytest.mark.parametrize(
    ("scheme", "color", "text", "button", "on_button"),
    [
        (light, "#ffd400", "#8c7500", "#8c7500", "#000000"),
        (light, "#888888", "#747474", "#888888", "#000000"),
        (dark, "#0f5c6e", "#93b6be", "#93b6be", "#000000"),
        (dark, "#ff0000", "#ff8c8c", "#ff0000", "#000000"),
    ],
)
def test_a_colour_gives_up_no_more_than_it_has_to(scheme, color: str, text: str, button: str, on_button: str) -> None:
    """In steps of five per cent; a button may be paler than what is read."""
    assert scheme(color) == Scheme(scheme(color).page, text, button, on_button)


@pytest.mark.parametrize(
    ("color", "on_white"), [("#ff0000", 4.0), ("#00ff00", 1.37), ("#0000ff", 8.59), ("#0a0a0a", 19.8)]
)
def test_each_part_of_a_colour_counts_as_much_as_eyes_see_of_it(color: str, on_white: float) -> None:
    assert round(contrast(color, "#ffffff"), 2) == on_white


def test_contrast_is_the_one_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#ffffff", "#ffffff") == 1
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@given(st.text() | COLORS | COLORS.map(str.upper))
def test_nothing_but_six_hex_digits_is_a_colour(text: str) -> None:
    assert is_color(text) == bool(re.fullmatch(r"#[0-9a-fA-F]{6}", text, re.ASCII))
    assert not is_color(f"#0f5c6e{text}") or text == ""
