"""How often what may be done, and by whom: the one table of limits."""

from enum import Enum


class Limit(Enum):
    """Each with its name in PORTAL_LIMITS, its rate, who is counted, and what is counted.

    A rate is one that a busy client, a front desk that books for others, and a full waiting room behind one address
    never meet. What counts wrong ones refuses nothing but wrong ones: who shares an address with somebody that
    guesses is let in.
    """

    CLIENT_FORMS = (
        "client_forms",
        "60/hour",
        "client",
        "requests, moves, cancellations, whatever else a client sends",
    )
    NETWORK_FORMS = "network_forms", "600/hour", "network", "the same, of everybody at one address"
    CLIENT_HOLDS = "client_holds", "300/hour", "client", "times chosen, and so held, while a form is filled in"
    NETWORK_HOLDS = "network_holds", "3000/hour", "network", "the same, of everybody at one address"
    GUEST_MAILBOX = "guest_mailbox", "5/hour", "mailbox", "mails that verify an address"
    GUEST_NETWORK = "guest_network", "60/hour", "network", "the same, asked for from one address"
    WRONG_LINKS = (
        "wrong_links",
        "60/hour",
        "network",
        "links that are not genuine, appointments of somebody else",
    )
    WRONG_FEEDS = "wrong_feeds", "60/hour", "network", "calendar addresses that are none, or none any more"
    WRONG_KEYS = "wrong_keys", "60/hour", "network", "keys of the HTTP API that are none, or none any more"
    WRONG_SIGNATURES = "wrong_signatures", "60/hour", "network", "texts and reports on texts that are badly signed"
    TEXT_ANSWERS = "text_answers", "10/day", "phone number", "answers to HELP, START and STOP"
    API_CALLS = "api_calls", "600/minute", "key", "calls of the HTTP API"

    def __init__(self, key: str, rate: str, whom: str, what: str) -> None:
        self.key, self.rate, self.whom, self.what = key, rate, whom, what
