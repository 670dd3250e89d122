"""What the host's code needs around it when it is asked in another thread."""

from collections.abc import Callable
from contextvars import copy_context

from flask import Flask, copy_current_request_context, current_app, has_request_context


def carry(function: Callable[[], None]) -> Callable[[], None]:
    """The function, to be called once in another thread: with the values of the context it was carried from, an app
    context of its own, and the request and session that are at work here, if any.

    The app context is a new one, so that `g` and what hosts tie to it and to threads, as database sessions are, belong
    to that thread, and the host's own teardown functions close them there.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    around = copy_context()
    inside = copy_current_request_context(function) if has_request_context() else function

    def run() -> None:
        with app.app_context():
            inside()

    return lambda: around.run(run)
