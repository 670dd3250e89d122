"""`flask portal webhooks`, `outbox`, `resend` and `withhold`: what they say, change and return."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.domain.errors import SetupError
from portal_plugin.domain.webhooks import NAMES, new_secret
from portal_plugin.services import webhooks
from portal_plugin.storage import outbox_entries
from portal_plugin.testing import Clock
from tests.cli.test_commands import lines, run
from tests.practices import PRACTICE
from tests.support import MONDAY, TUESDAY_TEN, Host, make_host

URL = "https://records.example.org/hooks"
SECRET = new_secret()


@pytest.fixture
def settled(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """A host with an endpoint in its settings."""
    host = make_host(
        sqlite_url, tmp_path, clock, PORTAL_WEBHOOKS=[{"url": f"{URL}/own", "secret": SECRET, "body": "full"}]
    )
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


def told(host: Host, *command: object) -> Any:
    result = run(host, *command, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def refused(host: Host, *command: object, exit_code: int = 1) -> str:
    result = run(host, *command)
    assert result.exit_code == exit_code, result.output
    return result.output


# Endpoints


def test_an_endpoint_is_added_and_its_secret_shown_this_once(host: Host) -> None:
    first, secret = lines(run(host, "webhooks", "add", URL))
    [key] = host.state.webhooks()
    assert first == f"Added {key}. Its secret, shown this once:"
    assert secret == host.state.webhooks()[key].secrets[0].text
    assert lines(run(host, "webhooks", "list")) == [f"{key}  {URL}  thin  all events  by command"]
    for listed in (run(host, "webhooks", "list"), run(host, "webhooks", "list", "--json")):
        assert "whsec_" not in listed.output


def test_events_and_body_are_chosen(host: Host) -> None:
    events = ("appointment.requested", "appointment.cancelled")
    added = told(host, "webhooks", "add", URL, "--event", events[0], "--event", events[1], "--full")
    assert added["secret"].startswith("whsec_")
    [listed] = told(host, "webhooks", "list")["items"]
    assert listed == {
        "key": added["key"],
        "url": URL,
        "body": "full",
        "events": sorted(events),
        "source": "command",
        "disabled": None,
        "old_secrets_until": [],
    }
    assert run(host, "webhooks", "add", f"{URL}/2", "--event", "appointment.eaten").exit_code == 2


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("records.example.org", "url must be a whole address"),
        ("ftp://records.example.org", "url must be a whole address"),
        ("https://user:PLANTED@records.example.org/", "url must be a whole address"),
        ("http://records.example.org/", "must begin with https:// unless PORTAL_PRIVATE_ADDRESSES is True"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(host: Host, url: str, sentence: str) -> None:
    output = refused(host, "webhooks", "add", url)
    assert sentence in output
    assert "PLANTED" not in output
    assert '"field": "url"' in refused(host, "webhooks", "add", url, "--json")
    assert not host.state.webhooks()


def test_the_same_address_is_not_added_twice(settled: Host) -> None:
    lines(run(settled, "webhooks", "add", URL))
    assert "already" in refused(settled, "webhooks", "add", URL)
    assert "already" in refused(settled, "webhooks", "add", f"{URL}/own")
    assert '"field": "url"' in refused(settled, "webhooks", "add", f"{URL}/own", "--json")


def test_a_secret_is_rotated(host: Host) -> None:
    added = told(host, "webhooks", "add", URL)
    rotated = told(host, "webhooks", "rotate", added["key"])
    assert rotated["secret"] not in {added["secret"], None}
    assert rotated["old_until"] == "2026-12-08T12:00:00Z"
    first, secret = lines(run(host, "webhooks", "rotate", added["key"], "--keep-hours", "1"))
    assert "2026-12-07T13:00:00+00:00" in first
    secrets = host.state.webhooks()[added["key"]].secrets
    assert [one.text for one in secrets] == [secret, rotated["secret"], added["secret"]]


def test_an_endpoint_is_removed(host: Host) -> None:
    key = told(host, "webhooks", "add", URL)["key"]
    assert lines(run(host, "webhooks", "remove", key)) == [f"Removed {key}."]
    assert lines(run(host, "webhooks", "list")) == ["No endpoint is told of changes."]
    for command in ("remove", "rotate", "enable"):
        assert "There is no endpoint" in refused(host, "webhooks", command, key, exit_code=3)


def test_a_secret_that_is_rotated_and_not_kept_signs_no_more(host: Host) -> None:
    key = told(host, "webhooks", "add", URL)["key"]
    rotated = told(host, "webhooks", "rotate", key, "--keep-hours", "0")
    assert [one.text for one in host.state.webhooks()[key].secrets] == [rotated["secret"]]


def test_an_endpoint_that_is_on_is_enabled_all_the_same(host: Host) -> None:
    key = told(host, "webhooks", "add", URL)["key"]
    assert told(host, "webhooks", "enable", key) == {"key": key}


def test_an_address_that_was_off_and_removed_is_on_where_the_settings_name_it(
    host: Host, sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    key = told(host, "webhooks", "add", URL)["key"]
    webhooks.disable(host.state.db, key, MONDAY)
    run(host, "webhooks", "remove", key)
    named = make_host(sqlite_url, tmp_path, clock, PORTAL_WEBHOOKS=[{"url": URL, "secret": SECRET}])
    [listed] = told(named, "webhooks", "list")["items"]
    assert (listed["key"], listed["source"], listed["disabled"]) == (key, "settings", None)
    named.state.db.close_all()


def test_an_address_that_was_off_in_the_settings_is_on_where_a_command_adds_it(
    host: Host, sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    named = make_host(sqlite_url, tmp_path, clock, PORTAL_WEBHOOKS=[{"url": URL, "secret": SECRET}])
    [key] = named.state.webhooks()
    webhooks.disable(named.state.db, key, MONDAY)
    named.state.db.close_all()
    told(host, "webhooks", "add", URL)
    [listed] = told(host, "webhooks", "list")["items"]
    assert (listed["key"], listed["source"], listed["disabled"]) == (key, "command", None)


def test_what_stands_in_the_settings_is_changed_there(settled: Host) -> None:
    [listed] = told(settled, "webhooks", "list")["items"]
    assert (listed["source"], listed["body"], listed["events"]) == ("settings", "full", sorted(NAMES))
    for command in ("remove", "rotate"):
        assert "stands in PORTAL_WEBHOOKS" in refused(settled, "webhooks", command, listed["key"])
        assert '"field": "key"' in refused(settled, "webhooks", command, listed["key"], "--json")


# What the settings may hold


@pytest.mark.parametrize(
    ("webhooks", "sentence"),
    [
        ("https://records.example.org", "PORTAL_WEBHOOKS must be a list"),
        ([URL], "endpoint 1: write a dict"),
        ([{"secret": SECRET}], "endpoint 1: url must be a whole address"),
        ([{"url": 7, "secret": SECRET}], "endpoint 1: url must be a whole address"),
        ([{"url": "http://records.example.org", "secret": SECRET}], "endpoint 1: url must begin with https://"),
        ([{"url": URL}], "endpoint 1: write secret, or secrets"),
        ([{"url": URL, "secret": SECRET, "secrets": [SECRET]}], "endpoint 1: write secret, or secrets"),
        ([{"url": URL, "secrets": []}], "endpoint 1: write secret, or secrets"),
        ([{"url": URL, "secret": "PLANTED"}], 'endpoint 1: a secret must be "whsec_"'),
        ([{"url": URL, "secret": "whsec_PLANTED!"}], 'endpoint 1: a secret must be "whsec_"'),
        ([{"url": URL, "secret": "whsec_c2hvcnQ="}], 'endpoint 1: a secret must be "whsec_"'),
        ([{"url": URL, "secret": "whsec_é"}], 'endpoint 1: a secret must be "whsec_"'),
        ([{"url": URL, "secrets": [SECRET, None]}], 'endpoint 1: a secret must be "whsec_"'),
        ([{"url": URL, "secret": SECRET, "events": []}], "endpoint 1: events must be a list"),
        ([{"url": URL, "secret": SECRET, "events": "appointment.requested"}], "endpoint 1: events must be a list"),
        ([{"url": URL, "secret": SECRET, "events": ["requested"]}], "endpoint 1: events holds 'requested'"),
        ([{"url": URL, "secret": SECRET, "events": [[]]}], "endpoint 1: events holds []"),
        ([{"url": URL, "secret": SECRET, "body": "fat"}], 'endpoint 1: body must be "thin" or "full"'),
        ([{"url": URL, "secret": SECRET, "body": []}], 'endpoint 1: body must be "thin" or "full"'),
        ([{"url": URL, "secret": SECRET, "retry": 1}], "endpoint 1: retry is not known"),
        ([{"url": URL, "secret": SECRET}] * 2, "endpoint 2: its url stands there already"),
    ],
)
def test_a_mistake_in_the_settings_is_named_without_its_secret(tmp_path: Path, webhooks: Any, sentence: str) -> None:
    with pytest.raises(SetupError) as caught:
        make_host("sqlite:///:memory:", tmp_path, Clock(MONDAY), PORTAL_WEBHOOKS=webhooks)
    assert sentence in str(caught.value)
    for secret in ("PLANTED", SECRET):
        assert secret not in str(caught.value)


# The outbox


@pytest.fixture
def failing(host: Host) -> Host:
    """One mail and one webhook waiting, and one of each given up on."""
    run(host, "webhooks", "add", URL)
    host.request()
    host.request("theo", provider="ben", contact="phone", location=None)
    host.state.db.execute_sql(
        "UPDATE portal_outbox SET failed = due, error = 'the reason', attempts = 9 WHERE appointment = 2"
    )
    return host


def test_the_outbox_says_what_waits_and_what_was_given_up_on_and_names_nobody(failing: Host) -> None:
    listed = lines(run(failing, "outbox"))
    assert [line.split()[:3] for line in listed] == [
        ["1", "mail", "received"],
        ["2", "webhook", "appointment.requested"],
        ["3", "mail", "received"],
        ["4", "webhook", "appointment.requested"],
    ]
    assert "m…@…" in listed[0]
    assert "due 2026-12-07T12:00:00+00:00, 0 attempts" in listed[0]
    assert "given up on 2026-12-07T12:00:00+00:00, 9 attempts: the reason" in listed[2]
    whole = "\n".join(listed) + run(failing, "outbox", "--json").output
    for name in ("maya", "theo", "Lindqvist", "example.org"):
        assert name not in whole


def test_the_outbox_is_narrowed(failing: Host) -> None:
    assert [entry["id"] for entry in told(failing, "outbox")["items"]] == [1, 2, 3, 4]
    assert [entry["id"] for entry in told(failing, "outbox", "--failed")["items"]] == [3, 4]
    assert [entry["id"] for entry in told(failing, "outbox", "--failed", "--channel", "webhook")["items"]] == [4]
    [entry] = told(failing, "outbox", "--failed", "--channel", "webhook")["items"]
    [key] = failing.state.webhooks()
    assert (entry["recipient"], entry["error"], entry["attempts"]) == (key, "the reason", 9)
    assert entry["failed"] == "2026-12-07T12:00:00Z"
    assert run(failing, "outbox", "--channel", "pigeon").exit_code == 2


def test_what_another_server_said_moves_no_cursor(failing: Host) -> None:
    failing.state.db.execute_sql("UPDATE portal_outbox SET error = ? WHERE id = 4", ("no\x1b[2J\nway",))
    assert lines(run(failing, "outbox"))[-1].endswith("9 attempts: no[2J way")


def test_an_empty_outbox_says_so(host: Host) -> None:
    assert lines(run(host, "outbox")) == ["Nothing waits, and nothing was given up on."]
    assert lines(run(host, "outbox", "--failed")) == ["Nothing was given up on."]
    assert told(host, "outbox") == {"items": []}


def test_one_message_is_sent_again(failing: Host) -> None:
    before = outbox_entries.listed(failing.state.db, failed=True)[0].message_id
    assert lines(run(failing, "resend", 3)) == ["Due now: 3."]
    assert [entry.id for entry in outbox_entries.listed(failing.state.db, failed=True)] == [4]
    sent = {mail.id for mail in failing.deliver()}
    assert f"<{before}@www.elmrow.example>" in sent


def test_all_of_a_channel_are_sent_again(failing: Host) -> None:
    assert told(failing, "resend", "--failed", "--channel", "webhook") == {"due": [4], "missing": []}
    assert told(failing, "resend", "--failed") == {"due": [3], "missing": []}
    assert lines(run(failing, "resend", "--failed")) == ["Due now: none."]


def test_what_was_sent_or_is_not_there_is_not_sent_again(failing: Host) -> None:
    failing.state.db.execute_sql("UPDATE portal_outbox SET sent = due WHERE id = 1")
    result = run(failing, "resend", 1, 3, 99)
    assert result.exit_code == 3
    assert "Due now: 3." in result.output
    assert "Not waiting and not given up on: 1, 99." in result.output
    for wrong in ([], ["3", "--failed"], ["3", "--channel", "mail"], ["0"], ["9" * 30], ["x"]):
        assert run(failing, "resend", *wrong).exit_code == 2


def test_what_was_due_before_a_moment_is_withheld_and_nothing_else(host: Host) -> None:
    host.request("maya")
    host.clock.advance(timedelta(hours=1))
    host.request("theo", TUESDAY_TEN + timedelta(hours=1))
    # Seven in the morning at the practice, when the first was due, and an hour later.
    assert told(host, "withhold", "--due-before", "2026-12-07T07:00") == {"withheld": 0}
    assert told(host, "withhold", "--due-before", "2026-12-07T08:00") == {"withheld": 1}
    assert lines(run(host, "withhold", "--due-before", "2026-12-07T13:00Z")) == ["0 withheld."]
    [mail] = host.deliver()
    assert mail.to == ["theo@example.org"]
    [item] = told(host, "outbox", "--failed")["items"]
    assert item["error"] == "withheld after a backup was restored"
    assert told(host, "resend", item["id"]) == {"due": [item["id"]], "missing": []}
    [mail] = host.deliver()
    assert mail.to == ["maya@example.org"]


@pytest.mark.parametrize(
    "command", [["outbox"], ["resend", "1"], ["webhooks", "list"], ["webhooks", "add", URL]], ids=" ".join
)
def test_before_init_each_says_to_run_it(tmp_path: Path, command: list[str]) -> None:
    host = make_host(f"sqlite:///{tmp_path / 'new' / 'portal.db'}", tmp_path, Clock(MONDAY))
    assert "flask portal init" in refused(host, *command, exit_code=5)
