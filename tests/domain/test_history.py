"""A row of history vouches for all before it, and a person's words can be taken out of it without a break."""

import pytest

from portal_plugin.domain.history import Row, Verdict, digest, first_break, seal, words_fit

CLIENT = Row(
    id=7,
    at=1_796_000_000,
    appointment=3,
    actor_kind="client",
    actor="maya",
    action="cancel",
    from_status="confirmed",
    to_status="cancelled",
    result="done",
    reason="ill",
    request_id="r1",
    erased=None,
    salt="salt",
    digest=digest("salt", "maya", "ill"),
)
STAFF = CLIENT._replace(id=8, actor_kind="staff", actor="desk", digest=digest("salt", "desk", "ill"))
ERASED = CLIENT._replace(actor="", reason="", salt=None)


@pytest.mark.parametrize("field", sorted(set(Row._fields) - {"actor", "reason", "salt"}))
def test_a_seal_hangs_on_every_field_and_on_the_seal_before(field):
    assert seal("before", CLIENT._replace(**{field: "another"})) != seal("before", CLIENT) != seal("else", CLIENT)


@pytest.mark.parametrize("kind", ["client", "link"])
def test_an_erased_person_leaves_the_seal_as_it_was(kind):
    assert seal("before", ERASED._replace(actor_kind=kind)) == seal("before", CLIENT._replace(actor_kind=kind))


def test_a_name_of_staff_is_sealed_itself():
    assert seal("before", STAFF._replace(actor="")) != seal("before", STAFF)


@pytest.mark.parametrize(
    "row",
    [CLIENT, STAFF, ERASED, ERASED._replace(actor_kind="link"), STAFF._replace(reason="", salt=None)],
)
def test_words_fit_as_they_were_or_taken_away_whole(row):
    assert words_fit(row)


@pytest.mark.parametrize(
    "row",
    [
        CLIENT._replace(actor="theo"),
        CLIENT._replace(reason="late"),
        CLIENT._replace(salt="pepper"),
        CLIENT._replace(actor="", reason=""),
        CLIENT._replace(salt=None),
        ERASED._replace(actor="maya"),
        ERASED._replace(actor="maya", actor_kind="link"),
        ERASED._replace(reason="ill"),
        STAFF._replace(salt=None),
    ],
)
def test_other_words_and_words_half_taken_away_do_not_fit(row):
    assert not words_fit(row)


def sealed(*rows: Row) -> list[tuple[int, str, Row | None]]:
    found, previous = [], "before"
    for row in rows:
        previous = seal(previous, row)
        found.append((row.id, previous, row))
    return found


def test_the_first_break_is_named_by_its_row_and_why():
    rows = [CLIENT, STAFF, CLIENT._replace(id=9)]
    good = sealed(*rows)

    assert first_break("before", good) is None
    assert first_break("before", []) is None
    assert first_break("else", good) == (7, "was changed, or what stood before it was")
    for n, row in enumerate(rows):
        number, was, _ = good[n]
        for broken, why in (
            (None, "is missing"),
            (row._replace(action="confirm"), "was changed, or what stood before it was"),
            (row._replace(reason="late"), "has other words than it had"),
        ):
            assert first_break("before", [*good[:n], (number, was, broken), *good[n + 1 :]]) == (number, why)


def test_a_history_is_sound_when_there_is_nothing_to_say_of_it():
    assert Verdict(rows=2, last=8, head="", unsealed=0).sound
    assert not Verdict(rows=2, last=8, head="", unsealed=0, broken=7, what="is missing").sound


# The formula, which may not change: what was sealed with it has to verify for ever.


def test_a_seal_is_this_very_hash():
    row = Row(7, 0, 3, "client", "maya", "cancel", "confirmed", "cancelled", "done", "ill", None, None, "salt", "d")

    assert seal("previous", row) == "56899216bf5bc606b89b14a731507bfb3fac2b1b203910eb9faa03aa36785a83"
    assert digest("salt", "maya", "ill") == "fb38558b03b3e65d3acd4014fa479a9b59cec55ad38b1d93e61e70ea77ab17f4"
