"""Days side by side on one axis of wall time, as rows and cells of a table: a cell spans the rows that it lasts.

Rows begin wherever anything begins or ends, so that every cell lies exactly where it is on the clock, and a row that
has more to say than it is long pushes the whole axis apart and nothing out of line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from ...domain.practice import Interval
from ...wording.dates import clock_mark
from .day_plan import Block, DayPlan, joined

DAY, HOUR = 24 * 60, 60
SHORTEST = 5
"""Minutes; what is shorter is drawn as long as this."""


class Cell(NamedTuple):
    """What a column shows between two minutes of its day. `kind` is blocks, open (within the hours, and neither taken
    nor free any more), break (between two stretches of hours), off or closed. `column` counts from 1.
    """

    column: int
    kind: str
    since: int
    until: int
    blocks: tuple[Block, ...] = ()


class Row(NamedTuple):
    """`label` is the wall time that stands beside the next `labelled` rows, None where it stands there already.
    `height` counts 5 minutes, and is 0 where nobody has anything.
    """

    label: str | None
    labelled: int
    is_now: bool
    height: int
    cells: list[tuple[Cell, int]]


@dataclass(frozen=True, slots=True)
class Timetable:
    columns: Sequence[DayPlan]
    rows: list[Row]


def timetable(plans: Sequence[DayPlan], now: datetime) -> Timetable:
    """`now` is local; it stands on the axis where one of the days is today."""
    columns = [_parts(number, plan) for number, plan in enumerate(plans, 1)]
    busiest = [cell for column in columns for cell in column]
    if not busiest:
        return Timetable(plans, [])
    opens = min(cell.since for cell in busiest) // HOUR * HOUR
    closes = min(DAY, -(-max(cell.until for cell in busiest) // HOUR) * HOUR)
    moment = _minute(now, now.date()) // SHORTEST * SHORTEST
    shown_now = moment if opens <= moment < closes and any(plan.day == now.date() for plan in plans) else None
    labels = {*range(opens, closes, HOUR), *([] if shown_now is None else [shown_now])}
    filled = [
        _filled(number, plan, parts, opens, closes)
        for number, (plan, parts) in enumerate(zip(plans, columns, strict=True), 1)
    ]
    edges = sorted({*labels, closes, *(cell.since for column in filled for cell in column)})
    return Timetable(plans, _rows(edges, labels, shown_now, filled))


def _rows(edges: list[int], labels: set[int], now: int | None, columns: Sequence[Sequence[Cell]]) -> list[Row]:
    """Each stretch between two edges, with the cells that begin there and how many rows they span."""
    place = {minute: number for number, minute in enumerate(edges)}
    beginning: dict[int, list[tuple[Cell, int]]] = {minute: [] for minute in edges}
    alive: set[int] = set()
    for cell in (cell for column in columns for cell in column):
        beginning[cell.since].append((cell, place[cell.until] - place[cell.since]))
        if cell.kind in {"blocks", "open"}:
            alive.update(range(place[cell.since], place[cell.until]))
    named = sorted(labels)
    following = dict(zip(named, [*named[1:], edges[-1]], strict=True))
    return [
        Row(
            clock_mark(since) if since in labels else None,
            place[following[since]] - place[since] if since in labels else 0,
            since == now,
            max(1, round((until - since) / SHORTEST)) if place[since] in alive else 0,
            beginning[since],
        )
        for since, until in pairwise(edges)
    ]


def _parts(number: int, plan: DayPlan) -> list[Cell]:
    """What there is in the order of the clock; blocks at one time share a cell."""
    cells: list[Cell] = []
    timed = [(_minutes(block.starts, block.ends, plan.day), block) for block in plan.blocks]
    for (since, until), block in sorted(timed, key=lambda each: each[0]):
        if cells and since < cells[-1].until:
            last = cells[-1]
            cells[-1] = last._replace(until=max(last.until, until), blocks=(*last.blocks, block))
        else:
            cells.append(Cell(number, "blocks", since, until, (block,)))
    return sorted([*cells, *_around(number, _hours(plan), cells)], key=lambda cell: cell.since)


def _hours(plan: DayPlan) -> list[Interval]:
    return joined(Interval(*_minutes(*each, plan.day)) for each in plan.hours)


def _around(number: int, hours: Iterable[Interval], cells: Sequence[Cell]) -> list[Cell]:
    """What of the hours no cell covers."""
    found: list[Cell] = []
    for opens, closes in hours:
        at = opens
        for cell in cells:
            if cell.until > opens and cell.since < closes:
                found.append(Cell(number, "open", at, cell.since))
                at = max(at, cell.until)
        found.append(Cell(number, "open", at, closes))
    return [cell for cell in found if cell.since < cell.until]


def _filled(number: int, plan: DayPlan, cells: Sequence[Cell], opens: int, closes: int) -> list[Cell]:
    """The column from top to bottom: what lies between its cells is a break, or no time of work at all."""
    hours = _hours(plan)
    result: list[Cell] = []
    at = opens
    for cell in [*cells, Cell(number, "end", closes, closes)]:
        if at < cell.since:
            within = hours and hours[0].ends <= at and cell.since <= hours[-1].starts
            kind = "closed" if plan.closed else "break" if within else "off"
            result.append(Cell(number, kind, at, cell.since))
        at = max(at, cell.until)
        result.append(cell)
    return result[:-1]


def _minutes(starts: datetime, ends: datetime, day: date) -> tuple[int, int]:
    """Wall minutes of the day. Where the clock goes back meanwhile, as many after the first as it lasts."""
    since, until = _minute(starts, day), _minute(ends, day)
    if until <= since:
        until = since + int((ends.timestamp() - starts.timestamp()) // 60)
    since = min(max(since, 0), DAY - SHORTEST)
    return since, min(max(until, since + SHORTEST), DAY)


def _minute(moment: datetime, day: date) -> int:
    return (moment.date() - day).days * DAY + moment.hour * HOUR + moment.minute
