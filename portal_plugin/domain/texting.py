"""What a text message says that a person sent to the practice's number.

In the United States a person may revoke consent "in any reasonable manner" (47 CFR 64.1200(a)(10)): the words named
there end the texts, and so does any other wording that a reasonable person takes for a request to end them. So in doubt
it is one. What plainly asks for something else, such as "can I stop by at 5?", is none. Beginning again is consent, and
takes one of the words for it and nothing else.
"""

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple


class Said(StrEnum):
    """STOP ends texts, START begins them again, YES does so where they had ended, HELP asks who this is."""

    STOP = "stop"
    START = "start"
    YES = "yes"
    HELP = "help"


class Reading(NamedTuple):
    """`keyword`: the whole text is a word that gateways know, and where they answer by themselves, answer."""

    said: Said | None
    keyword: bool = False


def read_text(text: str) -> Reading:
    """What a text says; `said` is None where it is nothing of the kind."""
    text = text[:_LONGEST].strip()
    if word := _KEYWORDS.get(text.casefold()):
        return Reading(word, keyword=True)
    if _REACTION.fullmatch(text):
        return Reading(None)
    words = _words(text)
    if word := _WHOLE.get(words) or _WHOLE.get(_without_politeness(words)):
        return Reading(word)
    words = _ELSEWHERE.sub(" ", words)
    if _VISIT.search(words) and not _TEXTS.search(words):
        words = words.replace("cancel", "")
    return Reading(Said.STOP if _ENDS.search(words) else None)


def _words(text: str) -> str:
    """In lower case, without accents, apostrophes and marks, a space between words; "S.T.O.P" and slips are "stop"."""
    plain = unicodedata.normalize("NFKD", text.replace("🛑", " stop ")).casefold()
    plain = "".join(char for char in plain if unicodedata.category(char) not in {"Mn", "Cf"})
    words = re.sub(r"[\W_]+", " ", re.sub("['’`]", "", plain)).strip()
    return _MISSPELT.sub("stop", words)


def _without_politeness(words: str) -> str:
    rest = words.split()
    while rest and rest[0] in _POLITE:
        rest.pop(0)
    while rest and rest[-1] in _POLITE:
        rest.pop()
    return " ".join(rest)


def _phrases(*patterns: str) -> re.Pattern[str]:
    """Any of these as whole words. TEXTS stands for what we send, NOT and DONT for negations, FEW for up to 3 words."""
    named = {"TEXTS": _TEXTS_WORDS, "NOT": _NOT, "DONT": _DONT, "FEW": r"(?:\w+ ){0,3}?"}
    joined = "|".join(patterns)
    for name, meaning in named.items():
        joined = joined.replace(name, meaning)
    return re.compile(rf"\b(?:{joined})\b")


_LONGEST = 2_000
_KEYWORDS = {
    **dict.fromkeys(("stop", "stopall", "quit", "end", "revoke", "optout", "cancel", "unsubscribe"), Said.STOP),
    **dict.fromkeys(("start", "unstop"), Said.START),
    "yes": Said.YES,
    **dict.fromkeys(("help", "info"), Said.HELP),
}
# Said by itself, each of these is understood as well.
_WHOLE = {
    **_KEYWORDS,
    **dict.fromkeys(("opt out", "no thanks", "no thank you", "enough", "alto", "basta", "parar", "arret"), Said.STOP),
    **dict.fromkeys(("help me", "i need help", "who is this"), Said.HELP),
}
_POLITE = {
    "please",
    "pls",
    "plz",
    "kindly",
    "thanks",
    "thank",
    "you",
    "thx",
    "ty",
    "many",
    "hi",
    "hello",
    "hey",
    "dear",
}
_POLITE |= {"sir", "madam", "ok", "okay", "sorry", "just", "now", "immediately", "asap", "regards", "again", "very"}
_POLITE |= {"much", "so", "and"}
_MISSPELT = re.compile(r"\b(?:s+t+o+p+|s t o p|st0p|stpo|sotp|tsop)\b")
# A telephone sends this when somebody taps a message to like it: our own words come back, STOP among them.
_REACTION = re.compile(
    r"\W*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,12} to|removed an? .{1,40} from|to)"
    r"\s*[“\"].*[”\"]\W*",
    re.IGNORECASE | re.DOTALL,
)
_TEXTS_WORDS = (
    r"(?:texts?|texting|txts?|txting|sms|messages?|messaging|msgs?|reminders?|reminding|notifications?|notifying|"
    r"alerts?|spam|spamming|updates?|subscription)"
)
_DONT = r"(?:do not|dont|don t|never|no longer)"
_NOT = r"(?:do not|dont|don t|never|does not|doesnt|did not|didnt|cannot|cant|can not|will not|wont|not)"
_TEXTS = _phrases("TEXTS")
_VISIT = _phrases(
    "appointments?|appts?|apts?|visits?|sessions?|bookings?|meetings?|consultations?|reservations?|class|slot",
    "doctor|dr|therapist|today|tomorrow|tonight|morning|afternoon|evening|week",
    "(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thurs?|fri|sat|sun",
    "[0-9]+ ?[ap] ?m|at [0-9]+|my [0-9]+|noon",
)
_ELSEWHERE = _phrases(
    # Wanted, not unwanted.
    "(?<!why )NOT (?:(?:want|wish|need|mean|like) )?(?:(?:you|them|it|these|this|the TEXTS|my TEXTS) )?(?:to )?"
    "(?:stop|stopping|cancel|unsubscribed?|opt(?:ed)? out|revoked?|end|quit|block|be removed|remove)",
    # Places and halts.
    "stop (?:by|in|over|at|for (?:an?|the|gas|lunch|coffee))",
    "(?:bus|train|subway|metro|tram|pit|rest|next|last|first|full|non) stop",
    # What else a client of a practice may stop.
    "(?:stop|quit|end) (?:smoking|drinking|eating|vaping|working|crying|bleeding|coughing|hurting|worrying|driving)",
    "stop (?:taking |using )?(?:the |my |this )?(?:meds|medications?|medicines?|pills?|antibiotics|treatment)",
)
_ENDS = _phrases(
    "stop|stopall|optout|cancel|unsub\\w*|unsuscribe\\w*|revok(?:e|ing)|cease|desist",
    "opt(?:ing|ed)? (?:me )?out",
    "(?:end|quit|discontinue|pause|halt|block|stopping) FEW(?:TEXTS|sending|contacting|bothering|it|this|these)",
    "turn FEWoff",
    # Asked not to.
    "DONT (?:ever )?(?:text|txt|message|msg|sms|contact|bother|remind|call|notify)",
    "DONT (?:ever )?(?:send|write)(?: me| us)?(?: any| anything| these| this| it| anymore| again| FEWTEXTS|$)",
    "DONT (?:want|need|wish|like) FEW(?:to )?(?:get |receive )?FEW(?:TEXTS|these|them|this)",
    "no (?:more |longer |further )?TEXTS|(?:not|no longer) interested",
    "DONT (?:consent|agree)|withdraw FEW(?:consent|permission)",
    # Off the list.
    "(?:remove|delete|take|drop|get|erase|scratch) (?:me|us|my (?:number|phone|cell|name)|this number)",
    "(?:lose|forget) (?:my|this) number|wrong (?:number|person)",
    "leave (?:me|us) alone|go away|shut up|(?:fuck|piss|buzz|bugger|f) off",
)
