"""The three steps. All state is in the address or the form, so two tabs, Back and reload all work."""

from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.errors import AlreadyDecided, NotOffered, PortalError, Refused, SlotTaken
from ..domain.instants import local_date, seconds
from ..domain.lifecycle import Status
from ..domain.practice import AppointmentType, Keyed, Practice, Wish
from ..services.requests import Asking, ReminderConsent, request_appointment
from ..services.state import State
from .calendar_month import month_view
from .forms import TimeForm, read_day, read_month, said_once
from .guard import acting, current_practice, current_state, own_appointment, signed_in_client
from .htmx import render_panel

CHOICES = ("type", "contact", "provider", "location")
TWICE = "?"
"""Stands for a choice sent twice; no key is written so."""


class Option(NamedTuple):
    """What can be chosen in step 1."""

    key: str
    name: str
    hint: str = ""


def details() -> ResponseReturnValue:
    """Step 1: what for, how, with whom, where."""
    signed_in_client()
    return _details(current_practice(), _chosen(request.args))


def time() -> ResponseReturnValue:
    """Step 2: a month to look at and a day's times."""
    client = signed_in_client()
    state = current_state()
    practice = current_practice()
    chosen = _chosen(request.args)
    try:
        wish = _wish(practice, chosen)
    except NotOffered as error:
        return _details(practice, chosen, error)
    form = TimeForm(state, client.id, chosen | {"phone": client.phone}, practice.country)
    wanted = request.args.get("date", "")
    month = read_month(wanted)
    return _time(state, practice, wish, form, month or read_day(wanted), any_day=month is not None)


def request_time() -> ResponseReturnValue:
    """Step 2 sent: the request is stored, or the step comes back with what was typed."""
    client = signed_in_client()
    state = current_state()
    practice = current_practice()
    form = TimeForm(state, client.id, said_once(request.form), practice.country)
    chosen = _chosen(request.form)
    try:
        wish = _wish(practice, chosen)
    except NotOffered as error:
        return _without_provider(state, practice, chosen, form, error) or _details(practice, chosen, error)
    if not form.validate() or form.instant is None:
        return _time(state, practice, wish, form, _day_of(form, wish), 400 if form.stale else 422)
    try:
        appointment = request_appointment(
            state,
            practice,
            Asking(
                wish,
                client,
                form.instant,
                acting(client),
                note=form.typed["note"],
                consent=_consent(form, practice, wish),
                key=_request_key(form),
            ),
        )
    except (SlotTaken, AlreadyDecided) as error:
        return _again(state, practice, wish, form, error, 409)
    except (NotOffered, Refused) as error:
        return _again(state, practice, wish, form, error, 422)
    return redirect(url_for("portal.requested", ref=appointment.ref), 303)


def requested(ref: str) -> ResponseReturnValue:
    """Step 3: what was sent, and what happens next."""
    appointment = own_appointment(ref)
    title = "Appointment confirmed" if appointment.status is Status.CONFIRMED else "Request sent"
    return render_panel("requested", title, appointment=appointment, practice=current_practice())


def _chosen(values: MultiDict[str, str]) -> dict[str, str]:
    """Step 1's choices. One made twice is none."""
    return {name: TWICE if len(values.getlist(name)) > 1 else values.get(name, "") for name in CHOICES}


def _request_key(form: TimeForm) -> str:
    """The same for the same form sent again, whatever a stranger wrote into it."""
    sent = f"{form.typed['key']}\n{form.typed['starts']}"
    return sha256(sent.encode(errors="surrogatepass")).hexdigest()[:32]


def _without_provider(
    state: State, practice: Practice, chosen: dict[str, str], form: TimeForm, error: NotOffered
) -> ResponseReturnValue | None:
    """Step 2 with everybody else's times, when only the provider is at fault: what was typed is kept."""
    if error.field != "provider":
        return None
    form.validate()
    form.typed["provider"] = ""
    form.errors = {"provider": str(error)} | form.errors
    wish = _wish(practice, chosen | {"provider": ""})
    return _time(state, practice, wish, form, _day_of(form, wish), 422)


