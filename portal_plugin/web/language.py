"""Which language this request is answered in: the host's, or else the browser's."""

from functools import lru_cache
from typing import Any

from flask import current_app, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ..wording import Language, find_language
from .guard import current_practice, current_state


def chosen_language() -> Language:
    return find_language(_wanted(), current_state().settings.languages, current_practice().country)


def _wanted() -> tuple[str, ...]:
    if ask := current_state().questions.current_language:
        return (ask() or "",)
    if "babel" in current_app.extensions:
        return (_spoken_by_host(),)
    return _accepted(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=256)
def _accepted(header: str) -> tuple[str, ...]:
    """The tags of a browser, the most welcome first."""
    return tuple(parse_accept_header(header, LanguageAccept).values())


def _spoken_by_host() -> str:
    from flask_babel import get_locale  # Only a host that runs it has it.

    locale: Any = get_locale()
    return str(locale or "")
