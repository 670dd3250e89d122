"""Requests that nobody should send, drawn one by one: whatever is right about them was right on a page of the site."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from portal_plugin.web.api.routes import OPERATIONS
from tests.api.support import WANTED
from tests.fuzz.hostile import HEADERS, HOSTILE, NAMES, RAW, TYPES, can_be_shown
from tests.fuzz.site import WHO, Site, Way
from tests.fuzz.watch import Asked, Watch
from tests.support import PEOPLE, TUESDAY_TEN
from tests.web.texter import INBOUND, PHONE, TOKEN, URL

Draw = Callable[[st.SearchStrategy[Any]], Any]
Fields = list[tuple[str, str]]

HTML_FORM = "application/x-www-form-urlencoded"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}

hostile = st.integers(0, len(HOSTILE) - 1).map(HOSTILE.__getitem__)
"""By number, since Hypothesis writes down what there was to choose from, and some of it is long."""

texts = hostile | st.text(max_size=40) | st.lists(hostile, max_size=3).map("".join)
headers = st.sampled_from([*HEADERS]).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name])))
some = st.sampled_from([0, 0, 1, 1, 2, 4])
seldom = st.sampled_from([False] * 9 + [True])
at_times = st.sampled_from([False, False, True])


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


def knocks(draw: Draw, site: Site) -> Knock:
    kind = draw(st.sampled_from([form, form, form, form, page, page, call, call, text_message]))
    knock: Knock = kind(draw, site)
    for _ in range(draw(some)):
        name, value = draw(headers)
        knock.headers[name] = value
    return knock


# Forms.


def form(draw: Draw, site: Site) -> Knock:
    """A form of a page with something wrong about it, or nothing."""
    way: Way = draw(st.sampled_from(site.ways))
    fields = [*way.form.fields]
    offered = {name: one.values for name, one in way.form.controls.items()}
    for _ in range(draw(some)):
        fields = _changed(draw, fields, offered)
    path, _, query = way.form.action.partition("?")
    if draw(seldom):
        path = _mangled(draw, site, path)
    elif draw(seldom):
        path = _filled(draw, site, draw(st.sampled_from(site.acting)))
    who = draw(st.sampled_from(WHO)) if draw(seldom) else way.who
    sent = encoded(fields)
    if draw(seldom):
        sent += b"&" + draw(st.sampled_from(RAW))
    if way.form.method == "get":
        return Knock(who, "GET", path, sent, headers=dict(PARTIAL) if draw(at_times) else {})
    knock = Knock(who, "POST", path, query.encode(), sent, headers=dict(PARTIAL) if draw(at_times) else {})
    if draw(seldom):
        knock.content_type = draw(st.sampled_from(TYPES))
    else:
        knock.shown = _to_be_shown(way, fields)
    return knock


def _changed(draw: Draw, fields: Fields, offered: dict[str, list[str]]) -> Fields:
    change = draw(st.sampled_from(["type", "type", "type", "choose", "leave out", "repeat", "add", "array"]))
    if change == "add" or not fields:
        return [*fields, (draw(st.sampled_from(NAMES) | texts), draw(texts))]
    n = draw(st.integers(0, len(fields) - 1))
    name, value = fields[n]
    if change == "repeat":
        return [*fields, (name, draw(st.just(value) | texts))]
    if change == "leave out":
        return fields[:n] + fields[n + 1 :]
    if change == "array":
        return [*fields[:n], (f"{name}[]", value), *fields[n + 1 :]]
    if change == "choose":
        name = draw(st.sampled_from(sorted(offered)))
        value = draw(st.sampled_from(offered[name]))
        return [*((key, one) for key, one in fields if key != name), (name, value)]
    return [*fields[:n], (name, draw(texts)), *fields[n + 1 :]]


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


def page(draw: Draw, site: Site) -> Knock:
    """An address of a page with another query, with mangled parts, or by another method."""
    path, _, query = draw(st.sampled_from(site.pages) | st.sampled_from([*site.links])).partition("?")
    fields = parse_qsl(query, keep_blank_values=True)
    for _ in range(draw(some)):
        fields = _changed(draw, fields, {name: [value] for name, value in fields} or {"date": ["2026-12-09"]})
    if draw(at_times):
        path = _mangled(draw, site, path)
    sent = encoded(fields) + (draw(st.sampled_from(RAW)) if draw(seldom) else b"")
    method = draw(st.sampled_from(["GET"] * 8 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND"]))
    return Knock(draw(st.sampled_from(WHO)), method, path, sent, headers=dict(PARTIAL) if draw(at_times) else {})


def _mangled(draw: Draw, site: Site, path: str) -> str:
    """One part of a path is another's, cut, doubled, with one bit turned, or nonsense."""
    parts = path.split("/")
    n = draw(st.integers(1, max(1, len(parts) - 1)))
    part = parts[n] if n < len(parts) else ""
    known = [value for values in site.arguments.values() for value in values]
    at = draw(st.integers(0, max(0, len(part) - 1)))
    mangled = draw(
        st.sampled_from(
            [
                *(
                    part[:at],
                    part + part,
                    part.swapcase(),
                    part[:at] + part[at + 1 :],
                    f"{part}.{part}",
                    part + "=" * 3,
                ),
                part[:at] + "".join(chr(ord(one) ^ 1) for one in part[at : at + 1]) + part[at + 1 :],
                quote(part[:at]) + "%2f" + part[at:],
            ]
        )
        | st.sampled_from(known)
        | texts
    )
    return "/".join([*parts[:n], mangled, *parts[n + 1 :]])


