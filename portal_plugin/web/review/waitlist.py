"""Who waits for a time to come free, and taking somebody off that list."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.waitlist import Outcome
from ...services.waitlist import leave
from ...storage import waitlist as stored
from ...wording import say
from ..forms import STALE
from ..guard import current_practice, current_state, signed_in_staff
from .forms import WaitlistForm
from .panels import actor, render


def waitlist() -> ResponseReturnValue:
    """GET shows the line, POST takes one out of it; whoever waits no more already is left as they are."""
    staff, state = signed_in_staff(), current_state()
    form = WaitlistForm(state, staff, request.form)
    if request.method != "POST":
        return _show(form)
    if not form.validate():
        return _show(form, STALE, 400)
    if waiting := stored.by_ref(state.db, current_practice(), form.typed["ref"]):
        leave(state, waiting, Outcome.REMOVED, actor(staff))
    return redirect(url_for("portal.review_waitlist"), 303)


def _show(form: WaitlistForm, error: str = "", status: int = 200) -> ResponseReturnValue:
    line = stored.line(current_state().db, current_practice())
    return render("waitlist", say("Waitlist"), status, line=line, form=form, error=error)
