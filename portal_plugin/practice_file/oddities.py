"""What is legal and odd all the same: traps that a practice manager would want to hear of.

Each with its place in the file and what to do. A sensible file gives none.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from ..domain.practice import Audience, Practice
from . import odd_hours
from .entries import KINDS, Entries, PracticeFile
from .lines import Place
from .public_holidays import PublicHolidays
from .records import to_practice

Told = Iterator[tuple[Place, str]]


def oddities(file: PracticeFile, today: date) -> Told:
    """Of a file without mistakes. `today` is the practice's local date."""
    practice = to_practice(file, {entry.key: n for n, entry in enumerate(file.providers, 1)}, Entries())
    yield from _practice(file)
    yield from _new_clients(file)
    yield from _reminders(file)
    yield from _names(file)
    yield from _types(file, practice)
    yield from _providers(file, practice)
    yield from _unused(file)
    yield from odd_hours.oddities(file, practice, today)
    yield from _dates(file, practice, today)


def _practice(file: PracticeFile) -> Told:
    for kind in ("providers", "appointment_types", "contact_types"):
        if not getattr(file, kind):
            yield ("practice",), f"nothing can be booked: there is no [[{kind}]]"
    if file.practice.email and "@" not in file.practice.email:
        yield ("practice", "email"), f"{file.practice.email!r} is no mail address, so no reply arrives; correct it"


def _new_clients(file: PracticeFile) -> Told:
    if file.new_clients and not any(kind.who is Audience.ANYONE for kind in file.appointment_types):
        yield (
            ("new_clients",),
            'new clients can ask for nothing: write who = "anyone" at a type that is for them, or remove this',
        )


def _reminders(file: PracticeFile) -> Told:
    main = file.practice
    if main.email_reminders and not main.reminders:
        yield (
            ("practice", "email_reminders"),
            "it has no effect without reminders; list some, or remove it",
        )
    farthest = max((kind.horizon_days * 24 for kind in file.appointment_types), default=8760)
    for hours in main.reminders if "reminders" in main.model_fields_set else ():
        if hours > farthest:
            yield (
                ("practice", "reminders"),
                f"a reminder {hours} hours before never goes out to who books, since nothing can be booked more than "
                f"{farthest} hours ahead; choose fewer",
            )
    if main.country == "US" and main.reminders and not set(main.remind_between) <= set(range(8 * 60, 21 * 60 + 1)):
        yield (
            ("practice", "remind_between"),
            "the United States allow text messages between 8:00 and 21:00 of whoever gets them; stay within",
        )


def _names(file: PracticeFile) -> Told:
    for kind in KINDS:
        seen: dict[str, str] = {}
        for n, entry in enumerate(getattr(file, kind)):
            first = seen.setdefault(entry.name.casefold(), entry.key)
            if first != entry.key:
                yield (
                    (kind, n, "name"),
                    f"{entry.name!r} is also the name of {first!r}, and clients cannot tell the two apart; rename one",
                )


