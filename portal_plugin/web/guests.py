"""Booking without an account: who it is, and the mailed link by which they send their request."""

from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from ..domain.appointment import Appointment, own_zone
from ..domain.errors import NotAllowed, NotOffered, Refused, SlotTaken
from ..domain.guests import Choices
from ..domain.instants import local_date, seconds
from ..domain.limits import Limit
from ..domain.practice import AppointmentType, ContactType, Location, Practice, Wish
from ..services.guests import VISITOR, became, is_kept, is_open, keep_draft, new_draft, send_draft
from ..services.rules import check_client
from ..services.tokens import GUEST, VERIFY, link_token, read_link
from ..storage import guests
from ..storage.guests import Draft
from ..wording import say, tell
from .calendar_month import MonthView, month_view
from .details import chosen_in, show_details
from .forms import ClientForm, read_instant, read_zone, said_once
from .guard import (
    booking_client,
    current_practice,
    current_state,
    record_bad_link,
    refuse_forged_link,
    request_id,
    sign_in_address,
)
from .guest_form import GuestForm
from .htmx import keep_address, render_panel
from .limits import must_wait, network, sent_too_often
from .reminders import on_this_page


class Anybody(NamedTuple):
    """Stands where a provider does, as long as it is not known which."""

    name: str
    title: str = ""


class Summary(NamedTuple):
    """What is asked for, as the macro `facts` tells of an appointment."""

    type: AppointmentType
    contact: ContactType
    provider: object
    location: Location | None
    local_starts: datetime
    local_ends: datetime
    zone: str
    own_zone: str

    @classmethod
    def of(cls, wish: Wish, starts: datetime, clients: str) -> "Summary":
        """`clients` is the visitor's time zone, or empty."""
        zone = ZoneInfo(wish.zone)
        provider = Anybody(say("Any available provider")) if wish.any_provider else wish.providers[0]
        ends = starts + wish.type.duration
        local = starts.astimezone(zone), ends.astimezone(zone)
        own = own_zone(wish.contact, clients, wish.zone, starts, ends)
        return cls(wish.type, wish.contact, provider, wish.location, *local, wish.zone, own)


def about_you() -> ResponseReturnValue:
    """GET asks who it is; POST keeps the request and mails the link that sends it."""
    practice, posted = current_practice(), request.method == "POST"
    values = request.form if posted else request.args
    chosen = chosen_in(values)
    if booking_client() != VISITOR:
        return redirect(_step_2(chosen), 303)
    try:
        wish = _wish(practice, chosen)
    except NotOffered as error:
        return show_details(practice, VISITOR, chosen, error)
    form = GuestForm(current_state(), said_once(values), practice)
    if posted and "correct" not in values:
        return _keep(practice, wish, form)
    form.instant = read_instant(form.typed["starts"])
    if form.instant is None:
        form.errors["starts"] = say("Choose a time.")
    return _ask(practice, wish, form, 200 if form.instant else 422)


def _wish(practice: Practice, chosen: Choices) -> Wish:
    wish = practice.wish(chosen["type"], chosen["contact"], chosen["provider"], chosen["location"])
    check_client(current_state().db, wish, VISITOR)
    return wish


def _keep(practice: Practice, wish: Wish, form: GuestForm) -> ResponseReturnValue:
    state, rules = current_state(), practice.new_clients
    if not form.validate() or form.instant is None or rules is None:
        return _ask(practice, wish, form, form.status)
    draft = new_draft(rules, _chosen(form), form.instant, form.typed["key"], form.introduction, state.now())
    try:
        if not is_kept(state, draft):
            if must_wait(form, {Limit.GUEST_MAILBOX: form.introduction.guest.mailbox, Limit.GUEST_NETWORK: network()}):
                return _ask(practice, wish, form, form.status)
            keep_draft(state, practice, wish, draft, form.introduction)
    except NotAllowed as error:
        form.renew()
        form.errors["send"] = tell(error)
        return _ask(practice, wish, form, 409)
    except (SlotTaken, NotOffered) as error:
        form.errors["starts"] = tell(error)
        return _ask(practice, wish, form, 409 if isinstance(error, SlotTaken) else 422)
    return _look_into_mailbox(practice, form)


def _chosen(form: GuestForm) -> dict[str, str]:
    return {name: form.typed[name] for name in ("type", "contact", "provider", "location", "zone")}


