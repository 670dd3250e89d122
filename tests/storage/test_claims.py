"""Two claims of one provider never overlap, and it is the database that says so."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import IntegrityError, PeeweeException

from portal_plugin.domain.errors import SlotTaken
from portal_plugin.domain.practice import Interval
from portal_plugin.storage import claims
from portal_plugin.storage.database import is_postgres, open_database

HOUR, DAY = 3600, 86_400
NINE = 1_796_742_000


@pytest.fixture
def db(database_url):
    database = open_database(database_url)
    yield database
    database.close_all()


def insert(db, provider, starts, ends):
    """A row as any program could write it, past the portal's own code."""
    db.execute_sql(f"INSERT INTO portal_claim (provider, starts, ends) VALUES ({provider}, {starts}, {ends})")


def take(db, provider, interval):
    return claims.take(db, provider, interval, claims.Purpose("visit", "phone", None, interval.starts))


def taken(db, providers, since, until):
    found = claims.taken(db, providers, since, until)
    return {number: [Interval(*row[:2]) for row in rows] for number, rows in found.items()}


def stored(db):
    return list(db.execute_sql("SELECT provider, starts, ends FROM portal_claim ORDER BY provider, starts"))


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (NINE, NINE + HOUR),
        (NINE - 1, NINE + 1),
        (NINE + HOUR - 1, NINE + 2 * HOUR),
        (NINE + 600, NINE + 1200),
        (NINE - HOUR, NINE + 2 * HOUR),
        (NINE - 10 * HOUR, NINE + 10 * HOUR),
        (NINE, NINE + 1),
    ],
)
def test_the_database_itself_refuses_an_overlap(db, starts, ends):
    insert(db, 1, NINE - 2 * DAY, NINE - 2 * DAY + 60)
    insert(db, 1, NINE, NINE + HOUR)
    before = stored(db)

    with pytest.raises(IntegrityError, match="portal_claim_apart"):
        insert(db, 1, starts, ends)
    with pytest.raises(SlotTaken):
        take(db, 1, Interval(starts, ends))

    assert stored(db) == before


def test_claims_that_touch_do_not_overlap(db):
    for starts in (NINE, NINE - HOUR, NINE + HOUR):
        insert(db, 1, starts, starts + HOUR)

    assert len(stored(db)) == 3


def test_another_provider_has_time_of_their_own(db):
    for provider in (1, 2, 0, 2**31 - 1):
        insert(db, provider, NINE, NINE + HOUR)

    assert len(stored(db)) == 4


def test_a_claim_cannot_be_moved_into_another(db):
    insert(db, 1, NINE, NINE + HOUR)
    insert(db, 1, NINE + HOUR, NINE + 2 * HOUR)
    insert(db, 2, NINE, NINE + HOUR)
    before = stored(db)

    for change in (
        f"starts = {NINE + HOUR - 1} WHERE provider = 1 AND starts = {NINE + HOUR}",
        f"ends = {NINE + HOUR + 1} WHERE provider = 1 AND starts = {NINE}",
        "provider = 1 WHERE provider = 2",
    ):
        with pytest.raises(IntegrityError, match="portal_claim_apart"):
            db.execute_sql(f"UPDATE portal_claim SET {change}")

    assert stored(db) == before


def test_a_claim_can_be_moved_within_its_own_time(db):
    insert(db, 1, NINE, NINE + HOUR)

    db.execute_sql(f"UPDATE portal_claim SET starts = {NINE + 60}, ends = {NINE + HOUR + 60}")

    assert stored(db) == [(1, NINE + 60, NINE + HOUR + 60)]


@pytest.mark.parametrize("ends", [NINE, NINE - 1, NINE + DAY + 1])
def test_a_claim_has_a_length_and_it_is_a_day_at_most(db, ends):
    with pytest.raises(IntegrityError):
        insert(db, 1, NINE, ends)

    assert stored(db) == []


def test_a_claim_may_take_a_whole_day(db):
    insert(db, 1, NINE, NINE + claims.LONGEST)

    assert taken(db, [1], NINE + DAY - 1, NINE + DAY) == {1: [Interval(NINE, NINE + DAY)]}


