"""Twilio: texts sent through its REST API, and its calls to us told from anybody else's."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from flask import url_for

from ..config import Twilio
from ..services.state import State
from .failures import OptedOut, Undelivered
from .outbound import Answer, NoAnswer, ask, retry_after

DEADLINE = 15
"""Seconds for a whole call."""

_LONGEST_WAIT = timedelta(hours=1)
_MOST = 100_000
"""Bytes of an answer."""

OPTED_OUT = "21610"
"""Twilio's code for a number that texted STOP: https://www.twilio.com/docs/api/errors/21610"""

_FOR_GOOD = frozenset({21211, 21217, 21408, 21612, 21614})
"""No number, one of no use, or of a country that the account may not text."""


class TwilioGateway:
    """Sends through https://www.twilio.com/docs/messaging/api/message-resource.

    Twilio keeps no key that would make two calls one. Where its answer is lost on the way, the status that it reports
    afterwards says under our key that it has the text, and there is no second one.
    """

    def __init__(self, state: State) -> None:
        if state.settings.twilio is None:
            raise ValueError("PORTAL_TWILIO is not set")
        self._state, self._account = state, state.settings.twilio

    def send(self, to: str, text: str, key: str) -> str:
        """What Twilio calls it. Needs a request context, for the address that it reports to."""
        account = self._account
        by = "MessagingServiceSid" if account.sender.startswith("MG") else "From"
        form = {"To": to, by: account.sender, "Body": text}
        report_to = url_for("portal_gateway.status", key=key, _external=True)
        # Twilio refuses an address that it cannot reach, such as one on a developer's machine.
        if report_to.startswith("https:"):
            form["StatusCallback"] = report_to
        answer = call(account, "POST", "/Messages.json", self._state.settings.private_addresses, form)
        told = _read(answer)
        # Even where the rest of the answer was lost: it has the text.
        if answer.status == 201:
            return str(told.get("sid", ""))
        raise self._refusal(answer, told.get("code"))

    def _refusal(self, answer: Answer, code: object) -> Undelivered:
        if str(code) == OPTED_OUT:
            return OptedOut(OPTED_OUT)
        reason = f"Twilio answered {answer.status}{f' with code {code}' if isinstance(code, int) else ''}"
        wait = retry_after(answer, self._state.now(), _LONGEST_WAIT) if answer.status in {429, 503} else None
        return Undelivered(reason, wait=wait, for_good=code in _FOR_GOOD)


def call(account: Twilio, method: str, path: str, private: bool, form: Mapping[str, str] | None = None) -> Answer:
    """Ask Twilio about an account. Raises Undelivered when there is no answer."""
    signed_in = base64.b64encode(f"{account.account_sid}:{account.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {signed_in}", "Accept": "application/json"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        return ask(
            method,
            f"{account.api}/2010-04-01/Accounts/{account.account_sid}{path}",
            headers=headers,
            body=urlencode(form).encode() if form is not None else None,
            seconds=DEADLINE,
            most=_MOST,
            private=private,
        )
    except NoAnswer as reason:
        raise Undelivered(str(reason)) from None


def _read(answer: Answer) -> Mapping[str, object]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


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
