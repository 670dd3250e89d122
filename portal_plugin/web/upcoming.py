"""Upcoming Appointments, and what a client does to one."""

from datetime import timedelta

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from ..delivery.calendar import calendar_file, web_links
from ..domain.errors import NotFound
from ..domain.lifecycle import Action, ActorKind, Status
from ..domain.waitlist import Outcome
from ..services.decisions import cancellable, decide, movable
from ..services.messages import facts
from ..services.waitlist import leave as leave_waitlist
from ..storage import appointments, waitlist
from ..wording import say
from .forms import CancelForm, ClientForm
from .guard import (
    acting,
    current_practice,
    current_state,
    is_guest_page,
    own_appointment,
    signed_in_client,
    within_reach,
)
from .htmx import render_panel
from .limits import sent_too_often
from .links import book_again

NEWS = timedelta(days=2)
"""How long the list goes on showing what the practice said no to, with a way on."""


def index() -> ResponseReturnValue:
    return redirect(url_for("portal.upcoming"))


def upcoming() -> ResponseReturnValue:
    """Requested, invited and confirmed ones, soonest first."""
    return _upcoming()


def accept(ref: str) -> ResponseReturnValue:
    appointment = own_appointment(ref)
    form = ClientForm(current_state(), appointment.client.id, request.form)
    if not form.validate() or sent_too_often(form):
        return _upcoming(form.mistake, form.status)
    decide(current_state(), ref, Action.ACCEPT, acting(appointment.client))
    return redirect(url_for("portal.upcoming"), 303)


def cancel(ref: str) -> ResponseReturnValue:
    """GET asks, POST cancels. Inside the cancellation window both say whom to call."""
    appointment = own_appointment(ref)
    state = current_state()
    practice = current_practice()
    form = CancelForm(state, appointment.client.id, request.form)
    status = 200
    if request.method == "POST":
        if form.validate() and not sent_too_often(form):
            decide(state, ref, Action.CANCEL, acting(appointment.client), form.typed["reason"])
            return redirect(url_for("portal.upcoming"), 303)
        status = form.status
    return render_panel(
        "cancel",
        say("Cancel appointment"),
        status,
        appointment=appointment,
        practice=practice,
        form=form,
        errors=form.errors,
        possible=cancellable(practice, appointment, ActorKind.CLIENT, state.now()),
    )


def leave(ref: str) -> ResponseReturnValue:
    """Wait no more. What is no place of the client's, or none any more, is left as it is."""
    client, state = signed_in_client(), current_state()
    form = ClientForm(state, client.id, request.form)
    if not form.validate() or sent_too_often(form):
        return _upcoming(form.mistake, form.status)
    waiting = waitlist.by_ref(state.db, current_practice(), ref)
    if waiting is not None and waiting.client.id == client.id:
        leave_waitlist(state, waiting, Outcome.LEFT, acting(client))
    return redirect(url_for("portal.upcoming"), 303)


def calendar(ref: str) -> ResponseReturnValue:
    """The calendar file of a confirmed appointment."""
    appointment = own_appointment(ref)
    if appointment.status is not Status.CONFIRMED:
        raise NotFound
    state = current_state()
    file = calendar_file(facts(current_practice(), appointment), state.settings.base_url, state.now())
    return Response(
        file,
        content_type="text/calendar; charset=utf-8; method=PUBLISH",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


def _upcoming(error: str = "", status: int = 200) -> ResponseReturnValue:
    client = signed_in_client()
    state = current_state()
    practice = current_practice()
    now = state.now()
    listed = within_reach(appointments.upcoming(state.db, practice, client.id, now))
    return render_panel(
        "upcoming",
        say("Upcoming appointments"),
        status,
        practice=practice,
        appointments=listed,
        by_ref={one.ref: one for one in listed},
        moves={one.replaces: one for one in listed if one.replaces},
        movable={one.ref for one in listed if movable(practice, one, ActorKind.CLIENT, now)},
        ended=within_reach(appointments.answered_no(state.db, practice, client.id, now - NEWS, now)),
        waiting=[] if is_guest_page() else waitlist.of_client(state.db, practice, client.id),
        guest=is_guest_page(),
        form=ClientForm(state, client.id, {}),
        again=book_again,
        calendars={
            one.ref: web_links(facts(practice, one), state.settings.calendar_links)
            for one in listed
            if one.status is Status.CONFIRMED
        },
        error=error,
        now=now,
    )
