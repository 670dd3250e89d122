"""Names and notes are people's own, except for what fools a header or a reader."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_plugin.domain.errors import NotOffered
from portal_plugin.domain.text import clean_line, clean_text

CONTROLS = [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))]
BIDI = [*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
ZERO_WIDTH = [*"\u200b\u2060\ufeff\u00ad\u180e"]
SEPARATORS = [*"\u2028\u2029"]
SURROGATES = ["\ud800", "\udfff"]


@pytest.mark.parametrize("bad", [*CONTROLS, *SEPARATORS], ids=lambda c: f"U+{ord(c):04X}")
def test_a_control_character_or_line_separator_never_stays(bad):
    assert clean_line(f"Ada{bad}Lovelace") in {"AdaLovelace", "Ada Lovelace"}


@pytest.mark.parametrize("bad", [*BIDI, *ZERO_WIDTH, *SURROGATES], ids=lambda c: f"U+{ord(c):04X}")
def test_what_turns_text_around_or_hides_in_it_is_taken_out(bad):
    assert clean_line(f"Ada{bad}Lovelace") == "AdaLovelace"


@pytest.mark.parametrize(
    "name",
    [
        "Seán O’Connor",
        "D'Angelo",
        "Nguyễn Thị Minh Khai",
        "محمد الأمين",
        "שרה כהן",
        "王小明",
        "X",
        "Ана-Марія",
        "می\u200cخواهم",
        "👩\u200d👩\u200d👧",
        "Ada 🎉",
        "Zoe\u0308",
        "<b>{{ 7*7 }}</b> %s",
    ],
)
def test_people_keep_their_names(name):
    assert clean_line(name) == name


@pytest.mark.parametrize("nothing", ["", "   ", "\u200b\ufeff", "\r\n\t", "\u202e", "\u200d\u200c", "\u200d \u200d"])
def test_a_name_of_nothing_visible_is_empty(nothing):
    assert clean_line(nothing) == ""


def test_white_space_of_any_kind_becomes_one_space():
    assert clean_line("  Ada \t\u3000\u00a0 Lovelace\r\nBcc: all@example.org ") == "Ada Lovelace Bcc: all@example.org"


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_becomes_one_clean_line_and_stays_so(text):
    cleaned = clean_line(text)

    assert clean_line(cleaned) == cleaned
    assert cleaned == cleaned.strip()
    assert len(cleaned.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cs", "Zl", "Zp"}
    cleaned.encode()


def test_what_python_calls_printable_holds_nothing_that_is_taken_out():
    printable = "".join(char for char in map(chr, range(sys.maxunicode + 1)) if char.isprintable())

    assert {unicodedata.category(char) for char in printable}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn"})
    assert clean_line(printable) == printable.strip()


def test_a_note_keeps_its_lines():
    assert clean_text("Dear Ada,\r\n\r\n  my\tknee \u202ehurts. \n") == "Dear Ada,\n\nmy knee hurts."


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_note_is_clean_line_by_line_and_stays_so(text):
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert all(line == clean_line(line) for line in cleaned.split("\n"))
    cleaned.encode()


def test_a_note_that_is_too_long_is_refused_by_its_field():
    assert clean_text("x" * 2000) == "x" * 2000
    for named, field in ((("note",), "note"), ((), "message")):
        with pytest.raises(NotOffered, match=r"^Please keep it under 2,000 characters\.$") as refusal:
            clean_text("x" * 2001, *named)

        assert refusal.value.field == field
