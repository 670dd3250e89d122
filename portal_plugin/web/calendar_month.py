"""Step 2's month overview and the times of one of its days."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from babel import Locale

from ..domain.appointment import Appointment, Client
from ..domain.availability import Diary, bookable_range
from ..domain.instants import day_bounds, instant, local_date, seconds
from ..domain.practice import Practice, Wish
from ..services.slots import days_with_times, free_slots
from ..services.state import State
from ..wording import say
from ..wording.dates import Choice, long_date, parts_of_day
from ..wording.language import current


class Day(NamedTuple):
    """A cell of the month: a date as in an address, its day of the month, and what a link to its times is called.
    Outside the month: 0.
    """

    date: str
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class MonthView:
    """`weeks` begin as the reader's do; `free` are days with times, `times` those of the chosen day, by part of day."""

    month: date
    weeks: tuple[tuple[Day, ...], ...]
    free: set[str]
    previous: date | None
    next: date | None
    today: date
    day: date
    times: list[tuple[str, list[Choice]]]
    next_day_with_times: date | None

    @property
    def number(self) -> int:
        """How many times the chosen day has."""
        return sum(len(choices) for _part, choices in self.times)


def month_view(
    state: State,
    practice: Practice,
    wish: Wish,
    client: Client,
    moving: Appointment | None,
    wanted: date | None,
    *,
    any_day: bool = False,
    zone: str = "",
) -> MonthView:
    """The wanted day and its month as this client sees them, or with `any_day` that month's first day with times.

    Days are the practice's; times are told in `zone`, or else in the practice's.

    None wanted: the next day with times, whichever month that is in.

    Reads what is taken once for the month, once more for the day where there are many providers, and once more when
    the month alone has no answer.
    """
    now = state.now()
    first, beyond = bookable_range(wish, now)
    earliest, latest = local_date(first, wish.zone), local_date(beyond - 1, wish.zone)

    def first_day_from(since: int) -> date | None:
        later = free_slots(
            state, practice, wish, since=instant(since), until=instant(beyond), now=now, client=client, moving=moving
        )
        slot = next(later, None)
        return local_date(seconds(slot.starts), wish.zone) if slot else None

    def look(month: date) -> tuple[list[date], Diary | None]:
        days = [month + timedelta(days=n) for n in range((_next_month(month) - month).days)]
        return days_with_times(state, practice, wish, days, now, client, moving)

    chosen = min(max(wanted, earliest), latest) if wanted else earliest
    month = chosen.replace(day=1)
    free, diary = look(month)
    if wanted is None and not free and (found := first_day_from(day_bounds(_next_month(month), wish.zone)[0])):
        month = found.replace(day=1)
        free, diary = look(month)
    if free and (wanted is None or any_day):
        chosen = free[0]
    since, until = (instant(edge) for edge in day_bounds(chosen, wish.zone))
    times = list(
        free_slots(state, practice, wish, since=since, until=until, now=now, client=client, moving=moving, known=diary)
    )
    following = None
    if not times:
        following = next((day for day in free if day > chosen), None)
        if following is None and wanted is not None:
            following = first_day_from(day_bounds(chosen, wish.zone)[1])
    return MonthView(
        month=month,
        weeks=_weeks(month, current().tag),
        free={f"{day}" for day in free},
        previous=(month - timedelta(days=1)).replace(day=1) if month > earliest else None,
        next=_next_month(month) if _next_month(month) <= latest else None,
        today=local_date(seconds(now), wish.zone),
        day=chosen,
        times=parts_of_day(times, wish, zone),
        next_day_with_times=following,
    )


@lru_cache(maxsize=64)
def _weeks(month: date, tag: str) -> tuple[tuple[Day, ...], ...]:
    first = month - timedelta(days=(month.weekday() - Locale.parse(tag, sep="-").first_week_day) % 7)
    weeks = []
    while first < _next_month(month):
        days = (first + timedelta(days=n) for n in range(7))
        weeks.append(
            tuple(
                Day(
                    f"{day}",
                    day.day if day.month == month.month else 0,
                    say("{date}, has free times", date=long_date(day)),
                )
                for day in days
            )
        )
        first += timedelta(days=7)
    return tuple(weeks)


def _next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
