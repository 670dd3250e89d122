"""What people text back is understood: a wish to get no more texts in any reasonable words, and no other as one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_plugin.domain.texting import Said, read_text

STOP_WORDS = ("STOP", "QUIT", "END", "REVOKE", "OPT OUT", "OPTOUT", "CANCEL", "UNSUBSCRIBE", "STOPALL")
KNOWN_TO_GATEWAYS = {*STOP_WORDS, "START", "UNSTOP", "YES", "HELP", "INFO"} - {"OPT OUT"}

ENDS = {
    # The words of the rule, dressed up.
    "Stop. Thank you": "polite words around",
    "please stop texting me": "says so",
    "STOP!!!": "punctuation",
    "stop pls": "a short please",
    "Hi, please cancel. Thanks!": "the word and politeness, nothing about an appointment",
    "Opt-out": "a hyphen",
    "opt me out": "a word between",
    "I would like to opt out of these": "in a sentence",
    "I am opting out": "another form of it",
    "Unsubscribe me please": "says so",
    "unsubscribed": "a slip of the same word",
    "stop all": "two words for one",
    "ＳＴＯＰ": "full-width letters",
    "S.T.O.P.": "spelt out",
    "s t o p": "spelt out",
    "stpo": "a slip of the thumb",
    "Stoppp": "a slip of the thumb",
    "🛑": "the sign itself",
    "ALTO": "Spanish",
    "arrêt": "French",
    "I revoke my consent": "the rule's own word",
    "I hereby withdraw my consent to receive texts": "the same in other words",
    "I do not consent to this": "the same in other words",
    # Free wording.
    "don't text me": "asks not to",
    "Don’t text me anymore": "a curly apostrophe",
    "do not contact me again": "asks not to",
    "Never message this number again": "asks not to",
    "don't send me anything": "asks not to",
    "Please do not send me any more reminders": "asks not to",
    "no more texts": "asks not to",
    "No more reminders please!": "asks not to",
    "I don't want these messages": "does not want them",
    "I do not wish to receive text messages": "does not want them",
    "I no longer want reminders": "does not want them",
    "take me off your list": "asks to be removed",
    "Remove my number": "asks to be removed",
    "delete me from this": "asks to be removed",
    "lose my number": "asks to be removed",
    "wrong number": "whoever this is did not agree",
    "Sorry, wrong person": "whoever this is did not agree",
    "turn these off": "asks to",
    "Turn off text reminders": "asks to",
    "end these messages": "asks to",
    "quit texting me": "asks to",
    "quit it": "nothing else to quit here",
    "cancel reminders": "of reminders, not of a visit",
    "Cancel the reminder for my appointment": "of the reminder, though an appointment is named",
    "cancel text messages about my visits": "of texts, though visits are named",
    "leave me alone": "what else",
    "Not interested": "what else",
    "No thanks": "in doubt: nothing was offered that it could decline but the texts",
    "go away": "what else",
    "cease and desist": "a lawyer's way",
    "Fuck off": "rude and clear",
    "enough!": "in doubt",
    "Why don't you stop texting me?": "a question in form alone",
    "Can you stop these?": "a question in form alone",
    "I asked you to stop": "asked before",
    "stop stop stop": "said thrice",
    "Stop. Also can I stop by at 5?": "both, so also the one",
    "I need to cancel": "in doubt: it may be the appointment, and nothing here is cancelled by text",
    "cancel it": "in doubt",
    "stop reminding me about my bus stop": "the noun changes nothing",
    "Don't call me, don't text me": "asks not to",
    "text me later, stop for now": "in doubt",
}

GOES_ON = {
    "Don't cancel my appointment": "asks for the opposite, of an appointment",
    "can I stop by at 5?": "a visit",
    "I'll stop in tomorrow": "a visit",
    "May I stop at the desk for the form": "a visit",
    "is there a bus stop nearby": "a noun",
    "Which is the next stop, Elm Row?": "a noun",
    "please don't stop the reminders": "asks for the opposite",
    "do not stop texting me, I need these": "asks for the opposite",
    "I don't want to stop": "asks for the opposite",
    "I did not unsubscribe": "says the opposite",
    "I never opted out": "says the opposite",
    "Cancel my appointment": "of an appointment",
    "please cancel my 3pm": "of an appointment",
    "Need to cancel tomorrow": "of an appointment",
    "can I cancel my session with Dr. Moreau?": "of an appointment",
    "was my visit cancelled?": "a question about an appointment",
    "see you at the end of the week": "a time",
    "I quit smoking last week": "something else",
    "should I stop taking my medication before the visit?": "something else",
    "I can't stop coughing": "something else",
    "stopped in traffic, 10 minutes late": "something else",
    "Thanks!": "polite",
    "ok": "polite",
    "No": "an answer to nothing that was asked",
    "See you then": "polite",
    "Yes I'll be there": "no consent: more than the word",
    "yes, see you tomorrow": "no consent: more than the word",
    "Can you help me find parking?": "a question for the practice",
    "I will start therapy on Monday": "no consent: more than the word",
    "please start texting me": "no consent in one of the words for it",
    "running late": "news",
    "Who do I call about the bill?": "a question for the practice",
    "I didn't get a reminder": "misses one",
    "I don't have your address": "a question for the practice",
    "Liked “Elm Row Practice: Tuesday, 10:00 AM. Reply STOP to end.”": "a tap: the words are ours",
    "👍 to “Elm Row Practice: Tuesday, 10:00 AM. Reply STOP to end.”": "a tap: the words are ours",
    'Reacted ❤️ to "Elm Row Practice: Tuesday. Reply STOP to end."': "a tap: the words are ours",
    "": "nothing",
    "   \n": "nothing",
    "👍": "polite",
    "unstoppable": "another word",
    "laptop": "another word",
}

ASKS = {
    "HELP": Said.HELP,
    "help?": Said.HELP,
    "Help please": Said.HELP,
    "info": Said.HELP,
    "INFO!": Said.HELP,
    "Who is this?": Said.HELP,
    "START": Said.START,
    "Start again please": Said.START,
    "unstop": Said.START,
    "Yes": Said.YES,
    "yes please": Said.YES,
}


@pytest.mark.parametrize("text", ENDS)
def test_wording_that_ends_texts(text):
    assert read_text(text).said is Said.STOP, ENDS[text]


@pytest.mark.parametrize("text", GOES_ON)
def test_wording_that_ends_nothing(text):
    assert read_text(text).said is None, GOES_ON[text]


@pytest.mark.parametrize("text", ASKS)
def test_wording_that_begins_or_asks(text):
    assert read_text(text).said is ASKS[text]


def test_there_are_sixty_wordings_and_more():
    assert len(ENDS) + len(GOES_ON) + len(ASKS) >= 100


@pytest.mark.parametrize("word", sorted(KNOWN_TO_GATEWAYS))
def test_a_gateway_answers_its_own_words_and_no_others(word):
    assert read_text(f" {word.title()}\n").keyword
    assert not read_text(f"{word}, please").keyword


def any_case(word):
    return st.lists(st.booleans(), min_size=len(word), max_size=len(word)).map(
        lambda ups: "".join(char.upper() if up else char.lower() for char, up in zip(word, ups, strict=True))
    )


MARKS = st.text(alphabet=" .,!?;:-*\t\n\"'()…", max_size=5)
POLITE = st.sampled_from(["", "please", "Please,", "hi", "thank you", "Thanks!", "ok", "pls"])


@given(st.sampled_from(STOP_WORDS).flatmap(any_case), MARKS, MARKS, POLITE, POLITE)
def test_each_word_of_the_rule_counts_in_any_case_with_marks_and_politeness_around(word, before, after, hello, thanks):
    assert read_text(f"{hello} {before}{word}{after} {thanks}").said is Said.STOP


@given(st.text(), st.sampled_from(["stop texting me", "unsubscribe me", "no more texts"]))
def test_a_clear_wish_counts_whatever_stands_before_it(before, wish):
    assert read_text(f"{before[:200]}. Now {wish}").said is Said.STOP


@given(st.text(max_size=5_000))
def test_anything_can_be_read(text):
    reading = read_text(text)

    assert reading.said in {None, *Said}
    assert read_text(f"\n {text[:1_900]} ").said == read_text(text[:1_900]).said


@given(
    st.lists(st.sampled_from(["thanks", "see", "you", "tomorrow", "at", "five", "with", "my", "son", "late", "help"]))
)
def test_without_a_word_that_ends_something_nothing_ends(words):
    assert read_text(" ".join(words)).said is not Said.STOP


@pytest.mark.parametrize("piece", ["stop by ", "don't ", "turn a b ", "do not want to ", "s ", "“liked "])
def test_a_long_text_is_read_at_once(piece):
    began = time.perf_counter()
    read_text(piece * 10_000)

    assert time.perf_counter() - began < 0.2
