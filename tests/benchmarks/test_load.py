"""A crowd comes whether or not the site keeps up, and the audit notices what is wrong. How fast it is, is no test's
business.
"""

import json
from pathlib import Path

import pytest

from benchmarks import load, soak
from benchmarks.audit import audit, request_key
from benchmarks.fleet import copied, fleet, laid_down
from benchmarks.turns import Turns
from portal_plugin.storage.database import run
from tests.support import TUESDAY_TEN, Host, without_guards

SMALL = ["--appointments", "500", "--processes", "1"]


@pytest.mark.long
def test_a_soak_tells_of_every_process_and_finds_the_answers_and_the_database_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soak.main([*SMALL, "--engine", "sqlite", "--minutes", "0.06", "--pause", "0.2", "--build", str(tmp_path)])
    told = json.loads((tmp_path / "soak-sqlite.json").read_text())
    # So short a look at memory says nothing.
    assert [what for what in told["wrong"] if "climb" not in what] == []
    assert sum(told["step"]["answers"].values()) > 10
    printed = capsys.readouterr().out
    assert "memory, gunicorn 1" in printed
    assert "memory, worker" in printed


@pytest.mark.long
def test_the_floor_answers_the_crowd_that_knows_its_pages(tmp_path: Path) -> None:
    database = copied(laid_down(tmp_path, 500), tmp_path, None)
    with fleet(database, tmp_path, 1, "create_floor") as site:
        step = load.come(site, "takers at the floor", 40, 3)
    assert step.answers["step 2: 200"] > 10
    assert step.errors == {}


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_climb_has_a_row_for_each_crowd(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--engine", engine, "--rates", "20", "40", "--seconds", "4", "--build", str(tmp_path)]
    assert load.main([*SMALL, *options]) == 0
    names = [series["series"] for series in json.loads((tmp_path / "load.json").read_text())]
    assert names == [load.EVERYBODY[engine].name, *(series.name for series in load.BESIDE_FLOOR)]
    printed = capsys.readouterr().out
    assert all(printed.count(name) == 2 for name in names)


def turns(now: list[float], rate: float = 100, seconds: float = 10, warm_up: float = 2) -> Turns:
    """By a clock that stands still unless somebody waits for their turn."""

    def sleep(pause: float) -> None:
        now[0] += pause

    return Turns(rate, seconds, warm_up, sleep, lambda: now[0])


def test_turns_come_at_their_rate() -> None:
    now = [1000.0]
    moments = list(iter(turns(now).take, None))
    assert moments == sorted(moments)
    # Four standard deviations of a Poisson process with a mean of 1,000.
    assert 870 < len(moments) < 1130
    assert 1009 < now[0] <= 1010


def test_a_site_that_hangs_does_not_slow_the_turns_and_its_silence_is_counted() -> None:
    now = [1000.0]
    clock = turns(now)
    clock.take()
    now[0] += 5  # Nobody was free meanwhile.
    due = clock.take()
    assert due is not None
    assert clock.late(due) > 4
    now[0] = clock.end
    clock.close()
    assert 670 < clock.due < 930
    assert clock.take() is None


def test_the_warm_up_and_what_is_answered_after_the_end_do_not_count() -> None:
    now = [1000.0]
    clock = turns(now)
    assert not clock.counts(1001.9)
    assert clock.counts(1002.1)
    now[0] = clock.end + 0.1
    assert not clock.counts(1009.9)


BREAKS = {
    "claims of one provider overlap": "INSERT INTO portal_claim (provider, starts, ends) "
    "SELECT provider, starts + 60, ends + 60 FROM portal_claim",
    "an active appointment has not its claim": "DELETE FROM portal_claim",
    "an appointment that is over has a claim": "UPDATE portal_appointment SET status = 'cancelled'",
    "not one row of history for each change": "DELETE FROM portal_history",
    "the history ends in another status": "UPDATE portal_appointment SET status = 'confirmed'",
    "a change has no message": "DELETE FROM portal_outbox",
    "somebody was told that a request is stored, and it is not": "DELETE FROM portal_appointment",
    "a request is stored that nobody sent": "UPDATE portal_appointment SET request_key = 'another'",
    "mails came that no row tells of": "UPDATE portal_outbox SET message_id = 'another'",
    "mails are marked as sent and never came": "UPDATE portal_outbox SET sent = 1, message_id = 'another'",
}


@pytest.fixture
def notes(host: Host, tmp_path: Path) -> Path:
    """What a crowd of one would note that sent the one request of this host."""
    appointment = host.request(starts=TUESDAY_TEN)
    run(host.state.db, "UPDATE portal_appointment SET request_key = ?", request_key("key", "starts"))
    path = tmp_path / "notes"
    path.write_text(f"sent key starts\nstored {appointment.ref}\n")
    return path


def wrong(host: Host, notes: Path, mails: int = 1) -> list[str]:
    """What the audit says when the one mail came so many times."""
    ids = [name for (name,) in run(host.state.db, "SELECT message_id FROM portal_outbox").fetchall()]
    return [what.partition(":")[0] for what in audit(host.state.db, 0, notes, lambda: ids * mails)]


def test_nothing_is_wrong_where_nothing_is(host: Host, notes: Path) -> None:
    assert wrong(host, notes) == []


def test_a_mail_that_came_twice_is_noticed(host: Host, notes: Path) -> None:
    assert wrong(host, notes, mails=2) == ["mails came twice"]


@pytest.mark.parametrize(("what", "by"), BREAKS.items(), ids=BREAKS)
def test_whatever_is_broken_is_noticed(host: Host, notes: Path, what: str, by: str) -> None:
    db = host.state.db
    ids = [name for (name,) in run(db, "SELECT message_id FROM portal_outbox").fetchall()]
    db.execute_sql("PRAGMA foreign_keys = 0")
    for event in ("INSERT", "UPDATE"):
        db.execute_sql(f"DROP TRIGGER portal_claim_apart_{event}")
    with without_guards(db):
        db.execute_sql(by)
        assert what in [found.partition(":")[0] for found in audit(db, 0, notes, lambda: ids)]
