"""Whether a practice is open for an appointment, whatever else may stand in its way."""

from collections.abc import Sequence
from datetime import date, timedelta

from .appointment import Appointment
from .instants import local_date, local_day, midnight, seconds
from .practice import Practice, Window
from .said import said


def why_outside(practice: Practice, appointment: Appointment) -> str | None:
    """Why it is outside the practice's hours, in a few words; None when it is inside.

    Inside is what the provider offers, in this way and place, on an open day and within one window. Other
    appointments, buffers, notice, horizon and grid do not count. The appointment may have been read with another
    practice: its choices are looked up by their keys.
    """
    if reason := _not_offered(practice, appointment):
        return reason
    provider = practice.providers[appointment.provider.key]
    contact = practice.contact_types[appointment.contact.key]
    location = practice.locations[appointment.location.key] if appointment.location and contact.at_location else None
    starts, ends = seconds(appointment.starts), seconds(appointment.ends)
    today = local_date(starts, location.zone if location else practice.zone)
    if closed := practice.closed_on(today):
        return said("closed: {reason}", reason=closed)
    any_hours = False
    # Hours may be meant on another clock, where it is the day before or after.
    for day in (today + timedelta(days=n) for n in (-1, 0, 1)):
        for zone, windows in provider.windows(day, contact, location).items():
            if local_date(starts, zone) == day:
                if _within(starts, ends, day, zone, windows):
                    return None
                any_hours = any_hours or bool(windows)
    return said("outside the hours") if any_hours else said("no hours on that day")


def _not_offered(practice: Practice, appointment: Appointment) -> str | None:
    provider = practice.providers.get(appointment.provider.key, appointment.provider)
    kind = practice.types.get(appointment.type.key, appointment.type)
    contact = practice.contact_types.get(appointment.contact.key, appointment.contact)
    place = appointment.location
    if place is not None:
        place = practice.locations.get(place.key, place)
    if provider.retired or provider.key not in practice.providers:
        return said("{name} is no longer listed", name=provider.name)
    if kind.retired or kind.key not in practice.types:
        return said("{type} is no longer offered", type=kind.name)
    if contact.retired or contact.key not in practice.contact_types or contact.key not in kind.contact_types:
        return said("{type} is no longer offered as {contact}", type=kind.name, contact=contact.name)
    if kind.key not in provider.types:
        return said("{name} no longer offers {what}", name=provider.name, what=kind.name)
    if contact.key not in provider.contact_types:
        return said("{name} no longer offers {what}", name=provider.name, what=contact.name)
    if not contact.at_location:
        return None
    if place is None:
        return said("{contact} needs a location", contact=contact.name)
    if place.retired or place.key not in practice.locations:
        return said("{name} is no longer listed", name=place.name)
    if place.key not in provider.locations:
        return said("{name} no longer works at {location}", name=provider.name, location=place.name)
    return None


def _within(starts: int, ends: int, day: date, zone: str, windows: Sequence[Window]) -> bool:
    """Whether a clock on the wall shows times of one window, and of that day, all the while."""
    base = midnight(day)
    parts = [
        (max(starts, part.starts) + part.offset - base, min(ends, part.ends) + part.offset - base)
        for part in local_day(day, zone)
        if part.starts < ends and part.ends > starts
    ]
    return sum(until - since for since, until in parts) == ends - starts and any(
        all(window.opens * 60 <= since and until <= window.closes * 60 for since, until in parts) for window in windows
    )
