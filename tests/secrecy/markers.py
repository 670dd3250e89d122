"""Words that are planted where something personal or secret stands, and where each of them may turn up."""

import base64
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

PERSON = {
    "client's id": "id-marker",
    "client's name": "Quinella Namemarker",
    "client's mail": "seven@mailmarker.example",
    "client's phone": "+12125550143",
    "note": "notemarker",
    "message": "messagemarker",
    "reason": "reasonmarker",
    "host's reference": "referencemarker",
    "host's data": "datamarker",
    "guest's name": "Gundula Guestmarker",
    "guest's mail": "eight@guestmail-marker.example",
    "guest's phone": "+12125550177",
    "answer": "answermarker",
    "stranger's name": "Frida Strangermarker",
    "text that came in": "textmarker",
}
"""Of clients, and what they and the practice say to each other."""

HEALTH = {
    "type": "Typemarker session",
    "type's words": "typewordsmarker",
    "contact type": "Contactmarker call",
    "specialty": "Specialtymarker",
    "place in a call": "callmarker",
    "wish": "2027-01-21",
    "staff": "Rosalba Staffmarker",
}
"""What tells what somebody comes for, how, or with whom they had to do."""

SECRETS = {
    "SECRET_KEY": "secretkeymarker-0123456789abcdef",
    "earlier SECRET_KEY": "earlierkeymarker-0123456789abcdef",
    "gateway's token": "gatewaymarker0123456789abcdef",
    "SMTP password": "smtpmarker0123456789",
    "database password": "databasemarker0123456789",
    "metrics token": "metricsmarker0123456789",
    "calendar's secret": "calendarmarker0123456789",
    "Idempotency-Key": "idempotencymarker-1",
}
"""What opens something, chosen here."""

PATTERNS = {
    "form token": re.compile(r"(?<!\d)\d{10}\.[0-9a-f]{64}"),
    "link": re.compile(r"WyJhZ2Fpb[\w-]+\.[\w-]{20,}"),
    "guest's link": re.compile(r"WyJndWVzd[\w-]+\.[\w-]{20,}"),
    "link to verify": re.compile(r"WyJ2ZXJpZ[\w-]+\.[\w-]{20,}"),
    "session": re.compile(r"eyJ3aG8i[\w-]+\.[\w-]+"),
    "API key": re.compile(r"portal_[0-9a-f]{12}_[\w-]{43}"),
    "webhook's secret": re.compile(r"whsec_[\w+/=]{20,}"),
    "feed's address": re.compile(r"/calendar/[\w-]{43}"),
    "number": re.compile(r"212\D{0,4}555\D{0,4}0?1(?:43|77)(?!\d)"),
}
"""What is made while the tests run, by its shape: the first letters of a link say what it is for."""

WORDS = {what: word.casefold() for what, word in (PERSON | HEALTH | SECRETS).items()}
# Half of a name or of an address is enough to know somebody by, and a part of a secret is too much.
PARTS = {
    "client's name": ("quinella", "namemarker"),
    "client's mail": ("mailmarker",),
    "guest's name": ("gundula", "guestmarker"),
    "guest's mail": ("guestmail-marker",),
    "stranger's name": ("strangermarker",),
    "type": ("typemarker",),
    "contact type": ("contactmarker",),
    "staff": ("rosalba", "staffmarker"),
} | {what: (word[:12].casefold(),) for what, word in SECRETS.items()}
EVERY = frozenset(WORDS) | frozenset(PATTERNS) - {"number"}

_ENCODED = re.compile(r"[A-Za-z0-9+_-]{16,}")


def found(text: str) -> frozenset[str]:
    """What is planted in a text, however it is written: percent-encoded, escaped for HTML, in base64, in capitals."""
    return frozenset(_found(text))


def _found(text: str) -> Iterator[str]:
    for one in _readings(text):
        low = one.casefold()
        for what, word in WORDS.items():
            if any(part in low for part in PARTS.get(what, (word,))):
                yield what
        for what, pattern in PATTERNS.items():
            for match in pattern.finditer(one):
                if what == "number":
                    yield "client's phone" if match[0].endswith("43") else "guest's phone"
                else:
                    yield what


