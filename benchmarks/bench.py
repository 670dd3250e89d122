"""What the portal costs, as ratios to a floor that does the same work with nothing around it: `make bench`.

Prints a table, writes build/bench.json and build/cost.svg, and fails when a target is missed; `--write` puts
table and chart into docs/. `--quick` tries the program on small sizes: its figures mean nothing.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from portal_plugin.services.tokens import form_token

from .chart import Points, draw
from .floor import Floor
from .measure import Host, host, in_turn, page, posts, statements
from .seed import all_but_the_last_day, practice, stored, usual

ROOT = Path(__file__).parents[1]
BOOK, TIME, UPCOMING = (f"/portal/appointments/{end}" for end in ("book", "book/time", "upcoming"))
ANYBODY = {"type": "visit", "contact": "in-person", "location": "main"}
SOMEBODY = ANYBODY | {"provider": "p1"}
DAY = date(2026, 12, 15)
LIMIT = 100.0
"""Milliseconds that the next free time of the largest practice may take."""


@dataclass(frozen=True)
class Sizes:
    stored: tuple[int, ...]
    providers: int
    groups: tuple[int, ...]
    past: int
    rounds: int


FULL = Sizes((1_000, 10_000, 100_000, 1_000_000), 50, (1, 10, 100, 1_000), 10_000, 400)
QUICK = Sizes((1_000, 5_000), 10, (1, 20), 100, 4)


@dataclass(frozen=True)
class Line:
    """A row of the table. `statements` is what the portal sends to the database for the work."""

    work: str
    ratio: float
    target: float
    statements: int
    conditions: str

    @property
    def missed(self) -> bool:
        return self.ratio > self.target


def compared(work: str, cost: float, other: float, target: float, asked: int, against: str) -> Line:
    ratio = float(f"{cost / other:.3g}")
    return Line(work, ratio, target, asked, f"{cost:.3g} ms against {other:.3g} ms, {against}")


class Bench:
    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.folder, self.sizes = folder, sizes
        histories = {"of-long-standing": (sizes.past, 3), "new": (0, 3)}
        self.usual = {
            count: stored(
                folder,
                f"usual-{count}",
                practice(sizes.providers),
                usual(sizes.providers, count),
                histories if count == sizes.stored[-1] else None,
            )
            for count in sizes.stored
        }
        self.fewest, self.most = self.usual[sizes.stored[0]], self.usual[sizes.stored[-1]]
        self.by_stored: Points = []
        self.floor_by_stored: Points = []
        self.by_providers: Points = []

    def lines(self) -> Iterator[Line]:
        yield from self.day_page()
        yield self.day_alone()
        yield self.month_of_any()
        yield self.far_available()
        yield from self.widely_available()
        yield self.upcoming()
        yield self.request()

    def day_page(self) -> Iterator[Line]:
        hosts = [host(path) for path in self.usual.values()]
        pages = [page(one.app, TIME, SOMEBODY | {"date": f"{DAY}"}) for one in hosts]
        bare = [page(Floor(path).app, "/book/time", SOMEBODY | {"date": f"{DAY}"}) for path in self.usual.values()]
        _check_alike(pages[0](), bare[0]())
        # Each page is followed by its floor: the first after another's page finds cold caches.
        costs = in_turn([work for pair in zip(pages, bare, strict=True) for work in pair], self.sizes.rounds)
        ours, floors = costs[::2], costs[1::2]
        asked = [statements(one, work) for one, work in zip(hosts, pages, strict=True)]
        counts = list(self.usual)
        self.by_stored = list(zip(counts, ours, strict=True))
        self.floor_by_stored = list(zip(counts, floors, strict=True))
        for at in (0, -1):
            yield compared(f"step 2, {counts[at]:,} stored", ours[at], floors[at], 2, asked[at], "the floor's page")
        yield compared("the same, most stored / fewest", ours[-1], ours[0], 1.15, asked[-1], "with fewest stored")
        yield Line("its statements, most stored / fewest", round(asked[-1] / asked[0], 2), 1, asked[-1], "exact")

    def day_alone(self) -> Line:
        one, floor = host(self.most), Floor(self.most)
        with one.app.app_context():

            def times() -> list[tuple[object, object]]:
                found = one.portal.find_slots(**SOMEBODY, since=DAY, until=DAY)
                return [(slot.starts, slot.ends) for slot in found]

            if times() != floor.times(DAY):
                raise SystemExit("The floor offers other times than the portal.")
            cost, least = in_turn([times, lambda: floor.times(DAY)], self.sizes.rounds * 5)
            return compared("a day's times alone", cost, least, 1.5, statements(one, times), "the floor's")

    def month_of_any(self) -> Line:
        one = host(self.most)
        anybody = page(one.app, TIME, ANYBODY | {"date": f"{DAY}"})
        somebody = page(one.app, TIME, SOMEBODY | {"date": f"{DAY}"})
        cost, other = in_turn([anybody, somebody], self.sizes.rounds // 2)
        work = f"step 2, any of {self.sizes.providers} providers"
        return compared(work, cost, other, 3, statements(one, anybody), "one provider's page")

    def far_available(self) -> Line:
        far = host(stored(self.folder, "full", practice(self.sizes.providers), all_but_the_last_day()))
        near = host(self.fewest)
        last_day, tomorrow = page(far.app, TIME, SOMEBODY), page(near.app, TIME, SOMEBODY)
        if b"March 5, 2027" not in last_day() or b"December 8, 2026" not in tomorrow():
            raise SystemExit("Next available did not find the day it should.")
        cost, other = in_turn([last_day, tomorrow], self.sizes.rounds // 2)
        return compared("next available in 90 full days", cost, other, 2, statements(far, last_day), "one tomorrow")

    def widely_available(self) -> Iterator[Line]:
        most = self.sizes.groups[-1]
        within = usual(most, 390 * most)
        one = host(stored(self.folder, f"wide-{most}", practice(most, self.sizes.groups), within))
        rounds = max(self.sizes.rounds // 40, 2)
        pages = [page(one.app, TIME, ANYBODY | {"type": f"of-{size}", "date": f"{DAY}"}) for size in self.sizes.groups]
        self.by_providers = list(zip(self.sizes.groups, in_turn(pages, rounds), strict=True))
        with one.app.app_context():

            def first() -> object:
                return next(iter(one.portal.find_slots(**ANYBODY)))

            (cost,) = in_turn([first], rounds)
            asked = statements(one, first)
        yield compared(f"next available of {most:,} providers", cost, LIMIT, 1, asked, "the limit")
        whole = page(one.app, TIME, ANYBODY)
        (cost,) = in_turn([whole], rounds)
        yield compared("the same as a page", cost, LIMIT, 1, statements(one, whole), "the limit")

    def upcoming(self) -> Line:
        old, new = host(self.most, "of-long-standing"), host(self.most, "new")
        long, short = page(old.app, UPCOMING), page(new.app, UPCOMING)
        if long().count(b"portal-card") != short().count(b"portal-card"):
            raise SystemExit("The two clients should see as many appointments.")
        cost, other = in_turn([long, short], self.sizes.rounds // 2)
        work = f"upcoming, with {self.sizes.past:,} past"
        return compared(work, cost, other, 1.2, statements(old, long), "the list of a client with none")

    def request(self) -> Line:
        with TemporaryDirectory(dir=self.folder) as folder:
            ours, theirs = (Path(copy(self.fewest, Path(folder) / name)) for name in ("portal.db", "floor.db"))
            one, floor = host(ours), Floor(theirs)
            rounds = self.sizes.rounds // 2
            forms = list(islice(filled_forms(one, self.sizes.providers), rounds + 3))
            sent = posts(one.app, BOOK, forms)
            cost, least = in_turn([sent, posts(floor.app, "/book", forms)], rounds)
            return compared("a request sent", cost, least, 2, statements(one, sent), "the floor's transaction")


def filled_forms(one: Host, providers: int) -> Iterator[dict[str, str]]:
    """Step 2 filled in, each for a time that none of the others takes."""
    with one.app.app_context():
        token = form_token(one.state, "client-7")
        for number in range(providers, 0, -1):
            found = one.portal.find_slots(**ANYBODY, provider=f"p{number}")
            for slot in islice(found, 0, 40, 2):
                starts = f"{slot.starts:%Y-%m-%dT%H:%M:%SZ}"
                choice = ANYBODY | {"provider": f"p{number}", "starts": starts, "date": starts[:10]}
                yield choice | {"portal_token": token, "key": f"{number}-{starts[:13]}", "phone": "", "note": ""}


def _check_alike(ours: bytes, floor: bytes) -> None:
    """A floor that says less than the portal's page would flatter nobody."""
    for mark in (b"", b"<a ", b"<td", b'name="starts"'):
        one, other = (body.count(mark) for body in (ours, floor))
        if abs(one - other) > 0.1 * one:
            raise SystemExit(f"The floor's page is not the portal's any more: {other} against {one} of {mark!r}.")


