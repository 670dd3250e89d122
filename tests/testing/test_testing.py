"""What host developers test with: a clock, ears, a mailbox, a practice, and appointments in every status."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal_plugin import (
    NotOffered,
    Portal,
    Refused,
    SlotTaken,
    Status,
    appointment_cancelled,
    appointment_confirmed,
    appointment_requested,
)
from portal_plugin.testing import Clock, captured, deliver, frozen, mailbox, make_appointment, practice, set_up
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, Host, make_host

STEPS = {
    "requested": ["appointment_requested"],
    "invited": ["appointment_invited"],
    "confirmed": ["appointment_requested", "appointment_confirmed"],
    "declined": ["appointment_requested", "appointment_declined"],
    "cancelled": ["appointment_requested", "appointment_cancelled"],
    "withdrawn": ["appointment_invited", "appointment_cancelled"],
    "expired": ["appointment_requested", "appointment_expired"],
    "completed": ["appointment_requested", "appointment_confirmed", "appointment_completed"],
    "no_show": ["appointment_requested", "appointment_confirmed", "appointment_missed"],
}


def test_every_status_has_its_steps() -> None:
    assert set(STEPS) == set(Status)


@pytest.mark.parametrize("status", STEPS)
def test_an_appointment_came_to_its_status_step_by_step(either_host: Host, status: str) -> None:
    with captured(app=either_host.app) as heard:
        made = make_appointment(either_host.app, status)

    assert made.status == status
    assert [one.signal for one in heard] == STEPS[status]
    with either_host.app.app_context():
        entries = either_host.portal.history(made.ref)
        assert either_host.portal.appointment(made.ref) == made
    assert entries[-1].to_status == status
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert either_host.clock.now == MONDAY


@pytest.mark.parametrize("status", STEPS)
def test_what_is_over_lies_in_the_past_and_the_rest_ahead(host: Host, status: str) -> None:
    made = make_appointment(host.app, status)
    assert (made.starts < MONDAY) == (status in {"completed", "no_show", "expired"})
    assert made.created <= MONDAY


@pytest.mark.parametrize("status", STEPS)
def test_a_start_that_is_given_is_kept(host: Host, status: str) -> None:
    for starts in (TUESDAY_TEN, TUESDAY_TEN - timedelta(days=14)):
        made = make_appointment(host.app, status, starts=starts)
        assert (made.starts, made.status) == (starts, status)
    assert host.clock.now == MONDAY


def test_one_after_the_other_they_find_a_free_time_and_another_client(host: Host) -> None:
    made = [make_appointment(host.app, "confirmed") for _ in range(20)]
    assert len({one.starts for one in made}) == 20
    assert len({one.client.id for one in made}) == 20


def test_what_is_chosen_is_kept(host: Host) -> None:
    made = make_appointment(
        host.app,
        "declined",
        client=PEOPLE["theo"],
        type="visit",
        contact="phone",
        provider="ben",
        note="My knee",
        message="Ben is away.",
        reference="A-7",
        data={"room": 2},
    )
    assert (made.client, made.contact.key, made.provider.key, made.location) == (PEOPLE["theo"], "phone", "ben", None)
    assert (made.note, made.message, made.host_reference, made.host_data) == (
        "My knee",
        "Ben is away.",
        "A-7",
        {"room": 2},
    )


def test_a_provider_brings_their_own_location(host: Host) -> None:
    assert make_appointment(host.app, provider="ben").location.key == "annex"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("choice", "refusal"),
    [
        ({"status": "lost"}, ValueError),
        ({"type": "call"}, ValueError),
        ({"type": "call", "status": "expired"}, ValueError),
        ({"type": "none"}, NotOffered),
        ({"contact": "pigeon"}, NotOffered),
        ({"provider": "nobody"}, NotOffered),
    ],
)
def test_what_cannot_be_is_refused(host: Host, choice: dict[str, Any], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        make_appointment(host.app, **choice)


def test_a_taken_time_is_refused_and_so_is_what_a_veto_refuses(host: Host) -> None:
    make_appointment(host.app, starts=TUESDAY_TEN)
    with pytest.raises(SlotTaken):
        make_appointment(host.app, starts=TUESDAY_TEN)

    @host.portal.veto_request
    def no(proposal: object) -> None:
        raise Refused("No.")

    with pytest.raises(Refused):
        make_appointment(host.app)


def test_ears_hear_the_signals_they_were_given_of_the_app_they_were_given(host: Host, tmp_path: Path) -> None:
    other = make_host(f"sqlite:///{tmp_path}/other.db", tmp_path, host.clock)
    set_up(other.app)

    with (
        captured(appointment_confirmed, appointment_cancelled) as two,
        captured(appointment_requested, app=host.app) as requests,
        captured() as every,
    ):
        make_appointment(other.app, "confirmed")
        make_appointment(host.app, "cancelled")
    make_appointment(host.app, "cancelled")

    assert Counter(one.signal for one in two) == {"appointment_confirmed": 1, "appointment_cancelled": 1}
    assert len(requests) == 1
    assert len(every) == 4


def test_the_worker_s_mails_are_read_like_a_mail_program_reads_them(host: Host) -> None:
    made = make_appointment(host.app, "confirmed", client=PEOPLE["maya"], starts=TUESDAY_TEN, message="Ring twice.")

    received, mail = deliver(host.app)

    assert mail.to == ["maya@example.org"]
    assert mail.sender == "Elm Row Practice <desk@elmrow.example>"
    assert mail.subject.startswith("Confirmed: Tuesday, December 8, 2026")
    assert "Ring twice." in mail.text
    assert "Ring twice." in mail.html
    assert "https://www.elmrow.example/portal/appointments/upcoming" in mail.links
    assert mail.event["DTSTART"].dt == made.starts
    assert mail.calendar["METHOD"] == "REQUEST"
    assert received.part("calendar") is None
    with pytest.raises(LookupError, match="no calendar part"):
        _ = received.calendar
    assert mail.id != received.id
    assert deliver(host.app) == []


def test_no_mail_reaches_a_server_that_the_settings_name(sqlite_url: str, tmp_path: Path) -> None:

    host = make_host(
        sqlite_url, tmp_path, Clock(MONDAY), MAIL_SUPPRESS_SEND=False, MAIL_SERVER="no-such-server.invalid"
    )
    set_up(host.app)
    make_appointment(host.app)

    assert len(deliver(host.app)) == 1
    assert host.app.extensions["mail"].suppress is False


def test_a_mailbox_hears_of_one_app(host: Host, tmp_path: Path) -> None:
    other = make_host(f"sqlite:///{tmp_path}/other.db", tmp_path, host.clock)
    set_up(other.app)
    make_appointment(other.app)
    with mailbox(host.app) as mails:
        deliver(other.app)
    assert mails == []


def test_a_clock_stands_inside_the_block_and_goes_on_after_it(sqlite_url: str, tmp_path: Path) -> None:
    host = make_host(sqlite_url, tmp_path, lambda: datetime.now(UTC))  # type: ignore[arg-type]
    with frozen(host.app, MONDAY) as clock:
        clock.advance(timedelta(hours=1))
        assert host.state.now() == MONDAY + timedelta(hours=1)
    assert host.state.now() - datetime.now(UTC) < timedelta(minutes=1)


def test_a_practice_is_set_up_by_one_call_and_may_be_the_hosts_own(tmp_path: Path) -> None:
    app = Flask("host")
    app.config.update(
        SECRET_KEY="x" * 32,
        PORTAL_BASE_URL="https://www.example.org",
        PORTAL_DATABASE_URL=f"sqlite:///{tmp_path}/portal.db",
    )
    portal = Portal(app)
    set_up(app)
    set_up(app, practice(name="Harbor Street", phone="+1 212 555 0111"))
    with app.app_context():
        assert portal.practice().name == "Harbor Street"


def test_a_practice_that_is_changed_leaves_the_next_one_as_it_was() -> None:
    practice()["providers"].clear()
    assert len(practice()["providers"]) == 2


def test_pytest_is_needed_for_the_fixtures_alone() -> None:
    code = "import sys; sys.modules['pytest'] = None; import portal_plugin.testing"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