def _readings(text: str) -> Iterator[str]:
    yield text
    plain = html.unescape(unquote_plus(text))
    if plain != text:
        yield plain
    hidden = [_decoded(match[0]) for match in _ENCODED.finditer(text)]
    if any(hidden):
        yield " ".join(filter(None, hidden))


def _decoded(text: str) -> str:
    return base64.urlsafe_b64decode(text[: len(text) // 4 * 4].replace("+", "-")).decode("latin-1")


OFFER = {"type", "type's words", "contact type", "specialty"}
"""What the practice says of what it offers."""
CLIENTS = {"client's name", "client's mail", "client's phone"}
GUESTS = {"guest's name", "guest's mail", "guest's phone"}
APPOINTMENT = CLIENTS | GUESTS | {"client's id", "stranger's name", "note", "message", "reason", "host's reference"}
LINKS = {"link", "guest's link", "link to verify"}
NOTHING: frozenset[str] = frozenset()

MAY = {
    # Pages, by who reads them. What somebody typed comes back to them.
    "page of the client": OFFER | CLIENTS - {"client's name"} | {"note", "message", "form token", "feed's address"},
    "page of a guest": OFFER - {"contact type"} | GUESTS | {"note", "message", "form token"},
    "page of a visitor": OFFER - {"specialty"} | GUESTS | {"note", "answer", "form token"},
    "page of staff": OFFER - {"type's words"} | APPOINTMENT | {"answer", "staff", "form token", "feed's address"},
    "page of nobody": NOTHING,
    # What travels in an address is kept by browsers, proxies and logs.
    "address on a page": {"place in a call"},
    "address on a page of staff": {"client's id"},
    "address on a guest's page": {"guest's link", "link to verify"},
    "address on a calendar's page": {"feed's address"},
    "address that was asked for": LINKS | {"feed's address"},
    "address that is led to": {"link", "guest's link"},
    "hidden in a page": NOTHING,
    "cookie": NOTHING,
    "subject": NOTHING,
    "header of a mail": {"client's mail", "guest's mail"},
    "mail to the client": {"client's name", "message", "contact type", "type's words"},
    "mail to a guest": {"guest's name", "message", "type's words"},
    "mail to another client": {"stranger's name", "message", "contact type", "type's words"},
    "mail to staff": NOTHING,
    "address in a mail": LINKS | {"place in a call"},
    "address of a calendar on the web": {"place in a call", "contact type"},
    "invitation to the client": {"client's name", "client's mail", "contact type", "place in a call"},
    "invitation to a guest": {"guest's name", "guest's mail"},
    "invitation to another client": {"stranger's name", "contact type", "place in a call"},
    "calendar of the client": {"contact type", "place in a call"},
    "calendar of a provider": {"contact type"},
    "text": NOTHING,
    "answer to a text": NOTHING,
    "thin webhook": NOTHING,
    "full webhook": APPOINTMENT | {"type", "contact type", "host's data"},
    "API": APPOINTMENT | {"host's data", "staff"},
    "API without names": OFFER,
    "API's refusal": NOTHING,
    "command": APPOINTMENT | {"type", "contact type", "host's data", "staff", "wish", "text that came in"},
    "command without names": {"type", "type's words", "contact type", "specialty"},
    "command's error output": NOTHING,
    # What outlives what it is about, or is read by others.
    "history": {"client's id", "staff", "reason", "message"},
    "outbox's reasons": NOTHING,
    "counters": NOTHING,
    "kept answers": NOTHING,
    "ledger": {"client's id", "client's phone", "guest's phone", "text that came in"},
    "log": NOTHING,
    "monitoring": NOTHING,
    "repr": OFFER | {"client's id", "host's reference"},
    "error": NOTHING,
}
"""Where what may stand: all else must not turn up there. docs/security.md says the same in plain words."""
