"""The history is only ever added to, and its chain shows whatever was done to it otherwise."""

import random
import threading
from contextlib import nullcontext, suppress
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from peewee import IntegrityError

from portal_plugin import NotFound, PortalError
from portal_plugin.domain.history import Event, HistoryEntry, Result, Row, seal
from portal_plugin.domain.lifecycle import Action, Actor, ActorKind, Status
from portal_plugin.storage import chain, history
from portal_plugin.storage.database import is_postgres
from tests.services.steps import act, as_client, invite, refusals, rows, together
from tests.support import MONDAY, TUESDAY_TEN, Host, without_guards

HOUR = timedelta(hours=1)
POSTGRES_ALONE = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


def sealed(host: Host) -> int:
    with host.app.app_context():
        return chain.seal_settled(host.state.db)


def verdict(host: Host, head: str | None = None):
    with host.app.app_context():
        return chain.verify(host.state.db, head)


def with_a_past(host: Host) -> Host:
    """Two clients' appointments, eight rows of history of every kind, all sealed."""
    first, second = host.request().ref, host.request("theo", TUESDAY_TEN + HOUR).ref
    act(host, "confirm", first, message="See you.", by="front desk")
    act(host, "decline", second, message="Ada is away.")
    as_client(host, first, Action.CANCEL, "I am ill.")
    host.browser("theo").get(f"/portal/appointments/{first}/requested")
    act(host, "export_client", "maya", by="front desk")
    act(host, "erase_client", "theo", by="front desk")
    assert sealed(host) == 8
    assert verdict(host).sound
    return host


# What is told.


def test_the_history_of_an_appointment_is_read_in_order(either_host):
    made = invite(either_host, message="A time came free.")
    either_host.clock.advance(HOUR)
    as_client(either_host, made.ref, Action.ACCEPT)
    act(either_host, "cancel", made.ref, message="Ada is away.", by="front desk")

    entry = partial(HistoryEntry, result=Result.DONE, request_id=None)
    assert act(either_host, "history", made.ref) == [
        entry(MONDAY, ActorKind.HOST, "host", "invite", None, Status.INVITED, reason="A time came free."),
        entry(MONDAY + HOUR, ActorKind.CLIENT, "maya", "accept", Status.INVITED, Status.CONFIRMED, reason=""),
        entry(
            MONDAY + HOUR,
            ActorKind.STAFF,
            "front desk",
            "cancel",
            Status.CONFIRMED,
            Status.CANCELLED,
            reason="Ada is away.",
        ),
    ]


def test_what_is_not_there_has_no_history(host):
    with pytest.raises(NotFound):
        act(host, "history", "0" * 32)


def test_what_a_person_said_is_in_no_repr(host):
    made = host.request()
    as_client(host, made.ref, Action.CANCEL, "PLANTED")

    assert "PLANTED" not in repr(act(host, "history", made.ref))


# The database keeps it as it is.


def test_the_database_refuses_every_change_of_history_and_seals(either_host):
    host = with_a_past(either_host)
    before = rows(host, "SELECT * FROM portal_history ORDER BY id"), rows(host, "SELECT * FROM portal_seal")
    [(first,)] = rows(host, "SELECT MIN(id) FROM portal_history")
    changes = [f"UPDATE portal_history SET {name} = {name}" for name in Row._fields if name not in {"reason", "salt"}]
    changes += [
        "UPDATE portal_history SET reason = ''",
        "UPDATE portal_history SET reason = 'another', salt = NULL",
        "UPDATE portal_history SET actor = '', reason = '', salt = NULL WHERE actor_kind = 'staff'",
        "UPDATE portal_history SET reason = '', salt = NULL, actor = '', at = at + 1 WHERE actor_kind = 'client'",
        "UPDATE portal_seal SET hash = hash",
        f"DELETE FROM portal_history WHERE id = {first}",
        f"DELETE FROM portal_seal WHERE history = {first}",
        "DELETE FROM portal_history",
    ]
    if is_postgres(host.state.db):
        changes += ["TRUNCATE portal_history", "TRUNCATE portal_seal"]
    else:
        columns = ", ".join(Row._fields)
        changes += [
            f"REPLACE INTO portal_history ({columns}) SELECT {columns} FROM portal_history WHERE id = {first}",
            f"REPLACE INTO portal_seal (history, hash) VALUES ({first}, 'x')",
            f"UPDATE OR REPLACE portal_history SET id = {first + 1} WHERE id = {first}",
        ]

    for change in changes:
        with host.app.app_context(), pytest.raises(IntegrityError, match="append-only"):
            host.state.db.execute_sql(change)

    after = rows(host, "SELECT * FROM portal_history ORDER BY id"), rows(host, "SELECT * FROM portal_seal")
    assert after == before


