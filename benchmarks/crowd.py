"""People who come at a constant rate, in a process of its own: `python -m benchmarks.crowd ADDRESS RATE SECONDS ...`.

The rate is an open loop: a clock hands out turns (turns.py), by chance as people come but so many a second on the
average, and whoever of the crowd is free takes the next one: one request. A server that falls behind does not slow the
clock, and what somebody waits is counted from the turn's moment, not from when a request could be sent at last. (The
tool's own `constant_throughput` slows down with the server, and its times leave out what nobody sent: "coordinated
omission".)

What came of it goes to standard output as JSON, and what was sent and stored line by line into a file of notes.
"""

import argparse
import json
import logging
import re
import resource
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TextIO

# First of all: it puts gevent's own parts in the place of Python's.
from locust import FastHttpUser, task  # isort: skip
import gevent
from locust.env import Environment
from locust.exception import RescheduleTask, StopUser

from tests.support import filled_form, offered_times

from .seed import HORIZON, NOW
from .site import cookie
from .turns import CHANCE, Turns

PROVIDERS, CLIENTS = 20, 5_000
WISH = "type=visit&contact=in-person&location=main"
PARTIAL = {"HX-Request": "true"}
WARM_UP = 2.0
"""Seconds at the beginning that are not counted."""

DATE = re.compile(r"date=(\d{4}-\d\d-\d\d)")
NEXT_LOOK = re.compile(r'data-portal-list data-hx-get="([^"]+)"')
WAITS = re.compile(r'id="request-([0-9A-Za-z_-]+)"')


@dataclass
class Seen:
    turns: Turns
    notes: TextIO
    waits: list[float] = field(default_factory=list)
    """Milliseconds from each turn's moment to its answer."""
    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def note(self, *words: str) -> None:
        self.notes.write(" ".join(words) + "\n")

    def answered(
        self, name: str, response_time: float, response: Any, context: dict[str, Any], exception: object, **_: object
    ) -> None:
        """A listener for every request of the crowd."""
        status = response.status_code
        if status not in context["expected"]:
            self.errors[f"{name}: {status or exception!r}"] += 1
        if self.turns.counts(context["due"]):
            self.answers[f"{name}: {status}"] += 1
            self.waits.append(context["late"] + response_time)


class Person(FastHttpUser):
    """`session` is their cookie; without one they are a visitor. `root` is what the addresses they know begin with."""

    abstract = True
    network_timeout = connection_timeout = 30.0
    root = "/portal/appointments"
    session = ""
    seen: Seen

    def ask(
        self,
        name: str,
        path: str,
        form: dict[str, str] | None = None,
        expected: Sequence[int] = (200,),
        **headers: str,
    ) -> Any:
        """Take a turn, and make one request in it, on a connection of its own, as most proxies do without being told.
        Whoever gets an answer that nobody should get goes away.
        """
        due = self.seen.turns.take()
        if due is None:
            raise StopUser
        headers |= {"Connection": "close"}
        if self.session:
            headers["Cookie"] = self.session
        late = self.seen.turns.late(due) * 1000
        answer = self.client.request(
            "GET" if form is None else "POST",
            self.root + path,
            name=name,
            data=form,
            headers=headers,
            allow_redirects=False,
            context={"due": due, "late": late, "expected": expected},
        )
        if answer.status_code not in expected:
            raise RescheduleTask
        return answer

    def step_2(self, provider: str, date: str = "", **headers: str) -> str:
        query = f"{WISH}&provider={provider}" + (f"&date={date}" if date else "")
        return str(self.ask("step 2", f"/book/time?{query}", **headers).text)

    def send(self, page: str) -> str:
        """Ask for one of the times on that page; the reference when the portal says that it is stored."""
        times = offered_times(page)
        if not times:
            return ""
        key, starts = secrets.token_hex(8), CHANCE.choice(times)
        self.seen.note("sent", key, starts)
        form = filled_form(page, key=key, starts=starts, phone="", note="")
        answer = self.ask("a request sent", "/book", form, expected=(303, 409))
        if answer.status_code != 303:
            return ""
        ref = str(answer.headers["Location"]).split("/")[-2]
        self.seen.note("stored", ref)
        return ref


def some_provider() -> str:
    """One by name, or for two in five anybody."""
    return f"p{CHANCE.randint(1, PROVIDERS)}" if CHANCE.random() < 0.6 else ""


def some_day() -> str:
    """A working day that can be booked."""
    while (day := NOW.date() + timedelta(days=CHANCE.randint(2, HORIZON - 3))).weekday() > 4:
        pass
    return str(day)


