"""How often somebody may ask, counted by all processes together, and the headers that say so."""

from collections.abc import Iterator
from dataclasses import dataclass

from limits import parse
from limits.strategies import FixedWindowRateLimiter

from ..domain.instants import seconds
from ..services.state import State
from ..storage.limits import DatabaseStorage


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of one window: how many calls it has, how many are left, and after how many seconds the next one opens."""

    granted: bool
    amount: int
    window: int
    left: int
    resets: int

    def headers(self) -> Iterator[tuple[str, str]]:
        """As draft-ietf-httpapi-ratelimit-headers has them, and Retry-After (RFC 9110) for who has to wait."""
        yield "RateLimit-Policy", f'"default";q={self.amount};w={self.window}'
        yield "RateLimit", f'"default";r={self.left};t={self.resets}'
        if not self.granted:
            yield "Retry-After", str(self.resets)


def ask(state: State, rate: str, *who: str) -> Allowance:
    """Count one call of `who`, a few words that name purpose and person, against a rate such as "600/minute"."""
    item, limiter = parse(rate), FixedWindowRateLimiter(DatabaseStorage(state.db, state.now))
    granted = limiter.hit(item, *who)
    resets, left = limiter.get_window_stats(item, *who)
    return Allowance(granted, item.amount, item.get_expiry(), left, max(int(resets) - seconds(state.now()), 1))
