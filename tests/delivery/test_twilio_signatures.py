"""What Twilio's own library signs is taken for Twilio's, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from portal_plugin.delivery.twilio import genuine

URL = "https://www.elmrow.example/portal/sms/inbound"
FORM = {"From": "+12125550187", "Body": "Stop, thank you", "MessageSid": "SM1", "NumMedia": "0"}
TOKEN = "0123456789abcdef0123456789abcdef"


def signed(url: str = URL, form: dict[str, str] = FORM, token: str = TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, form))


def test_what_the_library_signs_is_genuine() -> None:
    assert genuine(URL, FORM, signed(), TOKEN)
    assert genuine(URL, MultiDict(FORM), signed(), TOKEN), "as Flask reads a form"
    assert genuine(f"{URL}?key=1", {}, signed(f"{URL}?key=1", {}), TOKEN)


@pytest.mark.parametrize(
    ("url", "form", "token"),
    [
        (URL.replace("https", "http"), FORM, TOKEN),
        (f"{URL}?", FORM, TOKEN),
        (f"{URL}/", FORM, TOKEN),
        (URL, FORM | {"Body": "START"}, TOKEN),
        (URL, FORM | {"More": ""}, TOKEN),
        (URL, {}, TOKEN),
        (URL, FORM, TOKEN[:-1]),
        (URL, FORM, ""),
    ],
)
def test_another_address_form_or_token_is_not(url: str, form: dict[str, str], token: str) -> None:
    assert not genuine(URL, FORM, signed(url, form, token), TOKEN)


@pytest.mark.parametrize("signature", ["", "x", "é", signed() + "=", signed().lower(), "\N{HIRAGANA LETTER A}" * 28])
def test_what_is_no_signature_is_refused_without_a_stumble(signature: str) -> None:
    assert not genuine(URL, FORM, signature, TOKEN)


def test_twilio_signs_with_the_port_or_without() -> None:
    for bare, port in (
        ("https://www.elmrow.example", ":443"),
        ("http://www.elmrow.example", ":80"),
        ("https://www.elmrow.example", ":8443"),
    ):
        plain, told = f"{bare}/sms", f"{bare}{port}/sms"
        for asked in {told} | ({plain} if port != ":8443" else set()):
            for by_twilio in (plain, told):
                assert genuine(asked, FORM, signed(by_twilio), TOKEN)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(words, words, max_size=6), words)
def test_it_agrees_with_the_library_on_any_form(form: dict[str, str], token: str) -> None:
    assert genuine(URL, form, signed(URL, form, token), token)
    assert RequestValidator(token).validate(URL, form, signed(URL, form, token))
