"""A practice file as domain records."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

from ..domain.colors import DEFAULT as DEFAULT_COLOR
from ..domain.guests import NewClients, Question
from ..domain.instants import WEEKDAYS
from ..domain.practice import (
    AppointmentType,
    Closure,
    ContactType,
    Holidays,
    Hours,
    Location,
    Override,
    Practice,
    Provider,
    joined,
)
from ..domain.said import Said, said
from .entries import (
    AppointmentTypeEntry,
    ContactTypeEntry,
    Entries,
    HoursEntry,
    LocationEntry,
    PracticeFile,
    ProviderEntry,
)
from .public_holidays import PublicHolidays


def to_practice(file: PracticeFile, numbers: Mapping[str, int], retired: Entries) -> Practice:
    """Domain records, the retired ones last. `numbers` gives each provider its number in the database."""
    main = file.practice
    zones = {entry.key: entry.zone or main.zone for entry in (*retired.locations, *file.locations)}

    def each(entries: Sequence[E], gone: Sequence[E], make: Callable[[E, bool], R]) -> dict[str, R]:
        made = {entry.key: make(entry, False) for entry in entries}
        return made | {entry.key: make(entry, True) for entry in gone if entry.key not in made}

    return Practice(
        name=main.name,
        zone=main.zone,
        phone=main.phone,
        email=main.email,
        address=main.address,
        country=main.country,
        requests_hold_time=main.requests_hold_time,
        # Where requests hold no time, nobody else is kept from it while a form is filled in either.
        hold=timedelta(minutes=main.hold_minutes if main.requests_hold_time else 0),
        request_expiry=timedelta(hours=main.request_expiry_hours) if main.request_expiry_hours else None,
        cancellation_window=timedelta(hours=main.cancellation_hours),
        reschedule_window=timedelta(
            hours=main.cancellation_hours if main.reschedule_hours is None else main.reschedule_hours
        ),
        policies=main.policies,
        color=main.color or DEFAULT_COLOR,
        logo=main.logo,
        waitlist=timedelta(hours=main.waitlist_hours),
        programme=main.reminder_programme or default_programme(main.name),
        reminders=tuple(timedelta(hours=hours) for hours in main.reminders),
        remind_between=main.remind_between,
        email_reminders=main.email_reminders,
        locations=each(
            file.locations,
            retired.locations,
            lambda e, gone: Location(e.key, e.name, e.address, zones[e.key], e.map, gone),
        ),
        contact_types=each(
            file.contact_types,
            retired.contact_types,
            lambda e, gone: ContactType(e.key, e.name, e.at_location, e.instructions, e.join_url, gone),
        ),
        types=each(file.appointment_types, retired.appointment_types, _type),
        providers=each(
            file.providers,
            retired.providers,
            lambda e, gone: _provider(e, numbers[e.key], _types(e, file), zones, main.zone, gone),
        ),
        closures=tuple(Closure(e.first, e.last or e.first, e.name) for e in file.closures),
        holidays=_holidays(file),
        new_clients=_new_clients(file),
    )


E = TypeVar("E", LocationEntry, ContactTypeEntry, AppointmentTypeEntry, ProviderEntry)
R = TypeVar("R", Location, ContactType, AppointmentType, Provider)


def _types(provider: ProviderEntry, file: PracticeFile) -> tuple[str, ...]:
    """What a provider offers, by their own entry and by those of the types."""
    named = (kind.key for kind in file.appointment_types if provider.key in kind.providers)
    return tuple(dict.fromkeys((*provider.types, *named)))


def _holidays(file: PracticeFile) -> Holidays:
    told = file.holidays
    return PublicHolidays(told.country, told.subdivision, told.open) if told else {}


def _new_clients(file: PracticeFile) -> NewClients | None:
    told = file.new_clients
    if told is None:
        return None
    questions = (Question(e.key, e.label, e.kind, e.options, e.required) for e in told.questions)
    return NewClients(timedelta(minutes=told.link_minutes), tuple(questions))


def _type(entry: AppointmentTypeEntry, retired: bool) -> AppointmentType:
    return AppointmentType(
        key=entry.key,
        name=entry.name,
        description=entry.description,
        duration=timedelta(minutes=entry.minutes),
        buffer_before=timedelta(minutes=entry.buffer_before),
        buffer_after=timedelta(minutes=entry.buffer_after),
        increment=timedelta(minutes=entry.increment),
        notice=timedelta(hours=entry.notice_hours),
        horizon=timedelta(days=entry.horizon_days),
        contact_types=entry.contact_types,
        who=entry.who,
        capacity=entry.capacity,
        daily_cap=entry.daily_cap,
        days_between=entry.days_between,
        open_requests=entry.open_requests,
        confirms_itself=entry.confirm_automatically,
        instructions=entry.instructions,
        waitlist=entry.waitlist,
        retired=retired,
    )


def _provider(
    entry: ProviderEntry,
    number: int,
    types: tuple[str, ...],
    zones: Mapping[str, str],
    practice_zone: str,
    retired: bool,
) -> Provider:
    only = entry.locations[0] if len(entry.locations) == 1 else None

    def zone_at(location: str | None) -> str:
        return entry.zone or (zones[location] if location else practice_zone)

    def hours(written: HoursEntry) -> Hours:
        location = written.location or only
        week = tuple(tuple(joined(getattr(written, day))) for day in WEEKDAYS)
        return Hours(week, zone_at(location), location, written.contact_types, written.valid_from, written.valid_until)

    overrides: dict[date, tuple[Override, ...]] = {}
    for written in entry.overrides:
        override = Override(
            written.date,
            tuple(joined(written.hours)),
            written.location,
            zone_at(written.location or only),
            written.contact_types,
        )
        overrides[written.date] = (*overrides.get(written.date, ()), override)
    return Provider(
        key=entry.key,
        name=entry.name,
        title=entry.title,
        number=number,
        zone=entry.zone or practice_zone,
        locations=entry.locations,
        types=types,
        contact_types=entry.contact_types,
        hours=tuple(hours(written) for written in entry.hours),
        overrides=overrides,
        retired=retired,
        busy_calendar=entry.busy_calendar or "",
    )


def default_programme(name: str) -> Said:
    """What a client agrees to where the file does not say it."""
    return said(
        "Text reminders from {name}: up to 2 SMS reminders per appointment. Message and data rates may apply. "
        "Reply STOP at any time to end them, HELP for help. Consent is not a condition of care.",
        name=name,
    )
