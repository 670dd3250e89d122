"""How much may be sent, counted while it is read and before anything is made of it."""

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST = 64 * 1024
"""Bytes of a body, whatever its kind, and whether or not it says its length."""
MOST_FIELDS = 1_000
"""Of a form; the largest of ours, the queue with all its requests ticked, has some hundred."""


def limit_body(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before the site's own `before_request` functions, which may read the form, as Flask-WTF's do. Raises
    RequestEntityTooLarge.
    """
    request.max_content_length = LARGEST
    # Werkzeug cuts a body that does not say its length at the limit, and says nothing.
    if request.method == "POST" and request.content_length is None and len(request.get_data()) >= LARGEST:
        raise RequestEntityTooLarge


def limit_fields() -> None:
    """Raises RequestEntityTooLarge for a form whose fields, being shown again, would make a page of megabytes."""
    if request.method == "POST" and sum(map(len, request.form.listvalues())) > MOST_FIELDS:
        raise RequestEntityTooLarge