# Many at once.


def live(host: Host, seed: int) -> None:
    """Somebody who asks, decides, looks where they should not and seals, as chance has it."""
    chance, refs = random.Random(seed), []
    for _ in range(12):
        what = chance.choice(["request", "request", "confirm", "decline", "cancel", "move", "look", "seal"])
        with suppress(PortalError):
            starts = TUESDAY_TEN + timedelta(days=chance.choice([0, 1, 2, 3]), minutes=30 * chance.randrange(-2, 3))
            if what == "request":
                refs.append(host.request("theo" if seed % 2 else "maya", starts, provider="ada").ref)
            elif what == "look":
                host.browser("theo").get(f"/portal/appointments/{chance.choice(refs or ['0' * 32])}/requested")
            elif what == "seal":
                sealed(host)
            elif what == "move" and refs:
                refs.append(act(host, "reschedule", chance.choice(refs), starts=starts).ref)
            elif refs and what != "move":
                act(host, what, chance.choice(refs))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_several_do_at_once_the_chain_is_sound(either_host, seed):
    answers = together(*(partial(live, either_host, 10 * seed + n) for n in range(6)))
    assert refusals(answers) == []
    sealed(either_host)

    found = verdict(either_host)
    [(count,)] = rows(either_host, "SELECT count(*) FROM portal_history")
    print(f"\n{count} rows by six threads")
    assert (found.sound, found.what, found.rows, found.unsealed) == (True, "", count, 0)
    assert count > 15


def late(host: Host):
    """A row that got its number before another's and is committed after it, with an attempt to seal in between."""
    db, written, go_on = host.state.db, threading.Event(), threading.Event()

    def slow():
        with host.app.app_context(), db.atomic():
            history.record(db, None, Actor(ActorKind.STAFF, "slow"), Event.EXPORT, None, None, "", MONDAY)
            written.set()
            go_on.wait(timeout=30)

    thread = threading.Thread(target=slow, daemon=True)
    thread.start()
    assert written.wait(timeout=30)
    host.request()
    meanwhile = sealed(host)
    go_on.set()
    thread.join(timeout=30)
    sealed(host)
    return meanwhile, verdict(host)


@POSTGRES_ALONE
def test_a_row_is_sealed_only_when_none_before_it_can_turn_up(either_host):
    meanwhile, found = late(either_host)

    assert meanwhile == 0
    assert (found.sound, found.rows) == (True, 2)


@POSTGRES_ALONE
def test_without_that_wait_a_late_row_would_break_the_chain(either_host, monkeypatch):
    """The control."""
    monkeypatch.setattr(chain, "settled", chain._newest)
    meanwhile, found = late(either_host)

    assert meanwhile == 1
    assert (found.sound, found.broken, found.what) == (False, found.last - 1, "was put in afterwards")


@pytest.fixture
def meeting(monkeypatch):
    """Two who seal meet after each has read the last seal, if nothing keeps one of them from that."""
    barrier = threading.Barrier(2)

    def seal_together(previous, row):
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=1)
        return seal(previous, row)

    monkeypatch.setattr(chain, "seal", seal_together)


def test_two_who_seal_at_once_leave_one_chain(either_host, meeting):
    either_host.request()

    assert sorted(together(*[partial(sealed, either_host)] * 2)) == [0, 1]
    assert verdict(either_host).sound


