"""The portal beside django-appointment on the same practice: `make bench-peers`.

Installs the other from PyPI into an environment of its own under build/, prints a table and writes
build/peers.json; `--write` puts the table into docs/. Times are medians of processor time.
"""

import json
import random
import sqlite3
import subprocess
import sys
import venv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from portal_plugin.services.tokens import form_token

from ..bench import BOOK, ROOT, SOMEBODY, TIME, conditions, write_table
from ..measure import Host, Work, host, in_turn, page, posts, statements
from ..seed import practice, stored
from .race import race, send

FOLDER = ROOT / "build" / "peers"
PEER = FOLDER / "venv" / "bin" / "python"
ZONE = ZoneInfo("America/New_York")
HOURS = range(9, 17)
CLIENTS = 50
WORKS = {
    "day": "a day's times, called",
    "month": "30 days' times, called",
    "next": "next available after 60 full days",
    "click": "a day clicked in the browser",
    "upcoming": "a client's upcoming ones, called",
    "create": "an appointment asked for",
}

Plan = dict[str, Any]


def plans() -> tuple[Plan, Plan]:
    """Six of eight hours on 60 working days to come and 500 past; and all of 60, with nothing before."""
    today = datetime.now(ZONE).date()
    ahead, past = _working_days(today, 1, 61), _working_days(today - timedelta(days=1), -1, 500)
    draw = random.Random(1)  # noqa: S311 - the same ones every time
    busy = {day: draw.sample(HOURS, 6) for day in (*past, *ahead[:60])}
    usual = {
        "day": ahead[4],
        "taken": [(day, hour) for day, hours in busy.items() for hour in hours],
        "free": [(day, hour) for day in ahead[2:60] for hour in HOURS if hour not in busy[day]],
        "works": ["day", "month", "click", "upcoming", "create"],
    }
    full = {"day": ahead[4], "taken": [(day, hour) for day in ahead[:60] for hour in HOURS], "free": []}
    return usual | {"clients": CLIENTS}, full | {"clients": 1, "works": ["next"]}


def _working_days(first: date, step: int, count: int) -> list[str]:
    days = (first + timedelta(days=step * n) for n in range(count * 2))
    return [day.isoformat() for day in days if day.weekday() < 5][:count]


def at(day: str, hour: int) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZONE).astimezone(UTC)


