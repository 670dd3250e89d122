"""Addresses, and what every answer has in common."""

import logging
from typing import Any

from flask import Blueprint, Flask, current_app, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as PageNotFound
from werkzeug.wrappers import Response

from ..domain.errors import (
    AlreadyDecided,
    NotAllowed,
    NotAnswered,
    NotFound,
    PortalError,
    SetupError,
    SlotTaken,
    TooEarly,
    TooLate,
)
from ..services.tokens import LinkExpired
from ..storage.database import Unreachable
from ..wording import ENGLISH, current, say, say_n, speak, tell
from ..wording.dates import FILTERS, common_zones, weekdays
from . import booking, details, feeds, guests, links, past, reminders, upcoming, waitlist
from .embedding import booking_button, next_available
from .guard import (
    begin_request,
    current_state,
    enter_as_guest,
    host_token_errors,
    is_for_staff,
    is_review,
    keep_what_was_sent,
    refuse_foreign_posts,
    refuse_unreadable_query,
    signed_in_client,
    signed_in_staff,
)
from .htmx import asked_path, asks, go, is_partial, render_panel, sends, vary
from .language import chosen_language
from .limits import TooMany, tell_allowance, wait_a_little
from .review.routes import ROUTES
from .script_words import script_words
from .shipped import STATIC, keep_for_good, name_version, templates
from .sizes import limit_body, limit_fields

log = logging.getLogger("portal_plugin")

STATUS: dict[type[PortalError], int] = {
    AlreadyDecided: 409,
    SlotTaken: 409,
    TooEarly: 409,
    TooLate: 409,
    NotAllowed: 403,
}


def create_blueprint(url_prefix: str) -> Blueprint:
    blueprint = Blueprint(
        "portal",
        __name__,
        url_prefix=url_prefix,
        static_folder=str(STATIC),
        static_url_path="/static",
    )
    blueprint.jinja_loader = templates()
    for rule, endpoint, view, methods in (
        ("/", "index", upcoming.index, ["GET"]),
        ("/appointments/book", "book", details.details, ["GET"]),
        ("/appointments/book", "request", booking.request_time, ["POST"]),
        ("/appointments/book/hold", "hold", booking.hold, ["POST"]),
        ("/appointments/book/time", "time", booking.time, ["GET"]),
        ("/appointments/<ref>/requested", "requested", booking.requested, ["GET"]),
        ("/appointments/upcoming", "upcoming", upcoming.upcoming, ["GET"]),
        ("/appointments/<ref>/accept", "accept", upcoming.accept, ["POST"]),
        ("/appointments/<ref>/reschedule", "reschedule", booking.reschedule, ["GET", "POST"]),
        ("/appointments/<ref>/cancel", "cancel", upcoming.cancel, ["GET", "POST"]),
        ("/appointments/<ref>/calendar.ics", "calendar", upcoming.calendar, ["GET"]),
        ("/appointments/past", "past", past.past, ["GET"]),
        ("/appointments/calendar", "subscribe", feeds.subscribe, ["GET", "POST"]),
        ("/calendar/<secret>.ics", "feed", feeds.feed, ["GET"]),
        ("/appointments/reminders", "reminders", reminders.reminders, ["GET"]),
        ("/appointments/reminders", "turn_on", reminders.turn_on, ["POST"]),
        ("/appointments/reminders/off", "turn_off", reminders.turn_off, ["POST"]),
        ("/appointments/waitlist", "wait", waitlist.wait, ["GET", "POST"]),
        ("/appointments/waitlist/<ref>/leave", "leave", upcoming.leave, ["POST"]),
        ("/link/<token>", "link", links.follow, ["GET"]),
        ("/appointments/book/you", "about_you", guests.about_you, ["GET", "POST"]),
        ("/verify/<token>", "verify", guests.verify, ["GET", "POST"]),
        # The same pages for who has no account, by a mailed link to their own appointment.
        ("/guest/<guest>", "upcoming", upcoming.upcoming, ["GET"]),
        ("/guest/<guest>/<ref>/requested", "requested", booking.requested, ["GET"]),
        ("/guest/<guest>/<ref>/accept", "accept", upcoming.accept, ["POST"]),
        ("/guest/<guest>/<ref>/reschedule", "reschedule", booking.reschedule, ["GET", "POST"]),
        ("/guest/<guest>/<ref>/cancel", "cancel", upcoming.cancel, ["GET", "POST"]),
        ("/guest/<guest>/<ref>/calendar.ics", "calendar", upcoming.calendar, ["GET"]),
        ("/guest/<guest>/<ref>/again", "again", links.again, ["GET"]),
        *ROUTES,
    ):
        # Else an address with a slash more or less is redirected to what the Host header says.
        slashes = {"strict_slashes": not rule.endswith("/"), "merge_slashes": False}
        blueprint.add_url_rule(rule, endpoint, view, methods=methods, **slashes)
    blueprint.url_value_preprocessor(_begin)
    blueprint.url_value_preprocessor(limit_body)
    blueprint.url_defaults(_give_guest)
    blueprint.url_defaults(name_version)
    blueprint.before_request(_before)
    blueprint.after_request(_after)
    # A thread goes on to other requests.
    blueprint.teardown_request(lambda _error: speak(ENGLISH))
    blueprint.register_error_handler(PortalError, _refusal)
    blueprint.register_error_handler(LinkExpired, _expired)
    blueprint.register_error_handler(TooMany, _too_many)
    blueprint.register_error_handler(RequestEntityTooLarge, _too_large)
    for error in host_token_errors():
        blueprint.register_error_handler(error, _not_of_this_session)
    for failure in Unreachable:
        blueprint.register_error_handler(failure, _unreachable)
    return blueprint


