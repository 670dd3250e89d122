"""A plain-Python twin of the portal for one small practice: what each call has to come to, and what is then so.

It knows the rules of the product and nothing of the code: no database, no transaction, no claim table.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)
WINDOW = timedelta(hours=12)
"""Inside it clients neither cancel nor move what is confirmed."""
EXPIRY = timedelta(hours=24)
HOLD = timedelta(minutes=15)

OPEN = ("requested", "invited", "confirmed")
KEEPING = (*OPEN, "completed", "no_show")
RELEASED = ("declined", "cancelled", "expired", "withdrawn")

# From, action: to, and who may. Exactly as product.md draws it.
TABLE = {
    ("requested", "confirm"): ("confirmed", {"staff"}),
    ("requested", "decline"): ("declined", {"staff"}),
    ("requested", "cancel"): ("cancelled", {"staff", "client"}),
    ("invited", "accept"): ("confirmed", {"staff", "client"}),
    ("invited", "cancel"): ("cancelled", {"staff", "client"}),
    ("invited", "withdraw"): ("withdrawn", {"staff"}),
    ("confirmed", "cancel"): ("cancelled", {"staff", "client"}),
    ("confirmed", "complete"): ("completed", {"staff"}),
    ("confirmed", "miss"): ("no_show", {"staff"}),
}
LEADS_TO = {action: to for (_, action), (to, _) in TABLE.items()}
SIGNALS = {
    "request": "requested",
    "invite": "invited",
    "confirm": "confirmed",
    "book": "confirmed",
    "accept": "accepted",
    "decline": "declined",
    "cancel": "cancelled",
    "replace": "cancelled",
    "withdraw": "cancelled",
    "expire": "expired",
    "complete": "completed",
    "miss": "missed",
}


class Kind(NamedTuple):
    minutes: int
    before: int
    after: int
    increment: int
    capacity: int = 1
    automatic: bool = False


KINDS = {
    "visit": Kind(50, 0, 10, 30),
    "call": Kind(20, 0, 0, 15, automatic=True),
    "group": Kind(60, 10, 30, 60, capacity=2),
}
PROVIDERS = ("ada", "ben")
HOURS = {"long": [(9 * 60, 12 * 60), (13 * 60, 17 * 60)], "short": [(10 * 60, 12 * 60)]}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def practice_file(hours: str, requests_hold_time: bool) -> dict[str, Any]:
    """The practice that the model knows, in the practice file's shape."""
    windows = [f"{a // 60}:{a % 60:02}-{b // 60}:{b % 60:02}" for a, b in HOURS[hours]]
    return {
        "practice": {
            "name": "Elm Row Practice",
            "zone": ZONE.key,
            "phone": "+1 212 555 0100",
            "email": "desk@elmrow.example",
            "requests_hold_time": requests_hold_time,
            "request_expiry_hours": EXPIRY // timedelta(hours=1),
            "cancellation_hours": WINDOW // timedelta(hours=1),
            "hold_minutes": HOLD // MINUTE,
        },
        "contact_types": [{"key": "phone", "name": "Phone call"}],
        "appointment_types": [
            {
                "key": key,
                "name": key.title(),
                "minutes": kind.minutes,
                "buffer_before": kind.before,
                "buffer_after": kind.after,
                "increment": kind.increment,
                "capacity": kind.capacity,
                "confirm_automatically": kind.automatic,
                "notice_hours": 0,
                "horizon_days": 30,
                "contact_types": ["phone"],
            }
            for key, kind in KINDS.items()
        ],
        "providers": [
            {
                "key": key,
                "name": key.title(),
                "types": list(KINDS),
                "contact_types": ["phone"],
                "hours": [dict.fromkeys(WEEKDAYS, windows)],
            }
            for key in PROVIDERS
        ],
    }


@dataclass(eq=False)
class Entry:
    """An appointment. `steps` are its history: action, from, to."""

    ref: str
    who: str | None
    kind: str
    provider: str
    starts: datetime
    status: str
    expires: datetime
    replaces: "Entry | None"
    steps: list[tuple[str, str | None, str]] = field(default_factory=list)

    @property
    def ends(self) -> datetime:
        return self.starts + KINDS[self.kind].minutes * MINUTE

    @property
    def waits_to_replace(self) -> bool:
        return self.replaces is not None and self.status in ("requested", "invited")


class Held(NamedTuple):
    provider: str
    starts: datetime
    ends: datetime
    until: datetime


def need(kind: str, starts: datetime) -> tuple[datetime, datetime]:
    """The provider's time that it takes, buffers included."""
    rules = KINDS[kind]
    return starts - rules.before * MINUTE, starts + (rules.minutes + rules.after) * MINUTE


