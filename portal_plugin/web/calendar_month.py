"""Step 2's month overview and the times of one of its days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ..domain.availability import Diary, Slot, bookable_range, find_slots, open_days
from ..domain.instants import day_bounds, instant, local_date, seconds
from ..domain.practice import Practice, Wish
from ..services.slots import free_slots, read_diary
from ..services.state import State
from .wording import parts_of_day


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    has_times: bool
    in_month: bool


@dataclass(frozen=True, slots=True)
class MonthView:
    """`weeks` begin on Sunday. `times` are those of the chosen day, by part of day."""

    month: date
    weeks: list[list[Day]]
    previous: date | None
    next: date | None
    day: date
    times: list[tuple[str, list[tuple[Slot, str]]]]
    next_day_with_times: date | None


def month_view(
    state: State, practice: Practice, wish: Wish, wanted: date | None, *, any_day: bool = False
) -> MonthView:
    """The wanted day and its month, or with `any_day` that month's first day with times.

    None wanted: the next day with times, whichever month that is in.

    Reads what is taken once for the month, and once more when the month alone has no answer.
    """
    now = state.now()
    first, beyond = bookable_range(wish, now)
    earliest, latest = local_date(first, wish.zone), local_date(beyond - 1, wish.zone)

    def busy_in(since: int, until: int) -> Diary:
        return read_diary(state, wish, instant(since), instant(until))

    def slots(busy: Diary, since: int, until: int) -> Iterator[Slot]:
        return find_slots(practice, wish, busy, since=instant(since), until=instant(until), now=now)

    def first_day_from(since: int) -> date | None:
        later = free_slots(state, practice, wish, since=instant(since), until=instant(beyond), now=now)
        slot = next(later, None)
        return local_date(seconds(slot.starts), wish.zone) if slot else None

    def look(month: date) -> tuple[Diary, list[date]]:
        busy = busy_in(*_month_bounds(month, wish.zone))
        return busy, open_days(practice, wish, busy, since=month, until=_next_month(month), now=now)

    chosen = min(max(wanted, earliest), latest) if wanted else earliest
    month = chosen.replace(day=1)
    busy, free = look(month)
    if wanted is None and not free and (found := first_day_from(_month_bounds(month, wish.zone)[1])):
        month = found.replace(day=1)
        busy, free = look(month)
    if free and (wanted is None or any_day):
        chosen = free[0]
    times = list(slots(busy, *day_bounds(chosen, wish.zone)))
    following = None
    if not times:
        following = next((day for day in free if day > chosen), None)
        if following is None and wanted is not None:
            following = first_day_from(day_bounds(chosen, wish.zone)[1])
    return MonthView(
        month=month,
        weeks=_weeks(month, set(free)),
        previous=(month - timedelta(days=1)).replace(day=1) if month > earliest else None,
        next=_next_month(month) if _next_month(month) <= latest else None,
        day=chosen,
        times=parts_of_day(times, wish.zone),
        next_day_with_times=following,
    )


def _weeks(month: date, free: set[date]) -> list[list[Day]]:
    day = month - timedelta(days=(month.weekday() + 1) % 7)
    weeks: list[list[Day]] = []
    while day < _next_month(month):
        weeks.append(
            [
                Day(date_, date_ in free, date_.month == month.month)
                for date_ in (day + timedelta(days=n) for n in range(7))
            ]
        )
        day += timedelta(days=7)
    return weeks


def _next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def _month_bounds(month: date, zone: str) -> tuple[int, int]:
    return day_bounds(month, zone)[0], day_bounds(_next_month(month), zone)[0]