def add_filters(app: Flask) -> None:
    app.jinja_env.filters.update(FILTERS, portal_go=go, portal_sends=sends, portal_asks=asks)
    app.jinja_env.globals.update(
        portal_say=say,
        portal_say_n=say_n,
        portal_weekdays=weekdays,
        portal_zones=common_zones,
        portal_language=current,
        portal_script_words=script_words,
        portal_booking_button=booking_button,
        portal_next_available=next_available,
    )


def _before() -> None:
    if request.endpoint == "portal.static":
        return
    refuse_unreadable_query()
    current_state().check()
    speak(chosen_language())
    refuse_foreign_posts()
    limit_fields()
    enter_as_guest()


def _begin(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Views need not know by which of two addresses they were called."""
    begin_request()
    g.portal_guest = values.pop("guest", None) if values else None


def _give_guest(endpoint: str, values: dict[str, Any]) -> None:
    """From a guest's page, links to the pages that guests have lead there, too."""
    token = g.get("portal_guest")
    if token and current_app.url_map.is_endpoint_expecting(endpoint, "guest"):
        values.setdefault("guest", token)


def _after(response: Response) -> Response:
    if request.endpoint == "portal.static":
        return keep_for_good(response)
    vary(response)
    return tell_allowance(response)


def _refusal(error: PortalError) -> ResponseReturnValue:
    if isinstance(error, SetupError):
        return _unreachable(error)
    if isinstance(error, NotFound):
        if not is_partial():
            # The host's own page, the same as for an address that does not exist.
            return current_app.handle_http_exception(PageNotFound())
        return _problem(say("Not found"), tell(error), 404)
    if isinstance(error, NotAnswered):
        return _not_answered(error)
    return _problem(say("That did not work"), tell(error), STATUS.get(type(error), 422))


def _expired(error: LinkExpired) -> ResponseReturnValue:
    return render_panel("expired_link", say("This link has expired"), 410)


def _too_many(error: TooMany) -> ResponseReturnValue:
    return _problem(say("Please wait a little"), wait_a_little(current_state(), error), 429)


def _not_answered(error: NotAnswered) -> ResponseReturnValue:
    return _once_more(say("Please try again"), tell(error))


def _unreachable(error: Exception) -> ResponseReturnValue:
    log.error("%s", error)
    told = say("Appointments are not available online right now. Please call us.")
    return _once_more(say("Please try again later"), str(error) if current_app.debug else told)


def _once_more(title: str, sentence: str) -> ResponseReturnValue:
    """With everything that was sent, so that one press sends it again: a form that was stored after all is known by its
    key. No page that asks host or database more than this.
    """
    response = render_panel(
        "not_answered",
        title,
        503,
        sentence=sentence,
        address=asked_path(),
        sent=list(request.form.items(multi=True)) if request.method == "POST" else None,
    )
    response.headers["Retry-After"] = "5"
    return response


def _not_of_this_session(error: HTTPException) -> ResponseReturnValue:
    """The host's own protection refused a form, before anything of ours has run: its session has ended, or it is none
    of this site's.
    """
    try:
        _before()
        (signed_in_staff if is_review() else signed_in_client)()
    except HTTPException as answer:
        return current_app.handle_http_exception(answer)
    except PortalError as refusal:
        return _refusal(refusal)
    except LinkExpired as over:
        return _expired(over)
    except TooMany as guesses:
        return _too_many(guesses)
    return keep_what_was_sent("")


def _too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    # It may be the site's own protection that read the form, before anything of ours has run.
    speak(chosen_language())
    return _problem(say("That was too much text"), say("Nothing was sent. Go back and shorten your note."), 413)


def _problem(title: str, sentence: str, status: int) -> ResponseReturnValue:
    return render_panel("problem", title, status, sentence=sentence, staff=is_for_staff())
