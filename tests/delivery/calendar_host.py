"""A calendar's host on this machine, as well or as badly behaved as a test wants it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class CalendarHost:
    """`pages` says how each path answers; `asked` holds what came, a path and its headers, in order."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.asked.append((self.path, dict(self.headers)))
                # Whoever gave up on us is gone.
                with suppress(OSError):
                    host.pages.get(self.path, says(b"", status=404))(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that refuses a certificate is no fault of ours."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def address(self, path: str = "/ada.ics", name: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{name}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def calendar_host(context: ssl.SSLContext | None = None) -> Iterator[CalendarHost]:
    host = CalendarHost(context)
    thread = threading.Thread(target=host.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield host
    finally:
        host.closing.set()
        host.server.shutdown()
        thread.join()
        host.server.server_close()


def says(body: bytes | str, *, status: int = 200, **headers: str) -> Answer:
    """An ordinary answer; `Last_Modified="…"` is a header."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else body
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def redirects(to: str, status: int = 302) -> Answer:
    return says(b"", status=status, Location=to)


def raw(*pieces: bytes, pause: float = 0, then: threading.Event | None = None) -> Answer:
    """Bytes as they are, with a pause after each; then silence until `then`, or the end of the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if pause:
                threading.Event().wait(pause)
        if then:
            then.wait(30)

    return answer


def ics(*events: str, head: str = "") -> str:
    """A calendar file around events."""
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *head.split(), *events, "END:VCALENDAR", ""]
    )


_numbers = iter(range(10**9))


def event(starts: str, ends: str = "", *more: str, uid: str = "") -> str:
    """An event; `starts` and `ends` as `20261208T150000Z` or with parameters, as `;VALUE=DATE:20261208`."""
    lines = ["BEGIN:VEVENT", f"UID:{uid or next(_numbers)}", f"DTSTART{_value(starts)}"]
    lines += [f"DTEND{_value(ends)}"] if ends else []
    return "\r\n".join([*lines, *more, "SUMMARY:Dinner with PLANTED", "END:VEVENT"])


def _value(written: str) -> str:
    return written if written.startswith(";") else f":{written}"
