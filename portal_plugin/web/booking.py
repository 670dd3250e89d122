"""Steps 2 and 3, for a first time and for another one. All state is in the address or the form, so two tabs, Back and
reload all work.
"""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from ..delivery.calendar import web_links
from ..domain.appointment import Appointment, Client
from ..domain.consent import ReminderConsent
from ..domain.errors import AlreadyDecided, NotAllowed, NotAnswered, NotOffered, PortalError, Refused, SlotTaken
from ..domain.instants import local_date, seconds
from ..domain.lifecycle import ActorKind, Status
from ..domain.practice import Practice, Wish
from ..domain.said import said
from ..services.decisions import check_movable
from ..services.guests import VISITOR
from ..services.messages import facts
from ..services.nearby import look_around
from ..services.requests import Asking, hold_time, request_appointment, was_sent
from ..services.rules import check_client
from ..services.state import State
from ..wording import current, say, tell
from .calendar_month import MonthView, month_view
from .details import CHOICES, chosen_in, show_details
from .forms import TimeForm, read_day, read_month, read_zone, said_once
from .guard import (
    acting,
    booking_client,
    current_practice,
    current_state,
    is_guest_page,
    own_appointment,
    sign_in_address,
    signed_in_client,
)
from .htmx import into_panel, render_panel
from .limits import hold_too_often, sent_too_often
from .nearby import Ways, ways
from .reminders import known_phone, on_this_page
from .zones import Zones, zones_for


@dataclass(frozen=True)
class Step:
    """Step 2 as this client sees it: for what, and for a move the appointment that is to be moved."""

    state: State
    practice: Practice
    client: Client
    wish: Wish
    chosen: dict[str, str]
    moving: Appointment | None

    @cached_property
    def zones(self) -> Zones:
        return zones_for(self.state, self.client, self.wish, self.chosen["zone"])

    @cached_property
    def path(self) -> str:
        return url_for("portal.reschedule", ref=self.moving.ref) if self.moving else url_for("portal.time")

    @cached_property
    def carried(self) -> dict[str, str]:
        """What its address says beside a date and a time zone."""
        names = ("provider",) if self.moving else CHOICES
        return {name: self.chosen[name] for name in names if self.chosen[name] or self.moving}

    @cached_property
    def address(self) -> str:
        """The step's own, without a date."""
        zone = {"zone": self.chosen["zone"]} if self.chosen["zone"] else {}
        return f"{self.path}?{urlencode(self.carried | zone)}"

    def with_provider(self, key: str) -> str:
        """The same with another provider, or with an empty key with anybody."""
        return replace(self, chosen=self.chosen | {"provider": key}).address

    @property
    def is_visitor_s(self) -> bool:
        """Whether nobody is signed in: then the next page asks who it is."""
        return self.client == VISITOR

    @property
    def query(self) -> dict[str, Any]:
        """What was chosen, for an address."""
        return {name: value for name, value in self.chosen.items() if value}


def time() -> ResponseReturnValue:
    """Step 2: a month to look at and a day's times."""
    client, practice = booking_client(), current_practice()
    chosen = chosen_in(request.args)
    try:
        wish = _wish(practice, chosen)
        check_client(current_state().db, wish, client)
    except NotOffered as error:
        return show_details(practice, client, chosen, error)
    return _choose(Step(current_state(), practice, client, wish, chosen, None))


def request_time() -> ResponseReturnValue:
    """Step 2 sent: the request is stored, or the step comes back with what was typed."""
    client, practice = signed_in_client(), current_practice()
    chosen = chosen_in(request.form)
    try:
        step = Step(current_state(), practice, client, _wish(practice, chosen), chosen, None)
    except NotOffered as error:
        return _without_provider(practice, client, chosen, error) or show_details(practice, client, chosen, error)
    return _send(step)