def test_without_their_turn_two_who_seal_would_follow_the_same_seal(either_host, meeting, monkeypatch):
    """The control: all that is left then is that the database knows no two seals of one row."""
    either_host.request()
    monkeypatch.setattr(type(either_host.state.db), "atomic", lambda *_: nullcontext())
    monkeypatch.setattr(chain, "is_postgres", lambda _: False)

    answers = together(*[partial(sealed, either_host)] * 2)

    assert [type(answer) for answer in refusals(answers)] == [IntegrityError]


# What an attacker can do who may change the tables.


def tampered(host: Host, *statements: str):
    """The verdict with these changes made; they are undone after it."""
    db = host.state.db
    with host.app.app_context(), db.atomic() as transaction:
        with without_guards(db):
            for statement in statements:
                db.execute_sql(statement)
            found = chain.verify(db)
        transaction.rollback()
    assert verdict(host).sound
    return found


OTHER = {
    "id": "id + 1000",
    "at": "at - 1",
    "appointment": "CASE WHEN appointment = {first} THEN NULL ELSE {first} END",
    "actor_kind": "CASE actor_kind WHEN 'client' THEN 'link' ELSE 'client' END",
    "actor": "'somebody'",
    "action": "'complete'",
    "from_status": "'no_show'",
    "to_status": "'no_show'",
    "result": "CASE result WHEN 'done' THEN 'refused' ELSE 'done' END",
    "reason": "'another'",
    "request_id": "'00000000'",
    "erased": "17",
    "salt": "'00000000'",
    "digest": "'00000000'",
}


@pytest.mark.parametrize("name", Row._fields)
def test_every_change_of_one_field_of_any_row_is_found(either_host, name):
    host = with_a_past(either_host)
    [(first,)] = rows(host, "SELECT MIN(id) FROM portal_appointment")
    numbers = [number for (number,) in rows(host, "SELECT id FROM portal_history ORDER BY id")]

    for number in numbers:
        value = OTHER[name].replace("{first}", str(first))
        found = tampered(host, f"UPDATE portal_history SET {name} = {value} WHERE id = {number}")
        assert (found.sound, found.broken) == (False, number), (name, number)


def test_every_change_of_a_seal_is_found(either_host):
    host = with_a_past(either_host)
    numbers = [number for (number,) in rows(host, "SELECT history FROM portal_seal ORDER BY history")]

    for number in numbers:
        assert not tampered(host, f"UPDATE portal_seal SET hash = 'x' WHERE history = {number}").sound
        assert not tampered(host, f"UPDATE portal_seal SET history = history + 1000 WHERE history = {number}").sound
    assert not tampered(host, f"INSERT INTO portal_seal (history, hash) VALUES ({numbers[0] - 1}, 'x')").sound


def test_a_row_taken_out_is_found(either_host):
    host = with_a_past(either_host)
    numbers = [number for (number,) in rows(host, "SELECT id FROM portal_history ORDER BY id")]

    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        row = f"DELETE FROM portal_history WHERE id = {number}"
        its_seal = f"DELETE FROM portal_seal WHERE history = {number}"
        assert tampered(host, row).broken == number
        if following:
            assert tampered(host, row, its_seal).broken == following
            assert tampered(host, its_seal).broken == number


def test_a_row_put_in_is_found(either_host):
    host = with_a_past(either_host)
    [(first, last)] = rows(host, "SELECT MIN(id), MAX(id) FROM portal_history")
    columns = ", ".join(name for name in Row._fields if name != "id")
    copy = f"INSERT INTO portal_history (id, {columns}) SELECT {{}}, {columns} FROM portal_history WHERE id = {first}"
    move = f"UPDATE portal_history SET id = {last + 1} WHERE id = {last}"
    move_seal = f"UPDATE portal_seal SET history = {last + 1} WHERE history = {last}"

    for number in (first - 1, last):
        found = tampered(host, *([move, move_seal] if number == last else []), copy.format(number))
        assert (found.sound, found.broken, found.what) == (False, number, "was put in afterwards")


