"""Where each provider's appointments can be subscribed to."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.errors import NotFound
from ...storage.feeds import Kind, listed
from ...wording import say
from ..feeds import address_of, change
from ..guard import current_practice, current_state, signed_in_staff
from .forms import CalendarForm
from .panels import actor, render


def calendars() -> ResponseReturnValue:
    """GET shows the addresses, POST makes a provider's anew or ends it."""
    staff, state = signed_in_staff(), current_state()
    form = CalendarForm(state, staff, request.form)
    if request.method != "POST":
        return _show(form)
    if not form.validate():
        return _show(form, form.errors["portal_token"], 400)
    provider = form.typed["provider"]
    if provider not in current_practice().providers:
        raise NotFound
    change(state, Kind.PROVIDER, provider, actor(staff))
    return redirect(url_for("portal.review_calendars"), 303)


def _show(form: CalendarForm, error: str = "", status: int = 200) -> ResponseReturnValue:
    state = current_state()
    addresses = {key: address_of(state, feed) for key, feed in listed(state.db, Kind.PROVIDER).items()}
    providers = [one for one in current_practice().providers.values() if not one.retired or one.key in addresses]
    return render(
        "calendars", say("Calendars"), status, providers=providers, addresses=addresses, form=form, error=error
    )
