"""Reminders: what a client agreed to, and how they turn it on and off."""

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.consent import ReminderConsent
from ..domain.text import clean_line
from ..services import consents
from ..storage.consents import last_phone
from ..wording import say
from .forms import ClientForm, ReminderForm, said_once
from .guard import acting, current_practice, current_state, signed_in_client
from .htmx import render_panel
from .limits import sent_too_often


def reminders() -> ResponseReturnValue:
    """Whether text reminders are on, where they go and since when."""
    return _show(_form({"phone": known_phone()}))


def turn_on() -> ResponseReturnValue:
    """On where the box is ticked. What is on already stays as it is."""
    client, state, practice = signed_in_client(), current_state(), current_practice()
    form = _form(said_once(request.form))
    if not form.validate() or sent_too_often(form):
        return _show(form, form.status)
    agreement = on_this_page(practice.zone, form.e164, form.agreement(practice))
    consents.turn_on(state, client.id, agreement, acting(client), state.now())
    return redirect(url_for("portal.reminders"), 303)


def turn_off() -> ResponseReturnValue:
    client, state = signed_in_client(), current_state()
    sent = ClientForm(state, client.id, request.form)
    if not sent.validate() or sent_too_often(sent):
        form = _form({"phone": known_phone()})
        form.errors = sent.errors
        return _show(form, form.status)
    proof = on_this_page(current_practice().zone, "", "", unticked=False)
    consents.turn_off(state, client.id, proof, acting(client), state.now())
    return redirect(url_for("portal.reminders"), 303)


def known_phone() -> str:
    """Where this client last agreed to be texted, or else the number that the host knows."""
    client = signed_in_client()
    return last_phone(current_state().db, client.id) or client.phone


def on_this_page(zone: str, phone: str, text: str, *, unticked: bool = True) -> ReminderConsent:
    """What proves that the client read `text` and sent the form of this request."""
    # Some servers let a NUL through, which PostgreSQL does not store.
    agent = clean_line(request.user_agent.string)[:500]
    return ReminderConsent(phone, zone, request.remote_addr or "", agent, _page(), text, unticked)


def _page() -> str:
    """The address of this request. What is kept for good must not hold a link that still opens something."""
    path: str = request.path
    for key in (g.portal_guest, (request.view_args or {}).get("token")):
        path = path.replace(key, "...") if key else path
    return path


def _form(sent: dict[str, str]) -> ReminderForm:
    return ReminderForm(current_state(), signed_in_client().id, sent, current_practice().country)


def _show(form: ReminderForm, status: int = 200) -> ResponseReturnValue:
    practice = current_practice()
    agreed = consents.agreed(current_state(), signed_in_client().id)
    return render_panel(
        "reminders", say("Text reminders"), status, practice=practice, agreed=agreed, form=form, errors=form.errors
    )
