"""What a load balancer and a monitor are told."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portal_plugin.domain.errors import SetupError
from tests.practices import PRACTICE
from tests.support import Host, make_host

TOKEN = "a-token-of-the-monitor"
ASKING = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def watched(database_url, tmp_path, clock):
    host = make_host(database_url, tmp_path, clock, PORTAL_METRICS_TOKEN=TOKEN)
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


def numbers(host: Host) -> dict[tuple[str, str], float]:
    answer = host.app.test_client().get("/portal/metrics", headers=ASKING)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, next(iter(s.labels.values()))): s.value for family in families for s in family.samples}


def reasons(host: Host) -> dict[tuple[str, str], float]:
    """How many messages failed, by channel and why."""
    answer = host.app.test_client().get("/portal/metrics", headers=ASKING)
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples if sample.name == "portal_outbox_failures"]
    return {(sample.labels["channel"], sample.labels["reason"]): sample.value for sample in samples}


def test_a_process_is_alive_even_without_tables(tmp_path, clock):
    host = make_host(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, clock)
    assert host.app.test_client().get("/portal/health").text == "ok\n"


def test_it_is_ready_once_a_practice_was_applied(database_url, tmp_path, clock):
    host = make_host(database_url, tmp_path, clock)
    asking = host.app.test_client()
    before = asking.get("/portal/ready")
    host.apply(PRACTICE)
    after = asking.get("/portal/ready")
    assert (before.status_code, before.text) == (503, "not ready\n")
    assert (after.status_code, after.text) == (200, "ready\n")


def test_it_is_not_ready_without_its_database(tmp_path, clock):
    host = make_host("postgresql://nobody@127.0.0.1:1/nothing?timeout=1", tmp_path, clock)
    answer = host.app.test_client().get("/portal/ready")
    assert (answer.status_code, answer.text) == (503, "not ready\n")


def test_the_numbers_tell_what_waits_and_for_how_long(watched):
    watched.request("maya")
    watched.request("theo", watched.clock() + timedelta(days=1, hours=4))
    watched.clock.advance(timedelta(minutes=10))
    before = numbers(watched)
    watched.deliver()
    after = numbers(watched)
    assert before["portal_open", "requested"] == 2
    assert before["portal_open_oldest_seconds", "requested"] == 600
    assert before["portal_outbox_due", "mail"] == 2
    assert before["portal_outbox_late_seconds", "mail"] == 600
    assert after.get(("portal_outbox_due", "mail"), 0) == 0


def test_a_message_that_fails_is_counted_and_so_is_one_that_was_given_up_on(watched):
    watched.app.config.update(MAIL_SUPPRESS_SEND=False, MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    watched.request("maya")
    watched.deliver()
    failing = numbers(watched)
    assert failing["portal_outbox_failing", "mail"] == 1
    assert failing["portal_outbox_given_up", "mail"] == 0
    assert reasons(watched) == {("mail", "ConnectionRefusedError"): 1}
    for _ in range(8):
        watched.clock.advance(timedelta(days=2))
        watched.deliver()
    assert numbers(watched)["portal_outbox_given_up", "mail"] >= 1


def test_no_person_stands_in_the_numbers(watched):
    watched.request("maya")
    text = watched.app.test_client().get("/portal/metrics", headers=ASKING).text.lower()
    assert not [word for word in ("maya", "lindqvist", "example.org", "212", "ada", "visit") if word in text]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_without_the_token_the_numbers_are_not_there(watched, headers):
    asking = watched.app.test_client()
    assert asking.get("/portal/metrics", headers=headers).data == asking.get("/portal/nothing").data


def test_without_the_setting_nobody_reads_the_numbers(host):
    assert host.app.test_client().get("/portal/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_a_short_token_is_refused_at_the_start(tmp_path, clock):
    with pytest.raises(SetupError, match="PORTAL_METRICS_TOKEN is short"):
        make_host(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, clock, PORTAL_METRICS_TOKEN="short")
