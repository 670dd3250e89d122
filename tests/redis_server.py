"""A Redis of one's own, which can be stopped and started again on the same port."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.support import require


class RedisServer:
    def __init__(self, folder: Path) -> None:
        found = shutil.which("redis-server")
        require("redis", found is not None, "install redis-server")
        self._program, self._folder = str(found), folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:hush@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", f"{self.port}", "--bind", "127.0.0.1", "--requirepass", "hush", "--save", ""]
        self._process = subprocess.Popen(
            [self._program, *options], cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self._process.poll() is None, "redis-server did not start"
                    time.sleep(0.02)

    def stop(self) -> None:
        """Without a word to anybody who is connected."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def names(self) -> list[str]:
        with redis.from_url(self.url) as client:
            return sorted(key.decode() for key in client.scan_iter())


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
