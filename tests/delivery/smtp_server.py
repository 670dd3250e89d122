"""A mail server of its own process: keeps what it receives in a folder, or misbehaves as told.

    python smtp_server.py FOLDER [PORT]

The file FOLDER/mode says how it answers a message: empty accepts it; "550 …" or any other reply refuses the recipient;
"not ADDRESS" refuses that recipient alone; "one each" hangs up after each message; "cut" does so in the middle; "slow"
takes half a second; "silent" does not answer until told otherwise, and then hangs up; "silent after
keeping" does so with the message already in the folder.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Keep:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def mode(self) -> str:
        file = self.folder / "mode"
        return file.read_text() if file.exists() else ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.mode[:3].isdigit():
            return self.mode
        if self.mode == f"not {address}":
            return "550 5.1.1 unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mode = self.mode
        (self.folder / "began").touch()
        if mode == "cut":
            server.transport.abort()
        if mode == "slow":
            await asyncio.sleep(0.5)
        if mode in {"", "slow", "silent after keeping", "one each"} or mode.startswith("not "):
            self.keep(envelope)
        if mode == "one each":
            asyncio.get_running_loop().call_soon(server.transport.close)
        if mode.startswith("silent"):
            while self.mode == mode:
                await asyncio.sleep(0.05)
            server.transport.abort()
        return "250 OK"

    def keep(self, envelope: Envelope) -> None:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        kept = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "content": content.decode("latin-1")}
        half = self.folder / "half"
        half.write_text(json.dumps(kept))
        half.rename(self.folder / f"{time.time_ns()}.json")


async def serve(folder: Path, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keep(folder), hostname="mail.test"), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