def _filled(draw: Draw, site: Site, rule: str) -> str:
    """A route's address with one value of those that can stand in it."""
    parts = rule.split("<")
    for n, part in enumerate(parts[1:], 1):
        name, _, rest = part.partition(">")
        parts[n] = draw(st.sampled_from(site.arguments[name.rpartition(":")[2]])) + rest
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

numbers = st.sampled_from([0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**20, -(2**63) - 1, 10**400])
leaves = texts | numbers | st.none() | st.booleans()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GIVEN, "id", "name"]) | texts, inner, max_size=3)
    ),
    max_leaves=6,
)
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


def call(draw: Draw, site: Site) -> Knock:
    """A call of the HTTP API, by whoever has a key."""
    operation = draw(st.sampled_from(OPERATIONS))
    path = "/portal/api/v1" + operation.path.replace("{ref}", draw(st.sampled_from(site.refs)))
    if draw(seldom):
        path = _mangled(draw, site, path)
    given: Any = {name: GIVEN[name] for name in operation.takes.model_fields if name in GIVEN and draw(_usually(name))}
    for _ in range(draw(some)):
        given = _spoilt(draw, given)
    knock = Knock(None, operation.method, path, headers={"Authorization": f"Bearer {site.key}"})
    if draw(at_times):
        knock.headers["Idempotency-Key"] = draw(st.sampled_from(["k-1", "k-2", *HEADERS["Idempotency-Key"]]))
    if operation.method == "GET":
        pairs = given.items() if isinstance(given, dict) else [("limit", given)]
        knock.query = encoded([(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs])
        return knock
    written = json.dumps(given, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    knock.body = draw(st.sampled_from(BODIES)) if draw(seldom) else written
    knock.content_type = draw(st.sampled_from(TYPES)) if draw(seldom) else "application/json"
    return knock


def _usually(name: str) -> st.SearchStrategy[bool]:
    needed = name in {"type", "contact", "location", "starts", "client"}
    return st.just(True) if needed else st.booleans()


def _spoilt(draw: Draw, value: Any) -> Any:
    """The same with one thing in it replaced, removed or added."""
    if isinstance(value, dict) and value:
        name = draw(st.sampled_from([*value]))
        change = draw(st.sampled_from(["go on", "go on", "go on", "remove", "add"]))
        if change == "remove":
            return {key: inner for key, inner in value.items() if key != name}
        if change == "add":
            return value | {draw(st.sampled_from(NAMES) | texts): draw(values)}
        return value | {name: _spoilt(draw, value[name])}
    return draw(values)


# What the text gateway calls.


def text_message(draw: Draw, site: Site) -> Knock:
    """A text that came in, or word of one that was sent; mostly genuine."""
    fields: dict[str, str] = {
        "MessageSid": draw(st.just("SM1") | texts),
        "From": draw(st.sampled_from([PHONE, "+447700900123", "12345", "anonymous", *PEOPLE]) | texts),
        "Body": draw(st.sampled_from(["STOP", "START", "YES", "HELP", "Stop. Thank you"]) | texts),
        "OptOutType": draw(st.sampled_from(["", "STOP", "START", "HELP"]) | texts),
        "MessageStatus": draw(st.sampled_from(["delivered", "failed", "sent"]) | texts),
        "ErrorCode": draw(st.sampled_from(["", "21610", "30003"]) | texts),
    }
    for name in draw(st.lists(st.sampled_from([*fields]), max_size=2)):
        fields.pop(name, None)
    if draw(seldom):
        fields[draw(texts)] = draw(texts)
    path = draw(st.sampled_from([INBOUND, INBOUND, f"/portal/sms/status/{site.arguments['key'][0]}"]))
    if draw(seldom):
        path = _mangled(draw, site, path)
    # Signed is what arrives: of half a character, a mark in its place.
    arrives = {_arriving(name): _arriving(value) for name, value in fields.items()}
    signature = RequestValidator(TOKEN).compute_signature(URL.removesuffix(INBOUND) + quote(path), arrives)
    if draw(seldom):
        signature = draw(st.sampled_from([signature[:-1], signature[::-1], *HEADERS["X-Twilio-Signature"]]))
    return Knock(None, "POST", path, b"", encoded([*fields.items()]), headers={"X-Twilio-Signature": signature})


def _arriving(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def described(knock: Knock) -> Sequence[Any]:
    """Enough of it to see what went wrong."""
    body = knock.body if knock.body is None or len(knock.body) < 600 else knock.body[:600] + b"..."
    return knock.who, knock.method, knock.path[:200], knock.query[:300], knock.content_type, body, knock.headers
