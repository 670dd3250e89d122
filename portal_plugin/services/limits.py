"""Whether somebody has done something too often. Who it was is counted under a keyed digest alone."""

import logging
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from limits import RateLimitItem

from ..domain.instants import seconds
from ..domain.limits import Limit
from .state import State

log = logging.getLogger("portal_plugin")

_MOST_REMEMBERED = 10_000


class Allowance(NamedTuple):
    """Of one window: how often, how often still, and after how many seconds the next one opens."""

    limit: Limit
    amount: int
    window: int
    left: int
    resets: int

    @property
    def granted(self) -> bool:
        return self.left >= 0


def ask(state: State, who: Mapping[Limit, str]) -> Allowance | None:
    """Count once for each limit and whom it counts; what is left of the one with the least, or None where nothing
    limits.

    Who has to wait is remembered in this process, so that a flood is refused without a statement.
    """
    now, asked = seconds(state.now()), []
    for limit, name in who.items():
        if rate := state.settings.limits[limit]:
            key = _key(state, limit, name)
            if (opens := state.used_up.get(key, 0)) > now:
                return _allowance(limit, rate, -1, opens - now)
            asked.append((limit, rate, key))
    counted = state.windows.hit_all([(key, rate) for _, rate, key in asked], now) if asked else None
    if not counted:
        return None
    found = []
    for (limit, rate, key), (hits, resets) in zip(asked, counted, strict=True):
        left = rate.amount - hits
        if left < 0:
            _remember(state, key, now + resets)
        if left == -1:
            log.warning("The limit %s is used up by one %s, for %d seconds.", limit.key, limit.whom, resets)
        found.append((left, limit.key, limit, rate, resets))
    left, _, limit, rate, resets = min(found)
    return _allowance(limit, rate, left, resets)


def may(state: State, who: Mapping[Limit, str]) -> bool:
    """Count, and whether it may be done: for what nobody waits for."""
    allowance = ask(state, who)
    return allowance is None or allowance.granted


def _key(state: State, limit: Limit, name: str) -> str:
    # Every form is counted twice, and an HMAC costs three times as much.
    text = f"{limit.key}.{name}".encode(errors="surrogatepass")
    return f"{limit.key}/{blake2b(text, key=state.rate_key, digest_size=16).hexdigest()}"


def _allowance(limit: Limit, rate: RateLimitItem, left: int, resets: int) -> Allowance:
    return Allowance(limit, rate.amount, rate.get_expiry(), left, max(resets, 1))


def _remember(state: State, key: str, opens: int) -> None:
    if len(state.used_up) >= _MOST_REMEMBERED:
        # They are counted again.
        state.used_up.clear()
    state.used_up[key] = opens