class Model:
    """Each `may_…` returns the name of the refusal to expect, or an empty text; `made` and `moved` tell the model what
    then happened.
    """

    def __init__(self, now: datetime, requests_hold_time: bool) -> None:
        self.now = now
        self.hours = "long"
        self.requests_hold_time = requests_hold_time
        self.entries: list[Entry] = []
        self.holds: dict[str, Held] = {}
        self.busy: list[tuple[str, datetime, datetime]] = []
        self.refusing: set[str] = set()
        self.signals: list[tuple[str, str]] = []

    # What is taken.

    def keeps_time(self, entry: Entry) -> bool:
        waits = entry.status == "requested" and self.waits_without_time(entry.kind)
        return entry.status in KEEPING and not waits

    def taken(
        self, provider: str, but: Entry | None = None, holder: str | None = None
    ) -> Iterator[tuple[datetime, datetime]]:
        for entry in self.entries:
            if entry.provider == provider and entry is not but and self.keeps_time(entry):
                yield need(entry.kind, entry.starts)
        for who, held in self.holds.items():
            if held.provider == provider and who != holder and held.until > self.now:
                yield held.starts, held.ends

    def session(self, kind: str, provider: str, starts: datetime, but: Entry | None = None) -> list[Entry]:
        return [
            entry
            for entry in self.entries
            if (entry.kind, entry.provider, entry.starts) == (kind, provider, starts)
            and entry is not but
            and self.keeps_time(entry)
        ]

    def room(
        self,
        who: str | None,
        kind: str,
        provider: str,
        starts: datetime,
        but: Entry | None = None,
        holder: str | None = None,
    ) -> str:
        """Why the provider cannot take it, or ""."""
        if KINDS[kind].capacity > 1 and (there := self.session(kind, provider, starts, but)):
            if len(there) >= KINDS[kind].capacity:
                return "SlotTaken"
            return "NotOffered" if who in {entry.who for entry in there} else ""
        first, last = need(kind, starts)
        apart = all(b <= first or last <= a for a, b in self.taken(provider, but, holder))
        return "" if apart else "SlotTaken"

    def waits_without_time(self, kind: str) -> bool:
        return not self.requests_hold_time and not KINDS[kind].automatic

    def room_beside(
        self,
        who: str,
        kind: str,
        provider: str,
        starts: datetime,
        old: Entry | None,
        holder: str | None = None,
        by_request: bool = False,
    ) -> str:
        """The same while the old one keeps its time, which is no obstacle where one stretch can serve both."""
        serves_both = old is not None and self.alone(old, kind, provider) and self.keeps_time(old)
        if not serves_both and not (by_request and self.waits_without_time(kind)):
            return self.room(who, kind, provider, starts, None, holder)
        return self.room(who, kind, provider, starts, old, holder)

    @staticmethod
    def alone(old: Entry, kind: str, provider: str) -> bool:
        return old.provider == provider and KINDS[old.kind].capacity == 1 == KINDS[kind].capacity

    def pending(self, old: Entry) -> Entry | None:
        return next((one for one in self.entries if one.replaces is old and one.waits_to_replace), None)

    def offered_by_hours(self, kind: str, starts: datetime) -> bool:
        local = starts.astimezone(ZONE)
        minute, rules = local.hour * 60 + local.minute, KINDS[kind]
        return any(
            opens <= minute and minute + rules.minutes <= closes and (minute - opens) % rules.increment == 0
            for opens, closes in HOURS[self.hours]
        )

    # What may be asked for.

    def may_move(self, old: Entry | None, by_client: bool) -> str:
        if old is None:
            return ""
        if old.status not in OPEN:
            return "AlreadyDecided"
        if old.waits_to_replace or (by_client and self.pending(old)):
            return "NotAllowed"
        window = WINDOW if by_client and old.status == "confirmed" else timedelta()
        return "TooLate" if self.now >= old.starts - window else ""

    def may_request(
        self, who: str, kind: str, provider: str | None, starts: datetime, old: Entry | None, by_client: bool = True
    ) -> tuple[str, list[str]]:
        """The refusal to expect, or who may be given it."""
        if why := self.may_move(old, by_client):
            return why, []
        # Contact and place are always the same here.
        if old is not None and starts == old.starts and provider == old.provider:
            return "NotOffered", []
        if starts <= self.now or not self.offered_by_hours(kind, starts):
            return "NotOffered", []
        able = []
        for key in [provider] if provider else PROVIDERS:
            same = old is not None and starts == old.starts and key == old.provider
            if (
                not same
                and not self.host_says_busy(key, kind, starts)
                and not self.room_beside(who, kind, key, starts, old, who, by_request=True)
            ):
                able.append(key)
        if not able:
            return "SlotTaken", []
        return ("Refused", []) if "request" in self.refusing else ("", able)

    def host_says_busy(self, provider: str, kind: str, starts: datetime) -> bool:
        first, last = need(kind, starts)
        return any(key == provider and a < last and first < b for key, a, b in self.busy)

    def may_propose(
        self, who: str, kind: str, provider: str, starts: datetime, old: Entry | None, at_once: bool
    ) -> str:
        """Of an invitation, or `at_once` of a booking, by the practice."""
        if starts <= self.now:
            return "NotOffered"
        if why := self.may_move(old, by_client=False):
            return why
        if old is not None and starts == old.starts and provider == old.provider:
            return "NotOffered"
        if old is not None and self.pending(old):
            return "NotAllowed"
        if at_once:
            return self.room(who, kind, provider, starts, old)
        return self.room_beside(who, kind, provider, starts, old)

    def may_hold(self, who: str, kind: str, provider: str, starts: datetime) -> str | None:
        """None where nothing is held and nothing refused."""
        if not self.requests_hold_time or KINDS[kind].capacity > 1:
            return None
        if starts <= self.now or not self.offered_by_hours(kind, starts):
            return "NotOffered"
        taken = self.host_says_busy(provider, kind, starts) or self.room(who, kind, provider, starts, None, who)
        return "SlotTaken" if taken else ""

    def may_decide(self, entry: Entry, action: str, by: str) -> str | None:
        """None where it was done already."""
        rule = TABLE.get((entry.status, action))
        if rule is None:
            return None if LEADS_TO[action] == entry.status else "AlreadyDecided"
        if by not in rule[1]:
            return "NotAllowed"
        late = self.now >= entry.starts - WINDOW
        if action == "cancel" and by == "client" and entry.status == "confirmed" and late:
            return "TooLate"
        if action == "accept" and self.now >= entry.expires:
            return "TooLate"
        if action in {"complete", "miss"} and self.now < entry.starts:
            return "TooEarly"
        if {"accept": "confirm"}.get(action, action) in self.refusing:
            return "Refused"
        if rule[0] == "confirmed" and self.began_meanwhile(entry):
            return "SlotTaken"
        if rule[0] == "confirmed" and not self.keeps_time(entry):
            old = entry.replaces if entry.replaces is not None and entry.replaces.status in OPEN else None
            return self.room(entry.who, entry.kind, entry.provider, entry.starts, old)
        return ""

    def began_meanwhile(self, entry: Entry) -> bool:
        """Whether it shares time with the one it was to replace, which has taken place instead."""
        old = entry.replaces
        if old is None or old.status not in ("completed", "no_show") or old.provider != entry.provider:
            return False
        (a, b), (c, d) = need(old.kind, old.starts), need(entry.kind, entry.starts)
        return a < d and c < b

    # What has happened.

    def made(
        self, ref: str, who: str, kind: str, provider: str, starts: datetime, action: str, old: Entry | None
    ) -> Entry:
        if action == "request":
            self.holds.pop(who, None)
        status = {"request": "requested", "invite": "invited", "book": "confirmed"}[action]
        expires = min(starts, self.now + EXPIRY)
        entry = Entry(ref, who, kind, provider, starts, status, expires, old)
        self.entries.append(entry)
        self._tell(entry, action, None, status)
        if action == "book":
            self._take_place(entry)
        elif action == "request" and KINDS[kind].automatic:
            self.moved(entry, "confirm")
        return entry

    def moved(self, entry: Entry, action: str) -> None:
        before, entry.status = entry.status, "expired" if action == "expire" else LEADS_TO[action]
        self._tell(entry, action, before, entry.status)
        if entry.status == "confirmed":
            self._take_place(entry)

    def _take_place(self, entry: Entry) -> None:
        old = entry.replaces
        if old is not None and old.status in OPEN:
            before, old.status = old.status, "cancelled"
            self._tell(old, "replace", before, "cancelled")

    def _tell(self, entry: Entry, action: str, before: str | None, after: str) -> None:
        entry.steps.append((action, before, after))
        self.signals.append((f"appointment-{SIGNALS[action]}", entry.ref))

    def held(self, who: str, kind: str, provider: str, starts: datetime) -> None:
        self.holds[who] = Held(provider, *need(kind, starts), self.now + HOLD)

    def expire(self) -> None:
        for entry in sorted(self.entries, key=lambda one: one.starts):
            if entry.status in ("requested", "invited") and entry.expires <= self.now:
                self.moved(entry, "expire")

    def ahead(self, who: str) -> list[Entry]:
        return [one for one in self.entries if one.who == who and one.status in OPEN and one.ends > self.now]

    def forget(self, who: str) -> int:
        self.holds.pop(who, None)
        theirs = [entry for entry in self.entries if entry.who == who]
        for entry in theirs:
            entry.who = None
        return len(theirs)
