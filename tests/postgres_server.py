"""A PostgreSQL server of one's own, which can be stopped as if its machine had lost power."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import require


class PostgresServer:
    """`address` is without a database name. Unless `durable`, no commit waits for the disk."""

    def __init__(self, durable: bool = False) -> None:
        self.fsync = "on" if durable else "off"
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        found = str(programs[-1]) if programs else shutil.which("pg_ctl")
        how = "install PostgreSQL, or set PORTAL_TEST_POSTGRES to postgresql://user@host"
        require("postgres", found is not None, how)
        self.programs = Path(str(found)).resolve().parent
        self.folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
        self.address = f"postgresql://postgres@/?host={self.folder}"
        # PostgreSQL refuses to run as root.
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")

    def run(self, program: str, *options: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.as_user)

    def start(self) -> None:
        # A deadlock is looked for twenty times as soon as by itself: many tests end in one.
        settings = f"fsync={self.fsync}", "listen_addresses=", "max_connections=200", "deadlock_timeout=50ms"
        options = " ".join(["-k", str(self.folder), *(f"-c {setting}" for setting in settings)])
        self.run("pg_ctl", "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def restart(self, mode: str) -> None:
        """`immediate`: as after a crash. `fast`: whoever is connected is told, and rolled back."""
        self.run("pg_ctl", "-m", mode, "stop")
        self.start()

    def stop(self) -> None:
        """Without a word to anybody who is connected."""
        self.run("pg_ctl", "-m", "immediate", "stop")


@contextmanager
def postgres_server(durable: bool = False) -> Iterator[PostgresServer]:
    server = PostgresServer(durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
