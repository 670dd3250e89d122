"""A client and an appointment as the host sees them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal_plugin.domain.appointment import Appointment, Client, own_zone
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


MOMENT = datetime(2026, 12, 8, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def appointment(**changed):
    values = dict.fromkeys(Appointment.__dataclass_fields__)
    known = {"status": Status.CONFIRMED, "starts": MOMENT, "ends": MOMENT + HOUR, "zone": build.NEW_YORK}
    return Appointment(**values | known | changed)


def test_an_appointment_is_told_on_its_own_clock():
    made = appointment(expires=MOMENT - HOUR)

    assert f"{made.local_starts:%H:%M %Z}" == "10:00 EST"
    assert f"{made.local_ends:%H:%M %Z}" == "11:00 EST"
    assert f"{made.local_expires:%H:%M %Z}" == "09:00 EST"


@pytest.mark.parametrize("status", Status)
def test_requests_and_invitations_wait_for_an_answer_until_they_expire(status):
    made = appointment(status=status, expires=MOMENT)

    assert made.waits(MOMENT - timedelta(seconds=1)) == (status in {Status.REQUESTED, Status.INVITED})
    assert not made.waits(MOMENT)


@pytest.mark.parametrize(("given", "before"), [(9, 3), (72, 24), (73, 24), (1000, 24)])
def test_staff_are_warned_a_day_before_it_expires_or_in_the_last_third(given, before):
    assert appointment(created=MOMENT, expires=MOMENT + given * HOUR).warning == before * HOUR


def test_a_link_to_join_has_the_provider_in_it_and_is_told_of_what_is_confirmed_alone():
    video = replace(build.PHONE, join_url="https://meet.example.org/{provider}?with={provider}")
    made = appointment(contact=video, provider=build.provider(key="ada"))

    assert made.join_url == "https://meet.example.org/ada?with=ada"
    assert {replace(made, status=status).join_url for status in set(Status) - {Status.CONFIRMED}} == {""}


@pytest.mark.parametrize(
    ("contact", "theirs", "until", "own"),
    [
        (build.PHONE, "America/Chicago", MOMENT + HOUR, "America/Chicago"),
        (build.PHONE, "America/Toronto", MOMENT + HOUR, ""),  # the same clock by another name
        (build.PHONE, "", MOMENT + HOUR, ""),
        (build.IN_PERSON, "America/Chicago", MOMENT + HOUR, ""),  # who comes looks at the clock there
        (build.PHONE, "America/Havana", datetime(2027, 3, 14, 5, 30, tzinfo=UTC), "America/Havana"),
    ],
)
def test_a_clients_own_zone_is_told_where_their_clock_shows_another_time(contact, theirs, until, own):
    """In 2027 Havana's clock goes forward two hours before New York's."""
    assert own_zone(contact, theirs, build.NEW_YORK, until - HOUR, until) == own


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
