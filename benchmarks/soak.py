"""A modest load for a long time, and whether anything grows: `make soak`.

The site of load.py, visited by everybody. Every ten seconds the memory of each process of gunicorn and of the worker is
looked at, with its open files and the connections to the database. The first half fills caches and starts threads; a
line is laid through the second. Fails when memory climbs there, when there are more connections or files than threads
account for, or when an answer or a row is wrong.
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
from .fleet import APPOINTMENTS, PROCESSES, THREADS, Fleet, copied, fleet, laid_down
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


def rows(looks: Sequence[Look]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The table, and what is wrong."""
    settled = looks[len(looks) // 2 :]
    table, wrong = [], []
    for name in settled[0].memory:
        seen = [look.memory[name] for look in looks]
        later = [look.memory[name] for look in settled]
        slope = climbs([look.minute for look in settled], later)
        if slope > STEEPEST:
            wrong.append(f"the memory of {name} climbs by {slope:.0f} kB a minute")
        told = (f"{kilobytes / 1024:.1f} MB" for kilobytes in (seen[0], later[0], later[-1]))
        table.append((f"memory, {name}", *told, f"{slope:+.0f} kB"))
    threads = (len(settled[0].memory) - 1) * THREADS
    for what, most, counts in (
        (
            "open files, all processes",
            10 * len(settled[0].files) + 5 * threads,
            [sum(look.files.values()) for look in looks],
        ),
        ("connections to PostgreSQL", 10 + threads, [look.connections for look in looks]),
    ):
        if max(counts) > most:
            wrong.append(f"{what}: {max(counts)}, where {threads} threads need {most} at most")
        if max(counts):
            table.append(
                (what, f"{counts[0]}", f"{counts[len(counts) // 2]}", f"{counts[-1]}", f"at most {max(counts)}")
            )
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
    heads = ("what", "at first", "after half", "at the end", "a minute, second half")
    print("\n".join(" | ".join(row) for row in (heads, *table)), machine, *wrong, sep="\n")
    told = {"conditions": machine, "step": asdict(step), "looks": [asdict(look) for look in looks], "wrong": wrong}
    (given.build / f"soak-{given.engine}.json").write_text(json.dumps(told, indent=1) + "\n")
    if given.write:
        write_table(f"soak {given.engine}", machine, heads, table)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