def test_rows_that_changed_places_are_found(either_host):
    host = with_a_past(either_host)
    numbers = [number for (number,) in rows(host, "SELECT id FROM portal_history ORDER BY id")]

    for one, other in pairwise(numbers):
        steps = ((one, -1), (other, one), (-1, other))
        swap = [f"UPDATE portal_history SET id = {to} WHERE id = {number}" for number, to in steps]
        swap_seals = [f"UPDATE portal_seal SET history = {to} WHERE history = {number}" for number, to in steps]
        assert tampered(host, *swap).broken == one
        assert tampered(host, *swap, *swap_seals).broken == one
        assert tampered(host, *swap_seals).broken == one


def test_words_that_changed_places_are_found(either_host):
    host = with_a_past(either_host)
    (one, *words), (other, *others) = rows(
        host, "SELECT id, actor, reason, salt FROM portal_history WHERE salt IS NOT NULL ORDER BY id LIMIT 2"
    )
    change = "UPDATE portal_history SET actor = '{1}', reason = '{2}', salt = '{3}' WHERE id = {0}"

    found = tampered(host, change.format(one, *others), change.format(other, *words))

    assert (found.sound, found.broken) == (False, one)


def test_words_that_no_erasure_took_are_missed(either_host):
    host = with_a_past(either_host)
    for number, kind in rows(host, "SELECT id, actor_kind FROM portal_history WHERE salt IS NOT NULL"):
        name = ", actor = ''" if kind == "client" else ""
        found = tampered(host, f"UPDATE portal_history SET reason = '', salt = NULL{name} WHERE id = {number}")
        assert not found.sound
        assert "have lost their words" in found.what


def rewrite(host: Host, number: int) -> None:
    """Change a row and seal it and all that follow anew, as anybody can who may change tables."""
    db = host.state.db
    with host.app.app_context(), without_guards(db):
        db.execute_sql(f"UPDATE portal_history SET at = at - 86400 WHERE id = {number}")
        db.execute_sql(f"DELETE FROM portal_seal WHERE history >= {number}")
    sealed(host)


def test_what_was_written_anew_as_a_whole_is_found_by_a_head_kept_elsewhere(either_host):
    host = with_a_past(either_host)
    kept = verdict(host).head
    host.request(starts=TUESDAY_TEN + timedelta(days=1))
    sealed(host)
    assert verdict(host, kept).sound, "a chain that has grown still holds the head it had"
    [(first,)] = rows(host, "SELECT MIN(id) FROM portal_history")

    rewrite(host, first)

    assert verdict(host).sound, "nobody can tell from the inside"
    found = verdict(host, kept)
    assert not found.sound
    assert "the head that was kept" in found.what


def test_an_end_cut_off_is_found_by_a_head_kept_elsewhere(either_host):
    host = with_a_past(either_host)
    found = verdict(host)
    with host.app.app_context(), without_guards(host.state.db):
        host.state.db.execute_sql(f"DELETE FROM portal_history WHERE id = {found.last}")
        host.state.db.execute_sql(f"DELETE FROM portal_seal WHERE history = {found.last}")

    assert not verdict(host, found.head).sound


def test_a_chain_longer_than_a_batch_is_sealed_and_read_whole(either_host, monkeypatch):
    monkeypatch.setattr(chain, "BATCH", 3)
    host = with_a_past(either_host)
    numbers = [number for (number,) in rows(host, "SELECT id FROM portal_history ORDER BY id")]

    assert verdict(host).rows == 8
    for number in numbers:
        assert tampered(host, f"UPDATE portal_history SET at = 0 WHERE id = {number}").broken == number


def test_the_worker_seals_what_was_written(either_host):
    either_host.request()
    assert verdict(either_host).unsealed == 1

    either_host.deliver()

    assert (verdict(either_host).unsealed, verdict(either_host).rows) == (0, 1)


def test_an_empty_history_is_sound(either_host):
    assert verdict(either_host) == verdict(either_host, None)
    assert (verdict(either_host).sound, verdict(either_host).head) == (True, "")
