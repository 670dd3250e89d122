"""Waiting for a time to come free: which ones suit."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.availability import Slot, bookable_range
from ..domain.errors import NotAllowed, NotFound, NotOffered
from ..domain.instants import local_date, seconds
from ..domain.practice import Wish
from ..services import waitlist as service
from ..services.rules import check_client
from ..wording import current, say, tell
from .details import CHOICES, Option, chosen_in, show_details
from .forms import WaitForm, read_day, said_once
from .guard import acting, current_practice, current_state, signed_in_client
from .htmx import render_panel
from .limits import sent_too_often
from .zones import zones_for


def wait() -> ResponseReturnValue:
    """GET asks which days and times suit, POST joins the line."""
    client, practice, state = signed_in_client(), current_practice(), current_state()
    chosen = chosen_in(request.form if request.method == "POST" else request.args)
    try:
        wish = practice.wish(*(chosen[name] for name in CHOICES))
        check_client(state.db, wish, client)
    except NotOffered as error:
        return show_details(practice, client, chosen, error)
    if not practice.has_waitlist(wish.type):
        raise NotFound
    return _join(wish) if request.method == "POST" else _show(wish, _form(wish, chosen | _around()))


def _join(wish: Wish) -> ResponseReturnValue:
    client, practice, state = signed_in_client(), current_practice(), current_state()
    form = _form(wish, said_once(request.form))
    if not form.validate() or form.preferences is None or sent_too_often(form):
        return _show(wish, form, form.status)
    if free := service.free_already(state, practice, wish, client, form.preferences):
        return _show(wish, form, 409, free)
    # An offer comes long after this page, and is to be read in its language and on its clock.
    zone = client.zone or zones_for(state, client, wish, chosen_in(request.form)["zone"]).chosen
    waits = replace(client, language=client.language or current().tag, zone=zone)
    try:
        service.join(state, practice, wish, waits, form.preferences, acting(client))
    except NotAllowed as error:
        form.errors["type"] = tell(error)
        return _show(wish, form, 409)
    return redirect(url_for("portal.upcoming"), 303)


def _form(wish: Wish, sent: dict[str, str]) -> WaitForm:
    first, beyond = bookable_range(wish, current_state().now())
    days = local_date(first, wish.zone), local_date(beyond - 1, wish.zone)
    return WaitForm(current_state(), signed_in_client().id, sent, *days)


def _around() -> dict[str, str]:
    """The day that the client came from, or else all days on which times are offered."""
    day = read_day(request.args.get("date", ""))
    return {"earliest": f"{day}", "latest": f"{day}"} if day else {}


def _show(wish: Wish, form: WaitForm, status: int = 200, free: Slot | None = None) -> ResponseReturnValue:
    practice = current_practice()
    chosen: dict[str, Any] = {name: form.typed[name] for name in (*CHOICES, "zone") if form.typed[name]}
    able = practice.providers_for(wish.type, wish.contact, wish.location)
    anybody = Option("", say("Any available"), say("The most times that may come free"))
    return render_panel(
        "wait",
        say("Join the waitlist"),
        status,
        practice=practice,
        wish=wish,
        form=form,
        errors=form.errors,
        providers=[anybody, *(Option(one.key, one.name, one.title) for one in able)] if len(able) > 1 else [],
        free=free and free.starts.astimezone(ZoneInfo(wish.zone)),
        times=url_for("portal.time", **chosen, date=free and local_date(seconds(free.starts), wish.zone)),
    )
