"""A mail server that takes everything and notes when each mail came, and which: `python -m benchmarks.sink FILE`.

The first line it prints is its port. With `--dead` it takes connections and never says a word.
"""

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import IO

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)


class Noting:
    def __init__(self, notes: IO[str]) -> None:
        self.notes = notes

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        found = MESSAGE_ID.search(content)
        self.notes.write(f"{time.time()} {found[1].decode() if found else ''}\n")
        self.notes.flush()
        return "250 OK"


class Dead(asyncio.Protocol):
    """Silent whatever happens."""


async def serve(notes: IO[str], dead: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        Dead if dead else lambda: SMTP(Noting(notes), hostname="sink.test"), "127.0.0.1", 0, backlog=500
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w") as file:
        asyncio.run(serve(file, "--dead" in sys.argv))
