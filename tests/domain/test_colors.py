"""Whatever colour a practice has, its mails can be read by day and at night."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from portal_plugin.domain.colors import DEFAULT, contrast, dark, is_color, light

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


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert light("#0f5c6e").text == light("#0f5c6e").button == "#0f5c6e"
    assert light("#ffd400").button != "#ffd400"
    assert dark("#ffd400").button == "#ffd400"


def test_contrast_is_the_one_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#ffffff", "#ffffff") == 1
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@given(st.text())
def test_nothing_but_six_hex_digits_is_a_colour(text: str) -> None:
    assert is_color(text) == bool(re.fullmatch(r"#[0-9a-fA-F]{6}", text, re.ASCII))
    assert not is_color(f"#0f5c6e{text}") or text == ""
