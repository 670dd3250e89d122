"""The theming page and the page for clients say what is there."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.nodes import Block

from tests.wording.catalogs import extract, read

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "theming.md").read_text()
STYLE = (ROOT / "static" / "portal" / "portal.css").read_text()
TEMPLATES = ROOT / "templates" / "portal"
REGISTERED = re.findall(r"@property (--[\w-]+) \{.*?(?:initial-value: (.*?);)? \}", STYLE)


def test_every_property_stands_in_the_page_with_its_values_and_has_an_effect() -> None:
    told = {
        name: values for name, *values in re.findall(r"^\| `(--[\w-]+)` \|.*\| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    }
    assert set(told) == {name for name, _ in REGISTERED}
    for name, value in REGISTERED:
        both = re.fullmatch(r"light-dark\((.+), (.+)\)", value)
        light, dark = (f"`{both[1]}`", f"`{both[2]}`") if both else (f"`{value}`", "the same")
        assert told[name] == ([light, dark] if value else ["the accent", "the accent"])
        assert f"var({name}" in STYLE


def test_no_rule_sets_a_property_that_is_the_host_s_to_set() -> None:
    names = {name for name, _ in REGISTERED}
    assert not names & set(re.findall(r"^\s*(--portal-[\w-]+):", STYLE, re.MULTILINE))
    assert set(re.findall(r"var\((--portal-[\w-]+)", STYLE)) <= names


def test_every_block_of_a_template_stands_in_the_page() -> None:
    told = set(re.findall(r"^\| (.+?) \| `(\w+)` \|", PAGE, re.MULTILINE))
    for path in sorted(TEMPLATES.rglob("*.html")):
        if path.is_relative_to(TEMPLATES / "review") or path.is_relative_to(TEMPLATES / "mail"):
            continue
        source = path.read_text()
        blocks = {block.name for block in Environment().parse(source).find_all(Block)} - {"title", "content"}
        where = f"`{path.name}`"
        if 'id="portal-panel"' in source:
            where = "each `partials/` template of a whole panel"
            assert blocks == {"portal_intro", "portal_end"}, path
        for block in blocks:
            assert (where, block) in told, path


PHYSICAL = (
    r"(?<![\w-])(left|right)\s*:",
    r"(margin|padding|border|inset)-(left|right)",
    r":\s*(left|right)\b",
)


@pytest.mark.parametrize("side", PHYSICAL)
def test_the_stylesheet_knows_no_left_and_no_right(side: str) -> None:
    rules = re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)
    assert re.findall(side, rules) == []


def test_the_page_for_clients_uses_the_words_on_the_screen_in_both_languages() -> None:
    on_screen = {one.id if isinstance(one.id, str) else one.id[0] for one in extract()}
    spanish = {one.id: one.string for one in read("es") if isinstance(one.id, str)}
    words, palabras = (
        re.findall(r"\*\*(.+?)\*\*", (ROOT / "docs" / f"for-clients{ending}").read_text())
        for ending in (".md", ".es.md")
    )
    for word, palabra in zip(words, palabras, strict=True):
        # What a button adds after its word, the day, is for screen readers.
        more = "" if word in on_screen else " {date}"
        assert word + more in on_screen
        # Until the catalog has it, the page leads.
        assert spanish.get(word + more) in {palabra + more, "", None}, f"{word}: {palabra}"
