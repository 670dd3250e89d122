"""The portal under a rising load, beside the floor: `make load`.

gunicorn with four processes of eight threads, a full practice, the worker beside it, and a crowd that comes at a
constant rate (crowd.py). The rate rises until the site does not keep up. Prints a line for each rate, audits the
database after each series, and fails when an answer or a row is wrong; `--write` puts a table into docs/.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgres_server import postgres_server

from .bench import conditions, write_table
from .drain import ROOT
from .fleet import APPOINTMENTS, PROCESSES, PROVIDERS, THREADS, Fleet, copied, fleet, laid_down

RATES = (50, 100, 150, 200, 300, 400, 500, 600, 800, 1000)
LONGEST = 500.0
"""Milliseconds: who keeps up answers 99 of 100 within them ..."""
LEAST = 0.95
"""... and so many of those who were due while they were due."""


@dataclass(frozen=True)
class Series:
    """`kind` is a crowd of crowd.py, `app` what it visits, `rates` are tried until one is too much."""

    name: str
    engine: str
    kind: str = "everybody"
    app: str = "create_app"


EVERYBODY = {
    engine: Series(f"everybody, {name}", engine) for engine, name in (("postgres", "PostgreSQL"), ("sqlite", "SQLite"))
}
BESIDE_FLOOR = (
    Series("two pages, portal on SQLite", "sqlite", "takers"),
    Series("two pages, the floor", "sqlite", "takers at the floor", "create_floor"),
)


@dataclass(frozen=True)
class Step:
    """What a crowd met at one rate. Milliseconds are counted from when somebody was due; `errors` are answers that
    nobody should get, and broken connections; `crowd` is the part of a processor that the crowd took itself.
    """

    rate: float
    due: float
    answered: float
    median: float
    p99: float
    errors: dict[str, int]
    answers: dict[str, int]
    crowd: float

    @property
    def kept_up(self) -> bool:
        return self.p99 <= LONGEST and self.answered >= LEAST * self.due

    def __str__(self) -> str:
        met = f"{self.answered:8.1f} answered {self.median:8.1f} ms median {self.p99:8.1f} ms p99"
        errors = f"{sum(self.errors.values()):4} errors"
        return f"{self.rate:6.0f} due {met} {errors}, crowd {self.crowd:.0%}{'' if self.kept_up else '  TOO MUCH'}"


def come(site: Fleet, kind: str, rate: float, seconds: float) -> Step:
    """Let a crowd come. Raises SystemExit when one of it did not know how to go on."""
    command = [sys.executable, "-m", "benchmarks.crowd", site.address, str(rate), str(seconds)]
    command += ["--kind", kind, "--notes", str(site.notes)]
    came = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603
    if came["broke"]:
        raise SystemExit("\n".join(came["broke"]))
    waits, counted = sorted(came["waits"]), came["seconds"]
    median, p99 = (waits[int(len(waits) * part)] if waits else float("inf") for part in (0.5, 0.99))
    answered, due = len(waits) / counted, came["due"] / counted
    return Step(rate, due, answered, median, p99, came["errors"], came["answers"], came["processor"] / seconds)


def climb(site: Fleet, kind: str, rates: Sequence[float], seconds: float) -> Iterator[Step]:
    """Rate after rate, until one is too much."""
    for rate in rates:
        step = come(site, kind, rate, seconds)
        print(f"  {step}", flush=True)
        yield step
        if not step.kept_up:
            return


def cells(series: Series, steps: Sequence[Step]) -> tuple[str, ...]:
    """A row of the table: the highest rate at which the site kept up, and what it was like there and at half of it."""
    kept = [step for step in steps if step.kept_up]
    if not kept:
        return series.name, f"under {steps[0].rate:.0f}", "", "", "", ""
    knee = kept[-1]
    calm = min(kept, key=lambda step: abs(step.rate - knee.rate / 2))
    wrong = sum(sum(step.errors.values()) for step in steps)
    over = "" if len(kept) < len(steps) else "at least "
    return (
        series.name,
        f"{over}{knee.rate:.0f}",
        f"{knee.median:.0f} / {knee.p99:.0f} ms",
        f"{calm.rate:.0f}",
        f"{calm.median:.0f} / {calm.p99:.0f} ms",
        f"{wrong}",
    )


HEADS = (
    "crowd and site",
    "keeps up with, a second",
    "median / p99 there",
    "at about half",
    "median / p99 there",
    "errors",
)


@contextmanager
def servers(given: str, engines: set[str]) -> Iterator[dict[str, str | None]]:
    """The server of each engine: a PostgreSQL of one's own whose commits reach the disk, unless one is given."""
    with ExitStack() as stack:
        if "postgres" in engines and not given:
            given = stack.enter_context(postgres_server(durable=True)).address
        yield {"postgres": given, "sqlite": None}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--engine", choices=("both", *EVERYBODY), default="both")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="requests a second")
    parser.add_argument("--seconds", type=float, default=7, help="of each rate, the first 2 of which are not counted")
    parser.add_argument("--postgres", default="", help="postgresql://user@host, instead of a server of its own")
    parser.add_argument("--appointments", type=int, default=APPOINTMENTS)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="of gunicorn")
    parser.add_argument("--write", action="store_true", help="put the table into docs/")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where results and databases go")
    given = parser.parse_args(arguments)
    engines = tuple(EVERYBODY) if given.engine == "both" else (given.engine,)
    template = laid_down(given.build / "load", given.appointments)
    told, rows, wrong = [], [], []
    with servers(given.postgres, set(engines)) as server:
        for series in (*(EVERYBODY[engine] for engine in engines), *BESIDE_FLOOR):
            print(series.name, flush=True)
            with TemporaryDirectory(prefix="load") as name:
                database = copied(template, Path(name), server[series.engine])
                with fleet(database, Path(name), given.processes, series.app) as site:
                    steps = list(climb(site, series.kind, given.rates, given.seconds))
                    wrong += [f"{series.name}: {what}" for what in site.wrong()]
            wrong += [f"{series.name}: {count} times {what}" for step in steps for what, count in step.errors.items()]
            told.append({"series": series.name, "steps": [asdict(step) for step in steps]})
            rows.append(cells(series, steps))
    machine = (
        f"gunicorn with {given.processes} processes of {THREADS} threads, {given.appointments:,} appointments of "
        f"{PROVIDERS} providers, {given.seconds:.0f} s a rate, crowd and databases on the same machine; {conditions()}"
    )
    print("\n".join(" | ".join(row) for row in (HEADS, *rows)), machine, *wrong, sep="\n")
    (given.build / "load.json").write_text(json.dumps(told, indent=1) + "\n")
    if given.write:
        write_table("load", machine, HEADS, rows)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
