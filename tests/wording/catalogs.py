"""The messages of the code and the templates, and the catalogs brought up to them: `make messages`."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from portal_plugin.wording.language import TRANSLATIONS

ROOT = Path(__file__).parents[2]
KEYWORDS = dict.fromkeys(("say", "said", "portal_say")) | dict.fromkeys(("say_n", "said_n", "portal_say_n"), (1, 2))
PLACES = [
    (ROOT / "portal_plugin", [("**.py", "python")]),
    (ROOT / "templates" / "portal", [("**.html", "jinja2"), ("**.txt", "jinja2")]),
]


def extract() -> Catalog:
    """Every message there is, in the order of the files."""
    messages = Catalog(project="portal_plugin", charset="utf-8")
    for place, methods in PLACES:
        for file, _line, message, _comments, context in extract_from_dir(str(place), methods, keywords=KEYWORDS):
            messages.add(message, locations=[(f"{place.name}/{file}", 1)], context=context)
    return messages


def read(language: str) -> Catalog:
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Add what is new without a translation, and drop what is said no more."""
    messages = extract()
    for path in sorted(TRANSLATIONS.glob("*.po")):
        catalog = read(path.stem)
        catalog.update(messages, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalog, width=120, omit_header=False, include_lineno=False, ignore_obsolete=True)


if __name__ == "__main__":
    update()