def _types(file: PracticeFile, practice: Practice) -> Told:
    for n, entry in enumerate(file.appointment_types):
        place: Place = ("appointment_types", n)
        kind = practice.types[entry.key]
        able = [provider for provider in practice.providers.values() if entry.key in provider.types]
        ways = {contact.key for contact in practice.contacts_for(kind)}
        if file.providers and not able:
            yield place, "nobody offers it, so it cannot be booked; name it under types of a provider, or remove it"
        elif able and not ways:
            yield (
                (*place, "contact_types"),
                f"nobody who offers it meets clients in one of these ways ({', '.join(entry.contact_types)}), so it "
                "cannot be booked; name one under contact_types of a provider who offers it",
            )
        elif able:
            offered = {key for provider in file.providers for key in provider.contact_types}
            for unmet in [key for key in entry.contact_types if key in offered and key not in ways]:
                yield (
                    (*place, "contact_types"),
                    f"nobody who offers it meets clients by {unmet!r}, so that choice is not shown; name it under "
                    "contact_types of a provider who offers this type, or remove it here",
                )
        # Between the two, a few hours of the last day remain; within one day that is a rule one can want.
        if kind.notice > kind.horizon and kind.notice >= timedelta(days=1):
            yield (
                (*place, "horizon_days"),
                f"the horizon of {entry.horizon_days} days is shorter than the notice of {entry.notice_hours} hours, "
                "so hardly any time can be booked; raise horizon_days or lower notice_hours",
            )
        if entry.capacity > 1 and not entry.confirm_automatically and not file.practice.requests_hold_time:
            yield (
                (*place, "capacity"),
                f"requests hold no seat, so more than {entry.capacity} may ask and have to be declined; set "
                "confirm_automatically = true here, or requests_hold_time = true for the practice",
            )
        if entry.who is Audience.INVITED and entry.confirm_automatically:
            yield (
                (*place, "confirm_automatically"),
                'it has no effect with who = "invited", since nobody asks for it; remove one of the two',
            )
        elif entry.open_requests is not None and entry.confirm_automatically:
            yield (
                (*place, "open_requests"),
                "it has no effect with confirm_automatically, since no request waits; remove one of the two",
            )
        if not entry.waitlist and not file.practice.waitlist_hours:
            yield (
                (*place, "waitlist"),
                "it has no effect without a waitlist; set waitlist_hours under [practice], or remove it",
            )


def _providers(file: PracticeFile, practice: Practice) -> Told:
    for n, entry in enumerate(file.providers):
        place: Place = ("providers", n)
        kinds = [practice.types[key] for key in practice.providers[entry.key].types]
        # A type that nobody can be met for is told of where it stands.
        met = [kind for kind in kinds if practice.contacts_for(kind)]
        unmet = [kind.key for kind in met if not set(kind.contact_types).intersection(entry.contact_types)]
        if not kinds:
            yield place, f"{entry.name} offers no appointment type, so cannot be booked; list some under types"
        elif not entry.contact_types:
            yield (
                (*place, "contact_types"),
                f"{entry.name} meets clients in no way, so cannot be booked; list some under contact_types",
            )
        elif unmet:
            yield (
                (*place, "types"),
                f"{entry.name} meets clients in none of the ways that fit {', '.join(map(repr, unmet))}, so is not "
                "offered for it; add one under contact_types, or remove the type",
            )


def _unused(file: PracticeFile) -> Told:
    for n, contact in enumerate(file.contact_types):
        allowed = any(contact.key in kind.contact_types for kind in file.appointment_types)
        offered = any(contact.key in provider.contact_types for provider in file.providers)
        if not (allowed and offered):
            among = "types" if offered else "providers" if allowed else "types and providers"
            yield ("contact_types", n), f"nobody uses it; name it under contact_types of {among}, or remove it"
    somewhere = {key for provider in file.providers for key in provider.locations}
    for n, location in enumerate(file.locations):
        if location.key not in somewhere:
            yield ("locations", n), "nobody works there; name it under locations of a provider, or remove it"


def _dates(file: PracticeFile, practice: Practice, today: date) -> Told:
    if file.closures and all((closure.last or closure.first) < today for closure in file.closures):
        yield (
            ("closures", len(file.closures) - 1),
            "every closure lies in the past; enter the next ones, or remove these",
        )
    overrides = [
        (("providers", n, "overrides", m), entry)
        for n, provider in enumerate(file.providers)
        for m, entry in enumerate(provider.overrides)
    ]
    if overrides and all(entry.date < today for _, entry in overrides):
        yield overrides[-1][0], "every override lies in the past; enter the next ones, or remove these"
    for place, entry in overrides:
        closed = practice.closed_on(entry.date)
        if closed and entry.date >= today:
            what = "has no effect" if entry.hours else "says nothing new"
            yield (
                (*place, "date"),
                f"it {what}, since nobody works on {entry.date}: {closed}; remove it, or open that day",
            )
    if file.holidays:
        told = PublicHolidays(file.holidays.country, file.holidays.subdivision)
        for day in file.holidays.open:
            if isinstance(day, date) and told.get(day) is None:
                yield ("holidays", "open"), f"{day} is no public holiday, so there is nothing to open; check the date"
