"""What staff type. Whether it can be done, the services say."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from wtforms import Form, StringField, TextAreaField

from ...domain.appointment import Client
from ...domain.instants import wall_instants
from ...domain.lifecycle import Action
from ...domain.series import MOST_WEEKS
from ...domain.staff import Staff
from ...domain.text import LONGEST, clean_line
from ...services.state import State
from ...wording import say
from ...wording.dates import write_instant
from ..forms import ClientForm, at_most, printable, read_day, read_instant

VERBS = {
    "confirm": Action.CONFIRM,
    "decline": Action.DECLINE,
    "accept": Action.ACCEPT,
    "withdraw": Action.WITHDRAW,
    "cancel": Action.CANCEL,
    "complete": Action.COMPLETE,
    "no-show": Action.MISS,
}
WITHOUT_A_WORD = {"accept", "complete", "no-show"}
"""Nothing is written to the client, so there is no message either."""

_TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]", re.ASCII)


class Message(Form):
    message = TextAreaField(validators=[at_most(LONGEST), printable])


class StaffForm(ClientForm):
    """A form that only this member of staff can send."""

    Checked: type[Form] = Message
    texts: tuple[str, ...] = ("message",)

    def __init__(self, state: State, staff: Staff, sent: Mapping[str, str]) -> None:
        super().__init__(state, f"staff {staff.id}", sent)

    def validate(self) -> bool:
        wrong = dict(self.wrong())
        super().validate()
        self.errors = wrong | self.errors
        return not self.errors

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Field and sentence of what is at fault, beside the texts."""
        yield from ()


class CalendarForm(StaffForm):
    """Whose calendar's address is made or ended; there is nothing to type."""

    fields = ("provider", "end")
    texts = ()


class WaitlistForm(StaffForm):
    """Who is taken off the waitlist; there is nothing to type."""

    fields = ("ref",)
    texts = ()


class DecisionForm(StaffForm):
    fields = ("verb", "message", "from")
    verbs = frozenset(VERBS)

    def wrong(self) -> Iterator[tuple[str, str]]:
        if self.typed["verb"] not in self.verbs:
            yield "verb", say("Choose what to do.")

    @property
    def action(self) -> Action:
        return VERBS[self.typed["verb"]]

    @property
    def word(self) -> str:
        """What the client is to read."""
        return "" if self.typed["verb"] in WITHOUT_A_WORD else self.typed["message"]


class ManyForm(DecisionForm):
    """One decision about several requests; `refs` are the chosen ones."""

    verbs = frozenset({"confirm", "decline"})

    def __init__(self, state: State, staff: Staff, sent: Mapping[str, str], refs: list[str]) -> None:
        super().__init__(state, staff, sent)
        self.refs = list(dict.fromkeys(refs))

    def wrong(self) -> Iterator[tuple[str, str]]:
        if not self.refs:
            yield "ref", say("Tick the requests that this is about.")
        yield from super().wrong()


class Wall(NamedTuple):
    """A date and a time as typed; None for what is neither."""

    day: date | None
    time: time | None

    @classmethod
    def read(cls, day: str, clock: str) -> "Wall":
        try:
            return cls(read_day(day), time.fromisoformat(clock) if _TIME.fullmatch(clock) else None)
        except ValueError:
            return cls(read_day(day), None)

    def wrong(self) -> Iterator[tuple[str, str]]:
        if self.day is None or not date(1971, 1, 1) < self.day < date(2900, 1, 1):
            yield "date", say("Enter a date.")
        if self.time is None:
            yield "time", say("Enter a time.")


class WallForm(StaffForm):
    """A form in which a date and a time are typed."""

    twice: Sequence[datetime] = ()
    """The instants (aware UTC) between which to choose, where a clock of the zone shows the typed time twice."""

    @property
    def wall(self) -> Wall:
        return Wall.read(self.typed["date"], self.typed["time"])

    def typed_instant(self, zone: str) -> datetime | None:
        """What was typed, on a clock of the zone (aware UTC). None where that is none or two: `errors` says so."""
        wall = self.wall
        if wall.day is None or wall.time is None or dict(wall.wrong()):
            return None
        instants = wall_instants(datetime.combine(wall.day, wall.time), zone)
        if len(instants) > 1:
            self.twice = instants
            instants = [each for each in instants if write_instant(each) == self.typed["which-hour"]]
            if not instants:
                self.errors["which-hour"] = say(
                    "The clock shows that time twice on that day. Choose which one is meant."
                )
        elif not instants:
            self.errors["time"] = say("The clock skips that time on that day.")
        return next(iter(instants), None)


class MoveForm(WallForm):
    """A free time from the list, or any other as date and time. `instant` is it (aware UTC), once valid."""

    fields = ("starts", "date", "time", "which-hour", "provider", "message")
    instant: datetime | None = None

    def __init__(self, state: State, staff: Staff, sent: Mapping[str, str], zone: str) -> None:
        super().__init__(state, staff, sent)
        self._zone = zone

    def wrong(self) -> Iterator[tuple[str, str]]:
        if self.typed["date"] or self.typed["time"] or not self.typed["starts"]:
            typed = self.typed["date"] or self.typed["time"]
            yield from self.wall.wrong() if typed else [("starts", say("Choose a time."))]
            return
        self.instant = read_instant(self.typed["starts"])
        if self.instant is None:
            yield "starts", say("Choose a time from the list, or enter a date and a time.")

    def validate(self) -> bool:
        super().validate()
        if self.instant is None:
            self.instant = self.typed_instant(self._zone)
        return not self.errors


class InviteForm(WallForm):
    """Whom, to what, when, and how often. `key` makes a form sent twice one set of invitations."""

    fields = (
        *("verb", "key", "again", "find", "client", "id", "name", "email", "phone"),
        *("type", "contact", "provider", "location", "date", "time", "which-hour", "weeks", "which", "message"),
    )

    texts = ("find", "name", "message")

    class Checked(Message):
        find = StringField(validators=[printable])
        name = StringField(validators=[at_most(200), printable])

    def __init__(self, state: State, staff: Staff, sent: Mapping[str, str]) -> None:
        super().__init__(state, staff, sent)
        self.typed["key"] = self.typed["key"][:100] or secrets.token_hex(8)
        self.typed["weeks"] = self.typed["weeks"].strip() or "1"

    @property
    def weeks(self) -> int:
        """How often; 0 for what is no number that it can be."""
        typed = self.typed["weeks"]
        number = int(typed) if re.fullmatch("[0-9]{1,3}", typed, re.ASCII) else 0
        return number if number <= MOST_WEEKS else 0

    def wrong(self) -> Iterator[tuple[str, str]]:
        if self.typed["verb"] not in {"invite", "book"}:
            yield "verb", say("Choose whether to invite or to book.")
        yield from self.wall.wrong()
        if not self.weeks:
            yield "weeks", say("Enter a number of weeks from 1 to {most}.", most=MOST_WEEKS)

    def typed_client(self) -> Client | None:
        """The client as typed; what is missing is in `errors`."""
        typed, id_ = self.typed, clean_line(self.typed["id"][:200])
        if not id_:
            self.errors["id"] = say("Enter the client’s id in your system.")
        client = Client(id_ or "?", typed["name"], typed["email"], typed["phone"][:40])
        if not client.name:
            self.errors["name"] = say("Enter the client’s name.")
        if typed["email"].strip() != client.email:
            self.errors["email"] = say("That is not one e-mail address.")
        return None if {"id", "name", "email"}.intersection(self.errors) else client
