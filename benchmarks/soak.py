"""A modest load for a long time, and whether anything grows: `make soak`.

The site of load.py, visited by everybody. Every ten seconds the memory of each process of gunicorn and of the worker is
looked at, with its open files and the connections to the database. After the first quarter, which fills caches, a line
is laid through what was seen. Fails when memory climbs, connections do, or an answer or a row is wrong.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from portal_plugin.storage.database import is_postgres, open_database

from .bench import conditions, write_table
from .drain import ROOT
from .fleet import APPOINTMENTS, PROCESSES, Fleet, copied, fleet, laid_down
from .load import EVERYBODY, come, servers

STEEPEST = 100.0
"""Kilobytes a minute that the memory of a process may climb: 6 MB an hour."""


@dataclass(frozen=True)
class Look:
    """`memory` (resident, kilobytes) and `files` are by process; `connections` are the database server's count."""

    minute: float
    memory: dict[str, int]
    files: dict[str, int]
    connections: int


class Watch(threading.Thread):
    """Looks at a site until it is told to stop."""

    def __init__(self, site: Fleet, pause: float) -> None:
        super().__init__(daemon=True)
        self.looks: list[Look] = []
        self._pause, self._over = pause, threading.Event()
        workers = psutil.Process(site.gunicorn.pid).children()
        self._processes = {f"gunicorn {number}": one for number, one in enumerate(workers, 1)}
        if site.worker:
            self._processes["worker"] = psutil.Process(site.worker.pid)
        self._database = site.place.database

    def run(self) -> None:
        db, began = open_database(self._database), time.monotonic()
        while not self._over.wait(self._pause):
            connections = 0
            if is_postgres(db):
                query = "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
                connections = int(db.execute_sql(query).fetchone()[0])
            self.looks.append(
                Look(
                    (time.monotonic() - began) / 60,
                    {name: one.memory_info().rss // 1024 for name, one in self._processes.items()},
                    {name: one.num_fds() for name, one in self._processes.items()},
                    connections,
                )
            )
        db.close_all()

    def stop(self) -> list[Look]:
        self._over.set()
        self.join()
        return self.looks


def climbs(minutes: Sequence[float], seen: Sequence[float]) -> float:
    """By how much a minute, by the line that fits best."""
    return statistics.linear_regression(minutes, seen).slope


def rows(looks: Sequence[Look]) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """The table, and what is wrong."""
    settled = looks[len(looks) // 4 :]
    minutes = [look.minute for look in settled]
    table, wrong = [], []
    for name in settled[0].memory:
        seen = [look.memory[name] for look in settled]
        slope = climbs(minutes, seen)
        if slope > STEEPEST:
            wrong.append(f"the memory of {name} climbs by {slope:.0f} kB a minute")
        table.append((f"memory, {name}", f"{seen[0] / 1024:.1f} MB", f"{seen[-1] / 1024:.1f} MB", f"{slope:+.0f} kB"))
    for what, counts in (
        ("open files, all processes", [sum(look.files.values()) for look in settled]),
        ("connections to PostgreSQL", [look.connections for look in settled]),
    ):
        slope = climbs(minutes, counts)
        if slope * (minutes[-1] - minutes[0]) > max(counts) / 4:
            wrong.append(f"{what} climb by {slope:.2f} a minute")
        if max(counts):
            table.append((what, f"{counts[0]}", f"{counts[-1]}", f"{slope:+.2f}"))
    return table, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--engine", choices=EVERYBODY, default="postgres")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--pause", type=float, default=10, help="seconds between two looks")
    parser.add_argument("--postgres", default="", help="postgresql://user@host, instead of a server of its own")
    parser.add_argument("--appointments", type=int, default=APPOINTMENTS)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="of gunicorn")
    parser.add_argument("--write", action="store_true", help="put the table into docs/")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where results and databases go")
    given = parser.parse_args(arguments)
    series = EVERYBODY[given.engine]
    template = laid_down(given.build / "load", given.appointments)
    with ExitStack() as stack:
        server = stack.enter_context(servers(given.postgres, {series.engine}))[series.engine]
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="soak")))
        site = stack.enter_context(fleet(copied(template, folder, server), folder, given.processes))
        watch = Watch(site, given.pause)
        watch.start()
        step = come(site, series.kind, given.rate, given.minutes * 60)
        looks = watch.stop()
        wrong = site.wrong()
    table, grown = rows(looks)
    wrong += grown + [f"{count} times {what}" for what, count in step.errors.items()]
    answers, errors = sum(step.answers.values()), sum(step.errors.values())
    machine = (
        f"{series.name}: {given.minutes:.0f} minutes, {answers:,} requests, {step.answered:.0f} a second, median "
        f"{step.median:.0f} ms, {errors} errors; load of the machine {os.getloadavg()[2]:.0f}; {conditions()}"
    )
    heads = ("what", "after a quarter", "at the end", "a minute")
    print("\n".join(" | ".join(row) for row in (heads, *table)), machine, *wrong, sep="\n")
    told = {"conditions": machine, "step": asdict(step), "looks": [asdict(look) for look in looks], "wrong": wrong}
    (given.build / f"soak-{given.engine}.json").write_text(json.dumps(told, indent=1) + "\n")
    if given.write:
        write_table(f"soak {given.engine}", machine, heads, table)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
