"""Why a time is offered, or is not: one sentence for each provider who could be asked."""

from bisect import bisect_left
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .availability import Diary, bookable_range, grid
from .instants import instant, local_date, local_day, midnight, seconds
from .practice import Practice, Provider, Window, Wish


class Explanation(NamedTuple):
    """Whether a time is offered, and the sentences that say why; `str()` of it is those sentences."""

    offered: bool
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.reasons)


def explain_slot(practice: Practice, wish: Wish, diary: Diary, starts: datetime, now: datetime) -> Explanation:
    """The answer that `find_slots` would give for the start (aware), with its reasons. Times are told in the wish's
    zone, on a clock of 24 hours; hours that are meant in another zone, with its name.
    """
    general = _for_nobody(practice, wish, diary, starts, now)
    if general:
        return Explanation(False, (general,))
    told = [_by(practice, wish, diary, provider, seconds(starts)) for provider in wish.providers]
    offered = any(free for free, _ in told)
    # Who is free is the answer; why the others are not is another question.
    return Explanation(offered, tuple(sentence for free, sentence in told if free == offered))


def _for_nobody(practice: Practice, wish: Wish, diary: Diary, starts: datetime, now: datetime) -> str | None:
    first, beyond = bookable_range(wish, now)
    start, kind = seconds(starts), wish.type
    if starts <= now:
        return "That time has passed."
    if start < first:
        return (
            f"It is inside the {_span(kind.notice)} notice of {kind.name}: the earliest start is "
            f"{_moment(first, wish.zone)}."
        )
    if start >= beyond:
        last = local_date(beyond - 1, wish.zone)
        return f"It is beyond the horizon of {kind.name}, {kind.horizon.days} days: the last day is {last}."
    day = local_date(start, wish.zone)
    if closed := practice.closed_on(day):
        return f"The practice is closed on {day}: {closed}."
    if day in diary.without:
        return f"The client has another {kind.name} less than {kind.days_between} days from {day}."
    return None


def _by(practice: Practice, wish: Wish, diary: Diary, provider: Provider, start: int) -> tuple[bool, str]:
    kind, name, zone = wish.type, provider.name, wish.zone
    day = local_date(start, zone)
    allowed = grid(practice, wish, provider, day)
    if start not in allowed:
        return False, _outside(wish, provider, start, allowed)
    left = diary.seats.get(provider.key, {}).get(start)
    if left:
        return True, f"{name}'s session at {_clock(start, zone)} has {_count(left, 'seat')} left."
    busy = diary.busy.get(provider.key, ())
    taken = next((one for one in busy if one[0] < start + kind.reach and one[1] > start - kind.before), None)
    if taken is not None:
        return False, _taken(wish, name, start, taken[0], taken[1])
    if day in diary.full.get(provider.key, ()):
        return False, f"{name} gives no more than {_count(kind.daily_cap or 0, 'session')} of {kind.name} on one day."
    return (
        True,
        f"{name} is free from {_clock(start, zone)} to {_clock(start + int(kind.duration.total_seconds()), zone)}.",
    )


def _outside(wish: Wish, provider: Provider, start: int, allowed: tuple[int, ...]) -> str:
    """The start is not among those that hours and increment allow that day."""
    kind, name = wish.type, provider.name
    ends = start + int(kind.duration.total_seconds())
    hours: list[str] = []
    for near in _dates_around(start):
        for zone, windows in provider.windows(near, wish.contact, wish.location).items():
            if local_date(start, zone) != near:
                continue
            hours += [_written(window) + (f" {zone}" if zone != wish.zone else "") for window in windows]
            for opens, closes in _instants(near, zone, windows):
                if opens <= start < closes < ends:
                    end, closed = _clock(ends, wish.zone), _clock(closes, wish.zone)
                    return f"It would end at {end}, and {name}'s hours end at {closed}."
                if opens <= start and ends <= closes:
                    return _off_grid(wish, name, start, allowed)
    day = local_date(start, wish.zone)
    way = wish.contact.name + (f" at {wish.location.name}" if wish.location else "")
    if hours:
        return f"{name}'s hours on {day} are {' and '.join(hours)} ({way})."
    off = "a day off" if day in provider.overrides else "no hours"
    return f"{name} has {off} on {day:%A}, {day} ({way})."


def _off_grid(wish: Wish, name: str, start: int, allowed: tuple[int, ...]) -> str:
    at = bisect_left(allowed, start)
    near = [_clock(each, wish.zone) for each in allowed[max(at - 1, 0) : at + 1]]
    every = f"{name}'s starts are {_span(wish.type.increment)} apart, counted from when the hours open"
    if not near:
        return f"{every}, and none fits that day."
    return f"{every}: the nearest {'is' if len(near) == 1 else 'are'} {' and '.join(near)}."


def _taken(wish: Wish, name: str, start: int, begins: int, ends: int) -> str:
    kind = wish.type
    sentence = f"{name} is taken from {_clock(begins, wish.zone)} until {_clock(ends, wish.zone)}"
    if ends <= start:
        return f"{sentence}, and {kind.name} needs {_span(kind.buffer_before)} before it."
    if begins >= start + int(kind.duration.total_seconds()):
        return f"{sentence}, and {kind.name} needs {_span(kind.buffer_after)} after it."
    return f"{sentence}."


def _dates_around(start: int) -> list[date]:
    day = instant(start).date()
    return [day + timedelta(days=n) for n in (-1, 0, 1)]


def _instants(day: date, zone: str, windows: list[Window]) -> list[tuple[int, int]]:
    """Windows as seconds since 1970, wide enough to hold both sides of a clock change."""
    base, found = midnight(day), []
    for window in windows:
        opens, closes = base + window.opens * 60, base + window.closes * 60
        parts = [
            (max(part.starts, opens - part.offset), min(part.ends, closes - part.offset))
            for part in local_day(day, zone)
        ]
        shown = [(begins, ends) for begins, ends in parts if begins < ends]
        if shown:
            found.append((shown[0][0], shown[-1][1]))
    return found


def _written(window: Window) -> str:
    return f"{window.opens // 60}:{window.opens % 60:02}–{window.closes // 60}:{window.closes % 60:02}"


def _clock(at: int, zone: str) -> str:
    moment = instant(at).astimezone(ZoneInfo(zone))
    return f"{moment.hour}:{moment.minute:02}"


def _moment(at: int, zone: str) -> str:
    return f"{instant(at).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h" if minutes and minutes % 60 == 0 else f"{minutes} min"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
