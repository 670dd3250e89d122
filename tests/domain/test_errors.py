"""Refusals are sentences for the person who reads them, and logs do not repeat them."""

import pytest

from portal_plugin.domain.errors import (
    AlreadyDecided,
    AppointmentsAhead,
    Mistake,
    NotAnswered,
    NotFound,
    NotOffered,
    PortalError,
    PracticeFileError,
    SlotTaken,
    in_words,
    whereabouts,
)
from portal_plugin.domain.lifecycle import Status
from portal_plugin.domain.said import Said


@pytest.mark.parametrize("status", Status)
def test_every_status_is_a_word_that_can_be_told_in_other_languages(status):
    word = in_words(status)

    assert isinstance(word, Said)
    assert word == status.replace("_", "-")


def test_a_word_that_nobody_translated_is_told_as_it_is():
    assert in_words("snoozed_twice") == "snoozed-twice"


def test_what_is_refused_is_said_in_a_sentence():
    decided = AlreadyDecided("confirmed", Status.NO_SHOW)

    assert str(decided) == "This appointment is no-show and can no longer be confirmed."
    assert decided.status is Status.NO_SHOW
    assert str(NotFound()) == "There is no such appointment."
    assert str(SlotTaken()) == "That time was taken a moment ago."
    assert str(NotAnswered()) == (
        "The practice's own system did not answer. Nothing was changed. Please try again in a moment."
    )
    assert NotOffered("type", "Choose a type.").field == "type"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "This client has an appointment ahead: cancel it first, "),
        (2, "This client has 2 appointments ahead: cancel them first, "),
    ],
)
def test_what_lies_ahead_is_counted(number, told):
    refusal = AppointmentsAhead(number)

    assert str(refusal) == told + "or let the erasure do so (--cancel, cancel=True)."
    assert refusal.number == number


def test_every_refusal_has_a_sentence_and_one_without_words_an_empty_one():
    decided = AlreadyDecided("confirmed", Status.CANCELLED)

    assert decided.sentence == str(decided)
    assert isinstance(decided.sentence, Said)
    assert PortalError().sentence == ""


def test_a_practice_file_is_told_all_its_mistakes_by_line():
    mistakes = [Mistake(3, "providers.ada", "has no hours"), Mistake(None, "practice", "has no name")]
    refusal = PracticeFileError(mistakes)

    assert str(refusal) == "line 3, providers.ada: has no hours\npractice: has no name"
    assert refusal.mistakes == tuple(mistakes)


def test_a_log_says_what_broke_where_and_not_its_words():
    def host_code(words: str) -> None:
        raise RuntimeError(words)

    with pytest.raises(RuntimeError) as broken:
        host_code("Maya " + "Lindqvist")
    first, second, *frames = whereabouts(broken.value).split("\n")

    assert (first, second) == ("RuntimeError", "Traceback (most recent call last):")
    assert all(line.startswith("  ") for line in frames)
    assert [frames[-2].rpartition(" ")[2], frames[-1].strip()] == ["host_code", "raise RuntimeError(words)"]
    assert "Maya Lindqvist" not in " ".join(frames)