def hold() -> ResponseReturnValue:
    """A time was chosen: keep it while the rest is filled in. Only the script asks for this."""
    client, practice = signed_in_client(), current_practice()
    chosen = chosen_in(request.form)
    step = Step(current_state(), practice, client, _wish(practice, chosen), chosen, None)
    form = TimeForm(step.state, client.id, said_once(request.form), practice.country)
    form.validate()
    if form.stale or form.instant is None:
        return render_panel("held", "", 400, held=None)
    if hold_too_often(form):
        return render_panel("held", "", form.status, held=None)
    try:
        until = hold_time(step.state, practice, Asking(step.wish, client, form.instant, acting(client)))
    except (SlotTaken, NotOffered) as error:
        form.errors = {}
        return into_panel(_again(step, form, error, 409))
    except NotAnswered:
        # Asked again when the form is sent; to hold is a kindness.
        return render_panel("held", "", held=None)
    return render_panel("held", "", held=until and until.astimezone(ZoneInfo(step.zones.shown)))


def reschedule(ref: str) -> ResponseReturnValue:
    """The same two for another time: GET shows when, POST asks for it. The old time stays until it is confirmed."""
    appointment, practice, state = own_appointment(ref), current_practice(), current_state()
    check_movable(practice, appointment, ActorKind.CLIENT, state.now())
    values = request.form if request.method == "POST" else request.args
    chosen = {
        "type": appointment.type.key,
        "contact": appointment.contact.key,
        "provider": values.get("provider", appointment.provider.key),
        "location": appointment.location.key if appointment.location else "",
        "zone": read_zone(values.get("zone", "")),
    }
    try:
        wish = _wish(practice, chosen)
    except NotOffered:
        raise NotAllowed(
            said(
                "This kind of appointment cannot be moved here any more. Please call {practice} at {phone}.",
                practice=practice.name,
                phone=practice.phone,
            )
        ) from None
    step = Step(state, practice, signed_in_client(), wish, chosen, appointment)
    return _send(step) if request.method == "POST" else _choose(step)


def requested(ref: str) -> ResponseReturnValue:
    """Step 3: what was sent, and what happens next."""
    appointment = own_appointment(ref)
    titles = {Status.REQUESTED: say("Request sent"), Status.CONFIRMED: say("Appointment confirmed")}
    title = titles.get(appointment.status, say("This request is over"))
    old = own_appointment(appointment.replaces) if appointment.replaces else None
    practice = current_practice()
    bases = current_state().settings.calendar_links
    calendars = web_links(facts(practice, appointment), bases) if appointment.status is Status.CONFIRMED else {}
    return render_panel(
        "requested",
        title,
        appointment=appointment,
        practice=practice,
        old=old,
        calendars=calendars,
        guest=is_guest_page(),
    )


def _choose(step: Step) -> ResponseReturnValue:
    values = step.chosen if step.is_visitor_s else step.chosen | {"phone": known_phone()}
    form = TimeForm(step.state, step.client.id, values, step.practice.country)
    wanted = request.args.get("date", "")
    month = read_month(wanted)
    return _show(step, form, month or read_day(wanted), any_day=month is not None)


def _send(step: Step) -> ResponseReturnValue:
    form = TimeForm(step.state, step.client.id, said_once(request.form), step.practice.country)
    if not form.validate() or form.instant is None:
        return _show(step, form, _day_of(form, step.wish), form.status)
    asking = Asking(
        step.wish,
        step.client,
        form.instant,
        acting(step.client),
        note=form.typed["note"],
        consent=_consent(form, step),
        key=_request_key(form),
        moving=step.moving,
        language=current().tag,
        zone=step.zones.chosen,
    )
    # Whoever sends a form again gets the answer that was lost on the way.
    if sent_too_often(form) and not was_sent(step.state, step.practice, asking):
        return _show(step, form, _day_of(form, step.wish), form.status)
    try:
        appointment = request_appointment(step.state, step.practice, asking)
    except (SlotTaken, AlreadyDecided) as error:
        return _again(step, form, error, 409)
    except (NotOffered, Refused) as error:
        return _again(step, form, error, 422)
    return redirect(url_for("portal.requested", ref=appointment.ref), 303)