def _ask(practice: Practice, wish: Wish, form: GuestForm, status: int) -> Response:
    """The page About you; where the time is at fault, with others to choose from."""
    return render_panel(
        "about_you",
        say("About you"),
        status,
        practice=practice,
        form=form,
        errors=form.errors,
        wish=wish,
        summary=Summary.of(wish, form.instant, read_zone(form.typed["zone"]))
        if form.instant and "starts" not in form.errors
        else None,
        view=_other_times(practice, wish, form.instant) if "starts" in form.errors else None,
        change=_step_2(_chosen(form)),
        sign_in=sign_in_address(_step_2(_chosen(form))),
    )


def _other_times(practice: Practice, wish: Wish, starts: datetime | None) -> MonthView:
    """Those of the same day, or of the next one with any."""
    day = local_date(seconds(starts), wish.zone) if starts else None
    view = month_view(current_state(), practice, wish, VISITOR, None, day)
    if not view.times and view.next_day_with_times:
        view = month_view(current_state(), practice, wish, VISITOR, None, view.next_day_with_times)
    return view


def _look_into_mailbox(practice: Practice, form: GuestForm) -> Response:
    """The same for every address; with what was typed, to be corrected."""
    return keep_address(render_panel("mailbox", say("Look into your mailbox"), practice=practice, form=form))


def verify(token: str) -> ResponseReturnValue:
    """Where the mailed link leads: GET shows what is to be sent, and only POST sends it."""
    state, practice = current_state(), current_practice()
    link = read_link(state, token)
    if link is None or link.purpose != VERIFY:
        refuse_forged_link()
    draft = guests.by_ref(state.db, link.ref)
    posted = request.method == "POST"
    if draft is None or not is_open(draft, state.now()):
        # A button that was pressed twice shows the second time what came of the first.
        sent = became(state, practice, draft) if posted and draft else None
        return _to_own_page(sent) if sent else _over(draft)
    try:
        wish = practice.wish(*(draft.choices[name] for name in ("type", "contact", "provider", "location")))
    except NotOffered as error:
        return _over(draft, tell(error), 422)
    form = ClientForm(state, f"guest draft {draft.ref}", request.form)
    if posted and form.validate() and not sent_too_often(form):
        return _send(practice, draft, wish, form)
    return _show_draft(practice, draft, wish, form, form.status if posted else 200)


def _send(practice: Practice, draft: Draft, wish: Wish, form: ClientForm) -> ResponseReturnValue:
    state, told = current_state(), draft.introduction
    # Another time than was held may have been chosen after that one was lost.
    draft = replace(draft, starts=read_instant(request.form.get("starts", "")) or draft.starts)
    consent = on_this_page(wish.zone, told.guest.phone, told.agreed) if told and told.agreed else None
    try:
        sent = send_draft(state, practice, draft, wish, consent, request_id())
    except (SlotTaken, NotOffered, Refused) as error:
        form.errors["starts"] = tell(error)
        return _show_draft(practice, draft, wish, form, 409 if isinstance(error, SlotTaken) else 422)
    return _to_own_page(sent)


def _to_own_page(sent: Appointment) -> Response:
    token = link_token(current_state(), GUEST, sent.thread)
    return redirect(url_for("portal.requested", ref=sent.ref, guest=token), 303)


def _show_draft(practice: Practice, draft: Draft, wish: Wish, form: ClientForm, status: int) -> Response:
    return render_panel(
        "verify",
        say("Send your request"),
        status,
        practice=practice,
        draft=draft,
        summary=Summary.of(wish, draft.starts, draft.introduction.guest.zone if draft.introduction else ""),
        expires=draft.expires.astimezone(ZoneInfo(wish.zone)),
        address=request.path,
        view=_other_times(practice, wish, draft.starts) if "starts" in form.errors else None,
        again=_step_2(draft.choices),
        form=form,
        errors=form.errors,
    )


def _over(draft: Draft | None, why: str = "", status: int = 410) -> Response:
    """A link that leads nowhere any more, with a way on: the same choices once more."""
    if not why:
        record_bad_link("over")
    sent = draft is not None and draft.appointment is not None
    return render_panel(
        "link_over",
        say("This is no longer offered")
        if why
        else say("This link has been used")
        if sent
        else say("This link has expired"),
        status,
        sent=sent,
        why=why,
        again=_step_2(draft.choices) if draft else url_for("portal.book"),
    )


def _step_2(chosen: Choices) -> str:
    query: dict[str, Any] = {name: key for name, key in chosen.items() if key}
    return url_for("portal.time", **query)
