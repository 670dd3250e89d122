"""Whoever receives: notes when each message came, and which. `python -m benchmarks.sink FILE mail|texts|dead`

The first line it prints is its port. `mail` is a mail server, `texts` an SMS gateway over HTTP, and `dead` takes
connections and never says a word.
"""

import asyncio
import re
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_ID = re.compile(rb"^Message-ID: *<(\S+)@", re.MULTILINE | re.IGNORECASE)

Note = Callable[[str], object]


class Mails:
    def __init__(self, note: Note) -> None:
        self.note = note

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        found = MESSAGE_ID.search(content)
        self.note(found[1].decode() if found else "none")
        return "250 OK"


async def serve(protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def serve_texts(note: Note) -> None:
    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            note(self.headers["Idempotency-Key"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def main(path: str, kind: str) -> None:
    with Path(path).open("w", buffering=1) as notes:

        def note(name: str) -> None:
            notes.write(f"{time.time()} {name}\n")

        if kind == "texts":
            serve_texts(note)
        else:
            asyncio.run(serve(asyncio.Protocol if kind == "dead" else lambda: SMTP(Mails(note), hostname="sink.test")))


if __name__ == "__main__":
    main(*sys.argv[1:])
