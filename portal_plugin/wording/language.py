"""The languages that the portal speaks, and the one that is spoken now.

A catalog is a PO file of gettext. It is read when its language is first asked for, so nothing has to be compiled.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).parent / "translations"
SOURCE = "en"
"""What the sentences in the code are written in; it needs no catalog."""


@dataclass(frozen=True, slots=True)
class Language:
    """`tag` is as in an HTML `lang` attribute (RFC 5646): `es`, `es-US`. Dates and times follow `locale`."""

    tag: str
    locale: Locale = field(repr=False)
    catalog: NullTranslations = field(repr=False, compare=False)

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as in an HTML `dir` attribute."""
        return self.locale.text_direction


@lru_cache(maxsize=1)
def shipped() -> tuple[str, ...]:
    """The languages there are catalogs for, English first."""
    return (SOURCE, *sorted(file.stem for file in TRANSLATIONS.glob("*.po")))


def find_language(wanted: Iterable[str], offered: Sequence[str], country: str) -> Language:
    """The first wanted tag whose language is offered, else the first one offered.

    A tag without a country is read as the practice's: `es` is written as in the United States for a practice there.
    """
    for tag in wanted:
        name, _, rest = tag.replace("_", "-").partition("-")
        if name.lower() in offered:
            return _language(name.lower(), rest or country)
    return _language(offered[0], country)


@lru_cache(maxsize=256)
def _language(name: str, rest: str) -> Language:
    locale = Locale.parse(name)
    # A tag comes from a stranger, and not every language is at home in every country.
    with suppress(ValueError, UnknownLocaleError):
        locale = Locale.parse(f"{name}-{rest}", sep="-")
    return Language(str(locale).replace("_", "-"), locale, _catalog(name))


@lru_cache(maxsize=32)
def _catalog(name: str) -> NullTranslations:
    if name == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / f"{name}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return GNUTranslations(compiled)


ENGLISH = _language(SOURCE, "US")


_spoken: ContextVar[Language] = ContextVar("portal_language", default=ENGLISH)


def speak(language: Language) -> None:
    """Use this language from now on: until the request has been answered, say."""
    _spoken.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Use this language inside the block, and then the one before: a host may have called from a page of its own."""
    before = current()
    speak(language)
    try:
        yield
    finally:
        speak(before)


def current() -> Language:
    """The language spoken now; English where nobody chose, as on a command line."""
    return _spoken.get()
