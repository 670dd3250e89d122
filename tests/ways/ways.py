"""The four ways in, each by the same few words: what is to be done, and what came of it."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from werkzeug.test import TestResponse

from portal_plugin import AlreadyDecided, PortalError
from tests.api.support import MAYA, System, make_key
from tests.support import PEOPLE, TUESDAY_TEN, Host
from tests.web.desk import INVITE, at, decide, token
from tests.web.pages import open_page

WISH = {"type": "visit", "contact": "in-person", "provider": "ada", "location": "main"}
MAKING = {"request": "requests", "invite": "invitations", "book": "bookings"}
"""What makes an appointment, and what the API calls it."""
WORDLESS = {"accept", "complete", "no_show"}
VERBS = (*MAKING, "reschedule", "confirm", "decline", "cancel", "accept", "withdraw", "complete", "no_show")


class Deed(NamedTuple):
    """A verb of `Portal`, what it is done to, or for Maya and when, and a word to her or, in a request, of hers."""

    verb: str
    ref: str = ""
    starts: datetime = TUESDAY_TEN
    word: str = ""


class Answer(NamedTuple):
    """The reference of what came of it, or the sentence by which it was refused. `state` is the one it is in, where a
    program is told it apart from the sentence.
    """

    ref: str = ""
    refused: str = ""
    state: str | None = None


@dataclass(frozen=True)
class Way:
    """`actor` is whom the history names, always of the kind staff. `by_request`: it is a web request, and has an id."""

    name: str
    act: Callable[[Host, Deed], Answer]
    actor: str
    by_request: bool
    tells_programs: bool = True

    def __str__(self) -> str:
        return self.name


def through_python(host: Host, deed: Deed) -> Answer:
    said: dict[str, Any] = {"by": "front desk"}
    if deed.word:
        said["note" if deed.verb == "request" else "message"] = deed.word
    if deed.verb in {*MAKING, "reschedule"}:
        said["starts"] = deed.starts
    given: Any = PEOPLE["maya"] if deed.verb in MAKING else deed.ref
    try:
        with host.app.app_context():
            done = getattr(host.portal, deed.verb)(given, **said, **(WISH if deed.verb in MAKING else {}))
    except PortalError as error:
        return Answer(refused=str(error), state=error.status if isinstance(error, AlreadyDecided) else None)
    return Answer(done.ref)


def through_the_api(host: Host, deed: Deed) -> Answer:
    body: dict[str, Any] = {"by": "rosa"}
    if deed.word:
        body["note" if deed.verb == "request" else "message"] = deed.word
    if deed.verb in {*MAKING, "reschedule"}:
        body["starts"] = deed.starts.isoformat()
    if deed.verb in MAKING:
        path = f"/{MAKING[deed.verb]}"
        body |= WISH | {"client": MAYA}
    else:
        path = f"/appointments/{deed.ref}/{deed.verb.replace('_', '-')}"
    answer = System(host.app.test_client(), make_key(host)).post(path, body)
    if answer.status_code in {200, 201}:
        return Answer(answer.json["ref"])
    return Answer(refused=answer.json["detail"], state=answer.json.get("appointment_status"))


def through_the_command_line(host: Host, deed: Deed) -> Answer:
    command = ["portal", deed.verb.replace("_", "-")]
    if deed.verb in MAKING:
        command += [WISH["type"], WISH["contact"], deed.starts.isoformat()]
        command += ["--provider", WISH["provider"], "--location", WISH["location"]]
        command += [
            word for name in ("id", "name", "email", "phone") for word in (f"--{OPTIONS.get(name, name)}", MAYA[name])
        ]
    elif deed.verb == "reschedule":
        command += [deed.ref, deed.starts.isoformat()]
    else:
        command += [deed.ref]
    if deed.word:
        command += ["--note" if deed.verb == "request" else "--message", deed.word]
    ended = host.app.test_cli_runner().invoke(args=[*command, "--json"])
    if ended.exit_code == 0:
        return Answer(json.loads(ended.stdout)["ref"])
    told = json.loads(ended.stderr)
    return Answer(refused=told["detail"], state=told.get("appointment_status"))


OPTIONS = {"id": "client"}


def through_the_review_page(host: Host, deed: Deed) -> Answer:
    rosa = host.browser("rosa")
    local = deed.starts.astimezone(ZoneInfo("America/New_York"))
    when = {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}", "provider": "ada", "message": deed.word}
    if deed.verb in MAKING:
        form = open_page(rosa, INVITE).forms[INVITE][0]
        answer = rosa.post(INVITE, data=form | MAYA | WISH | when | {"verb": deed.verb})
    elif deed.verb == "reschedule":
        answer = rosa.post(at(deed.ref, "/move"), data=token(rosa) | when)
    else:
        answer = decide(rosa, deed.ref, deed.verb.replace("_", "-"), deed.word)
    return _read(answer)


def _read(answer: TestResponse) -> Answer:
    if answer.status_code == 303:
        return Answer(answer.location.rsplit("/", 1)[-1])
    assert answer.status_code in {409, 422}, answer.text
    [sentence] = re.findall(r'class="portal-errors.*?<a [^>]*>(.*?)</a>', answer.text, re.DOTALL)
    return Answer(refused=html.unescape(sentence).strip())


PYTHON = Way("Python", through_python, "front desk", by_request=False)
API = Way("HTTP API", through_the_api, "Front desk: rosa", by_request=True)
COMMAND_LINE = Way("command line", through_the_command_line, "command line", by_request=False)
REVIEW_PAGE = Way("review page", through_the_review_page, "Rosa Delgado", by_request=True, tells_programs=False)
WAYS = (PYTHON, API, COMMAND_LINE, REVIEW_PAGE)

NOT_OFFERED = {
    (
        REVIEW_PAGE,
        "request",
    ): "A request is the client's own wish. Who sits at the desk invites, or books what is agreed.",
}
"""What a way does not have, and why. Everything else, every way has."""
