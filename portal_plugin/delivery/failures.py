"""Why a message was not delivered."""

from datetime import timedelta


class Undelivered(Exception):
    """Its text repeats neither an address nor what the other side said: it is stored and logged.

    `wait`: the recipient asked for so much time. `for_good`: another try would bring nothing.
    """

    def __init__(self, reason: str, *, wait: timedelta | None = None, for_good: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.for_good = for_good


class OptedOut(Undelivered):
    """The number wants no texts, as the gateway's own list has it. `said` is its answer, such as a code."""

    def __init__(self, said: str) -> None:
        super().__init__("that number opted out at the gateway", for_good=True)
        self.said = said
