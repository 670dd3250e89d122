"""The same time of the week, week after week: which of them can be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from .appointment import Appointment, Client
from .availability import Diary
from .errors import PortalError
from .instants import seconds, wall_instants
from .lifecycle import Status
from .outside import why_outside
from .practice import Practice, Provider, Wish
from .said import said, said_n

MOST_WEEKS = 52


class Outcome(StrEnum):
    """`free` can be, `made` is, `refused` was not let through; the others say what stands in the way."""

    FREE = "free"
    TAKEN = "taken"
    CLOSED = "closed"
    PASSED = "passed"
    MADE = "made"
    REFUSED = "refused"


class Week(NamedTuple):
    """One week of a series. `moment` is what a clock on the wall shows (naive, in the zone of the place), `starts` the
    instant (aware UTC), None where a clock change skips it; `why` says more, `providers` who is free, and `appointment`
    is what was made.
    """

    moment: datetime
    starts: datetime | None
    outcome: Outcome
    why: str = ""
    providers: tuple[Provider, ...] = ()
    appointment: Appointment | None = None


class NotEveryWeek(PortalError):
    """Not all of a series can be, so none of it was made; `weeks` tells each."""

    def __init__(self, weeks: Sequence[Week]) -> None:
        blocked = sum(week.outcome not in {Outcome.FREE, Outcome.MADE} for week in weeks)
        super().__init__(
            said_n(
                "{number} of {weeks} weeks is not free, so nothing was sent.",
                "{number} of {weeks} weeks are not free, so nothing was sent.",
                blocked,
                weeks=len(weeks),
            )
        )
        self.weeks = tuple(weeks)


def dated(first: datetime, weeks: int, zone: str) -> list[tuple[datetime, datetime | None]]:
    """Each week's wall time and instant. Where the clock shows a time twice, `first.fold` says which is meant."""
    moments = [first + timedelta(weeks=n) for n in range(weeks)]
    instants = [wall_instants(moment, zone) for moment in moments]
    return [
        (moment, at[min(first.fold, len(at) - 1)] if at else None) for moment, at in zip(moments, instants, strict=True)
    ]


def look_at(
    practice: Practice,
    wish: Wish,
    client: Client,
    diary: Diary,
    moment: datetime,
    starts: datetime | None,
    now: datetime,
) -> Week:
    """Whether that week is free, within the hours, and of whom; or why not. The practice's notice, horizon and grid
    bind its clients, not itself.
    """
    if starts is None:
        return Week(moment, None, Outcome.CLOSED, said("the clock skips that time"))
    if starts <= now:
        return Week(moment, starts, Outcome.PASSED)
    outside = {one.key: why_outside(practice, _draft(wish, client, one, starts)) for one in wish.providers}
    there = tuple(one for one in wish.providers if outside[one.key] is None)
    if not there:
        return Week(moment, starts, Outcome.CLOSED, next(iter(outside.values())) or "")
    free = tuple(one for one in there if _is_free(wish, diary, one, seconds(starts)))
    return Week(moment, starts, Outcome.FREE if free else Outcome.TAKEN, providers=free)


def _is_free(wish: Wish, diary: Diary, provider: Provider, start: int) -> bool:
    before, reach = start - wish.type.before, start + wish.type.reach
    if start in diary.seats.get(provider.key, ()):
        return True
    return not any(taken[0] < reach and taken[1] > before for taken in diary.busy[provider.key])


def _draft(wish: Wish, client: Client, provider: Provider, starts: datetime) -> Appointment:
    """What it would be, to be held against the hours."""
    return Appointment(
        ref="",
        status=Status.INVITED,
        type=wish.type,
        contact=wish.contact,
        provider=provider,
        location=wish.location,
        starts=starts,
        ends=starts + wish.type.duration,
        zone=wish.zone,
        client=client,
        note="",
        message="",
        reason="",
        text_reminders=False,
        version=0,
        created=starts,
        expires=starts,
    )
