"""What portal.js says: it has no sentence of its own, and reads them off the page."""

from functools import lru_cache

from markupsafe import Markup, escape

from ..wording import current, say


def script_words() -> Markup:
    """The attributes `data-say-…` in the language spoken now; the script fills the places."""
    return _attributes(current().tag)


@lru_cache(maxsize=64)
def _attributes(tag: str) -> Markup:
    words = {
        "status": say("{name}: {status}."),
        "gone": say("{name}: no longer listed."),
        "decided": say("No longer waiting"),
        "signed-out": say(
            "You are signed out. Nothing was sent, and what you filled in is still here: sign in, come back and go on."
        ),
        "sign-in": say("Sign in (opens in a new tab)"),
        "wait": say("One moment, please."),
        "silent": say("The practice's own system did not answer. Nothing was changed. Please try again in a moment."),
        "failed": say("That did not work. Please try again in a moment."),
        "kept": say("This list has changed. What you typed is kept until you send or clear it."),
        "offline": say("You seem to be offline. Nothing was sent."),
        "cut-off": say("You seem to be offline. What you filled in stays here."),
        "no-answer": say("No answer came. Check your connection, and try again."),
        "ticked": say("{number} ticked."),
    }
    return Markup(" ").join(Markup('data-say-{}="{}"').format(name, escape(text)) for name, text in words.items())
