"""Lines for people: aligned, in local time with its zone, and never two where one is meant."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from ..domain.lifecycle import Status
from ..domain.practice import Practice
from ..domain.text import clean_line
from ..web.api.schemas import Appointment


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """A line each, its cells under those of the line before; whatever others wrote is one line, without controls."""
    cells = [[clean_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def local(moment: datetime, zone: str, *, to_the_second: bool = False) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M{':%S' if to_the_second else ''} %Z}"


def listed(practice: Practice, found: Iterable[Appointment]) -> list[str]:
    """A line for each appointment, without more of its client than the name."""
    return aligned(row(one, practice.providers[one.provider].name, one.client.name) for one in found)


def row(one: Appointment, *more: str) -> tuple[str, ...]:
    return one.ref, one.status, local(one.starts, one.zone), *more


def in_full(practice: Practice, one: Appointment) -> list[str]:
    """All of one appointment, a line for each thing there is."""
    return aligned(pair for pair in _pairs(practice, one) if pair[1])


def _pairs(practice: Practice, one: Appointment) -> Iterator[tuple[str, str]]:
    yield "ref", one.ref
    yield "status", one.status
    yield "starts", local(one.starts, one.zone)
    yield "ends", local(one.ends, one.zone)
    yield "type", practice.types[one.type].name
    yield "contact", practice.contact_types[one.contact].name
    yield "provider", practice.providers[one.provider].name
    yield "location", practice.locations[one.location].name if one.location else ""
    yield "client", f"{one.client.name} ({one.client.id})"
    yield "email", one.client.email
    yield "phone", one.client.phone
    yield "note", one.note
    yield "message", one.message
    yield "reason", one.reason
    waits = one.status in {Status.REQUESTED, Status.INVITED}
    yield "expires", local(one.expires, one.zone) if waits else ""
    yield "replaces", one.replaces or ""
    yield "reference", one.reference
