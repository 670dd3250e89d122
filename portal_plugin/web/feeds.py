"""Calendar feeds: a secret address that a calendar program asks now and then, and where a client gets one."""

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urljoin

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from ..delivery.calendar import client_feed, provider_feed
from ..domain.appointment import Appointment
from ..domain.errors import NotFound
from ..domain.lifecycle import Actor
from ..domain.limits import Limit
from ..domain.practice import Practice
from ..services import feeds
from ..services.messages import facts
from ..services.state import State
from ..storage.feeds import Feed, Kind, by_secret, of
from ..wording import find_language, say, speaking
from .forms import ClientForm
from .guard import acting, current_practice, current_state, signed_in_client
from .htmx import render_panel
from .limits import refuse_guess, sent_too_often


def feed(secret: str) -> ResponseReturnValue:
    """The appointments behind a secret address. Raises NotFound for one that never was and for one that has ended, and
    TooMany for too many of them.
    """
    state = current_state()
    found = by_secret(state.db, secret)
    if found is None:
        refuse_guess(state, Limit.WRONG_FEEDS)
        raise NotFound
    file = _file(state, found)
    response = Response(file, content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(sha256(file).hexdigest()[:32])
    return response.make_conditional(request)


def _file(state: State, found: Feed) -> bytes:
    practice = current_practice()
    told = feeds.told(state, practice, found)
    # What a calendar program says of its own language is not its owner's word.
    language = told[-1].client.language if found.kind is Kind.CLIENT and told else ""
    with speaking(find_language([language], state.settings.languages, practice.country)):
        return _written(state, practice, found, told)


def _written(state: State, practice: Practice, found: Feed, told: Sequence[Appointment]) -> bytes:
    base = state.settings.base_url
    if found.kind is Kind.CLIENT:
        return client_feed((facts(practice, one) for one in told), base, practice.name)
    name = f"{practice.providers[found.owner].name}, {practice.name}"
    pages = ((facts(practice, one), urljoin(base, url_for("portal.review_appointment", ref=one.ref))) for one in told)
    return provider_feed(pages, base, name)


def subscribe() -> ResponseReturnValue:
    """GET shows the client's own address, POST makes a new one or ends it."""
    client, state = signed_in_client(), current_state()
    form = ClientForm(state, client.id, request.form)
    if request.method == "POST":
        if form.validate() and not sent_too_often(form):
            change(state, Kind.CLIENT, client.id, acting(client))
            return redirect(url_for("portal.subscribe"), 303)
        return _show(form, form.status)
    return _show(form)


def change(state: State, kind: Kind, owner: str, who: Actor) -> None:
    """What the two buttons of such a page do."""
    if request.form.get("end"):
        feeds.end(state, kind, owner, who)
    else:
        feeds.renew(state, kind, owner, who)


def _show(form: ClientForm, status: int = 200) -> ResponseReturnValue:
    state = current_state()
    known = of(state.db, Kind.CLIENT, signed_in_client().id)
    return render_panel(
        "subscribe",
        say("Your calendar"),
        status,
        address=address_of(state, known) if known else "",
        practice=current_practice(),
        form=form,
        error=form.mistake,
    )


def address_of(state: State, known: Feed) -> str:
    """Absolute: it is copied into another program."""
    return urljoin(state.settings.base_url, url_for("portal.feed", secret=known.secret))
