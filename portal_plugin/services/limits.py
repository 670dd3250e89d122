"""Whether somebody has done something too often. Who it was is counted under a keyed digest alone."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from limits import RateLimitItem

from ..domain.instants import seconds
from ..domain.limits import Limit
from .state import State

log = logging.getLogger("portal_plugin")

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of one window: how often, how often still, and after how many seconds the next one opens."""

    limit: Limit
    granted: bool
    amount: int
    window: int
    left: int
    resets: int


def ask(state: State, who: Mapping[Limit, str]) -> Allowance | None:
    """Count once for each limit and whom it counts; what is left of the one with the least, or None where nothing
    limits.

    Who has to wait is remembered in this process, so that a flood is refused without a statement.
    """
    now = seconds(state.now())
    asked = [
        (limit, rate, f"{limit.key}/{_digest(state, limit, name)}")
        for limit, name in who.items()
        if (rate := state.settings.limits[limit])
    ]
    for limit, rate, name in asked:
        if (opens := state.used_up.get(name, 0)) > now:
            return _allowance(limit, rate, rate.amount + 1, opens - now)
    counted = state.windows.hit_all([(rate, name) for _, rate, name in asked]) if asked else None
    if not counted:
        return None
    least = None
    for (limit, rate, name), (hits, resets) in zip(asked, counted, strict=True):
        if hits > rate.amount:
            _remember(state, name, now + resets)
        if hits == rate.amount + 1:
            log.warning("The limit %s is used up by one %s, for %d seconds.", limit.key, limit.whom, resets)
        found = _allowance(limit, rate, hits, resets)
        if least is None or (found.granted, found.left) < (least.granted, least.left):
            least = found
    return least


def may(state: State, who: Mapping[Limit, str]) -> bool:
    """Count, and whether it may be done: for what nobody waits for."""
    allowance = ask(state, who)
    return allowance is None or allowance.granted


def _digest(state: State, limit: Limit, name: str) -> str:
    # Every form is counted twice, and an HMAC costs three times as much.
    text = f"{limit.key}.{name}".encode(errors="surrogatepass")
    return blake2b(text, key=state.rate_key, digest_size=16).hexdigest()


def _allowance(limit: Limit, rate: RateLimitItem, hits: int, resets: int) -> Allowance:
    left = max(rate.amount - hits, 0)
    return Allowance(limit, hits <= rate.amount, rate.amount, rate.get_expiry(), left, max(resets, 1))


def _remember(state: State, name: str, opens: int) -> None:
    if len(state.used_up) >= _MOST_REMEMBERED:
        # They are counted again.
        state.used_up.clear()
    state.used_up[name] = opens
