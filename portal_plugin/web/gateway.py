"""What the text gateway calls. Each call is signed; no browser has a part in it."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue

from ..delivery.twilio import OPTED_OUT, genuine
from ..domain.errors import SetupError
from ..domain.history import Event
from ..domain.lifecycle import Actor, ActorKind
from ..domain.limits import Limit
from ..services import reminders
from ..storage import history
from ..storage.database import Unreachable
from .guard import begin_request, current_state, exempt_from_csrf, refuse_unreadable_query
from .inbound import inbound
from .limits import TooMany, refuse_guess, tell_allowance
from .sizes import limit_body, limit_fields

_CALLER = Actor(ActorKind.SYSTEM, "text gateway")


def create_gateway(url_prefix: str) -> Blueprint:
    gateway = Blueprint("portal_gateway", __name__, url_prefix=f"{url_prefix}/sms")
    gateway.add_url_rule("/status/<key>", "status", status, methods=["POST"])
    gateway.add_url_rule("/inbound", "inbound", inbound, methods=["POST"])
    gateway.url_value_preprocessor(limit_body)
    gateway.before_request(_before)
    for failure in (SetupError, *Unreachable):
        gateway.register_error_handler(failure, _unreachable)
    gateway.register_error_handler(TooMany, lambda _error: ("", 429))
    gateway.after_request(tell_allowance)
    gateway.record_once(lambda setup: exempt_from_csrf(setup.app.extensions, gateway))
    gateway.before_app_request(lambda: exempt_from_csrf(current_app.extensions, gateway))
    return gateway


def status(key: str) -> ResponseReturnValue:
    """What became of a text, told by Twilio as often as it changes."""
    form = request.form
    reminders.record_delivery(
        current_state(),
        key,
        form.get("MessageSid", ""),
        form.get("MessageStatus", ""),
        code := form.get("ErrorCode", ""),
        opted_out=code == OPTED_OUT,
    )
    return "", 204


def _before() -> None:
    limit_fields()
    begin_request()
    refuse_unreadable_query()
    state = current_state()
    account = state.settings.twilio
    if account is None:
        abort(404)
    signature, called = request.headers.get("X-Twilio-Signature", ""), _called(state.settings.base_url)
    tokens = filter(None, (account.auth_token, account.other_auth_token))
    is_genuine = any(genuine(called, request.form, signature, token) for token in tokens)
    state.check()
    if not is_genuine:
        refuse_guess(state, Limit.WRONG_SIGNATURES)
        history.record_refused(state.db, None, _CALLER, Event.TEXT, "badly signed", state.now())
        abort(403)


def _called(base_url: str) -> str:
    """The address as Twilio knows it, whatever the Host header says."""
    parts = urlsplit(base_url)
    path = (parts.path or request.script_root) + request.full_path.removesuffix("?")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _unreachable(error: Exception) -> ResponseReturnValue:
    return "", 503
