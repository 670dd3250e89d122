"""Who asks, and whose is this? Every route asks here and nowhere else."""

import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, g, has_request_context, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from ..domain.appointment import Appointment, Client
from ..domain.errors import NotFound, SetupError
from ..domain.history import Event
from ..domain.lifecycle import Actor, ActorKind
from ..domain.limits import Limit
from ..domain.practice import Practice
from ..domain.staff import Staff
from ..services.guests import VISITOR
from ..services.state import State
from ..services.tokens import GUEST, LinkExpired, read_link
from ..storage import appointments, history
from ..storage.people import PSEUDONYM
from ..wording import say
from .htmx import asked_path, current_path, redirect_whole_page, render_panel
from .limits import refuse_guess

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

Answer = TypeVar("Answer")

NOBODYS = "0" * 32
"""A reference that no appointment has, to ask the database for."""
ASKED_TO_SIGN_IN = "signed-in"
"""In the address that staff come back to: whoever is still nobody then is sent away only once."""


def begin_request() -> None:
    """Forget the answers of the request before: Flask's `g` may span several, as in a host's tests."""
    g.portal_answers = {}


def refuse_unreadable_query() -> None:
    """Bytes that are no text and not percent-encoded either: Werkzeug raises wherever they are first read."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        abort(400)


# What proxies write, and neither a name nor a phone number: the history keeps it for good.
_REQUEST_ID = re.compile("[0-9A-Fa-f-]{16,64}")


def current_state() -> State:
    return cast(State, current_app.extensions["portal"])


def current_practice() -> Practice:
    """The practice of this request; one applied meanwhile counts from the next."""
    return _asked_once("practice", current_state().practice)


def signed_in_client() -> Client:
    """The client of this request, and on a guest's page whose page it is. Anybody else is sent to the host's sign-in
    and back to where they were.
    """
    client = known_client()
    if client is None:
        abort(_to_sign_in(current_state(), _back("portal.upcoming")))
    return client


def booking_client() -> Client:
    """Who asks for a time: the client, or where the practice takes new ones online, VISITOR for anybody else."""
    return known_client() or (VISITOR if current_practice().new_clients else signed_in_client())


def known_client() -> Client | None:
    """The client of this request, if any."""
    ask = current_state().questions.current_client
    if ask is None:
        raise SetupError("The portal does not know who is signed in: register a function with @portal.current_client.")
    client = _asked_once("client", ask)
    if client is not None and not isinstance(client, Client):
        raise SetupError(
            "The function registered with @portal.current_client must return a Client or None, "
            f"not {type(client).__name__}."
        )
    return client


def enter_as_guest() -> None:
    """On a guest's page, whose link names a thread of appointments, their client is the one of this request, and no
    other appointment is theirs. Raises NotFound for a link that is not genuine or whose client was erased, LinkExpired
    once all of them are over.
    """
    token = g.portal_guest
    if token is None:
        return
    state, practice = current_state(), current_practice()
    link = read_link(state, token)
    # Asked for in any case: a link that was made up takes as long as one whose client was erased.
    first = appointments.by_ref(state.db, practice, link.ref if link and link.purpose == GUEST else NOBODYS)
    if first is None or first.client.id.startswith(PSEUDONYM):
        refuse_forged_link()
    if all(one.ends <= state.now() for one in appointments.chain(state.db, practice, first)):
        record_bad_link("expired")
        raise LinkExpired
    g.portal_answers |= {"client": first.client, "thread": first.thread}


def is_guest_page() -> bool:
    """Whether this request came by a link to a guest's own appointments."""
    return "thread" in g.portal_answers


def within_reach(found: list[Appointment]) -> list[Appointment]:
    """Those of the client's appointments that this request may see: on a guest's page, what its link is about."""
    return [one for one in found if one.thread == g.portal_answers["thread"]] if is_guest_page() else found


def own_appointment(ref: str) -> Appointment:
    """The client's own appointment. Raises NotFound for another's just as for none, and TooMany for many of them."""
    client, db = signed_in_client(), current_state().db
    appointment = appointments.owned(db, current_practice(), client.id, ref)
    if appointment is None or not within_reach([appointment]):
        refuse_guess(current_state(), Limit.WRONG_LINKS)
        # For none as for another's: that one is written down and the other not must not tell them apart.
        record_refused(ActorKind.CLIENT, Event.ACCESS, appointments.number(db, ref))
        raise NotFound
    return appointment


def signed_in_staff() -> Staff:
    """Who decides, in this request. For everybody else there is no such page, and raises NotFound as there; only
    where nobody is signed in at all, the host's sign-in opens, and leads back.
    """
    state = current_state()
    ask, ask_client = state.questions.current_staff, state.questions.current_client
    staff = _asked_once("staff", ask) if ask else None
    if staff is None:
        client = _asked_once("client", ask_client) if ask_client else None
        if ask is not None and client is not None:
            record_refused(ActorKind.CLIENT, Event.ACCESS)
        if ask is None or client is not None or ASKED_TO_SIGN_IN in request.args:
            raise NotFound
        back = _back("portal.review_queue")
        abort(_to_sign_in(state, f"{back}{'&' if '?' in back else '?'}{ASKED_TO_SIGN_IN}=1"))
    if not isinstance(staff, Staff):
        raise SetupError(
            "The function registered with @portal.current_staff must return a Staff or None, "
            f"not {type(staff).__name__}."
        )
    return staff


