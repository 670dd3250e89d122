"""The day of every provider, or the week of one."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue

from ...domain.appointment import Appointment
from ...domain.instants import day_bounds, instant, seconds
from ...domain.practice import Interval, Practice, Provider
from ...services.state import State
from ...storage import appointments, busy_calendars, claims
from ...wording import current, say
from ..forms import read_day
from ..guard import current_practice, current_state, signed_in_staff
from .day_plan import DayPlan, day_plan, joined
from .live import UNCHANGED, nothing_new, pulse
from .panels import render
from .timetable import timetable

ONE_DAY = timedelta(days=1)


def schedule() -> ResponseReturnValue:
    """By default today, everybody; a week has one provider."""
    signed_in_staff()
    state = current_state()
    if nothing_new():
        return UNCHANGED
    practice = current_practice()
    # Read before what it stands for: what changes in between is then fetched again.
    seen = pulse()
    now = state.now().astimezone(ZoneInfo(practice.zone))
    day = min(max(read_day(request.args.get("day", "")) or now.date(), date(1971, 1, 2)), date(2900, 1, 1))
    week = request.args.get("span") == "week"
    everybody = [one for one in practice.providers.values() if not one.retired]
    chosen = practice.providers.get(request.args.get("provider", "")) or (everybody[0] if week and everybody else None)
    days = _days(day, week)
    table = timetable(_plans(state, practice, [chosen] if chosen else everybody, days), now)
    return render(
        "schedule",
        say("Schedule"),
        table=table,
        days=days,
        day=day,
        today=now.date(),
        week=week,
        providers=everybody,
        chosen=chosen,
        step=ONE_DAY * len(days),
        pulse=seen,
    )


def _days(day: date, week: bool) -> list[date]:
    """The day, or the week that it is in, which begins as the reader’s country begins it."""
    first = day - ONE_DAY * ((day.weekday() - current().locale.first_week_day) % 7) if week else day
    return [first + ONE_DAY * n for n in range(7 if week else 1)]


def _plans(state: State, practice: Practice, providers: Sequence[Provider], days: list[date]) -> list[DayPlan]:
    since, until = instant(day_bounds(days[0], practice.zone)[0]), instant(day_bounds(days[-1], practice.zone)[1])
    numbers = [provider.number for provider in providers]
    found = _by_provider(appointments.of_providers(state.db, practice, numbers, since, until))
    busy = _busy(state, providers, since, until)
    now = state.now()
    held = _held(state, practice, since, until)
    return [
        day_plan(practice, provider, day, found[provider.key], busy[provider.key], held[provider.number], now)
        for provider in providers
        for day in days
    ]


def _by_provider(found: list[Appointment]) -> dict[str, list[Appointment]]:
    result: dict[str, list[Appointment]] = defaultdict(list)
    for one in found:
        result[one.provider.key].append(one)
    return result


def _held(state: State, practice: Practice, since: datetime, until: datetime) -> dict[int, list[Interval]]:
    """What clients keep who fill in the form at this moment, by provider number."""
    result: dict[int, list[Interval]] = defaultdict(list)
    if practice.has_holds:
        for one in claims.holds(state.db, seconds(state.now()), seconds(since), seconds(until)):
            result[one.provider].append(Interval(one.starts, one.ends))
    return result


def _busy(state: State, providers: Sequence[Provider], since: datetime, until: datetime) -> dict[str, list[Interval]]:
    """What outside calendars and the host say, joined."""
    reading = [provider.number for provider in providers if provider.busy_calendar]
    fed = busy_calendars.taken(state.db, reading, seconds(since), seconds(until))
    told = state.host.busy([one.key for one in providers], since, until)
    return {
        one.key: joined([*fed.get(one.number, []), *(Interval(*stretch) for stretch in told.get(one.key, ()))])
        for one in providers
    }
