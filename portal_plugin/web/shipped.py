"""The folders that come with the portal, and addresses of its static files that may be kept for good."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import current_app, request
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader
from werkzeug.security import safe_join
from werkzeug.wrappers import Response

KEPT_FOR_GOOD = "public, max-age=31536000, immutable"


def shipped(folder: str) -> Path:
    """Inside the package when installed, beside it in a checkout."""
    inside = Path(__file__).parents[1] / folder
    return inside if inside.is_dir() else Path(__file__).parents[2] / folder


def templates() -> BaseLoader:
    """Ours by their path, after the host's, and those in `portal` once more as `portal_plugin/...`: a template of the
    host's at the same path extends that, to fill a block and keep the rest.
    """
    folder = shipped("templates")
    again = PrefixLoader({"portal_plugin": FileSystemLoader(folder / "portal")})
    return ChoiceLoader([FileSystemLoader(folder), again])


STATIC = shipped("static") / "portal"


def name_version(endpoint: str, values: dict[str, Any]) -> None:
    """Put the file's version into the address that `url_for("portal.static", filename=...)` makes."""
    if endpoint == "portal.static" and (version := _version(values.get("filename", ""))):
        values.setdefault("v", version)


def keep_for_good(response: Response) -> Response:
    """Browsers ask once for each version. Under any other, as while a new release is rolled out, they ask each time."""
    named = request.args.get("v")
    if named and named == _version((request.view_args or {}).get("filename", "")):
        response.headers["Cache-Control"] = KEPT_FOR_GOOD
    return response


def _version(name: str) -> str | None:
    # While debugging, an edit shows at once.
    return _digest.__wrapped__(name) if current_app.debug else _digest(name)


@lru_cache(maxsize=64)
def _digest(name: str) -> str | None:
    path = safe_join(str(STATIC), name)
    try:
        return sha256(Path(path).read_bytes()).hexdigest()[:12] if path else None
    except (OSError, ValueError):
        return None
