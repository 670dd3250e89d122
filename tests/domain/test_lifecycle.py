"""The whole table: every status, every action, everybody who might try."""

from itertools import product

import pytest

from portal_plugin.domain.errors import AlreadyDecided, NotAllowed
from portal_plugin.domain.lifecycle import OPEN, RELEASING, TRANSITIONS, Action, ActorKind, Status, next_status

# `requested → confirmed | declined | cancelled | expired; invited → confirmed | cancelled | withdrawn | expired;
# confirmed → cancelled | completed | no_show`, with who may.
TABLE = {
    ("requested", "confirm"): ("confirmed", "staff system"),
    ("requested", "decline"): ("declined", "staff"),
    ("requested", "cancel"): ("cancelled", "client staff"),
    ("requested", "expire"): ("expired", "system"),
    ("invited", "accept"): ("confirmed", "client staff"),
    ("invited", "cancel"): ("cancelled", "client staff"),
    ("invited", "withdraw"): ("withdrawn", "staff"),
    ("invited", "expire"): ("expired", "system"),
    ("confirmed", "cancel"): ("cancelled", "client staff"),
    ("confirmed", "complete"): ("completed", "staff"),
    ("confirmed", "miss"): ("no_show", "staff"),
    # Another time took its place.
    ("requested", "replace"): ("cancelled", "client staff system"),
    ("invited", "replace"): ("cancelled", "client staff system"),
    ("confirmed", "replace"): ("cancelled", "client staff system"),
}
DONE_BY = {
    "confirm": "confirmed",
    "accept": "confirmed",
    "decline": "declined",
    "cancel": "cancelled",
    "withdraw": "withdrawn",
    "expire": "expired",
    "complete": "completed",
    "miss": "no_show",
    "replace": "cancelled",
}
FINAL = {"declined", "cancelled", "expired", "withdrawn", "completed", "no_show"}
DECISIONS = [Action[name.upper()] for name in DONE_BY]


def answer(status: Status, action: Action, kind: ActorKind) -> str | None:
    try:
        target = next_status(status, action, kind)
    except AlreadyDecided:
        return "already decided"
    except NotAllowed:
        return "not allowed"
    return None if target is None else target.value


def expected(status: str, action: str, kind: str) -> str | None:
    if (status, action) in TABLE:
        target, actors = TABLE[status, action]
        # The host's own code acts for the practice, as its staff does.
        return target if kind.replace("host", "staff") in actors.split() else "not allowed"
    return None if DONE_BY[action] == status else "already decided"


@pytest.mark.parametrize("status", Status)
def test_every_decision_does_what_the_table_says(status):
    for action, kind in product(DECISIONS, ActorKind):
        assert answer(status, action, kind) == expected(status.value, action.name.lower(), kind.value), (action, kind)


def test_nothing_leaves_a_final_state():
    for status, action, kind in product(sorted(FINAL), DECISIONS, ActorKind):
        assert answer(Status(status), action, kind) in {None, "already decided"}


def test_the_states_are_those_of_the_product():
    assert {status.value for status in Status} == {"requested", "invited", "confirmed"} | FINAL
    assert {status.value for status in OPEN} == {"requested", "invited", "confirmed"}


def test_states_that_give_the_time_back_are_the_final_ones_before_the_appointment():
    """A completed or missed appointment did take its time."""
    assert {status.value for status in RELEASING} == FINAL - {"completed", "no_show"}


def test_the_code_knows_no_transition_beyond_the_table():
    assert {(status.value, action.name.lower()) for status, action in TRANSITIONS} == set(TABLE)


@pytest.mark.parametrize("action", [Action.REQUEST, Action.INVITE])
def test_what_exists_is_neither_requested_nor_invited_again(action):
    for status, kind in product(Status, ActorKind):
        with pytest.raises(AlreadyDecided):
            next_status(status, action, kind)


def test_the_refusal_says_in_words_which_state_it_is_in():
    with pytest.raises(AlreadyDecided) as refusal:
        next_status(Status.NO_SHOW, Action.CANCEL, ActorKind.STAFF)

    assert str(refusal.value) == "This appointment is no-show and can no longer be cancelled."
    assert refusal.value.status == "no_show"


@pytest.mark.parametrize(
    ("status", "action", "kind", "words"),
    [
        (Status.REQUESTED, Action.CONFIRM, ActorKind.CLIENT, "This appointment cannot be confirmed by the client."),
        (Status.CONFIRMED, Action.MISS, ActorKind.LINK, "This appointment cannot be marked as missed by the link."),
        (Status.REQUESTED, Action.EXPIRE, ActorKind.STAFF, "This appointment cannot be expired by the staff."),
    ],
)
def test_the_refusal_says_what_may_not_be_done_and_by_whom(status, action, kind, words):
    with pytest.raises(NotAllowed) as refusal:
        next_status(status, action, kind)

    assert str(refusal.value) == words
