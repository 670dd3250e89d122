"""What strangers send, in one list. A new trick goes in here, and every room is tried with it."""

MARK = "zq9"
"""No word of ours: as a tag, an attribute, a header or a line of its own it shows that a text broke out."""

SUM = "54439"
"""What `{{ 7777 * 7 }}` comes to, should anything ever work it out."""

MARKUP = (
    f"<{MARK}>",
    f"</textarea></form><{MARK} {MARK}=1>",
    f'"on{MARK}=" {MARK}="',
    f"'on{MARK}=' {MARK}='",
    f'" data-hx-get="/{MARK}" {MARK}=1 data-hx-trigger="load',
    f"<!--<{MARK}",
    f"]]><{MARK}/>",
    f"javascript:{MARK}()",
    f"&lt;{MARK}&gt;&#60;{MARK}&#62;",
    "{{ 7777 * 7 }}",
    "{% include '/etc/passwd' %}{{ config }}",
    "${7777 * 7}#{7777 * 7}",
)

FORMATS = (
    "%s%n%(x)s%d",
    "{0}{x!r}{",
    "\\N{BULLET}\\x00\\",
    "' OR 1=1 --",
    "'; DROP TABLE portal_claim; --",
    "%",
    "_%_",
)

CONTROLS = (
    "\0",
    "a\0b",
    "\r\n",
    f"a\r\n{MARK}: b",
    f"a\nBcc: {MARK}@{MARK}.example",
    "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "\x1b[31mred\x07",
    "\x7f\x80\x9f",
    "\ud800",
    "\udfffab",
    "\ufdd0\ufffe\uffff",
    "\U0010ffff",
)

UNSEEN = (
    "\u200b",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\u202egpj.exe",
    "\u2066a\u2069\u202c",
    "\u00ad",
    "\u3164",
    "\u0301\u0301",
    "e" + "\u0301" * 200,
    "\ufeffa",
    "\u00a0",
    "   ",
    "\t",
)

PEOPLE = (
    "O'Brien & Søn",
    "مرحبا بالعالم",
    "שלום",
    "李小龙",
    "👩\u200d👩\u200d👧",
    "می\u200cخواهم",
    "İıſßﬁ",
    "Nina\u00a0Okeke",
)

PATHS = (
    "../../etc/passwd",
    "..%2f..%2fetc",
    "/etc",
    "C:\\x",
    "file:///etc/passwd",
    "//evil.example/x",
    "\\\\evil\\x",
    ".",
)

NUMBERS = (
    "-1",
    "0",
    "00",
    "12345678901234567890",
    "9223372036854775808",
    "-9223372036854775809",
    "2147483648",
    "1e309",
    "NaN",
    "Infinity",
    "0x10",
    "1_0",
    "１２",
    "٣",
    "²",
    "½",
    "1" * 5000,
)

TIMES = (
    "2026-12-08T15:00:00Z",
    "2026-12-09T10:00:00-05:00",
    "2026-12-08T10:00:00",
    "2026-12-08",
    "0000-01-01T00:00:00Z",
    "0000-01-01",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01",
    "2000-01-01T00:00:00Z",
    "2999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31",
    "9999-12",
    "10000-01-01",
    "2026-12-08T15:00:60Z",
    "2026-12-08T24:00:00Z",
    "2026-12-08T15:00:00+99:99",
    "2027-03-14T02:30:00",  # skipped in New York
    "2027-03-14",
    "2026-11-01T01:30:00",  # twice in New York
    "2026-11-01",
    "02:30",
    "01:30",
    "25:61",
    "24:00",
    "٢٠٢٦-١٢-٠٨T15:00:00Z",
    "2026-W50-2",
    "tomorrow",
    "1796742000",
)

ZONES = (
    "localtime",
    "posixrules",
    "Factory",
    "right/UTC",
    "Etc/GMT+14",
    "America/New_York\0",
    "America",
    "america/new_york",
    "../../../etc/localtime",
    "/usr/share/zoneinfo/UTC",
    "x" * 9000,
    "UTC+5",
    "EST5EDT",
    "tzdata.zi",
)

MAILS = (
    f"nina@example.org\r\nBcc: {MARK}@evil.example",
    "nina@example.org,omar@example.org",
    "Nina <nina@example.org>",
    f"=?utf-8?q?=0D=0ABcc:_{MARK}@evil.example?= <nina@example.org>",
    f"=?utf-8?b?{'QUFB' * 30}?=",
    '"a b"@example.org',
    "nina@[127.0.0.1]",
    "ñina@exämple.org",
    f"{'n' * 64}@{'e.' * 90}org",
    "nina@example.org%0aBcc:x",
)

PHONES = (
    "+1 212 555 0187",
    "１２１２５５５０１８７",
    "+999 1",
    "+1 900 555 1234",
    "tel:+12125550187;ext=1",
    "+" * 40,
    "+1212555018٧",
    "911",
    "2125550187 x 12345678",
)

CALENDARS = (
    f"x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nX-{MARK.upper()}:1",
    f"x\\nATTENDEE:mailto:{MARK}@evil.example",
    f";VALUE=URI:{MARK};,\\",
)

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("//evil")')

LONG = ("x" * 121, "x" * 2001, "é" * 5000, "x " * 20_000, "😀" * 9000)

WORDS = (
    "visit",
    "call",
    "ada",
    "ben",
    "main",
    "annex",
    "phone",
    "in-person",
    "confirm",
    "decline",
    "book",
    "maya",
    "theo",
)
"""What the practice of these tests knows: right words in wrong places."""

HOSTILE = (
    *("", *MARKUP, *FORMATS, *CONTROLS, *UNSEEN, *PEOPLE, *PATHS, *NUMBERS, *TIMES, *ZONES),
    *(*MAILS, *PHONES, *CALENDARS, *FORMULAS, *LONG, *WORDS),
)

NAMES = ("status", "client", "client_id", "owner", "id", "ref", "price", "version", "expires", "starts", "ends", "zone")
NAMES += ("minutes", "provider", "type", "from", "verb", "message", "_method", "portal_token", "key", "date", "done")
"""Fields that a form may not have, or has already."""

RAW = (
    b"%",
    b"%zz",
    b"%f",
    b"%00",
    b"%C0%AF",
    b"%ED%A0%80",
    b"%FF%FE",
    b"\xff\xfe",
    b"\xc3",
    b"&&==&=",
    b";a=b;",
    b"a[]=1&a[0]=2&a[b]=3",
    b"%u0041",
    b"+%2B+",
    "ü=ü".encode(),
)
"""Bytes in a query or a form that are no text."""

TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=no-such",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "b" * 300,
    "application/json",
    "text/plain",
    "application/xml",
    "text/html; charset=\xff",
    "nonsense",
    "",
)
"""Content types of what is a form, or is none."""