def is_for_staff() -> bool:
    """Whether this request asked for staff and found some: problems look different to them."""
    return isinstance(g.portal_answers.get("staff"), Staff)


def acting(client: Client) -> Actor:
    """The client as who does something in this request."""
    return Actor(ActorKind.CLIENT, client.id, request_id())


def request_id() -> str | None:
    """Of the request at work: the proxy's X-Request-ID, or one made up. None outside a request."""
    if not has_request_context():
        return None
    given = request.headers.get("X-Request-ID", "")
    own = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    return cast(str, request.environ.setdefault("portal_plugin.request_id", own))


def record_refused(kind: ActorKind, event: Event, appointment: int | None = None, reason: str = "") -> None:
    """Write down what the client of this request is about to be refused."""
    state = current_state()
    actor = Actor(kind, signed_in_client().id, request_id())
    history.record_refused(state.db, appointment, actor, event, reason, state.now())


def refuse_link() -> NoReturn:
    """A link to an appointment that is not genuine: it takes as long as one to another client's. Raises NotFound."""
    db = current_state().db
    appointments.owned(db, current_practice(), signed_in_client().id, NOBODYS)
    refuse_guess(current_state(), Limit.WRONG_LINKS)
    appointments.number(db, NOBODYS)
    record_refused(ActorKind.LINK, Event.LINK, reason="not genuine")
    raise NotFound


def record_bad_link(reason: str) -> None:
    """Write down a link of nobody who could be named."""
    state = current_state()
    history.record_refused(state.db, None, Actor(ActorKind.LINK, "", request_id()), Event.LINK, reason, state.now())


def refuse_forged_link() -> NoReturn:
    """Raises NotFound for a link of nobody who could be named, and TooMany for too many of them."""
    refuse_guess(current_state(), Limit.WRONG_LINKS)
    record_bad_link("not genuine")
    raise NotFound


def refuse_foreign_posts() -> None:
    """A form posted from another site is refused before anything is read."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site == "cross-site" or (_foreign(origin) if origin else site == "same-site"):
        abort(400, say("This form was sent from another site."))


def host_token_errors() -> tuple[type[HTTPException], ...]:
    """What Flask-WTF raises for a form that does not belong to the session; none without Flask-WTF."""
    try:
        from flask_wtf.csrf import CSRFError
    except ImportError:
        return ()
    return (CSRFError,)


def exempt_from_csrf(extensions: dict[str, Any], blueprint: Blueprint) -> None:
    """Flask-WTF's protection is for what a browser sends by itself. Cookies count for nothing in a blueprint whose
    callers bring a key or a signature. To be called at each request as well, since it may be added after the portal.
    """
    protection = extensions.get("csrf")
    if protection is not None and type(protection).__module__.startswith("flask_wtf."):
        protection.exempt(blueprint)


def _asked_once(name: str, ask: Callable[[], Answer]) -> Answer:
    answers: dict[str, Answer] = g.portal_answers
    if name not in answers:
        answers[name] = ask()
    return answers[name]


def _foreign(origin: str) -> bool:
    own = {request.host_url, current_state().settings.base_url}
    try:
        return urlsplit(origin)[:2] not in {urlsplit(address)[:2] for address in own}
    except ValueError:
        return True


def _back(otherwise: str) -> str:
    """Where to come back to: the page that was asked for, or in place of a form's address that endpoint."""
    return current_path() if request.method == "GET" else url_for(otherwise)


def sign_in_address(back: str = "") -> str:
    """The host's sign-in page, which leads back to where a visitor is, or to that path."""
    return _sign_in_address(current_state(), back or _back("portal.book"))


def _to_sign_in(state: State, back: str) -> "Response":
    address = _sign_in_address(state, back)
    # What was typed into a form would be lost on the way through a sign-in.
    return redirect_whole_page(address) or (
        keep_what_was_sent(address) if request.method == "POST" else redirect(address)
    )


def _sign_in_address(state: State, back: str) -> str:
    login_manager = getattr(current_app, "login_manager", None)
    endpoint = state.settings.sign_in or getattr(login_manager, "login_view", None)
    if not endpoint:
        raise SetupError(
            'PORTAL_SIGN_IN is not set: set it to the endpoint of the site\'s sign-in page, such as "login".'
        )
    try:
        return url_for(endpoint, next=back)
    except BuildError:
        raise SetupError(
            f"PORTAL_SIGN_IN is {endpoint!r}, and the site has no such endpoint: name the one of its sign-in page."
        ) from None


def keep_what_was_sent(sign_in: str) -> "Response":
    """A page with the form of a session that has ended, to be sent again. `sign_in` is empty for who is back."""
    title, status = (say("You are signed out"), 401) if sign_in else (say("Please send it again"), 400)
    page = "review/page.html" if is_review() else "page.html"
    sent = list(request.form.items(multi=True))
    return render_panel(
        "signed_out",
        title,
        status,
        page=page,
        practice=current_practice(),
        sign_in=sign_in,
        address=asked_path(),
        sent=sent,
    )


def is_review() -> bool:
    """Whether this address is one of the review page's."""
    return (request.endpoint or "").startswith("portal.review_")
