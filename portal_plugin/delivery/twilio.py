"""Twilio: texts sent through its REST API, and its calls to us told from anybody else's."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit


def genuine(url: str, params: Mapping[str, str], signature: str, token: str) -> bool:
    """Whether Twilio sent this form to this address: https://www.twilio.com/docs/usage/security, "Validating requests".

    `url` is the public one with its query, by the configured base and never by a Host header; `params` is the form.
    """
    form = "".join(name + params[name] for name in sorted(params))
    given = signature.encode()
    # Twilio signs now with the port, now without.
    right = [
        hmac.compare_digest(base64.b64encode(hmac.digest(token.encode(), (one + form).encode(), hashlib.sha1)), given)
        for one in _spellings(url)
    ]
    return any(right)


def _spellings(url: str) -> tuple[str, str]:
    """The same address with its port and without."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()
