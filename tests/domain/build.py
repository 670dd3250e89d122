"""Domain records for the tests of this folder, with what does not matter left out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal_plugin.domain.availability import Diary, Slot, find_slots
from portal_plugin.domain.practice import (
    AppointmentType,
    Closure,
    ContactType,
    Hours,
    Interval,
    Location,
    Override,
    Practice,
    Provider,
    Window,
    Wish,
)

NEW_YORK = "America/New_York"
PHONE = ContactType("phone", "Phone call", at_location=False)
IN_PERSON = ContactType("in-person", "In person", at_location=True)
MAIN = Location("main", "Main Street", "1 Main Street", NEW_YORK)
ANNEX = Location("annex", "The Annex", "2 Side Street", NEW_YORK)


def visit(
    minutes: int = 60,
    *,
    increment: int = 60,
    before: int = 0,
    after: int = 0,
    notice_hours: int = 0,
    horizon_days: int = 700,
) -> AppointmentType:
    return AppointmentType(
        key="visit",
        name="Therapy visit",
        description="",
        duration=timedelta(minutes=minutes),
        buffer_before=timedelta(minutes=before),
        buffer_after=timedelta(minutes=after),
        increment=timedelta(minutes=increment),
        notice=timedelta(hours=notice_hours),
        horizon=timedelta(days=horizon_days),
        contact_types=("phone", "in-person"),
    )


def windows(*written: str) -> tuple[Window, ...]:
    """`windows("9:00-12:00", "13:00-17:00")`."""
    return tuple(Window(*(_minutes(edge) for edge in text.split("-"))) for text in written)


def every_day(*written: str, zone: str = NEW_YORK, **more: object) -> Hours:
    return Hours((windows(*written),) * 7, zone, **more)  # type: ignore[arg-type]


def on(day: date, *written: str, **more: object) -> Override:
    return Override(day, windows(*written), **more)  # type: ignore[arg-type]


def provider(
    *hours: Hours,
    key: str = "ada",
    number: int = 1,
    overrides: Sequence[Override] = (),
    locations: tuple[str, ...] = (),
) -> Provider:
    by_day: dict[date, tuple[Override, ...]] = {}
    for override in overrides:
        by_day[override.day] = (*by_day.get(override.day, ()), override)
    return Provider(
        key=key,
        name=key.title(),
        title="",
        number=number,
        zone=NEW_YORK,
        locations=locations,
        types=("visit",),
        contact_types=("phone", "in-person"),
        hours=hours,
        overrides=by_day,
    )


def practice(
    *providers: Provider, kind: AppointmentType | None = None, zone: str = NEW_YORK, closures: Sequence[Closure] = ()
) -> Practice:
    kind = kind or visit()
    return Practice(
        name="Elm Row Practice",
        zone=zone,
        phone="+1 212 555 0100",
        email="",
        address="",
        country="US",
        requests_hold_time=True,
        hold=timedelta(),
        request_expiry=None,
        cancellation_window=timedelta(hours=24),
        reschedule_window=timedelta(hours=24),
        policies="",
        programme="",
        reminders=(),
        remind_between=Window(0, 1440),
        email_reminders=False,
        locations={MAIN.key: MAIN, ANNEX.key: ANNEX},
        contact_types={PHONE.key: PHONE, IN_PERSON.key: IN_PERSON},
        types={kind.key: kind},
        providers={one.key: one for one in providers},
        closures=tuple(closures),
    )


def slots(
    *providers: Provider,
    day: date,
    days: int = 1,
    kind: AppointmentType | None = None,
    zone: str = NEW_YORK,
    busy: Mapping[str, Sequence[Interval]] | None = None,
    closures: Sequence[Closure] = (),
    contact: ContactType = PHONE,
    location: Location | None = None,
    now: datetime | None = None,
    **diary: Any,
) -> list[Slot]:
    """Every slot on `day` and the days after it, asked for long before. `diary` is what a Diary has beside `busy`."""
    kind = kind or visit()
    since = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    until = since + timedelta(days=days)
    wish = Wish(kind, contact, providers, location, zone)
    now = now or since.astimezone(UTC) - timedelta(days=300)
    found = find_slots(
        practice(*providers, kind=kind, zone=zone, closures=closures),
        wish,
        Diary(busy or {}, **diary),
        since=since,
        until=until,
        now=now,
    )
    return list(found)


def times(found: Sequence[Slot], zone: str = NEW_YORK) -> list[str]:
    """Their starts on the wall clock: `["9:00", "10:00"]`."""
    return [_clock(slot.starts.astimezone(ZoneInfo(zone))) for slot in found]


def taken(starts: datetime, ends: datetime) -> Interval:
    return Interval(int(starts.timestamp()), int(ends.timestamp()))


def local(day: date, clock: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    """The instant at which a wall clock shows `clock` that day, in UTC."""
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _clock(moment: datetime) -> str:
    return f"{moment.hour}:{moment.minute:02}"
