"""A machine set up as docs/deploying.md says, below a folder: its paths, its commands, its unit and its proxy."""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from tests.support import require

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)

SITE = """
from flask import redirect, request, session
from portal_plugin import Client, Portal
from tests.practices import PRACTICE

app.config["PORTAL_SIGN_IN"] = "sign_in"
portal = Portal(app)
portal.practice_source(lambda: PRACTICE)

@portal.current_client
def signed_in():
    return Client("maya", "Maya Lindqvist", "maya@example.org", "+1 212 555 0187") if "who" in session else None

@app.get("/where")
def where():
    return f"{request.url} for {request.remote_addr}"

@app.get("/sign-in")
def sign_in():
    app.logger.info("somebody signs in")
    session["who"] = request.args["as"]
    return redirect("/")
"""


def blocks(language: str, holding: str = "") -> list[str]:
    """The page's blocks in a language, those that hold this text."""
    return [text for name, text in BLOCKS if name == language and holding in text]


def block(language: str, holding: str) -> str:
    [found] = blocks(language, holding)
    return found


def value(unit: str, name: str) -> str:
    [found] = re.findall(rf"^{name}=-?(.*)$", unit, re.MULTILINE)
    return str(found)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def until(true: Callable[[], object]) -> None:
    """Wait for it, for a minute at most."""
    end = time.monotonic() + 60
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str


class Machine:
    """`folder` is where its root is. `mail` is the port of its mail server."""

    def __init__(self, folder: Path, mail: int = 1) -> None:
        self.folder, self.plain, self.secure = folder, free_port(), free_port()
        for path in ("srv/website", "var/lib/website", "var/backups", "var/log/nginx", "run/website", "etc"):
            (folder / path).mkdir(parents=True)
        (folder / "srv/website/.venv").symlink_to(sys.prefix)
        self.certify()
        code = block("python", "dictConfig") + block("python", "ProxyFix") + SITE
        (folder / "srv/website/website.py").write_text(code)
        settings = self.placed(block("env", "FLASK_APP"))
        settings += f"FLASK_MAIL_SERVER=127.0.0.1\nFLASK_MAIL_PORT={mail}\nFLASK_MAIL_USE_TLS=false\n"
        (folder / "etc/website.env").write_text(settings)
        settings += "\n".join(re.findall("(?m)^Environment=(.*)$", self.placed(block("ini", "until flask"))))
        self.environment = dict(line.split("=", 1) for line in settings.splitlines()) | {
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
        }

    @property
    def database(self) -> Path:
        return self.folder / "var/lib/website/portal.db"

    def placed(self, text: str) -> str:
        """With every path of the page below the folder."""
        return re.sub(r"(?<![\w.])/(?=(?:srv|var|run|etc)/)", f"{self.folder}/", text)

    def run(self, command: str) -> str:
        """A command of the page, in a shell as on the machine; what it printed."""
        done = subprocess.run(
            ["/bin/sh", "-c", self.placed(command)],
            cwd=self.folder / "srv/website",
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def unit(self, unit: str) -> Iterator["subprocess.Popen[bytes]"]:
        """What systemd starts, and at the end asks to stop: every process of the unit at once."""
        log = (self.folder / "log").open("ab")
        process = subprocess.Popen(
            shlex.split(self.placed(value(unit, "ExecStart"))),
            cwd=self.placed(value(unit, "WorkingDirectory")),
            env=self.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
            until(lambda: not self.processes(process.pid))
        finally:
            log.close()
            if self.processes(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)

    def processes(self, group: int) -> dict[int, str]:
        """The command lines of a unit's processes."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _, process_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(process_group) == group and state != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def workers(self, group: int) -> list[int]:
        return [
            pid for pid, line in self.processes(group).items() if re.search(r"python\S* \S+flask portal worker", line)
        ]

    def certify(self) -> None:
        folder = self.folder / "etc/letsencrypt/live/www.example.org"
        folder.mkdir(parents=True)
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=www.example.org -keyout privkey.pem"
        subprocess.run([*command.split(), "-out", "fullchain.pem"], cwd=folder, check=True, capture_output=True)

    @contextmanager
    def proxy(self) -> Iterator[None]:
        """nginx, with the page's block as it is but for ports and paths."""
        program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
        require("nginx", program is not None, "install nginx")
        text = self.placed(block("nginx", "upstream"))
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.plain};")
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.secure} ssl;")
        places = "".join(
            f"{name}_temp_path {self.folder}/run/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(f"{user} daemon off; pid {self.folder}/run/nginx.pid; events {{}} http {{ {places} {text} }}")
        log = self.folder / "var/log/nginx/error.log"
        process = subprocess.Popen(
            [str(program), "-e", str(log), "-p", str(self.folder), "-c", str(config)], stderr=subprocess.PIPE
        )
        try:
            until(lambda: self.answers() or process.poll() is not None)
            assert process.poll() is None, process.communicate()[1]
            yield
        finally:
            process.terminate()
            process.communicate()

    def answers(self) -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", self.secure)) == 0


class Visitor:
    """A browser at an address of its own, which believes everything but who it talks to."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.machine, self.address, self.cookie = machine, address, ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, "", headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://www.example.org"}
        return self.ask("POST", path, urlencode(form), sent | headers)

    def ask(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.machine.secure,
            context=ssl._create_unverified_context(),
            source_address=(self.address, 0),
            timeout=60,
        )
        try:
            connection.request(method, path, body, {"Host": "www.example.org", "Cookie": self.cookie, **headers})
            response = connection.getresponse()
            if given := response.getheader("Set-Cookie"):
                self.cookie = given.partition(";")[0]
            return Answer(response.status, response.headers, response.read().decode(errors="replace"))
        finally:
            connection.close()
