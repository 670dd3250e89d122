"""The catalogs are whole: each holds every message, translated, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

from portal_plugin.wording import find_language, shipped
from tests.wording.catalogs import KEYWORDS, ROOT, extract, read

filled = lambda test: test

MAY_LEAVE_OUT: dict[tuple[str, str], set[str]] = {}
"""Places that a translation does without, by language and (singular) message."""

COUNTED = {"number"}

DEFINING = {ROOT / "portal_plugin/wording/sentences.py", ROOT / "portal_plugin/domain/said.py"}
"""Where the functions themselves are, which hand a message on."""

MARKUP = re.compile(r"<[A-Za-z/!]|&#?\w+;")


@pytest.fixture(scope="module")
def messages() -> Catalog:
    return extract()


@pytest.fixture(scope="module", params=shipped()[1:])
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def catalog(language: str) -> Catalog:
    return read(language)


def forms(message: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """One of something said, several of something counted."""
    return (message,) if isinstance(message, str) else tuple(message)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def stand_for_one(language: str) -> set[int]:
    """The plural forms that are used for a single number, which may then be told in words."""
    plural = find_language([language], [language], "").catalog.plural  # type: ignore[attr-defined]
    used = [plural(number) for number in range(1000)]
    return {form for form in used if used.count(form) == 1}


@filled
def test_every_message_is_translated_in_all_its_forms(messages: Catalog, catalog: Catalog) -> None:
    untranslated = []
    for message in messages:
        if message.id:
            found = catalog.get(message.id, message.context)
            expected = catalog.num_plurals if message.pluralizable else 1
            whole = found is not None and not found.fuzzy and found.pluralizable == message.pluralizable
            if found is None or not whole or [bool(form) for form in forms(found.string)] != [True] * expected:
                untranslated.append(message.id)
    assert untranslated == []


@filled
def test_nothing_is_translated_that_is_said_no_more(messages: Catalog, catalog: Catalog) -> None:
    known = {forms(message.id) for message in messages}
    assert [message.id for message in catalog if forms(message.id) not in known] == []
    assert list(catalog.obsolete) == []


@filled
def test_a_translation_fills_the_same_places(language: str, catalog: Catalog) -> None:
    told_in_words = stand_for_one(language)
    faults = []
    for message in catalog:
        known = set().union(*map(places, forms(message.id)))
        spared = MAY_LEAVE_OUT.get((language, forms(message.id)[0]), set())
        for form, text in enumerate(forms(message.string)):
            counted = COUNTED if message.pluralizable and form in told_in_words else set()
            if not known - spared - counted <= places(text) <= known:
                faults.append((message.id, text))
    assert faults == []


@filled
def test_a_translation_begins_and_ends_as_its_message(catalog: Catalog) -> None:
    def edges(text: str) -> tuple[bool, bool]:
        return text[:1].isspace(), text[-1:].isspace()

    faults = [
        text
        for message in catalog
        if message.id
        for text in forms(message.string)
        if edges(text) != edges(forms(message.id)[0]) or MARKUP.search(text)
    ]
    assert faults == []


def test_a_message_is_a_sentence_without_markup_or_white_space_around_it(messages: Catalog) -> None:
    texts = [text for message in messages if message.id for text in forms(message.id)]
    assert len(texts) > 100
    assert [text for text in texts if MARKUP.search(text) or text != " ".join(text.split())] == []


def test_a_place_in_a_message_is_a_name_and_nothing_more(messages: Catalog) -> None:
    faults = [
        text
        for message in messages
        for text in forms(message.id)
        for _, name, spec, conversion in Formatter().parse(text)
        if name is not None and (not name.isidentifier() or spec or conversion)
    ]
    assert faults == []


def test_both_forms_of_something_counted_know_the_same_places(messages: Catalog) -> None:
    counted = [forms(message.id) for message in messages if message.pluralizable]
    assert [pair for pair in counted if places(pair[0]) - COUNTED != places(pair[1]) - COUNTED] == []


def test_every_message_stands_where_it_is_said() -> None:
    """In words: what is put together elsewhere nobody can translate."""
    assert [*_unseen_in_code(), *_unseen_in_templates()] == []


def _unseen_in_code() -> Iterator[str]:
    for path in sorted((ROOT / "portal_plugin").rglob("*.py")):
        if path in DEFINING:
            continue
        tree = list(ast.walk(ast.parse(path.read_text())))
        ours = {alias.name for node in tree if isinstance(node, ast.ImportFrom) for alias in node.names} & set(KEYWORDS)
        for node in tree:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ours:
                words = node.args[: 2 if node.func.id.endswith("_n") else 1]
                if not all(isinstance(word, ast.Constant) and isinstance(word.value, str) for word in words):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"


def _unseen_in_templates() -> Iterator[str]:
    for path in _templates():
        for node in Environment(autoescape=True).parse(path.read_text()).find_all(nodes.Call):
            if isinstance(node.node, nodes.Name) and node.node.name in KEYWORDS:
                words = node.args[: 2 if node.node.name.endswith("_n") else 1]
                if not all(isinstance(word, nodes.Const) and isinstance(word.value, str) for word in words):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"


def _templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates/portal").rglob("*") if path.suffix in {".html", ".txt"})