class Client(Person):
    """Each visit is another client's."""

    weight = 75

    def arrive(self) -> None:
        self.session = cookie(who=f"client-{CHANCE.randrange(CLIENTS)}")

    @task(3)
    def book(self) -> None:
        """Two looks at the times, a request, and after a while half of them think better of it."""
        self.arrive()
        self.ask("step 1", "/book")
        provider = some_provider()
        days = DATE.findall(self.step_2(provider, **PARTIAL))
        page = self.step_2(provider, CHANCE.choice(days) if days else "", **PARTIAL)
        ref = self.send(page)
        if not ref:
            return
        self.ask("step 3", f"/{ref}/requested", **PARTIAL)
        self.watch(3)
        if CHANCE.random() < 0.5:
            asked = self.ask("cancel?", f"/{ref}/cancel", **PARTIAL)
            if "<form" in asked.text:
                form = filled_form(asked.text, reason="")
                self.ask("cancelled", f"/{ref}/cancel", form, expected=(303, 409))

    @task(2)
    def wait_for_an_answer(self) -> None:
        """The list stands open, and asks for itself again as htmx has it do."""
        self.arrive()
        self.watch(6)

    def watch(self, looks: int) -> None:
        self.ask("the list", "/upcoming")
        for _ in range(looks):
            self.ask("the list again", "/upcoming", **PARTIAL)


class Visitor(Person):
    """Nobody knows them; one in four of those who look leaves an address, to which a link is mailed."""

    weight = 15

    @task
    def look(self) -> None:
        self.ask("step 1", "/book")
        provider = some_provider()
        page = self.step_2(provider, some_day())
        times = offered_times(page)
        if times and CHANCE.random() < 0.25:
            query = f"{WISH}&provider={provider}&starts={CHANCE.choice(times)}"
            asked = self.ask("a visitor, asked who", f"/book/you?{query}")
            form = filled_form(asked.text, name="Vera Lund", email=f"{secrets.token_hex(6)}@example.org", note="")
            from_there = ".".join(str(CHANCE.randrange(1, 255)) for _ in range(4))
            expected = (200, 409)
            self.ask("a visitor's request", "/book/you", form, expected, **{"X-Forwarded-For": from_there})


class Desk(Person):
    """Staff, who have the queue open and answer some of what stands there."""

    weight = 10
    root = "/portal/review"

    def on_start(self) -> None:
        self.session = cookie(staff=f"desk-{CHANCE.randrange(5)}")

    @task
    def decide(self) -> None:
        page = self.ask("the queue", "/").text
        for _ in range(4):
            if look := NEXT_LOOK.search(page):
                query = look[1].partition("?")[2].replace("&amp;", "&")
                self.ask("the queue again", f"/?{query}", expected=(200, 204), **PARTIAL)
        for ref in WAITS.findall(page)[:3]:
            form = filled_form(page, verb=CHANCE.choice(("confirm", "confirm", "decline")), message="")
            self.ask("a decision", f"/appointments/{ref}", form, expected=(303, 409))


class Taker(Person):
    """Knows the two pages that the floor has, and takes every twentieth time."""

    @task
    def take(self) -> None:
        self.session = cookie(who=f"client-{CHANCE.randrange(CLIENTS)}")
        page = self.step_2(f"p{CHANCE.randint(1, PROVIDERS)}", some_day())
        if CHANCE.random() < 0.05:
            self.send(page)


class FloorTaker(Taker):
    root = ""


CROWDS: dict[str, list[type[Person]]] = {
    "everybody": [Client, Visitor, Desk],
    "takers": [Taker],
    "takers at the floor": [FloorTaker],
}


def run(address: str, kind: str, rate: float, seconds: float, notes: TextIO) -> dict[str, Any]:
    crowd = Environment(user_classes=CROWDS[kind], host=address)
    runner = crowd.create_local_runner()
    # So few that each comes to the end of a visit, and enough to wait half a second each.
    people = max(20, round(rate / 2))
    logging.getLogger("locust.runners").setLevel(logging.ERROR)  # It finds that many at once.
    turns = Turns(rate, seconds, WARM_UP, gevent.sleep)
    seen = Person.seen = Seen(turns, notes)
    crowd.events.request.add_listener(seen.answered)
    runner.start(people, spawn_rate=people)
    gevent.sleep(seconds)
    turns.close()
    runner.quit()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "due": turns.due,
        "seconds": seconds - WARM_UP,
        "waits": [round(wait, 1) for wait in seen.waits],
        "answers": dict(seen.answers),
        "errors": dict(seen.errors),
        "broke": [error["traceback"] for error in runner.exceptions.values()],
        "processor": used.ru_utime + used.ru_stime,
    }


@contextmanager
def noted(path: str) -> Iterator[TextIO]:
    with open(path, "a", buffering=1) as notes:
        yield notes


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("rate", type=float, help="requests a second")
    parser.add_argument("seconds", type=float, help=f"of which the first {WARM_UP:.0f} are not counted")
    parser.add_argument("--kind", choices=CROWDS, default="everybody")
    parser.add_argument("--notes", default="/dev/null")
    given = parser.parse_args(arguments)
    with noted(given.notes) as notes:
        came = run(given.address, given.kind, given.rate, given.seconds, notes)
    print(json.dumps(came))
    return 0


if __name__ == "__main__":
    sys.exit(main())
