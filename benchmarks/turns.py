"""An open loop: moments at which somebody is due, whether or not anybody is free."""

import random
import time
from collections.abc import Callable

CHANCE = random.SystemRandom()


class Turns:
    """So many a second on the average, as far apart as chance has it (a Poisson process), until `seconds` are over. The
    first `warm_up` seconds are not counted.
    """

    def __init__(
        self,
        rate: float,
        seconds: float,
        warm_up: float,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.rate, self._sleep, self._clock = rate, sleep, clock
        self._next = clock()
        self.counts_from, self.end = self._next + warm_up, self._next + seconds
        self.due = 0
        """How many were, of those that count."""

    def take(self) -> float | None:
        """Wait for the next turn, or not at all when it has passed. Its moment, or None when it is over."""
        due = self._advance()
        if max(due, self._clock()) > self.end:
            return None
        self._sleep(max(due - self._clock(), 0))
        return due

    def late(self, due: float) -> float:
        """Seconds since then."""
        return max(self._clock() - due, 0)

    def counts(self, due: float) -> bool:
        """Whether it was a turn that counts, and its end came in time."""
        return self.counts_from <= due and self._clock() <= self.end

    def close(self) -> None:
        """Count those that nobody was free to take."""
        while self._next <= self.end:
            self._advance()

    def _advance(self) -> float:
        due = self._next
        self._next += CHANCE.expovariate(self.rate)
        self.due += self.counts_from <= due <= self.end
        return due
