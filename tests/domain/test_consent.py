"""What is kept of an agreement names the words that were agreed to."""

from portal_plugin.domain.consent import ReminderConsent


def consent(text: str) -> ReminderConsent:
    return ReminderConsent("+12125550100", "America/New_York", "", "", "/portal", text)


def test_the_same_words_have_the_same_version_forever():
    """The ledger keeps it: the first twelve digits of the words' SHA-256, as anybody can work them out."""
    assert consent("Yes, send me text reminders.").version == "8f0633cf3b64"
    assert consent("Yes, send me text reminders!").version != "8f0633cf3b64"


def test_no_words_have_no_version_and_words_that_cannot_be_sent_have_one():
    assert consent("").version == ""
    assert len(consent("\ud800").version) == 12
