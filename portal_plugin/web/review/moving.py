"""Moving an appointment: a free time, or any other."""

from datetime import date, datetime

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.appointment import Appointment
from ...domain.errors import NotOffered, PortalError
from ...domain.instants import local_date, seconds
from ...domain.lifecycle import OPEN
from ...domain.practice import Wish
from ...services.requests import Asking, book_for_client
from ...wording import say, tell
from ...wording.dates import told_apart
from ..calendar_month import month_view
from ..forms import read_day, read_month, said_once
from ..guard import current_practice, current_state, signed_in_staff
from .forms import MoveForm
from .panels import actor, by_first_fault, found, render


def move(ref: str) -> ResponseReturnValue:
    """GET shows free times, POST moves: the new appointment is confirmed at once and takes the old one's place."""
    staff, state = signed_in_staff(), current_state()
    old = found(ref)
    if request.method == "POST":
        return _send(old, MoveForm(state, staff, said_once(request.form), old.zone))
    chosen = {"provider": request.args.get("provider", old.provider.key)}
    return _show(old, MoveForm(state, staff, chosen, old.zone))


def _send(old: Appointment, form: MoveForm) -> ResponseReturnValue:
    if not form.validate() or form.instant is None:
        return _show(old, form, 400 if form.stale else 422)
    try:
        moved = _moved(old, form, form.instant)
    except PortalError as error:
        form.errors[_field(error)] = tell(error)
        return _show(found(old.ref), form, 422 if isinstance(error, NotOffered) else 409)
    return redirect(url_for("portal.review_appointment", ref=moved.ref), 303)


def _moved(old: Appointment, form: MoveForm, starts: datetime) -> Appointment:
    state, practice = current_state(), current_practice()
    return book_for_client(
        state,
        practice,
        Asking(
            _wish(old, form.typed["provider"]),
            old.client,
            starts,
            actor(signed_in_staff()),
            message=form.typed["message"],
            moving=old,
            host_reference=old.host_reference,
            host_data=old.host_data,
        ),
    )


def _wish(old: Appointment, provider: str) -> Wish:
    place = old.location.key if old.location else None
    return current_practice().wish(old.type.key, old.contact.key, provider, place)


def _field(error: PortalError) -> str:
    """Whatever is wrong with the time is said where it is chosen."""
    return error.field if isinstance(error, NotOffered) and error.field in {"message", "provider"} else "starts"


def _show(old: Appointment, form: MoveForm, status: int = 200) -> ResponseReturnValue:
    try:
        anybody = _wish(old, "")
    except NotOffered as error:
        sentence = say("{problem} Book another one instead.", problem=tell(error))
        return render("problem", say("This cannot be moved"), 422, sentence=sentence, back=old)
    wish = _wish(old, form.typed["provider"]) if _offers(anybody, form.typed["provider"]) else anybody
    wanted = request.args.get("date", "")
    month = read_month(wanted)
    day = _day(form, old) or month or read_day(wanted)
    view = month_view(current_state(), current_practice(), wish, old.client, old, day, any_day=month is not None)
    return render(
        "move",
        say("Move this appointment"),
        status,
        appointment=old,
        movable=old.status in OPEN and current_state().now() < old.starts,
        wish=wish,
        providers=anybody.providers,
        view=view,
        step=url_for("portal.review_move", ref=old.ref, provider="" if wish.any_provider else wish.providers[0].key),
        picked=bool(wanted) and not form.errors,
        hours=[told_apart(each, old.zone) for each in form.twice],
        form=form,
        errors=by_first_fault(form.errors, ("provider", "starts", "date", "time", "which-hour", "message")),
    )


def _offers(wish: Wish, provider: str) -> bool:
    return any(provider == one.key for one in wish.providers)


def _day(form: MoveForm, old: Appointment) -> date | None:
    """The day of what was sent, so that its times are shown again."""
    return local_date(seconds(form.instant), old.zone) if form.instant else None