def conditions() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python, sqlite = platform.python_version(), sqlite3.sqlite_version
    return f"{os.cpu_count()} processors, {memory:.0f} GB, Python {python}, SQLite {sqlite}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the program")
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where results and databases go")
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else FULL
    machine = f"{conditions()}; medians of processor time, {sizes.rounds} rounds in turn"
    print(f"{machine}\n\n{'work':38}{'ratio':>6}{'target':>8}{'statements':>12}  measured")
    bench, lines = Bench(given.build / "bench", sizes), []
    for line in bench.lines():
        lines.append(line)
        missed = "  MISSED" if line.missed else ""
        print(f"{line.work:38}{line.ratio:6.2f}{line.target:8.2f}{line.statements:12}  {line.conditions}{missed}")
    told = [asdict(line) | {"conditions": f"{line.conditions}; {machine}"} for line in lines]
    (given.build / "bench.json").write_text(json.dumps(told, indent=1) + "\n")
    panels = {
        "stored appointments": {"portal": bench.by_stored, "floor": bench.floor_by_stored},
        "providers to choose from": {"portal": bench.by_providers},
    }
    draw(given.build / "cost.svg", "Step 2 as a page, milliseconds of processor time", panels)
    if given.write:
        copy(given.build / "cost.svg", ROOT / "docs" / "images")
        rows = [(line.work, line.ratio, line.target, line.statements, line.conditions) for line in lines]
        write_table("bench", machine, ("work", "ratio", "target", "statements", "measured"), rows)
    return 0 if given.quick else int(any(line.missed for line in lines))


def write_table(name: str, caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Put a table and what it was measured on between its two comments in docs/performance.md."""
    page = ROOT / "docs" / "performance.md"
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    table = [heads, ["---"] * len(heads), *rows]
    lines = "".join(f"| {' | '.join(map(str, row))} |\n" for row in table)
    page.write_text(f"{before}{begin}{lines}\n{caption}.\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
