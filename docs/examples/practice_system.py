"""A practice system on another machine: it decides what waits, and books into a free time. Standard library only.

PORTAL_API=https://www.example.org/portal/api/v1 PORTAL_KEY=portal_… python practice_system.py
"""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Refusal(Exception):
    """The portal says no: `problem["code"]` is for programs, `problem["detail"]` for people."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.problem = problem


def call(method: str, path: str, body: Any = None, **query: Any) -> Any:
    """Sent again with the same Idempotency-Key, a call is done once: after a cut line, simply repeat it."""
    address = f"{os.environ['PORTAL_API']}{path}?{urlencode(query, doseq=True)}".rstrip("?")
    headers = {"Authorization": f"Bearer {os.environ['PORTAL_KEY']}", "Content-Type": "application/json"}
    if method == "POST":
        headers["Idempotency-Key"] = str(uuid.uuid4())
    data = None if body is None else json.dumps(body).encode()
    for attempt in range(5):
        try:
            with urlopen(Request(address, data, headers, method=method), timeout=10) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            if attempt == 4 or "Retry-After" not in error.headers:
                raise Refusal(json.load(error)) from None
            time.sleep(int(error.headers["Retry-After"]))
        except OSError:
            if attempt == 4:
                raise
            time.sleep(2**attempt)


def every(path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """All pages of a list. What is polled is asked like this: by status, or `since` a start."""
    while True:
        page = call("GET", path, **query)
        yield from page["items"]
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def decide() -> None:
    """Run it every minute, or when the portal says that something happened."""
    for request in every("/appointments", status="requested"):
        try:
            decided = call("POST", f"/appointments/{request['ref']}/confirm", {"message": "See you then."})
            print(decided["status"], decided["client"]["name"], decided["starts"])
        except Refusal as refusal:  # Somebody else was quicker.
            print(refusal.problem["code"], refusal)


def book(client: dict[str, str], **wish: str) -> None:
    for slot in call("GET", "/slots", limit=3, **wish)["items"]:
        try:
            booked = call("POST", "/bookings", wish | {"client": client, "starts": slot["starts"]})
            print("booked", booked["provider"], booked["starts"])
            return
        except Refusal as refusal:
            print(refusal.problem["code"], refusal)


if __name__ == "__main__":
    decide()
    book({"id": "theo", "name": "Theo Brandt"}, type="visit", contact="phone")
