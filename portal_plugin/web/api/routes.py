"""The operations, each with its address; `create_api` makes routes of them and `openapi` a document."""

from typing import Any

from flask import Blueprint, current_app, g, jsonify, request, url_for
from pydantic import BaseModel
from werkzeug.wrappers import Response

from ...domain.appointment import Appointment
from ...storage.api_keys import Scope
from ..guard import current_state, exempt_from_csrf, refuse_unreadable_query
from ..limits import tell_allowance
from ..sizes import limit_body
from . import acting, problems, reading, schemas
from .calls import Call, Operation, View, read
from .keys import authorised
from .once import once
from .openapi import describe
from .schemas import Sent, Told

READING: tuple[tuple[str, View, type[Sent], type[Told]], ...] = (
    ("/appointments", reading.list_appointments, schemas.AppointmentsQuery, schemas.Appointments),
    ("/appointments/{ref}", reading.read_appointment, Sent, schemas.Appointment),
    ("/appointments/{ref}/history", reading.read_history, Sent, schemas.History),
    ("/waitlist", reading.list_waitlist, Sent, schemas.Waitlist),
    ("/outbox", reading.list_outbox, schemas.OutboxQuery, schemas.Outbox),
    ("/slots", reading.find_slots, schemas.SlotsQuery, schemas.Slots),
    ("/slots/explain", reading.explain_slot, schemas.ExplainQuery, schemas.Explanation),
    ("/providers", reading.list_providers, Sent, schemas.Providers),
    ("/types", reading.list_types, Sent, schemas.AppointmentTypes),
    ("/locations", reading.list_locations, Sent, schemas.Locations),
    ("/contact-types", reading.list_contact_types, Sent, schemas.ContactTypes),
)
ACTING: tuple[tuple[str, View, type[Sent], Scope, int], ...] = (
    ("/requests", acting.request, schemas.NewRequest, Scope.BOOK, 201),
    ("/invitations", acting.invite, schemas.Proposal, Scope.BOOK, 201),
    ("/bookings", acting.book, schemas.Proposal, Scope.BOOK, 201),
    ("/appointments/{ref}/reschedule", acting.reschedule, schemas.NewTime, Scope.BOOK, 201),
    ("/appointments/{ref}/confirm", acting.confirm, schemas.Decision, Scope.DECIDE, 200),
    ("/appointments/{ref}/decline", acting.decline, schemas.Decision, Scope.DECIDE, 200),
    ("/appointments/{ref}/cancel", acting.cancel, schemas.Decision, Scope.DECIDE, 200),
    ("/appointments/{ref}/accept", acting.accept, schemas.Action, Scope.DECIDE, 200),
    ("/appointments/{ref}/withdraw", acting.withdraw, schemas.Decision, Scope.DECIDE, 200),
    ("/appointments/{ref}/complete", acting.complete, schemas.Action, Scope.DECIDE, 200),
    ("/appointments/{ref}/no-show", acting.no_show, schemas.Action, Scope.DECIDE, 200),
)
OPERATIONS = (
    Operation("GET", "/appointments/{ref}/intake", reading.read_intake, Scope.INTAKE, Sent, schemas.Intake),
    *(Operation("GET", path, view, Scope.READ, takes, told) for path, view, takes, told in READING),
    *(
        Operation("POST", path, view, scope, takes, schemas.Appointment, status)
        for path, view, takes, scope, status in ACTING
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def create_api(url_prefix: str) -> Blueprint:
    """A blueprint beside the pages', which have a look, sessions and forms that this one must know nothing of."""
    api = Blueprint("portal_api", __name__, url_prefix=f"{url_prefix}/api/v1")
    for operation in OPERATIONS:
        rule = operation.path.replace("{ref}", "<ref>")
        api.add_url_rule(rule, operation.name, answer, methods=[operation.method])
    api.add_url_rule("/openapi.json", "document", document, methods=["GET"])
    api.url_value_preprocessor(limit_body)
    api.before_request(_before)
    api.after_request(tell_allowance)
    problems.handle_all(api)

    def meet_the_host() -> Response | None:
        exempt_from_csrf(current_app.extensions, api)
        return problems.answer_unrouted(f"{url_prefix}/api")

    api.record_once(lambda setup: exempt_from_csrf(setup.app.extensions, api))
    api.before_app_request(meet_the_host)
    return api


def answer(ref: str = "") -> Response:
    """Any operation: who calls, what they sent, what came of it."""
    operation = BY_NAME[str(request.endpoint).rpartition(".")[2]]
    state = current_state()
    key = authorised(state, operation.scope)
    call: Call[Any] = Call(state, state.practice(), key.name, read(operation.takes), ref)
    told = once(call, key, operation.view) if operation.method == "POST" else operation.view(call)
    return _written(told, operation.status)


def document() -> Response:
    """The OpenAPI document. It needs no key: it says what the portal can do, and of nobody what they did."""
    server = current_state().settings.base_url + url_for("portal_api.document").removesuffix("/openapi.json")
    return jsonify(describe(OPERATIONS, server))


def _written(told: BaseModel | Appointment, status: int) -> Response:
    model = schemas.Appointment.of(told) if isinstance(told, Appointment) else told
    response: Response = current_app.response_class(model.model_dump_json(), status, mimetype="application/json")
    if status == 201 and isinstance(told, Appointment):
        response.headers["Location"] = url_for("portal_api.read_appointment", ref=told.ref)
    return response


def _before() -> None:
    g.pop("portal_allowance", None)
    refuse_unreadable_query()
    current_state().check()