def test_a_released_claim_is_free_again(db):
    claim = take(db, 1, Interval(NINE, NINE + HOUR))
    claims.release(db, claim)

    assert take(db, 1, Interval(NINE, NINE + HOUR)) != claim, "a claim's number is not used twice"


def test_taken_tells_whatever_reaches_into_the_range(db):
    for starts in (NINE - HOUR, NINE, NINE + HOUR, NINE + 2 * HOUR):
        insert(db, 1, starts, starts + HOUR)
    insert(db, 2, NINE, NINE + HOUR)

    assert taken(db, [1, 3], NINE, NINE + 2 * HOUR) == {
        1: [Interval(NINE, NINE + HOUR), Interval(NINE + HOUR, NINE + 2 * HOUR)],
        3: [],
    }
    assert taken(db, [1], NINE + 1, NINE + 2)[1] == [Interval(NINE, NINE + HOUR)]
    assert claims.taken(db, [], NINE, NINE + HOUR) == {}


def test_many_threads_at_once_leave_no_overlap(db):
    """Forty threads, each with a stretch of its own choosing that overlaps others'."""
    stretches = [Interval(NINE + n % 8 * 900, NINE + n % 8 * 900 + HOUR) for n in range(40)]

    def attempt(stretch):
        try:
            return take(db, 1, stretch)
        except SlotTaken:
            return None
        finally:
            db.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(attempt, stretches))

    rows = [Interval(starts, ends) for _, starts, ends in stored(db)]
    assert 1 <= len(rows) <= 2, "an hour in steps of a quarter fits twice into two hours and three quarters"
    assert len([answer for answer in answers if answer is not None]) == len(rows)
    assert all(earlier.ends <= later.starts for earlier, later in pairwise(rows))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 40), st.integers(1, 12), st.booleans()), min_size=2, max_size=12
    )
)
def test_any_inserts_and_updates_leave_claims_apart(db, changes):
    """The database's word against the plainest check there is."""
    db.execute_sql("DELETE FROM portal_claim")
    kept = []
    for provider, starts, length, move in changes:
        fits = [row for row in kept if row[0] != provider or row[1] >= starts + length or row[2] <= starts]
        others = kept[1:] if move and kept else kept
        expected = all(row in fits for row in others)
        before = list(kept)
        try:
            if move and kept:
                old = kept[0]
                db.execute_sql(
                    f"UPDATE portal_claim SET provider = {provider}, starts = {starts}, ends = {starts + length} "
                    f"WHERE provider = {old[0]} AND starts = {old[1]}"
                )
                kept = [*kept[1:], (provider, starts, starts + length)]
            else:
                insert(db, provider, starts, starts + length)
                kept = [*kept, (provider, starts, starts + length)]
        except IntegrityError:
            kept = before
            accepted = False
        else:
            accepted = True
        assert accepted == expected
        assert sorted(stored(db)) == sorted(kept)


def test_without_the_guard_overlaps_are_stored(own_schema, db):
    """The control: it is this guard, and nothing else, that keeps claims apart."""
    insert(db, 1, NINE, NINE + HOUR)
    if is_postgres(db):
        db.execute_sql("ALTER TABLE portal_claim DROP CONSTRAINT portal_claim_apart")
    else:
        db.execute_sql("DROP TRIGGER portal_claim_apart_INSERT")

    insert(db, 1, NINE, NINE + HOUR)

    assert len(stored(db)) == 2


@pytest.mark.parametrize("how", ["INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
def test_no_way_to_insert_on_sqlite_gets_past_the_guard(sqlite_url, how):
    db = open_database(sqlite_url)
    insert(db, 1, NINE, NINE + HOUR)

    with suppress(PeeweeException):
        db.execute_sql(
            f"{how} INTO portal_claim (id, provider, starts, ends) VALUES (9, 1, {NINE + 60}, {NINE + HOUR})"
        )

    assert stored(db) == [(1, NINE, NINE + HOUR)]
    db.close_all()
