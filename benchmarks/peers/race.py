"""Fifty clients ask for one free time at the same moment, of a site served by gunicorn."""

import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

Ask = Callable[[int, int], bool]
"""Given the port and the client's number: whether the site says that the time is theirs."""


def race(python: Path, module: str, folder: Path, database: Path, clients: int, ask: Ask) -> str:
    """In words, how many got it and how long all of them took."""
    answers: list[bool | None] = [None] * clients
    barrier = threading.Barrier(clients + 1)
    with served(python, module, folder, database) as port:

        def run(number: int) -> None:
            barrier.wait()
            answers[number] = ask(port, number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        barrier.wait()
        begun = time.perf_counter()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begun
    count = Counter(answers)
    failed = f", {count[None]} failed" if count[None] else ""
    return f"{count[True]} of {clients} are told that it is theirs{failed}, {took:.1f} s"


@contextmanager
def served(python: Path, module: str, folder: Path, database: Path) -> Iterator[int]:
    """Two processes of eight threads that serve the folder's module; their port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8", module]
    with database.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=folder, env=os.environ | {"PEER_DATABASE": str(database)}, stdout=log, stderr=log
        )
    try:
        for _ in range(100):
            try:
                send(port, "GET", "/")
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def send(
    port: int, method: str, path: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Status, and where it redirects to."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    connection.request(method, path, urlencode(form or {}), kind | dict(headers or {}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Location", "")
