"""Somebody at a telephone, and Twilio between them and the site, whose own library signs."""

import itertools
from typing import Any
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from tests.support import Host

TOKEN = "0123456789abcdef0123456789abcdef"
TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": TOKEN, "from": "+12125550100"}
INBOUND = "/portal/sms/inbound"
URL = f"https://www.elmrow.example{INBOUND}"
PHONE = "+12125550187"
_numbers = itertools.count(1)


def send_text(
    host: Host, text: str, phone: str = PHONE, sid: str | None = None, url: str = URL, token: str = TOKEN, **more: str
) -> TestResponse:
    """As Twilio calls the site; each text has an id of its own unless one is given."""
    form = {"MessageSid": sid or f"SM{next(_numbers):032}", "From": phone, "Body": text, "NumMedia": "0"} | more
    return post(host, form, RequestValidator(token).compute_signature(url, form))


def post(host: Host, form: Any, signature: str, address: str = INBOUND, **more: Any) -> TestResponse:
    return host.app.test_client().post(address, data=form, headers={"X-Twilio-Signature": signature}, **more)


def answered(response: TestResponse) -> list[str]:
    """The messages that Twilio would send back."""
    assert response.status_code == 200, response.text
    assert response.mimetype == "text/xml"
    root = ElementTree.fromstring(response.data)
    assert root.tag == "Response"
    assert {child.tag for child in root} <= {"Message"}
    return [child.text or "" for child in root]
