"""The example as it is met in the open: served by gunicorn, its answers compressed as a reverse proxy would."""

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

ROOT = Path(__file__).parents[1]
LEVEL = 6
"""Of gzip; nginx and Apache leave it between 1 and 6 unless told otherwise."""


class Application(Protocol):
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...


def compressed(app: Application) -> Application:
    """The app behind a proxy that compresses text."""

    def proxy(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told: list[Any] = []
        answer = app(environ, lambda *line: told.extend(line))
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
        status, headers = told[0], list(told[1])
        kind = dict(headers).get("Content-Type", "")
        if kind.startswith(("text/", "image/svg")) and len(body) > 256:
            body = gzip.compress(body, LEVEL)
            headers = [pair for pair in headers if pair[0] != "Content-Length"]
            headers += [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return proxy


def site() -> Application:
    """What gunicorn serves."""
    from example_app import app

    return compressed(cast(Application, app))


@dataclass(frozen=True)
class Served:
    address: str
    environment: dict[str, str]

    def portal(self, *words: str) -> None:
        """`flask portal ...` at this site."""
        command = [sys.executable, "-m", "flask", "--app", "example_app", "portal", *words]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)  # noqa: S603 - ours


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The example on a port of its own, with its practice applied, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        site = Served(address, os.environ | {"EXAMPLE_INSTANCE": str(folder), "PORTAL_BASE_URL": address})
        site.portal("init")
        site.portal("apply", "docs/examples/practice.toml", "--yes")
        bound = ["--bind", f"fd://{listening.fileno()}", "--threads", "4", "--log-level", "warning"]
        command = [sys.executable, "-m", "gunicorn", *bound, "benchmarks.proxied:site()"]
        gunicorn = subprocess.Popen(command, cwd=ROOT, env=site.environment, pass_fds=[listening.fileno()])  # noqa: S603 - ours
        try:
            yield site
        finally:
            gunicorn.terminate()
            gunicorn.wait(20)
