"""A change, its history and its messages are one transaction; the signals come after it."""

import threading
from datetime import timedelta

import pytest
from flask import Flask

from portal_plugin import (
    appointment_cancelled,
    appointment_confirmed,
    appointment_requested,
)
from portal_plugin.storage.database import is_postgres, open_database
from portal_plugin.testing import captured
from tests.services.steps import act, history, rows, snapshot, status_of, topics
from tests.support import PEOPLE, TUESDAY_TEN

HOUR = timedelta(hours=1)

REFUSING = {
    "sqlite": ["CREATE TRIGGER broken BEFORE INSERT ON portal_{table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"],
    "postgres": [
        "CREATE FUNCTION broken() RETURNS trigger AS $$ BEGIN RAISE 'disk full'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER broken BEFORE INSERT ON portal_{table} FOR EACH ROW EXECUTE FUNCTION broken()",
    ],
}


def refuse_inserts(host, table):
    """From now on the database fails when a row is added to that table."""
    engine = "postgres" if is_postgres(host.state.db) else "sqlite"
    with host.app.app_context():
        for statement in REFUSING[engine]:
            host.state.db.execute_sql(statement.replace("{table}", table))


@pytest.mark.parametrize("table", ["outbox", "history"])
@pytest.mark.parametrize("verb", ["confirm", "decline", "cancel"])
def test_without_its_message_or_its_history_there_is_no_change(own_schema, either_host, table, verb):
    made = either_host.request()
    refuse_inserts(either_host, table)
    before = snapshot(either_host)

    with captured(app=either_host.app) as told, pytest.raises(Exception, match="disk full"):
        act(either_host, verb, made.ref)

    assert snapshot(either_host) == before
    assert told == []


@pytest.mark.parametrize("table", ["outbox", "history", "claim"])
def test_a_request_that_cannot_be_stored_whole_is_not_stored(own_schema, either_host, table):
    refuse_inserts(either_host, table)
    before = snapshot(either_host)

    with captured(app=either_host.app) as told, pytest.raises(Exception, match="disk full"):
        either_host.request()

    assert snapshot(either_host) == before
    assert told == []


def test_without_the_table_of_messages_there_is_no_change(own_schema, either_host):
    made = either_host.request()
    with either_host.app.app_context():
        either_host.state.db.execute_sql("DROP TABLE portal_outbox")

    with pytest.raises(Exception, match="portal_outbox"):
        act(either_host, "confirm", made.ref)

    assert status_of(either_host, made.ref) == "requested"
    assert history(either_host, made.ref) == [(None, "requested")]


def test_an_automatic_confirmation_that_fails_leaves_no_request(own_schema, either_host):
    refuse_inserts(either_host, "outbox")
    before = snapshot(either_host)

    with pytest.raises(Exception, match="disk full"):
        either_host.request(type="call", contact="phone", location=None)

    assert snapshot(either_host) == before


# Signals.


def test_a_receiver_finds_the_new_state_from_outside(either_host, database_url):
    seen = []

    @appointment_confirmed.connect_via(either_host.app)
    def look(_: Flask, appointment):
        elsewhere = open_database(database_url)
        mark = "%s" if is_postgres(elsewhere) else "?"
        query = f"SELECT status FROM portal_appointment WHERE ref = {mark}"
        seen.append(
            (either_host.state.db.in_transaction(), *elsewhere.execute_sql(query, [appointment.ref]).fetchone())
        )
        elsewhere.close_all()

    act(either_host, "confirm", either_host.request().ref)

    assert seen == [(False, "confirmed")]


def test_a_receiver_that_raises_harms_nobody(either_host, caplog):
    told = []

    @appointment_confirmed.connect_via(either_host.app)
    def before(_: Flask, appointment):
        told.append("before")

    @appointment_confirmed.connect_via(either_host.app)
    def broken(_: Flask, appointment):
        raise ZeroDivisionError

    @appointment_confirmed.connect_via(either_host.app)
    def after(_: Flask, appointment):
        told.append("after")

    confirmed = act(either_host, "confirm", either_host.request().ref)

    assert confirmed.status == "confirmed"
    assert status_of(either_host, confirmed.ref) == "confirmed"
    assert sorted(told) == ["after", "before"]
    assert "A receiver of appointment-confirmed raised" in caplog.text
    assert PEOPLE["maya"].name not in caplog.text


def test_a_slow_receiver_blocks_no_other_booking(either_host):
    entered, released = threading.Event(), threading.Event()

    @appointment_requested.connect_via(either_host.app)
    def slow(_: Flask, appointment):
        if appointment.client.id == "maya":
            entered.set()
            released.wait(timeout=30)

    thread = threading.Thread(target=either_host.request, daemon=True)
    thread.start()
    try:
        assert entered.wait(timeout=30)
        other = either_host.request("theo", TUESDAY_TEN + HOUR)
        assert act(either_host, "confirm", other.ref).status == "confirmed"
    finally:
        released.set()
        thread.join(timeout=30)
    assert rows(either_host, "SELECT count(*) FROM portal_appointment") == [(2,)]


def test_a_receiver_may_decide_itself(either_host):
    """A practice system that confirms whatever comes, from within the signal."""

    @appointment_requested.connect_via(either_host.app)
    def confirm(_: Flask, appointment):
        either_host.portal.confirm(appointment.ref, by="practice system")

    made = either_host.request()

    assert status_of(either_host, made.ref) == "confirmed"
    assert topics(either_host, made.ref) == ["received", "confirmed"]


def test_a_receiver_of_another_app_hears_nothing(host):
    told = []

    @appointment_requested.connect_via(Flask("another"))
    def hear(_: Flask, appointment):
        told.append(appointment)

    host.request()

    assert told == []


def test_a_receiver_that_is_gone_is_forgotten(host):
    told = []

    def hear(_: Flask, appointment):
        told.append(appointment)

    with appointment_cancelled.connected_to(hear, sender=host.app):
        act(host, "cancel", host.request().ref)
    act(host, "cancel", host.request().ref)

    assert len(told) == 1
