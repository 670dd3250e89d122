"""On whose clock step 2 tells its times: the practice's, or the client's own where they need not come."""

from datetime import date
from typing import NamedTuple

from ..domain.appointment import Client
from ..domain.instants import day_bounds, instant, same_clock
from ..domain.practice import Wish
from ..services.state import State
from ..storage import appointments


class Zones(NamedTuple):
    """Names of time zones. `chosen` is what the client or the host said, empty when nobody did; it is kept with the
    request. `own` is the client's, where it is known and another than the practice's. `open` is whether others can be
    chosen.
    """

    practice: str
    chosen: str = ""
    own: str = ""
    open: bool = False

    @property
    def shown(self) -> str:
        """The one that times are told in."""
        return self.chosen or self.practice

    def differ_on(self, day: date) -> bool:
        """Whether the client's own clock shows another time on a day of the practice."""
        edges = map(instant, day_bounds(day, self.practice))
        return bool(self.own) and not all(same_clock(at, self.own, self.practice) for at in edges)


def zones_for(state: State, client: Client, wish: Wish, wanted: str) -> Zones:
    """What the host knows of a client comes first, then what they want now, then what they wanted last."""
    practice = wish.zone
    if wish.contact.at_location:
        return Zones(practice)
    if client.zone:
        chosen = wanted if wanted == practice else client.zone
        return Zones(practice, chosen, client.zone if client.zone != practice else "")
    known = wanted if wanted not in {"", practice} else appointments.last_zone(state.db, client.id)
    return Zones(practice, wanted or known, known if known != practice else "", open=True)
