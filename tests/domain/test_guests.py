"""People who are not clients yet."""

import pytest

from portal_plugin.domain.guests import Guest, Question, QuestionKind, is_guest


@pytest.mark.parametrize(
    ("client_id", "guest"),
    [
        (f"guest-{'0a' * 16}", True),
        (f"guest-{'0a' * 16}\n", False),
        (f"guest-{'0A' * 16}", False),
        ("guest-7", False),
        (f"my-guest-{'0a' * 16}", False),
        ("maya", False),
        ("", False),
    ],
)
def test_a_guests_id_is_the_portals_own(client_id, guest):
    assert is_guest(client_id) is guest


def test_a_mailbox_is_the_same_however_it_is_written():
    one, other = Guest("Maya", "Maya@Example.org"), Guest("M. Lindqvist", "maya@example.ORG")

    assert one.mailbox == other.mailbox != Guest("Maya", "theo@example.org").mailbox


def test_what_can_be_answered_is_limited_to_yes_and_no_or_to_the_options():
    options = ("a friend", "a doctor")

    assert Question("smokes", "Do you smoke?", QuestionKind.YES_NO).answers == ("yes", "no")
    assert Question("from", "Who sent you?", QuestionKind.CHOICE, options).answers == options
    assert Question("note", "Anything else?", QuestionKind.TEXT).answers == ()
