"""The host's settings, read and checked once; every mistake is named together with what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many

from .domain.addresses import is_web_address
from .domain.errors import SetupError
from .domain.limits import Limit
from .domain.staff_mail import StaffMail, read_staff_mail
from .domain.webhooks import Endpoint, check_url, read_endpoint
from .wording import shipped

Clock = Callable[[], datetime]

_LONGEST_RETENTION = 36_500
SHORTEST_SECRET = 16
"""Characters; what is shorter can be tried out. Debugging and testing may use any."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Twilio:
    """`sender` is a number in E.164 or the SID of a messaging service; `api` is Twilio's address. `answers_itself`: it
    answers STOP, START and HELP of its own accord, as it does unless one asks it not to. `other_auth_token` signs what
    comes in, too, while the one is replaced by the other.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    api: str
    answers_itself: bool = True
    other_auth_token: str = field(default="", repr=False)


class CalendarLinks(NamedTuple):
    """Where calendars on the web open with an appointment filled in; they have moved before."""

    google: str = "https://calendar.google.com/calendar/render"
    outlook: str = "https://outlook.live.com/calendar/0/deeplink/compose"
    microsoft_365: str = "https://outlook.office.com/calendar/0/deeplink/compose"


@dataclass(frozen=True, slots=True)
class Settings:
    """`PORTAL_` settings; docs/embedding.md has a line for each. The last of `secret_keys`, oldest first, signs."""

    secret_keys: tuple[str, ...] = field(repr=False)
    database_url: str = field(repr=False)
    base_url: str
    base_template: str
    framing: str
    sign_in: str
    bundled_htmx: bool
    retention: timedelta | None
    outbox_kept: timedelta | None
    private_addresses: bool
    calendar_links: CalendarLinks
    webhooks: tuple[Endpoint, ...]
    staff_mail: tuple[StaffMail, ...]
    sms: Any
    twilio: Twilio | None
    limits: Mapping[Limit, RateLimitItem | None]
    limits_storage: str = field(repr=False)
    host_deadline: float | None
    languages: tuple[str, ...]
    metrics_token: str = field(repr=False)
    clock: Clock


def read_settings(config: Mapping[str, Any], instance_path: str) -> Settings:
    """Raises SetupError with one line for each setting that is missing or wrong."""
    mistakes: list[str] = []

    def text(name: str, default: str) -> str:
        value = config.get(name, default)
        if isinstance(value, str):
            return value.strip()
        # Some are secrets, so what was written is not repeated.
        mistakes.append(f"{name} must be text, not {type(value).__name__}.")
        return default

    secret = config.get("SECRET_KEY")
    if not secret:
        mistakes.append("SECRET_KEY is not set: set it to a long random text, kept out of the repository.")
    elif len(_as_text(secret)) < SHORTEST_SECRET and not (config.get("DEBUG") or config.get("TESTING")):
        mistakes.append(
            f"SECRET_KEY has fewer than {SHORTEST_SECRET} characters, and can be guessed: set it to what "
            '`python -c "import secrets; print(secrets.token_hex())"` prints.'
        )
    fallbacks = _fallbacks(config, mistakes)
    base_url = text("PORTAL_BASE_URL", "").rstrip("/")
    if not base_url:
        mistakes.append(
            "PORTAL_BASE_URL is not set: set it to the site's public address, such as "
            '"https://www.example.org"; links in mails begin with it.'
        )
    elif not is_web_address(base_url) or "?" in base_url:
        mistakes.append(f'PORTAL_BASE_URL is {base_url!r}: write a whole address, such as "https://www.example.org".')
    database_url = text("PORTAL_DATABASE_URL", f"sqlite:///{Path(instance_path) / 'portal.db'}")
    if not re.match(r"(sqlite:///|postgresql://[^/]*/)[^?:]", database_url):
        mistakes.append(
            "PORTAL_DATABASE_URL is not an address the portal knows: write "
            '"sqlite:////var/lib/site/portal.db" or "postgresql://user:password@host/database".'
        )
    elif database_url.startswith("postgresql:") and not _can_be_read(database_url):
        mistakes.append(
            "PORTAL_DATABASE_URL cannot be read: write what is special in its password (such as / # ? @) as %2F, %23, "
            "%3F, %40, and its port in digits."
        )
    htmx = text("PORTAL_HTMX", "bundled")
    if htmx not in {"bundled", "host"}:
        mistakes.append(
            f'PORTAL_HTMX is {htmx!r}: write "bundled" to use the portal\'s own htmx, '
            'or "host" when the site loads htmx itself.'
        )
    retention = _days("PORTAL_RETENTION_DAYS", config.get("PORTAL_RETENTION_DAYS"), "3650 for ten years", mistakes)
    outbox_kept = _days("PORTAL_OUTBOX_DAYS", config.get("PORTAL_OUTBOX_DAYS", 30), "30", mistakes)
    private_addresses = config.get("PORTAL_PRIVATE_ADDRESSES", False)
    if not isinstance(private_addresses, bool):
        mistakes.append(f"PORTAL_PRIVATE_ADDRESSES is {private_addresses!r}: write True or False.")
    calendar_links = _calendar_links(config.get("PORTAL_CALENDAR_LINKS") or {}, mistakes)
    webhooks = _webhooks(config.get("PORTAL_WEBHOOKS") or [], private_addresses is True, mistakes)
    staff_mail = _staff_mail(config.get("PORTAL_STAFF_MAIL") or [], mistakes)
    twilio = _twilio(config.get("PORTAL_TWILIO"), private_addresses is True, mistakes)
    sms = config.get("PORTAL_SMS", "console")
    if sms == "twilio" and not config.get("PORTAL_TWILIO"):
        mistakes.append(f'PORTAL_SMS is "twilio", so PORTAL_TWILIO is needed: {_TWILIO}.')
    elif sms not in ("console", "twilio") and not callable(getattr(sms, "send", sms)):
        mistakes.append(
            'PORTAL_SMS must be "console", "twilio", or a gateway of yours: a function (to, text, key), or an object '
            "with such a method send."
        )
    limits = dict(_limits(config.get("PORTAL_LIMITS") or {}, mistakes))
    limits_storage = text("PORTAL_LIMITS_STORAGE", "")
    if limits_storage and not re.match(r"(rediss?://[^/]|redis\+unix:///[^/])", limits_storage):
        # It may hold a password.
        mistakes.append(
            'PORTAL_LIMITS_STORAGE is not an address of Redis: write "redis://host:6379/0", or leave it out to count '
            "in the portal's own database."
        )
    host_deadline = config.get("PORTAL_HOST_DEADLINE", 5)
    if host_deadline is not None and not (type(host_deadline) in {int, float} and 0 < host_deadline <= 60):
        mistakes.append(
            f"PORTAL_HOST_DEADLINE is {host_deadline!r}: write how many seconds the site's own answers may take, "
            "at most 60, or None to wait for ever."
        )
    metrics_token = text("PORTAL_METRICS_TOKEN", "")
    if metrics_token and len(metrics_token) < SHORTEST_SECRET:
        mistakes.append(f"PORTAL_METRICS_TOKEN is short: write a random text of {SHORTEST_SECRET} characters or more.")
    languages = _languages(config.get("PORTAL_LANGUAGES") or shipped(), mistakes)
    framing = _framing(config.get("PORTAL_FRAMING", "deny"), mistakes)
    base_template = text("PORTAL_BASE_TEMPLATE", "portal/base.html")
    sign_in = text("PORTAL_SIGN_IN", "")
    clock = config.get("PORTAL_CLOCK", utc_now)
    if not callable(clock):
        mistakes.append("PORTAL_CLOCK must be a function that returns the time as an aware datetime.")
    if mistakes:
        raise SetupError("The portal cannot start.\n" + "\n".join(f"- {mistake}" for mistake in mistakes))
    return Settings(
        secret_keys=(*fallbacks, _as_text(secret)),
        database_url=database_url,
        base_url=base_url,
        base_template=base_template,
        framing=framing,
        sign_in=sign_in,
        bundled_htmx=htmx == "bundled",
        retention=retention,
        outbox_kept=outbox_kept,
        private_addresses=private_addresses,
        calendar_links=calendar_links,
        webhooks=webhooks,
        staff_mail=staff_mail,
        sms=sms,
        twilio=twilio,
        limits=limits,
        limits_storage=limits_storage,
        host_deadline=host_deadline,
        languages=languages,
        metrics_token=metrics_token,
        clock=clock,
    )


def _days(name: str, days: object, example: str, mistakes: list[str]) -> timedelta | None:
    if days is None:
        return None
    if type(days) is int and 0 < days <= _LONGEST_RETENTION:
        return timedelta(days=days)
    mistakes.append(f"{name} is {days!r}: write a whole number of days, such as {example}, or None to keep everything.")
    return None


def _calendar_links(given: object, mistakes: list[str]) -> CalendarLinks:
    links: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"": given}
    if links.keys() <= set(CalendarLinks._fields) and all(
        isinstance(link, str) and link.startswith("https://") and is_web_address(link) and "?" not in link
        for link in links.values()
    ):
        return CalendarLinks(**links)
    mistakes.append(
        f"PORTAL_CALENDAR_LINKS is {given!r}: write a dict with a whole https address for one or more of "
        f"{', '.join(CalendarLinks._fields)}."
    )
    return CalendarLinks()


_TWILIO = "write a dict with account_sid, auth_token, and from (a number such as +12125550100) or messaging_service_sid"


def _twilio(data: object, private: bool, mistakes: list[str]) -> Twilio | None:
    if not data:
        return None
    given = dict(data) if isinstance(data, Mapping) else {}
    answers_itself = given.pop("answers_itself", True)
    texts = {name: value.strip() for name, value in given.items() if isinstance(value, str) and value.strip()}
    service, number = texts.get("messaging_service_sid", ""), texts.get("from", "")
    known = {"account_sid", "auth_token", "other_auth_token", "from", "messaging_service_sid", "api"}
    if not isinstance(answers_itself, bool):
        mistakes.append("PORTAL_TWILIO: answers_itself must be True or False.")
    elif texts.keys() != given.keys() or not {"account_sid", "auth_token"} <= texts.keys() <= known:
        # What was written may hold the secret under another name.
        mistakes.append(f"PORTAL_TWILIO: {_TWILIO}.")
    elif bool(service) == bool(number) or not re.fullmatch(r"MG[0-9a-zA-Z]{32}|\+?[0-9]{3,15}", service or number):
        mistakes.append("PORTAL_TWILIO: from must be a number such as +12125550100, or messaging_service_sid MG...")
    else:
        try:
            api = check_url(texts.get("api", "https://api.twilio.com"), private)
            return Twilio(
                texts["account_sid"],
                texts["auth_token"],
                service or number,
                api.rstrip("/"),
                answers_itself,
                texts.get("other_auth_token", ""),
            )
        except ValueError:
            mistakes.append("PORTAL_TWILIO: api must be a whole https address; leave it out for Twilio's own.")
    return None


_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def _framing(value: object, mistakes: list[str]) -> str:
    """Who may put the portal's pages into a frame, in the words of a Content-Security-Policy's `frame-ancestors`."""
    if value in ("deny", "same-origin"):
        return "'none'" if value == "deny" else "'self'"
    if isinstance(value, list | tuple) and value and all(isinstance(o, str) and _ORIGIN.fullmatch(o) for o in value):
        return " ".join(("'self'", *value))
    mistakes.append(
        f'PORTAL_FRAMING is {value!r}: write "deny", "same-origin", or a list of the sites that may show the portal in '
        'a frame, such as ["https://www.example.org"].'
    )
    return "'none'"


def _webhooks(listed: object, private: bool, mistakes: list[str]) -> tuple[Endpoint, ...]:
    if not isinstance(listed, list | tuple):
        mistakes.append("PORTAL_WEBHOOKS must be a list with a dict for each endpoint.")
        return ()
    found: dict[str, Endpoint] = {}
    for number, data in enumerate(listed, 1):
        try:
            endpoint = read_endpoint(data, private)
        except ValueError as error:
            mistakes.append(f"PORTAL_WEBHOOKS, endpoint {number}: {error}.")
            continue
        if endpoint.key in found:
            mistakes.append(f"PORTAL_WEBHOOKS, endpoint {number}: its url stands there already.")
        found[endpoint.key] = endpoint
    return tuple(found.values())


def _staff_mail(listed: object, mistakes: list[str]) -> tuple[StaffMail, ...]:
    if not isinstance(listed, list | tuple):
        mistakes.append('PORTAL_STAFF_MAIL must be a list with a dict for each address: [{"to": "desk@example.org"}].')
        return ()
    found: list[StaffMail] = []
    for number, data in enumerate(listed, 1):
        try:
            entry = read_staff_mail(data)
        except ValueError as error:
            mistakes.append(f"PORTAL_STAFF_MAIL, entry {number}: {error}.")
            continue
        twice = sorted(event for one in found if one.address == entry.address for event in one.events & entry.events)
        if twice:
            mistakes.append(f"PORTAL_STAFF_MAIL, entry {number}: its address is told of {twice[0]} already.")
        found.append(entry)
    return tuple(found)


def _languages(listed: object, mistakes: list[str]) -> tuple[str, ...]:
    if isinstance(listed, list | tuple) and set(listed) <= set(shipped()):
        return tuple(listed)
    known = ", ".join(f'"{tag}"' for tag in shipped())
    mistakes.append(f"PORTAL_LANGUAGES is {listed!r}: write a list of those the portal speaks, which are {known}.")
    return ()


def _limits(given: object, mistakes: list[str]) -> Iterator[tuple[Limit, RateLimitItem | None]]:
    """Each limit with its rate, or None where there is none."""
    changed = dict(given) if isinstance(given, Mapping) else {}
    if not isinstance(given, Mapping):
        mistakes.append('PORTAL_LIMITS must be a dict of names and rates, such as {"client_forms": "60/hour"}.')
    for limit in Limit:
        rate = changed.pop(limit.key, limit.rate)
        read = _rate(rate)
        if read is None and rate is not None:
            mistakes.append(
                f'PORTAL_LIMITS: {limit.key} is {rate!r}: write how often, such as "{limit.rate}", or None to lift '
                "that limit."
            )
        yield limit, read
    known = ", ".join(limit.key for limit in Limit)
    mistakes.extend(f"PORTAL_LIMITS: {name!r} is no limit: write one of {known}." for name in changed)


def _rate(text: object) -> RateLimitItem | None:
    """None for what is no single rate."""
    try:
        rate, *more = parse_many(text) if isinstance(text, str) else []
    except ValueError:
        return None
    return rate if rate.amount > 0 and rate.multiples > 0 and not more else None


def _fallbacks(config: Mapping[str, Any], mistakes: list[str]) -> list[str]:
    """Oldest first; Flask wants the newest first."""
    listed = config.get("SECRET_KEY_FALLBACKS") or []
    if not isinstance(listed, list | tuple) or not all(isinstance(key, str | bytes) and key for key in listed):
        mistakes.append('SECRET_KEY_FALLBACKS must be a list of earlier keys, such as ["the key before"].')
        return []
    keys = [_as_text(key) for key in reversed(listed)]
    if any(len(key) < SHORTEST_SECRET for key in keys) and not (config.get("DEBUG") or config.get("TESTING")):
        mistakes.append(
            f"SECRET_KEY_FALLBACKS holds a key of fewer than {SHORTEST_SECRET} characters, which can be guessed: leave "
            "it out."
        )
    return keys


def _can_be_read(database_url: str) -> bool:
    """Whether a password with a sign of its own meaning does not end up as host, port or database."""
    try:
        parts = urlsplit(database_url)
        astray = parts.path if "@" in parts.netloc else parts.path + parts.query
        return parts.port != 0 and not parts.fragment and "@" not in astray
    except ValueError:
        return False


def _as_text(secret: object) -> str:
    return secret.decode("latin-1") if isinstance(secret, bytes) else str(secret)
