"""A practice system on another machine: it books into a free time, follows the webhooks, confirms what is requested.

pip install standardwebhooks
export PORTAL_API=https://www.example.org/portal/api/v1 PORTAL_KEY=portal_… WEBHOOK_SECRET=whsec_…
python practice_system.py 8080  # behind a proxy that has the certificate
"""

import json
import os
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from standardwebhooks import Webhook, WebhookVerificationError

news: SimpleQueue[dict[str, Any]] = SimpleQueue()


class Hooks(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            news.put(Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers)))
            self.send_response(204)  # At once. The work is done in follow().
        except WebhookVerificationError:
            self.send_response(400)
        self.end_headers()


def call(method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
    """The answer, also if it is a refusal. With the same Idempotency-Key a call is done once: it is simply repeated."""
    headers = {"Authorization": f"Bearer {os.environ['PORTAL_KEY']}", "Content-Type": "application/json"}
    data, headers["Idempotency-Key"] = body and json.dumps(body).encode(), str(uuid.uuid4())
    asked = Request(f"{os.environ['PORTAL_API']}{path}?{urlencode(query)}", data, headers, method=method)  # noqa: S310
    while True:
        try:
            with urlopen(asked, timeout=10) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            if "Retry-After" not in error.headers:
                return json.load(error)
            time.sleep(int(error.headers["Retry-After"]))
        except OSError:  # A cut line.
            time.sleep(2)


def book(client: dict[str, str], **wish: str) -> None:
    for slot in call("GET", "/slots", limit=3, **wish)["items"]:
        told = call("POST", "/bookings", wish | {"client": client, "starts": slot["starts"]})
        print("booked", told.get("ref") or told["detail"], flush=True)
        if "ref" in told:
            return


def follow() -> None:
    """An event says that something happened. How things are by now, the portal is asked."""
    seen: dict[str, int] = {}
    while True:
        event = news.get()
        ref, version = event["data"]["ref"], event["data"]["version"]
        if version > seen.get(ref, 0):  # Otherwise a second copy, or older news.
            seen[ref] = version
            if event["type"] == "appointment.requested":
                call("POST", f"/appointments/{ref}/confirm", {"message": "See you then."})
            print(event["type"], ref, call("GET", f"/appointments/{ref}")["status"], flush=True)


if __name__ == "__main__":
    Thread(target=ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hooks).serve_forever, daemon=True).start()
    book({"id": "theo", "name": "Theo Brandt"}, type="visit", contact="phone")
    follow()
