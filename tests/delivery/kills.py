"""Workers, and whoever makes changes, killed with -9 at random moments; what arrived is counted where it arrives.

Processes are forked from one that has everything loaded, so that a kill costs little.
"""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from portal_plugin import SlotTaken
from portal_plugin.delivery import worker
from portal_plugin.domain.lifecycle import Action
from portal_plugin.domain.webhooks import EVENTS
from portal_plugin.services import webhooks
from portal_plugin.services.messages import TOPICS
from portal_plugin.storage import outbox
from tests.delivery.mailbox import Mailbox
from tests.delivery.receiver import Receiver, receiver
from tests.practices import PRACTICE
from tests.support import MONDAY, PEOPLE, Host, make_host

PACE = 20
"""How much faster than real time the processes' clocks go: a lease of five minutes takes fifteen seconds."""

BACKLOG = 200
"""How many messages wait before changes are made more slowly."""

ENOUGH_WORKERS, CHANGERS = 2, 1


class Site(NamedTuple):
    """What every process has to know. `epoch` is the real moment, in seconds, at which its clock showed MONDAY."""

    database: str
    folder: str
    port: int
    epoch: float

    def host(self) -> Host:
        def clock() -> datetime:
            return MONDAY + timedelta(seconds=(time.time() - self.epoch) * PACE)

        return make_host(
            self.database,
            Path(self.folder),
            clock,  # type: ignore[arg-type]
            MAIL_SUPPRESS_SEND=False,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=self.port,
            PORTAL_PRIVATE_ADDRESSES=True,
        )


def work(site: Site, ready: Any) -> None:
    host = site.host()
    ready.set()
    worker.run(host.app, host.state, Event(), 0.05, say=lambda _: None)


def change(site: Site, ready: Any) -> None:
    """Ask for times, decide and cancel, for ever."""
    host = site.host()
    ready.set()
    while True:
        if outbox.waiting(host.state.db) > BACKLOG:
            time.sleep(0.1)
        with host.app.app_context():
            make_changes(host)


def make_changes(host: Host) -> None:
    choices = {"type": "visit", "contact": "phone", "provider": random.choice(["ada", "ben"])}
    day = host.clock().date() + timedelta(days=random.randrange(1, 50))
    verbs = random.choice([("confirm", "cancel"), ("confirm",), ("decline",), ("cancel",), ("confirm", "cancel")])
    for slot in islice(host.portal.find_slots(**choices, since=day), 1):
        # Another process may have been quicker.
        with suppress(SlotTaken):
            ref = host.portal.request(random.choice([*PEOPLE.values()]), **choices, starts=slot.starts).ref
            for verb in verbs:
                getattr(host.portal, verb)(ref)


class Count(NamedTuple):
    """What arrived against what was written. `again` are those that came more than once, by id; `contradicted` are
    confirmations that came after the cancellation of the same appointment.
    """

    kills: int
    messages: int
    overtaken: int
    arrived: int
    lost: int
    phantom: int
    duplicate: int
    most_copies: int
    unwritten: int
    contradicted: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._asdict().items())


def kill(site: Site, kills: int) -> None:
    """Start processes, and kill them one after the other; in the end nothing is left of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.delivery.kills"])
    running: list[tuple[Callable[[Site, Any], None], BaseProcess, Any]] = []

    def start(target: Callable[[Site, Any], None]) -> None:
        ready = context.Event()
        process = context.Process(target=target, args=(site, ready), daemon=True)
        process.start()
        running.append((target, process, ready))

    try:
        for target in [work] * ENOUGH_WORKERS + [change] * CHANGERS:
            start(target)
        for _ in range(kills):
            target, process, ready = running.pop(random.randrange(len(running)))
            if not ready.wait(60):
                raise RuntimeError("A process did not begin.")
            time.sleep(random.uniform(0, 0.3))
            process.kill()
            process.join()
            start(target)
    finally:
        for _, process, _ready in running:
            process.kill()
            process.join()


def finish(host: Host) -> None:
    """Let what the dead held run out, and send the rest."""
    end = time.monotonic() + 120
    while outbox.waiting(host.state.db):
        if time.monotonic() > end:
            raise RuntimeError(f"{outbox.waiting(host.state.db)} messages still wait.")
        with host.app.app_context():
            host.portal.deliver()
        time.sleep(0.2)


def count(host: Host, mailbox: Mailbox, there: Receiver, kills: int) -> Count:
    rows = host.state.db.execute_sql("SELECT message_id, failed, error FROM portal_outbox").fetchall()
    written = {name for name, _, _ in rows}
    overtaken = {name for name, failed, error in rows if failed and error.startswith("overtaken")}
    mails = mailbox.mails
    arrived = Counter(mail.id.strip("<>").partition("@")[0] for mail in mails)
    arrived.update(hook.id for hook in there.got)
    return Count(
        kills=kills,
        messages=len(rows),
        overtaken=len(overtaken),
        arrived=arrived.total(),
        lost=len(written - overtaken - set(arrived)),
        phantom=len(set(arrived) - written),
        duplicate=arrived.total() - len(arrived),
        most_copies=max(arrived.values(), default=0),
        unwritten=unwritten(host),
        contradicted=contradicted(mails),
    )


def unwritten(host: Host) -> int:
    """Changes without their mail and their webhook, and messages without their change."""
    changes = host.state.db.execute_sql(
        "SELECT appointment, action FROM portal_history WHERE result = 'done' AND appointment IS NOT NULL"
    ).fetchall()
    actions = [(appointment, Action[name.upper()]) for appointment, name in changes]
    expected = Counter((appointment, "mail", TOPICS[action]) for appointment, action in actions)
    expected.update((appointment, "webhook", EVENTS[action]) for appointment, action in actions)
    stored = host.state.db.execute_sql("SELECT appointment, channel, topic FROM portal_outbox").fetchall()
    found = Counter(map(tuple, stored))
    return (expected - found).total() + (found - expected).total()


def contradicted(mails: Sequence[Any]) -> int:
    ended: set[str] = set()
    late = 0
    for mail in mails:
        thread, topic = str(mail.message["References"]), mail.subject.partition(":")[0]
        late += topic == "Confirmed" and thread in ended
        if topic == "Cancelled":
            ended.add(thread)
    return late


@contextmanager
def counted(database: str, folder: Path, kills: int) -> Iterator[Count]:
    """Kill, finish and count, over a migrated database."""
    mailbox = Mailbox(folder / "mail")
    mailbox.folder.mkdir()
    mailbox.start()
    try:
        with receiver() as there:
            site = Site(database, str(folder), mailbox.port, time.time())
            host = site.host()
            host.apply(PRACTICE)
            webhooks.add(host.state.db, host.state.settings, there.address())
            kill(site, kills)
            finish(host)
            yield count(host, mailbox, there, kills)
            host.state.db.close_all()
    finally:
        mailbox.stop()
