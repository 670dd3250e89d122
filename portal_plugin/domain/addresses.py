"""Addresses on the web and of mail, as people write them into settings and practice files."""

import re
from urllib.parse import urlsplit

MAIL_ADDRESS = re.compile(r"""[^\s@,;:<>()\[\]\\"]+@[^\s@,;:<>()\[\]\\"]+""")
"""One address and nothing around it."""


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
