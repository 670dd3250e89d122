"""Requests that nobody should send, thrown one by one: whatever is right about them was right on a page of the site.

The same seed makes the same requests. Hypothesis would make a failing one smaller, but it sends many several times.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from portal_plugin.web.api.routes import OPERATIONS
from tests.api.support import WANTED
from tests.fuzz.hostile import HEADERS, HOSTILE, NAMES, RAW, TYPES, can_be_shown
from tests.fuzz.site import WHO, Site, Way
from tests.fuzz.watch import Asked, Watch
from tests.support import TUESDAY_TEN
from tests.web.texter import INBOUND, PHONE, TOKEN, URL

Fields = list[tuple[str, str]]

HTML_FORM = "application/x-www-form-urlencoded"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}

CHANGES = ("type", "type", "type", "choose", "leave out", "repeat", "add", "array")
METHODS = (*["GET"] * 8, "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND")
LETTERS = (range(0x20, 0x7F), range(0x80, 0x250), range(0x590, 0x700), range(0x2000, 0x2100), range(0xD7F0, 0xE010))
"""Plain ones, accents, Hebrew and Arabic, marks nobody sees, and halves of characters."""


def text(dice: Random) -> str:
    kind = dice.random()
    if kind < 0.6:
        return dice.choice(HOSTILE)
    if kind < 0.8:
        return dice.choice(HOSTILE) + dice.choice(HOSTILE)
    return "".join(chr(dice.choice(dice.choice(LETTERS))) for _ in range(dice.randint(1, 30)))


def some(dice: Random) -> range:
    """As many turns as a request has things wrong with it."""
    return range(dice.choice((0, 0, 1, 1, 2, 4)))


def seldom(dice: Random) -> bool:
    return dice.random() < 0.1


def at_times(dice: Random) -> bool:
    return dice.random() < 0.3


@dataclass
class Knock:
    """`path` is not yet encoded; `query` and `body` are as they travel."""

    who: str | None
    method: str
    path: str
    query: bytes = b""
    body: bytes | None = None
    content_type: str = HTML_FORM
    headers: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    def send(self, site: Site, watch: Watch) -> TestResponse:
        given = dict(self.headers)
        own = site.cookies[self.who]
        # A stranger's cookies beside one's own, or in its place.
        cookies = "; ".join(filter(None, (own, given.pop("Cookie", None))))
        with watch.over(Asked(self.method, self.path, self.who, self.shown)) as answers:
            answers.append(
                site.stranger.open(
                    "/",
                    method=self.method,
                    data=self.body,
                    content_type=self.content_type if self.body is not None else None,
                    headers={**given, **({"Cookie": cookies} if cookies else {})},
                    environ_overrides={
                        "PATH_INFO": self.path.encode("utf-8", "surrogatepass").decode("latin-1"),
                        "QUERY_STRING": self.query.decode("latin-1"),
                    },
                )
            )
        return answers[0]


def encoded(fields: Fields) -> bytes:
    """As a browser would, a lone surrogate as its percent-encoded bytes."""
    pairs = ("=".join(quote_plus(text.encode("utf-8", "surrogatepass")) for text in pair) for pair in fields)
    return "&".join(pairs).encode()


def knocks(dice: Random, site: Site) -> Knock:
    kind = dice.choice((form, form, form, form, page, page, call, call, text_message))
    knock: Knock = kind(dice, site)
    for _ in some(dice):
        name = dice.choice([*HEADERS])
        knock.headers[name] = dice.choice(HEADERS[name])
    return knock


# Forms.


def form(dice: Random, site: Site) -> Knock:
    """A form of a page with something wrong about it, or nothing."""
    way: Way = dice.choice(site.ways)
    fields = [*way.form.fields]
    offered = {name: one.values for name, one in way.form.controls.items()}
    for _ in some(dice):
        fields = _changed(dice, fields, offered)
    path, _, query = way.form.action.partition("?")
    if seldom(dice):
        path = _mangled(dice, site, path)
    elif seldom(dice):
        path = _filled(dice, site, dice.choice(site.acting))
    who = dice.choice(WHO) if seldom(dice) else way.who
    sent = encoded(fields)
    if seldom(dice):
        sent += b"&" + dice.choice(RAW)
    if way.form.method == "get":
        return Knock(who, "GET", path, sent, headers=dict(PARTIAL) if at_times(dice) else {})
    knock = Knock(who, "POST", path, query.encode(), sent, headers=dict(PARTIAL) if at_times(dice) else {})
    if seldom(dice):
        knock.content_type = dice.choice(TYPES)
    elif _is_text(sent):
        knock.shown = _to_be_shown(way, fields)
    return knock


def _is_text(sent: bytes) -> bool:
    """Of a body that is none, which no browser sends, Werkzeug reads no field."""
    try:
        return bool(sent.decode())
    except UnicodeDecodeError:
        return False


def _changed(dice: Random, fields: Fields, offered: dict[str, list[str]]) -> Fields:
    change = dice.choice(CHANGES)
    if change == "add" or not fields:
        return [*fields, (dice.choice(NAMES) if at_times(dice) else text(dice), text(dice))]
    n = dice.randrange(len(fields))
    name, value = fields[n]
    if change == "repeat":
        return [*fields, (name, value if at_times(dice) else text(dice))]
    if change == "leave out":
        return fields[:n] + fields[n + 1 :]
    if change == "array":
        return [*fields[:n], (f"{name}[]", value), *fields[n + 1 :]]
    if change == "choose":
        name = dice.choice(sorted(offered))
        value = dice.choice(offered[name])
        return [*((key, one) for key, one in fields if key != name), (name, value)]
    return [*fields[:n], (name, text(dice)), *fields[n + 1 :]]


def _to_be_shown(way: Way, fields: Fields) -> dict[str, str]:
    """What somebody typed into a field for it, once, and can read."""
    names = [name for name, _ in fields]
    controls = way.form.controls
    return {
        name: value
        for name, value in fields
        if name in controls and controls[name].is_typed and names.count(name) == 1 and can_be_shown(value)
    }


# Addresses.


def page(dice: Random, site: Site) -> Knock:
    """An address of a page with another query, with mangled parts, or by another method."""
    path, _, query = dice.choice(site.pages if at_times(dice) else site.links).partition("?")
    fields = parse_qsl(query, keep_blank_values=True)
    for _ in some(dice):
        fields = _changed(dice, fields, {name: [value] for name, value in fields} or {"date": ["2026-12-09"]})
    if at_times(dice):
        path = _mangled(dice, site, path)
    sent = encoded(fields) + (dice.choice(RAW) if seldom(dice) else b"")
    method = dice.choice(METHODS)
    return Knock(dice.choice(WHO), method, path, sent, headers=dict(PARTIAL) if at_times(dice) else {})


def _mangled(dice: Random, site: Site, path: str) -> str:
    """One part of a path is another's, cut, doubled, with one bit turned, or nonsense."""
    parts = path.split("/")
    n = dice.randint(1, max(1, len(parts) - 1))
    part = parts[n] if n < len(parts) else ""
    known = [value for values in site.arguments.values() for value in values]
    at = dice.randint(0, max(0, len(part) - 1))
    mangled = dice.choice(
        (
            *(part[:at], part + part, part.swapcase(), part[:at] + part[at + 1 :], f"{part}.{part}", part + "==="),
            part[:at] + "".join(chr(ord(one) ^ 1) for one in part[at : at + 1]) + part[at + 1 :],
            quote(part[:at].encode(errors="replace")) + "%2f" + part[at:],
            *(dice.choice(known) for _ in range(4)),
            *(text(dice) for _ in range(4)),
        )
    )
    return "/".join([*parts[:n], mangled, *parts[n + 1 :]])