_ODD = (*(text for text in HOSTILE if text.isprintable() and text.isascii()), "\xff\xfe", "%FF", "a" * 3000)

HEADERS: dict[str, tuple[str, ...]] = {
    "HX-Request": ("true", "false", "", "1", *_ODD[:4]),
    "HX-Request-Type": ("partial", "full", "nonsense", *_ODD[:4]),
    "HX-History-Restore-Request": ("true", "nonsense"),
    "HX-Current-URL": (
        *("http://localhost/portal/appointments/upcoming", "http://localhost/" + "a" * 3000, "https://evil.example/x"),
        *("http://[", "//[::1", "javascript:zq9()", "http://localhost:99999/x", "http://localhost/%zz?%", "\xff", "?"),
        *('http://localhost/"onzq9=', "http://localhost//evil.example/x", "http://localhost\\@evil.example/x"),
    ),
    "HX-Current-URL-URI-AutoEncoded": ("true", "nonsense"),
    "HX-Target": _ODD,
    "HX-Trigger": _ODD,
    "HX-Trigger-Name": _ODD,
    "HX-Prompt": _ODD,
    "HX-Boosted": ("true", "nonsense"),
    "Origin": ("null", "https://evil.example", "http://localhost", "http://[", "", "//", "http://localhost:x", "\xff"),
    "Sec-Fetch-Site": ("cross-site", "same-origin", "none", "nonsense"),
    "Referer": _ODD,
    "X-Request-ID": (*_ODD, "a" * 64, "12125550187"),
    "X-Forwarded-Host": ("evil.example", "[", "\xff"),
    "X-Forwarded-For": _ODD,
    "X-HTTP-Method-Override": ("DELETE", "PUT"),
    "Accept-Language": ("ar", "de", "xx-YY;q=zz", "*", "fr;q=1e309", "-", "es-" * 500, *_ODD[:6]),
    "Accept": ("application/json", "*/*;q=x", "\xff", ""),
    "User-Agent": ("", "\0", "\x1b[31m\x7f", "\xff\xfe", '<zq9>"onzq9=', "a" * 8000),
    "Cookie": (
        *("session=", "session=.eJx", "session=a.b.c", "=", ";;;", "portal=\xff", "a=b; a=c; a", 'x="', "session=\xff"),
        *("a" * 4000, "session=" + "e30" * 500, "portal_zone=../../etc/passwd", "portal_language=<zq9>"),
    ),
    "Cache-Control": ("nonsense", "max-age=-1"),
    "If-None-Match": ("*", '"', 'W/"zq9"', "\xff"),
    "If-Modified-Since": ("yesterday", "Thu, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"),
    "Range": ("bytes=0-0", "bytes=9-1", "bytes=-", "bytes=99999999999999999999-"),
    "Authorization": ("Basic", "Basic %%%", "Bearer ", "Bearer \xff", "Bearer " + "a" * 5000, "Digest x", "zq9"),
    "Idempotency-Key": ("", " ", "a" * 256, "é", "\xff", "a b", "'; --", "x", "%00"),
    "X-Twilio-Signature": ("", "zq9", "\xff", "=" * 200),
    "Content-Encoding": ("gzip", "nonsense"),
    "Transfer-Encoding": ("nonsense",),
    "Host": ("evil.example", "localhost:99999", "[", "\xff", "", "a" * 300),
}
"""By name, what a header may hold that servers let through."""


def can_be_shown(text: str) -> bool:
    """Whether a page has to give it back as it was typed: text that a person can type and read, and not too much."""
    return text.isprintable() and text == text.strip() and 0 < len(text) < 100
