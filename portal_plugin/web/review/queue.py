"""The queue of requests, and decisions about one or many of them."""

from datetime import timedelta
from typing import NamedTuple

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.appointment import Appointment
from ...domain.errors import NotAnswered, NotFound, PortalError
from ...services.decisions import decide
from ...storage import appointments
from ...wording import say, tell
from ..forms import said_once
from ..guard import current_practice, current_state, signed_in_staff
from .appointment import refusal
from .forms import ManyForm
from .live import UNCHANGED, nothing_new, pulse
from .panels import actor, found, render

MOST = 50
"""Requests on one page; the newer ones move up as these are answered."""


class Waiting(NamedTuple):
    """A request, how long it has waited and has left, whether its time has come, what it collides with, and what it
    would replace.
    """

    request: Appointment
    waited: timedelta
    left: timedelta
    begun: bool
    conflicts: list[Appointment]
    instead_of: Appointment | None

    @property
    def soon(self) -> bool:
        return self.left <= self.request.warning


class Result(NamedTuple):
    """How a decision about one of several went; no problem: it is done."""

    appointment: Appointment | None
    problem: str = ""


def queue() -> ResponseReturnValue:
    """Requests, the one that has waited longest first; `tick=all` for who has no JavaScript to tick them with."""
    staff = signed_in_staff()
    if nothing_new():
        return UNCHANGED
    return show_queue(ManyForm(current_state(), staff, {}, []), tick_all=request.args.get("tick") == "all")


def decide_many() -> ResponseReturnValue:
    """One decision about every chosen request, each on its own: what cannot be does not keep the others."""
    form = ManyForm(current_state(), signed_in_staff(), said_once(request.form), request.form.getlist("ref"))
    if not form.validate():
        return show_queue(form, 400 if form.stale else 422)
    results = _decide_each(form, form.refs[:MOST])
    if any(result.problem for result in results):
        return show_queue(form, 409, results)
    return redirect(url_for("portal.review_queue", done=form.refs), 303)


def _decide_each(form: ManyForm, refs: list[str]) -> list[Result]:
    """A host that did not answer about one is not waited for once more for each of the others."""
    state, results = current_state(), []
    silence: NotAnswered | None = None
    for ref in refs:
        if silence is None:
            try:
                results.append(_decide(form, ref))
                continue
            except NotAnswered as error:
                silence = error
        results.append(Result(appointments.by_ref(state.db, current_practice(), ref), tell(silence)))
    return results


def _decide(form: ManyForm, ref: str) -> Result:
    """Raises NotAnswered."""
    state = current_state()
    try:
        return Result(decide(state, ref, form.action, actor(signed_in_staff()), form.word))
    except NotAnswered:
        raise
    except NotFound as error:
        return Result(None, tell(error))
    except PortalError as error:
        now = found(ref)
        return Result(now, refusal(error, now))


def show_queue(
    form: ManyForm, status: int = 200, results: list[Result] | None = None, *, tick_all: bool = False
) -> ResponseReturnValue:
    """`results` is how it went, where the address does not say it."""
    state, practice = current_state(), current_practice()
    # Read before what it stands for: what changes in between is then fetched again.
    seen = pulse()
    requests = appointments.waiting(state.db, practice, MOST + 1)
    done = request.args.getlist("done")[:MOST] if results is None else []
    named = appointments.by_refs(state.db, practice, [*done, *(one.replaces for one in requests if one.replaces)])
    return render(
        "queue",
        say("Requests"),
        status,
        waiting=_waiting(requests[:MOST], named),
        more=len(requests) > MOST,
        done=done,
        results=[Result(named[ref]) for ref in done if ref in named] if results is None else results,
        form=form,
        errors=form.errors,
        ticked={one.ref for one in requests} if tick_all else set(form.refs),
        pulse=seen,
        still=bool(form.errors) or results is not None,
    )


def _waiting(requests: list[Appointment], named: dict[str, Appointment]) -> list[Waiting]:
    state = current_state()
    now = state.now()
    conflicts = appointments.overlapping(state.db, current_practice(), (one.ref for one in requests))
    return [
        Waiting(
            one,
            now - one.created,
            one.expires - now,
            now >= one.starts,
            conflicts.get(one.ref, []),
            named.get(one.replaces or ""),
        )
        for one in requests
    ]