def _filled(dice: Random, site: Site, rule: str) -> str:
    """A route's address with one value of those that can stand in it."""
    parts = rule.split("<")
    for n, part in enumerate(parts[1:], 1):
        name, _, rest = part.partition(">")
        parts[n] = dice.choice(site.arguments[name.rpartition(":")[2]]) + rest
    return "".join(parts)


# The HTTP API.

GIVEN: dict[str, Any] = {
    **WANTED,
    "provider": "ada",
    "replaces": None,
    "reference": "A-1",
    "data": {"room": [1, {"floor": None}]},
    "note": "a word",
    "message": "a word",
    "by": "Rosa",
    "status": "requested",
    "since": "2026-12-08T00:00:00Z",
    "until": "2026-12-12T00:00:00Z",
    "limit": 5,
    "cursor": "1",
    "state": "waiting",
    "starts": (TUESDAY_TEN.replace(day=11)).isoformat(),
}
"""A right value for each field of the API."""

NUMBERS = (0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**20, -(2**63) - 1, 10**400)


def value_of_json(dice: Random, depth: int = 2) -> Any:
    kind = dice.random()
    if kind < 0.4 or not depth:
        return text(dice)
    if kind < 0.8:
        return dice.choice((*NUMBERS, None, True, False, [], {}))
    several = [value_of_json(dice, depth - 1) for _ in range(dice.randint(1, 3))]
    return several if kind < 0.9 else {dice.choice((*GIVEN, "id", "name", text(dice))): one for one in several}


