"""Inviting a client to a time, or booking one for them; once, or every week."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.appointment import Appointment, Client
from ...domain.errors import NotOffered, PortalError, SetupError
from ...domain.practice import Practice, Wish
from ...domain.said import said
from ...domain.series import NotEveryWeek, Outcome, Week
from ...services.requests import Asking
from ...services.series import make_once, make_weekly
from ...storage import appointments
from ...wording import say, say_n, tell
from ...wording.dates import told_apart
from ..forms import said_once
from ..guard import current_practice, current_state, signed_in_staff
from .forms import InviteForm
from .panels import actor, by_first_fault, render

MOST_FOUND = 20
PRESET = ("again", "type", "contact", "provider", "location", "date", "time")
ORDER = (
    *("find", "client", "id", "name", "email", "phone", "type", "contact", "provider", "location"),
    *("date", "time", "which-hour", "weeks", "which", "message", "verb"),
)

OUTCOMES = {
    Outcome.FREE: said("Free"),
    Outcome.TAKEN: said("Taken"),
    Outcome.CLOSED: said("Closed"),
    Outcome.PASSED: said("Passed"),
    Outcome.MADE: said("Booked"),
    Outcome.REFUSED: said("Refused"),
}


def invite() -> ResponseReturnValue:
    """GET shows the form, filled in from the address; POST looks for a client, invites or books."""
    staff, state = signed_in_staff(), current_state()
    if request.method != "POST":
        return _show(InviteForm(state, staff, _preset(request.args)))
    form = InviteForm(state, staff, said_once(request.form))
    if form.typed["verb"] == "find":
        return _look_for_client(form)
    form.validate()
    client, wish = _client(form), _wish(form)
    starts = form.typed_instant(wish.zone) if wish else None
    if form.errors or client is None or wish is None or starts is None:
        return _show(form, 400 if form.stale else 422, zone=wish.zone if wish else "")
    asking = _asking(form, client, wish, starts)
    return _once(form, asking) if form.weeks == 1 else _weekly(form, asking)


def _look_for_client(form: InviteForm) -> ResponseReturnValue:
    form.validate()
    form.errors = {name: form.errors[name] for name in ("portal_token", "find") if name in form.errors}
    found = _found(form)
    if not found and not form.errors:
        form.errors["find"] = say("Nobody was found. Try another name, or a part of it.")
    return _show(form, 400 if form.stale else 422 if form.errors else 200, found)


def _once(form: InviteForm, asking: Asking) -> ResponseReturnValue:
    """The practice may invite outside its hours, but not into taken time."""
    try:
        made = make_once(current_state(), current_practice(), asking, book=form.typed["verb"] == "book")
    except PortalError as error:
        offered = isinstance(error, NotOffered)
        form.errors[error.field if isinstance(error, NotOffered) and error.field in ORDER else "date"] = tell(error)
        return _show(form, 422 if offered else 409)
    return redirect(url_for("portal.review_appointment", ref=made.ref), 303)


def _weekly(form: InviteForm, asking: Asking) -> ResponseReturnValue:
    """Every week or none, or those that are free; either way each is listed."""
    book, free_only = form.typed["verb"] == "book", form.typed["which"] == "free"
    try:
        weeks = make_weekly(current_state(), current_practice(), asking, form.weeks, book=book, free_only=free_only)
    except NotEveryWeek as error:
        form.errors["which"] = say("{problem} Choose another time, or leave those weeks out.", problem=tell(error))
        form.typed["which"] = "free"
        return _show(form, 409, weeks=error.weeks)
    made = sum(week.appointment is not None for week in weeks)
    return render(
        "series",
        _made(made, len(weeks), book=book),
        200 if made else 409,
        weeks=weeks,
        outcomes=OUTCOMES,
        client=asking.client,
        wish=asking.wish,
    )


def _made(made: int, weeks: int, *, book: bool) -> str:
    if book:
        return say_n("{made} of {number} week booked", "{made} of {number} weeks booked", weeks, made=made)
    return say_n("{made} of {number} week invited", "{made} of {number} weeks invited", weeks, made=made)


def _asking(form: InviteForm, client: Client, wish: Wish, starts: datetime) -> Asking:
    return Asking(wish, client, starts, actor(signed_in_staff()), message=form.typed["message"], key=form.typed["key"])


def _preset(values: Mapping[str, str]) -> dict[str, str]:
    """What an address may fill in. An appointment named as `again` brings its client and its choices."""
    preset = {name: values.get(name, "") for name in PRESET}
    again = _again(preset["again"])
    if again is None:
        return preset
    place = again.location.key if again.location else ""
    return {
        **{"type": again.type.key, "contact": again.contact.key, "provider": again.provider.key, "location": place},
        **{name: value for name, value in preset.items() if value},
        "client": again.client.id,
    }


def _again(ref: str) -> Appointment | None:
    return appointments.by_ref(current_state().db, current_practice(), ref)


def _client(form: InviteForm) -> Client | None:
    """Whom it is for. What is missing is in the form's errors."""
    again = _again(form.typed["again"])
    if again and form.typed["client"] == again.client.id:
        return again.client
    if current_state().questions.find_clients is None:
        return form.typed_client()
    chosen = next((client for client in _found(form) if client.id == form.typed["client"]), None)
    if chosen is None:
        form.errors.setdefault("find", say("Look for the client, and choose one."))
    return chosen


def _found(form: InviteForm) -> list[Client]:
    """Whom the host finds by what was typed."""
    ask = current_state().questions.find_clients
    if ask is None or not form.typed["find"].strip() or "find" in form.errors:
        return []
    found = list(islice(ask(form.typed["find"].strip()), MOST_FOUND))
    if not all(isinstance(client, Client) for client in found):
        raise SetupError("The function registered with @portal.find_clients must return Clients.")
    return found


def _wish(form: InviteForm) -> Wish | None:
    typed = form.typed
    try:
        return current_practice().wish(typed["type"], typed["contact"], typed["provider"], typed["location"])
    except NotOffered as error:
        form.errors.setdefault(error.field, tell(error))
        return None


def _show(
    form: InviteForm,
    status: int = 200,
    found: list[Client] | None = None,
    weeks: Sequence[Week] = (),
    zone: str = "",
) -> ResponseReturnValue:
    practice = current_practice()
    again = _again(form.typed["again"])
    return render(
        "invite",
        say("Invite or book"),
        status,
        again=again,
        finds=current_state().questions.find_clients is not None,
        found=_found(form) if found is None else found,
        types=practice.bookable_types(),
        contacts=_offered(practice, "contact_types"),
        providers=_offered(practice, "providers"),
        locations=_offered(practice, "locations"),
        weeks=weeks,
        outcomes=OUTCOMES,
        hours=[told_apart(each, zone) for each in form.twice],
        form=form,
        errors=by_first_fault(form.errors, ORDER),
    )


def _offered(practice: Practice, kind: str) -> list[object]:
    return [one for one in getattr(practice, kind).values() if not one.retired]
