"""A client and an appointment as the host sees them."""

from datetime import UTC, datetime

from portal_plugin.domain.appointment import Appointment, Client
from portal_plugin.domain.lifecycle import Status
from tests.domain import build


def test_a_client_is_cleaned_when_made_and_shows_no_private_data():
    client = Client(id="7", name="Ada\r\nLovelace", email="ada@example.org\nBcc: x", phone="+1\x00 212")

    assert (client.name, client.email, client.phone) == ("Ada Lovelace", "ada@example.org Bcc: x", "+1 212")
    assert repr(client) == "Client(id='7')"


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
