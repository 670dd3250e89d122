"""A client and an appointment as the host sees them."""

from datetime import UTC, datetime

import pytest

from portal_plugin.domain.appointment import Appointment, Client
from portal_plugin.domain.lifecycle import Status
from tests.domain import build


def test_a_client_is_cleaned_when_made_and_shows_no_private_data():
    client = Client(id="7", name="Ada\r\nLovelace", email="ada@example.org\nBcc: x", phone="+1\x00 212")

    assert (client.name, client.email, client.phone) == ("Ada Lovelace", "ada@example.org", "+1 212")
    assert repr(client) == "Client(id='7')"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada Lovelace <ada@example.org> ", "ada@example.org"),
        ("ada@example.org, eve@example.org", "ada@example.org"),
        ("o'neil+portal@sub.example.co.uk", "o'neil+portal@sub.example.co.uk"),
        ("ада@пример.рф", "ада@пример.рф"),
        ("nobody", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_client_has_one_address_or_none(written, address):
    assert Client("7", "Ada", written).email == address


@pytest.mark.parametrize("nothing", ["", None, " \u200b", "\r\n"])
def test_a_client_without_an_id_is_a_mistake_of_the_host(nothing):
    with pytest.raises(ValueError, match="needs an id"):
        Client(nothing, "Ada", "ada@example.org")


def test_a_number_may_be_a_clients_id():
    assert Client(7, "Ada", "ada@example.org").id == "7"


def test_an_appointment_is_told_on_its_own_clock():
    values = dict.fromkeys(Appointment.__dataclass_fields__)
    moment = datetime(2026, 12, 8, 15, tzinfo=UTC)
    appointment = Appointment(
        **values
        | {"status": Status.CONFIRMED, "starts": moment, "ends": moment, "zone": build.NEW_YORK, "type": build.visit()}
    )

    assert f"{appointment.local_starts:%H:%M %Z}" == "10:00 EST"
    assert appointment.local_ends == appointment.ends


@pytest.mark.parametrize(
    ("given", "kept"), [("es-MX", "es-MX"), ("es_MX", "es-MX"), ("zh-Hant-TW", "zh-Hant-TW"), (None, "")]
)
def test_a_client_may_have_a_language(given, kept):
    assert Client("7", "Ada", "ada@example.org", language=given).language == kept


@pytest.mark.parametrize("nonsense", ["Spanish", "e", "es-", "es;q=0.8", "es\n", "../es"])
def test_what_is_no_language_is_a_mistake_of_the_host(nonsense):
    with pytest.raises(ValueError, match='write a tag such as "es"'):
        Client("7", "Ada", "ada@example.org", language=nonsense)


@pytest.mark.parametrize("nonsense", ["PST8", "localtime", "../etc/passwd", "America", "\0", "x" * 5000])
def test_what_is_no_zone_is_a_mistake_of_the_host(nonsense):
    with pytest.raises(ValueError, match="write an IANA name"):
        Client("7", "Ada", "ada@example.org", zone=nonsense)