def _request_key(form: TimeForm) -> str:
    """The same for the same form sent again, whatever a stranger wrote into it."""
    sent = f"{form.typed['key']}\n{form.typed['starts']}"
    return sha256(sent.encode(errors="surrogatepass")).hexdigest()[:32]


def _without_provider(
    practice: Practice, client: Client, chosen: dict[str, str], error: NotOffered
) -> ResponseReturnValue | None:
    """Step 2 with everybody else's times, when only the provider is at fault: what was typed is kept."""
    if error.field != "provider":
        return None
    form = TimeForm(current_state(), client.id, said_once(request.form), practice.country)
    form.validate()
    form.typed["provider"] = ""
    form.errors = {"provider": tell(error)} | form.errors
    chosen = chosen | {"provider": ""}
    step = Step(current_state(), practice, client, _wish(practice, chosen), chosen, None)
    return _show(step, form, _day_of(form, step.wish), 422)


def _wish(practice: Practice, chosen: dict[str, str]) -> Wish:
    return practice.wish(chosen["type"], chosen["contact"], chosen["provider"], chosen["location"])


def _show(step: Step, form: TimeForm, day: date | None, status: int = 200, *, any_day: bool = False) -> Response:
    whose = (step.state, step.practice, step.wish, step.client, step.moving)
    view = month_view(*whose, day, any_day=any_day, zone=step.zones.shown)
    if status >= 400 and not view.times and view.next_day_with_times:
        # A day without times has no form, and the form holds what was typed.
        view = month_view(*whose, view.next_day_with_times, zone=step.zones.shown)
    moving = step.moving
    # Who waits is written to, so they have to be known.
    waitlist = not moving and not step.is_visitor_s and step.practice.has_waitlist(step.wish.type)
    return render_panel(
        "time",
        say("Choose a new time") if moving else say("Choose a date and time"),
        status,
        practice=step.practice,
        wish=step.wish,
        moving=moving,
        form=form,
        view=view,
        ways=None if view.times else _ways(step, view),
        waitlist=url_for("portal.wait", **step.query, date=_full_day(view)) if waitlist else "",
        errors=form.errors,
        picked=bool(request.args.get("date")) and not form.errors,
        turned=any_day,
        zones=step.zones,
        here=step.path,
        carried=step.carried,
        step=step.address,
        change=step.with_provider("") if moving else url_for("portal.book", **step.query),
        send=step.path if moving else url_for("portal.request"),
        visitor={"sign_in": sign_in_address(), "next": url_for("portal.about_you")} if step.is_visitor_s else None,
    )


def _full_day(view: MonthView) -> date | None:
    """What the waitlist is for: this one day where others have times, else any."""
    return view.day if not view.times and view.next_day_with_times else None


def _ways(step: Step, view: MonthView) -> Ways:
    whose = (step.state, step.practice, step.wish, step.client, step.moving)
    found = look_around(*whose, view.day, view.next_day_with_times)
    return ways(step.wish, found, step.chosen["provider"], step.with_provider)


def _again(step: Step, form: TimeForm, error: PortalError, status: int) -> Response:
    """Step 2 once more with the reason, fresh times, and everything the client typed."""
    reason = tell(error)
    taken = isinstance(error, SlotTaken)
    form.errors["starts"] = say("{sentence} These times are still free.", sentence=reason) if taken else reason
    day = _day_of(form, step.wish)
    if isinstance(error, AlreadyDecided):
        form.renew()
    form.typed["starts"] = ""
    return _show(step, form, day, status)


def _day_of(form: TimeForm, wish: Wish) -> date | None:
    if form.instant is None:
        return read_day(request.form.get("date", ""))
    return local_date(seconds(form.instant), wish.zone)


def _consent(form: TimeForm, step: Step) -> ReminderConsent | None:
    return on_this_page(step.zones.shown, form.e164, form.agreement(step.practice)) if form.wants_texts else None
