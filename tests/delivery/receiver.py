"""An endpoint on this machine, as well or as badly behaved as a test wants it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.delivery.calendar_host import Answer, says

OK = says(b"", status=204)


class Hook(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    @property
    def type(self) -> str:
        return str(self.payload["type"])


class Receiver:
    """`answers` says how each path answers, with 204 by default; `got` holds what came, in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.got: list[Hook] = []
        self.closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Hook(self.path, headers, body))
                # Whoever gave up on us is gone.
                with suppress(OSError):
                    receiver.answers.get(self.path, OK)(self)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Whoever gave up on us is gone."""

        self.server = Server(("127.0.0.1", 0), Handler)

    def address(self, path: str = "/hooks", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.server.server_address[1]}{path}"

    def at(self, path: str) -> list[Hook]:
        return [hook for hook in self.got if hook.path == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    host = Receiver()
    thread = threading.Thread(target=host.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield host
    finally:
        host.closing.set()
        host.server.shutdown()
        thread.join()
        host.server.server_close()