def _wish(practice: Practice, chosen: dict[str, str]) -> Wish:
    return practice.wish(chosen["type"], chosen["contact"], chosen["provider"], chosen["location"])


def _details(practice: Practice, chosen: dict[str, str], error: NotOffered | None = None) -> ResponseReturnValue:
    types = practice.bookable_types()
    kind = _picked(types, chosen["type"])
    contacts = practice.contacts_for(kind) if kind else []
    contact = _picked(contacts, chosen["contact"])
    places = practice.locations_for(kind, contact) if kind and contact else []
    place = _picked(places, chosen["location"])
    providers = practice.providers_for(kind, contact, place) if kind and contact else []
    provider = _picked(providers, chosen["provider"])
    anybody = [Option("", "Any available", "The most times to choose from")] if len(providers) > 1 else []
    return render_panel(
        "details",
        "Book an appointment",
        422 if error else 200,
        practice=practice,
        types=[Option(each.key, each.name, _about(each)) for each in types],
        type=_key(kind),
        contacts=[Option(each.key, each.name) for each in contacts],
        contact=_key(contact),
        locations=[Option(each.key, each.name, each.address) for each in places],
        location=_key(place),
        providers=anybody + [Option(each.key, each.name, each.title) for each in providers],
        provider=_key(provider),
        errors={error.field: str(error)} if error else {},
    )


def _picked(options: list[Keyed], key: str) -> Keyed | None:
    """The chosen one, or the only one there is."""
    return next((option for option in options if option.key == key), options[0] if len(options) == 1 else None)


def _key(option: Keyed | None) -> str:
    return option.key if option else ""


def _about(kind: AppointmentType) -> str:
    minutes = f"{kind.duration // timedelta(minutes=1)} minutes"
    return f"{minutes}. {kind.description}" if kind.description else minutes


def _time(
    state: State,
    practice: Practice,
    wish: Wish,
    form: TimeForm,
    day: date | None,
    status: int = 200,
    *,
    any_day: bool = False,
) -> ResponseReturnValue:
    view = month_view(state, practice, wish, day, any_day=any_day)
    if status >= 400 and not view.times and view.next_day_with_times:
        # A day without times has no form, and the form holds what was typed.
        view = month_view(state, practice, wish, view.next_day_with_times)
    return render_panel(
        "time",
        "Choose a date and time",
        status,
        practice=practice,
        wish=wish,
        form=form,
        view=view,
        errors=form.errors,
        picked=bool(request.args.get("date")) and not form.errors,
        query={name: form.typed[name] for name in CHOICES if form.typed[name]},
    )


def _again(
    state: State, practice: Practice, wish: Wish, form: TimeForm, error: PortalError, status: int
) -> ResponseReturnValue:
    """Step 2 once more with the reason, fresh times, and everything the client typed."""
    form.errors["starts"] = f"{error} These times are still free." if isinstance(error, SlotTaken) else str(error)
    day = _day_of(form, wish)
    if isinstance(error, AlreadyDecided):
        form.renew()
    form.typed["starts"] = ""
    return _time(state, practice, wish, form, day, status)


def _day_of(form: TimeForm, wish: Wish) -> date | None:
    if form.instant is None:
        return read_day(request.form.get("date", ""))
    return local_date(seconds(form.instant), wish.zone)


def _consent(form: TimeForm, practice: Practice, wish: Wish) -> ReminderConsent | None:
    if not form.wants_texts:
        return None
    return ReminderConsent(
        phone=form.e164,
        zone=wish.zone,
        address=request.remote_addr or "",
        user_agent=request.user_agent.string[:500],
        page=request.path,
        text=f"{form.consent}. {practice.programme}",
    )
