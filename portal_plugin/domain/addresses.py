"""Addresses on the web and of mail, as people write them into settings and practice files."""

import re
from urllib.parse import urlsplit

MAIL_ADDRESS = re.compile(r"""[^\s@,;:<>()\[\]\\"]+@[^\s@,;:<>()\[\]\\"]+""")
"""One address and nothing around it."""


# As HTML has it for a field of the type email, and RFC 5321 in its limits: what browsers let pass.
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST = 254


def read_mail_address(text: str) -> str:
    """The one address that somebody typed, its domain as mail servers write it; empty for anything else."""
    local, _, domain = text.strip(" ").rpartition("@")
    # The codec is slow with long ones.
    if len(domain) > _LONGEST:
        return ""
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    fits = _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and len(local) + len(domain) < _LONGEST
    return f"{local}@{domain}" if fits else ""


def is_web_address(url: str) -> bool:
    """Whether it is a whole http or https address, without user name, fragment and white space."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and not (parts.fragment or re.search(r"[\s\x00-\x1f\x7f]", url))
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False
