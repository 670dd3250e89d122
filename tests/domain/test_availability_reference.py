"""The fast calculation against a slow and obvious one that looks at every minute."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal_plugin.domain.availability import Diary, find_slots, open_days
from portal_plugin.domain.instants import day_bounds, instant, zone_names
from portal_plugin.domain.practice import AppointmentType, Closure, Hours, Interval, Override, Practice, Window, Wish
from tests.domain import build

MINUTE, DAY = 60, 86_400

AROUND_CHANGES = [
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Sydney", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Asia/Beirut", date(2022, 3, 27)),
    ("Asia/Beirut", date(2022, 10, 30)),
    ("America/St_Johns", date(2010, 3, 14)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Antarctica/Troll", date(2027, 3, 28)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
ELSEWHERE = ["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "America/New_York"]


@dataclass
class Person:
    """A provider in the plainest words: minutes of the day by weekday, and by date."""

    week: list[list[Window]]
    overrides: dict[date, list[Window]] = field(default_factory=dict)
    busy: list[Interval] = field(default_factory=list)

    def open_minutes(self, day: date) -> dict[int, int]:
        """Minutes of the day on which they are open, each with the one on which they opened."""
        spans = self.overrides.get(day, self.week[day.weekday()])
        opened: dict[int, int] = {}
        for minute in sorted({minute for opens, closes in spans for minute in range(opens, closes)}):
            opened[minute] = opened.get(minute - 1, minute)
        return opened


@dataclass
class Case:
    zone: str
    kind: AppointmentType
    people: list[Person]
    closed: set[date]
    since: int
    until: int
    now: int


def slow_slots(case: Case) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Try every minute as a start, and for each every minute of the appointment."""
    zone, kind = ZoneInfo(case.zone), case.kind
    length, step = (int(span / timedelta(minutes=1)) for span in (kind.duration, kind.increment))
    before, after = kind.buffer_before.total_seconds(), kind.buffer_after.total_seconds()
    last_day = datetime.fromtimestamp(case.now, zone).date() + kind.horizon
    beyond = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1, hours=12)
    while (beyond - timedelta(minutes=1)).astimezone(zone).date() > last_day:
        beyond -= timedelta(minutes=1)
    until = min(case.until, beyond.timestamp())
    first = case.since // MINUTE
    walls = [datetime.fromtimestamp(m * MINUTE, zone) for m in range(first, case.until // MINUTE + 1 + length)]
    days = [wall.date() for wall in walls]
    clocks = [wall.hour * 60 + wall.minute for wall in walls]
    opens = [
        {day: person.open_minutes(day) if day not in case.closed else {} for day in set(days)} for person in case.people
    ]
    # For each provider and minute: how many minutes from there on they are open, on that date.
    open_for = [[0] * (len(walls) + 1) for _ in case.people]
    for who, by_day in enumerate(opens):
        for n in reversed(range(len(walls))):
            if clocks[n] in by_day[days[n]]:
                goes_on = n + 1 < len(walls) and days[n + 1] == days[n]
                open_for[who][n] = 1 + (open_for[who][n + 1] if goes_on else 0)

    def free(who: int, n: int) -> bool:
        if open_for[who][n] < length:
            return False
        starts, ends = (first + n) * MINUTE - before, (first + n + length) * MINUTE + after
        taken = any(busy.starts < ends and starts < busy.ends for busy in case.people[who].busy)
        return (clocks[n] - opens[who][days[n]][clocks[n]]) % step == 0 and not taken

    for n in range(len(walls) - length):
        start = (first + n) * MINUTE
        # What begins this very second has begun, whatever the notice.
        if max(case.since, case.now + kind.notice.total_seconds()) <= start < until and start > case.now:
            willing = tuple(f"p{who}" for who in range(len(case.people)) if free(who, n))
            if willing:
                yield start, willing


def asked(case: Case) -> tuple[Practice, Wish, Diary]:
    """The case as the domain takes it: practice, wish, diary."""
    providers = [
        build.provider(
            Hours(tuple(tuple(day) for day in person.week), case.zone),
            key=f"p{n}",
            number=n,
            overrides=[Override(day, tuple(spans), zone=case.zone) for day, spans in person.overrides.items()],
        )
        for n, person in enumerate(case.people)
    ]
    closures = [Closure(day, day, "") for day in case.closed]
    practice = build.practice(*providers, kind=case.kind, zone=case.zone, closures=closures)
    wish = Wish(case.kind, build.PHONE, tuple(providers), None, case.zone)
    return practice, wish, Diary({f"p{n}": person.busy for n, person in enumerate(case.people)})


def fast_slots(case: Case) -> Iterator[tuple[int, tuple[str, ...]]]:
    found = find_slots(
        *asked(case),
        since=datetime.fromtimestamp(case.since, UTC),
        until=datetime.fromtimestamp(case.until, UTC),
        now=datetime.fromtimestamp(case.now, UTC),
    )
    for slot in found:
        assert slot.ends - slot.starts == case.kind.duration
        yield int(slot.starts.timestamp()), slot.providers


def window_lists() -> st.SearchStrategy[list[Window]]:
    """A day's windows, sorted and apart, as a practice file's are after reading."""
    edges = st.lists(st.integers(0, 96).map(lambda quarter: quarter * 15), max_size=6, unique=True)
    rough = edges.map(sorted).map(lambda e: [Window(a, b) for a, b in zip(e[::2], e[1::2], strict=False)])
    odd = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda w: w[0] < w[1])
    return rough | odd.map(lambda w: [Window(*w)]) | st.just([Window(0, 1440)])


def usual_places() -> st.SearchStrategy[tuple[str, date]]:
    """Zones that change their clocks in every way there is, on those days; and others on any day."""
    anywhere = st.tuples(st.sampled_from(ELSEWHERE), st.dates(date(2000, 1, 1), date(2037, 12, 1)))
    return st.sampled_from(AROUND_CHANGES) | anywhere


@lru_cache
def changes(zone: str) -> list[date]:
    """The days since 1985 on which a zone's offset changed, or any day where it never did."""
    noons = [datetime(1985, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(53 * 365)]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    return [noon.date() for noon, (a, b) in zip(noons[1:], pairwise(offsets), strict=True) if a != b] or [
        date(2027, 3, 14)
    ]


def every_change() -> st.SearchStrategy[tuple[str, date]]:
    """Every clock change of every zone of the tz database."""
    return st.sampled_from(sorted(zone_names())).flatmap(
        lambda zone: st.tuples(st.just(zone), st.sampled_from(changes(zone)))
    )


@st.composite
def cases(draw: st.DrawFn, places: st.SearchStrategy[tuple[str, date]] | None = None) -> Case:
    zone, day = draw(usual_places() if places is None else places)
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    since = noon + draw(st.integers(-36 * 60, 12 * 60)) * MINUTE + draw(st.sampled_from([0, 0, 1, 59]))
    until = since + draw(st.integers(1, 48)) * 3600
    kind = build.visit(
        draw(st.integers(1, 180) | st.sampled_from([30, 50, 60, 90])),
        increment=draw(st.integers(1, 120) | st.sampled_from([15, 30, 60])),
        before=draw(st.sampled_from([0, 0, 5, 15, 40])),
        after=draw(st.sampled_from([0, 0, 10, 30])),
        notice_hours=draw(st.sampled_from([0, 1, 24])),
        horizon_days=draw(st.integers(0, 5)),
    )
    near = [day + timedelta(days=n) for n in range(-3, 5)]

    def person() -> Person:
        edges = sorted(draw(st.lists(st.integers(-2 * DAY, 3 * DAY), max_size=12, unique=True)))
        if draw(st.booleans()):
            edges = [edge // 900 * 900 for edge in edges]
        busy = [Interval(noon + a, noon + b) for a, b in zip(edges[::2], edges[1::2], strict=False) if a < b]
        return Person(
            week=(draw(st.lists(window_lists(), min_size=1, max_size=3)) * 7)[:7],
            overrides=draw(st.dictionaries(st.sampled_from(near), window_lists() | st.just([]), max_size=2)),
            busy=[b for n, b in enumerate(busy) if n == 0 or busy[n - 1].ends <= b.starts],
        )

    return Case(
        zone=zone,
        kind=kind,
        people=[person() for _ in range(draw(st.integers(1, 2)))],
        closed=draw(st.sets(st.sampled_from(near), max_size=1)),
        since=since,
        until=until,
        now=since - draw(st.integers(-20, 72)) * 3600,
    )


STRANGE_NIGHT = Case(
    zone="America/St_Johns",
    kind=build.visit(1, increment=1, horizon_days=0),
    people=[Person(week=[[Window(0, 1440)]] * 7)],
    closed=set(),
    since=1_289_131_200,
    until=1_289_134_800,
    now=1_289_098_800,
)
"""In 2010 the clocks of Newfoundland went from 0:01 back to 23:01 of the day before."""


@example(replace(STRANGE_NIGHT, since=1_289_088_000, until=1_289_109_600, now=1_289_001_600))
@settings(max_examples=200, deadline=None)
@given(cases())
def test_slots_are_those_that_a_look_at_every_minute_finds(case):
    assert list(fast_slots(case)) == list(slow_slots(case))


@example(STRANGE_NIGHT)
@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_day_is_open_when_one_of_its_slots_is_free(case):
    since = datetime.fromtimestamp(case.since, ZoneInfo(case.zone)).date()
    until = since + timedelta(days=4)
    now = datetime.fromtimestamp(case.now, UTC)
    (first, _), (beyond, _) = day_bounds(since, case.zone), day_bounds(until, case.zone)
    found = find_slots(*asked(case), since=instant(first), until=instant(beyond), now=now)
    days = {slot.starts.astimezone(ZoneInfo(case.zone)).date() for slot in found}
    # A clock put back just after midnight returns to the day before, whose end then lies in the range.
    dates = [since + timedelta(days=n) for n in range(4)]
    assert open_days(*asked(case), dates, now) == sorted(days - {since - timedelta(days=1)})


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(every_change()))
def test_slots_are_right_at_every_clock_change_there_was(case):
    assert list(fast_slots(case)) == list(slow_slots(case))