BODIES = (
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"0",
    b"{",
    b"{}{}",
    b"\xef\xbb\xbf{}",
    b'{"by": "\\ud800"}',
    b'{"by": "\xff"}',
    b'{"by": "a", "by": "b"}',
    b'{"by": NaN}',
    b'{"limit": 1e999}',
    b'{"data": ' + b"[" * 30_000,
    b'{"data": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"data": {"a": ' + b"9" * 5000 + b"}}",
    b"{" + b'"a":{' * 5000,
    '{"by": "x"}'.encode("utf-16"),
    b"by=x",
    b'{"by": "' + b"x" * 70_000 + b'"}',
)
"""Bodies that are no object of ours."""


def call(dice: Random, site: Site) -> Knock:
    """A call of the HTTP API, by whoever has a key."""
    operation = dice.choice(OPERATIONS)
    path = "/portal/api/v1" + operation.path.replace("{ref}", dice.choice(site.refs))
    if seldom(dice):
        path = _mangled(dice, site, path)
    wanted = [name for name in operation.takes.model_fields if name in WANTED or (name in GIVEN and at_times(dice))]
    given: Any = {name: GIVEN[name] for name in wanted}
    for _ in some(dice):
        given = _spoilt(dice, given)
    knock = Knock(None, operation.method, path, headers={"Authorization": f"Bearer {site.key}"})
    if at_times(dice):
        knock.headers["Idempotency-Key"] = dice.choice(("k-1", "k-2", *HEADERS["Idempotency-Key"]))
    if operation.method == "GET":
        pairs = given.items() if isinstance(given, dict) else [("limit", given)]
        knock.query = encoded([(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs])
        return knock
    written = json.dumps(given, ensure_ascii=at_times(dice)).encode("utf-8", "surrogatepass")
    knock.body = dice.choice(BODIES) if seldom(dice) else written
    knock.content_type = dice.choice(TYPES) if seldom(dice) else "application/json"
    return knock


def _spoilt(dice: Random, value: Any) -> Any:
    """The same with one thing in it replaced, removed or added."""
    if isinstance(value, dict) and value:
        name = dice.choice([*value])
        change = dice.choice(("go on", "go on", "go on", "remove", "add"))
        if change == "remove":
            return {key: inner for key, inner in value.items() if key != name}
        if change == "add":
            return value | {dice.choice((*NAMES, text(dice))): value_of_json(dice)}
        return value | {name: _spoilt(dice, value[name])}
    return value_of_json(dice)


# What the text gateway calls.


def text_message(dice: Random, site: Site) -> Knock:
    """A text that came in, or word of one that was sent; mostly genuine."""
    fields: dict[str, str] = {
        "MessageSid": dice.choice(("SM1", "SM2", text(dice))),
        "From": dice.choice((PHONE, PHONE, "+447700900123", "12345", "anonymous", text(dice))),
        "Body": dice.choice(("STOP", "START", "YES", "HELP", "Stop. Thank you", text(dice), text(dice), text(dice))),
        "OptOutType": dice.choice(("", "", "STOP", "START", "HELP", text(dice))),
        "MessageStatus": dice.choice(("delivered", "failed", "sent", text(dice))),
        "ErrorCode": dice.choice(("", "21610", "30003", text(dice))),
    }
    if seldom(dice):
        del fields[dice.choice([*fields])]
    if seldom(dice):
        fields[text(dice)] = text(dice)
    path = dice.choice((INBOUND, INBOUND, f"/portal/sms/status/{site.arguments['key'][0]}"))
    if seldom(dice):
        path = _mangled(dice, site, path)
    # Signed is what arrives: of half a character, a mark in its place.
    arrives = {_arriving(name): _arriving(value) for name, value in fields.items()}
    signature = RequestValidator(TOKEN).compute_signature(URL.removesuffix(INBOUND) + _arriving(path), arrives)
    if seldom(dice):
        signature = dice.choice((signature[:-1], signature[::-1], *HEADERS["X-Twilio-Signature"]))
    return Knock(None, "POST", path, b"", encoded([*fields.items()]), headers={"X-Twilio-Signature": signature})


def _arriving(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def described(knock: Knock) -> Sequence[Any]:
    """Enough of it to see what went wrong."""
    body = knock.body if knock.body is None or len(knock.body) < 600 else knock.body[:600] + b"..."
    return knock.who, knock.method, knock.path[:200], knock.query[:300], knock.content_type, body, knock.headers
