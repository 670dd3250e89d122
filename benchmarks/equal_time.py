"""Whether the time an answer takes tells another client's appointment from none: `python -m benchmarks.equal_time`.

The same client looks in turn at another's, at one whose client was erased, and at two references that are nobody's,
and then at one of their own, through the WSGI interface and without a network. The second of nobody's shows how far
two medians of the same thing lie apart; one's own shows that a difference would be seen. Each refusal is written down.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from portal_plugin.testing import Clock

from .bench import ROOT, conditions
from .measure import Work, host, in_turn, page
from .seed import NOW, practice, stored, usual

ME = "client-7"
PAUSE = timedelta(minutes=4)
"""Between two looks, since of one client 20 refusals an hour are written down."""


def works(folder: Path, database: Path) -> dict[str, Work]:
    clock = Clock(NOW)
    site = host(Path(copy(database, folder / "portal.db")), ME, clock)
    with site.app.app_context():
        mine = site.portal.appointments(client=ME, limit=1)[0].ref
        others = site.portal.appointments(client="client-8", limit=1)[0].ref
        erased = site.portal.appointments(client="client-9", limit=1)[0].ref
        site.portal.erase_client("client-9", cancel=True)
    asked = {
        "another's": others,
        "erased": erased,
        "nobody's": "0" * 32,
        "nobody's, too": "f" * 32,
        "one's own": mine,
    }

    def look(ref: str) -> Work:
        ours = page(site.app, f"/portal/appointments/{ref}/cancel", expected="200" if ref == mine else "404")

        def work() -> bytes:
            clock.advance(PAUSE)
            return ours()

        return work

    return {name: look(ref) for name, ref in asked.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equal_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2_000)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where databases go")
    given = parser.parse_args(arguments)
    database = stored(given.build / "bench", "equal-20000", practice(10), usual(10, 20_000))
    print(f"{conditions()}; medians of {given.rounds} in turn, over nobody's\n")
    print(f"{'looked at':18}{'processor':>20}{'clock on the wall':>22}")
    with TemporaryDirectory() as folder:
        looks = works(Path(folder), database)
        *compared, own = looks.values()
        clocks = (time.thread_time, time.perf_counter)
        # By itself: what follows another page finds cold caches.
        by_clock = [[*in_turn(compared, given.rounds, clock), *in_turn([own], given.rounds, clock)] for clock in clocks]
    floors = [costs[list(looks).index("nobody's")] for costs in by_clock]
    for name, *costs in zip(looks, *by_clock, strict=True):
        told = [f"{cost:8.3f} ms {cost / floor:8.3f}" for cost, floor in zip(costs, floors, strict=True)]
        print(f"{name:18}{told[0]:>20}{told[1]:>22}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