def portal_database(plan: Plan, path: Path) -> Path:
    document = practice(1)
    document["appointment_types"][0] |= {"notice_hours": 0, "horizon_days": 120}
    week = ("monday", "tuesday", "wednesday", "thursday", "friday")
    document["providers"][0]["hours"] = [{day: ["9:00-17:00"] for day in week}]
    taken = [(1, int(at(day, hour).timestamp())) for day, hour in plan["taken"]]
    stored(path.parent, path.stem, document, taken).rename(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE portal_appointment SET client_id = 'client-' || ((id - 1) % ?)", (plan["clients"],))
    connection.close()
    return path


def at_portal(database: Path) -> Host:
    return host(database, "client-0", lambda: datetime.now(UTC))


def form(one: Host, client: str, slot: tuple[str, int]) -> dict[str, str]:
    starts = f"{at(*slot):%Y-%m-%dT%H:%M:%SZ}"
    token = form_token(one.state, client)
    return SOMEBODY | {"portal_token": token, "key": starts[:13], "date": slot[0], "starts": starts}


def ours(plan: Plan, database: Path) -> dict[str, Any]:
    one = at_portal(database)
    day = date.fromisoformat(plan["day"])

    def times(days: int) -> list[str]:
        found = one.portal.find_slots(**SOMEBODY, since=day, until=day + timedelta(days=days - 1))
        return [f"{slot.starts.astimezone(ZONE):%H:%M}" for slot in found]

    def first() -> str:
        return f"{next(iter(one.portal.find_slots(**SOMEBODY))).starts.astimezone(ZONE):%Y-%m-%d}"

    known: dict[str, Work] = {
        "day": lambda: times(1),
        "month": lambda: times(30),
        "next": first,
        "click": page(one.app, TIME, SOMEBODY | {"date": plan["day"]}, **{"HX-Request": "true"}),
        "upcoming": lambda: one.portal.appointments(client="client-0", since=datetime.now(UTC)),
        "create": posts(one.app, BOOK, [form(one, "client-0", slot) for slot in plan["free"][:40]]),
    }
    told = {}
    with one.app.app_context():
        for name in plan["works"]:
            answer = known[name]()
            (cost,) = in_turn([known[name]], 30)
            told[name] = {"ms": cost, "statements": statements(one, known[name]), "answer": answer}
    return told


def theirs(plan: Plan, database: Path) -> dict[str, Any]:
    asked, told = database.with_suffix(".plan.json"), database.with_suffix(".told.json")
    asked.write_text(json.dumps(plan))
    script, environment = Path(__file__).with_name("on_django.py"), {"PEER_DATABASE": str(database)}
    with database.with_suffix(".log").open("wb") as log:
        subprocess.run([PEER, script, asked, told], env=environment, stdout=log, stderr=log, check=True)  # noqa: S603
    answer: dict[str, Any] = json.loads(told.read_text())
    return answer


def both_races(plan: Plan, portal: Path, peer: Path) -> tuple[str, str]:
    slot = plan["free"][-1]
    one = at_portal(portal)
    forms = [form(one, f"client-{number}", slot) for number in range(CLIENTS)]

    def of_portal(port: int, number: int) -> bool:
        status, _ = send(port, "POST", BOOK, {"X-Client": f"client-{number}"}, forms[number])
        return status == 303

    def of_peer(port: int, number: int) -> bool:
        cookie = {"Cookie": f"sessionid={number:032}"}
        day, hour = slot
        chosen = {
            "date": day,
            "start_time": f"{hour}:00",
            "end_time": f"{hour}:50",
            "service": "1",
            "staff_member": "1",
        }
        _, following = send(port, "POST", "/request-submit/", cookie, chosen)
        who = {
            "name": "Maya",
            "email": "maya@example.org",
            "phone_0": "US",
            "phone_1": "2125550187",
            "payment_type": "full",
        }
        _, following = send(port, "POST", following, cookie, who)
        return "thank-you" in following

    here = Path(__file__).parent
    return (
        race(Path(sys.executable), "benchmarks.peers.on_portal:application", ROOT, portal, CLIENTS, of_portal),
        race(PEER, "on_django:application", here, peer, CLIENTS, of_peer),
    )


def main() -> None:
    if not PEER.exists():
        venv.create(FOLDER / "venv", with_pip=True)
        install = [PEER, "-m", "pip", "install", "--quiet", "django-appointment", "gunicorn"]
        subprocess.run(install, check=True)  # noqa: S603 - our own command
    mine, other = {}, {}
    usual, full = plans()
    with TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        for plan, kind in ((usual, "usual"), (full, "full")):
            portal, peer = portal_database(plan, folder / f"portal-{kind}.db"), folder / f"peer-{kind}.db"
            mine |= ours(plan, portal)
            other |= theirs(plan, peer)
        races = both_races(usual, folder / "portal-usual.db", folder / "peer-usual.db")
    for name in ("day", "next"):
        if mine[name]["answer"] not in (found := other[name]["answer"]) and mine[name]["answer"] != found:
            raise SystemExit(f"They do not answer alike: {mine[name]['answer']} and {found}.")
    machine = f"{conditions()}; django-appointment {other['version']}; {len(usual['taken']):,} appointments stored"
    rows = [(work, _told(name, mine[name]), _told(name, other[name])) for name, work in WORKS.items()]
    rows.append((f"{CLIENTS} clients ask for one free time at once", *races))
    for row in (("work", "portal", "django-appointment"), *rows):
        print(f"{row[0]:44}{row[1]:44}{row[2]}")
    print(f"\n{machine}")
    told = [dict(zip(("work", "portal", "peer", "conditions"), (*row, machine), strict=True)) for row in rows]
    (ROOT / "build" / "peers.json").write_text(json.dumps(told, indent=1) + "\n")
    if "--write" in sys.argv:
        write_table("peers", machine, ("work", "portal", "django-appointment"), rows)


def _told(name: str, cost: dict[str, Any]) -> str:
    size = f", {len(cost['answer']):,} bytes" if name == "click" else ""
    return f"{cost['ms']:.2f} ms, {cost['statements']} statements{size}"


if __name__ == "__main__":
    main()
