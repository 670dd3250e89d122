"""Refusals as application/problem+json (RFC 9457), whoever refuses: never HTML."""

import logging
from collections.abc import Iterable
from http import HTTPStatus

from flask import Blueprint, current_app, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, default_exceptions
from werkzeug.wrappers import Response

from ...domain.errors import (
    AlreadyDecided,
    NotAllowed,
    NotAnswered,
    NotFound,
    NotOffered,
    PortalError,
    Refused,
    SetupError,
    SlotTaken,
    TooEarly,
    TooLate,
)
from ...domain.lifecycle import Status
from ...storage.database import Unreachable
from ..headers import protect
from .schemas import Fault, Slot
from .schemas import Problem as Body

log = logging.getLogger("portal_plugin")

CODES: dict[type[PortalError], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    NotOffered: (422, "not_offered"),
    Refused: (422, "refused"),
    SlotTaken: (409, "slot_taken"),
    AlreadyDecided: (409, "already_decided"),
    # Not 403, which says that the key may not.
    NotAllowed: (409, "not_allowed"),
    TooEarly: (409, "too_early"),
    TooLate: (409, "too_late"),
    NotAnswered: (503, "not_answered"),
}


class Problem(Exception):
    """An answer that says no."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        errors: Iterable[Fault] = (),
        slots: Iterable[Slot] | None = None,
        appointment_status: Status | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = list(headers)
        self.body = Body(
            # The code says more than an address of ours would.
            type="about:blank",
            title=HTTPStatus(status).phrase,
            status=status,
            code=code,
            detail=detail,
            errors=list(errors),
            slots=None if slots is None else list(slots),
            appointment_status=appointment_status,
        )


def handle_all(blueprint: Blueprint) -> None:
    """Let no error of these routes reach a page of the host's."""
    blueprint.register_error_handler(Problem, respond)
    blueprint.register_error_handler(PortalError, lambda error: respond(of_refusal(error)))
    for failure in Unreachable:
        blueprint.register_error_handler(failure, lambda error: respond(_unavailable(error)))
    for code in default_exceptions:
        # One by one, since a host's handler for a code comes before a blueprint's for all of them.
        blueprint.register_error_handler(code, lambda error: respond(of_http(error)))


def answer_unrouted(prefix: str) -> Response | None:
    """The answer to an address under the prefix that is none, or not for this method; None for all other calls."""
    failure = request.routing_exception
    if failure is None or not f"{request.path}/".startswith(f"{prefix}/"):
        return None
    unknown = Problem(404, "not_found", "There is nothing at this address.")
    return respond(of_http(failure) if isinstance(failure, MethodNotAllowed) else unknown)


def respond(problem: Problem) -> Response:
    body = problem.body.model_dump_json(exclude_defaults=True)
    response: Response = current_app.response_class(body, problem.body.status, mimetype="application/problem+json")
    response.headers.extend(problem.headers)
    # An address that is none is no route of ours, of which the signal would know.
    protect(response)
    return response


def of_refusal(error: PortalError) -> Problem:
    if isinstance(error, SetupError):
        return _unavailable(error)
    status, code = CODES.get(type(error), (422, "refused"))
    if isinstance(error, NotOffered):
        return Problem(status, code, str(error), errors=[_fault([error.field], str(error))])
    state = Status(error.status) if isinstance(error, AlreadyDecided) else None
    headers = [("Retry-After", "5")] if status == 503 else []
    return Problem(status, code, str(error), headers=headers, appointment_status=state)


def of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    headers = [pair for pair in error.get_headers() if pair[0] in {"Allow", "Retry-After"}]
    return Problem(status, code, DETAILS.get(status) or "This call could not be answered.", headers=headers)


DETAILS = {
    405: "This address is not there for this method.",
    413: "This is too much: send less than 64 kB.",
    500: "Something went wrong here. It was noted; please try again.",
}


def of_validation(error: ValidationError, *, unknown: str) -> Problem:
    """What is wrong with a body or with an address's parameters, everything at once, and nothing repeated of it."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in wrong):
        return Problem(400, "malformed_json", "The body is not JSON in UTF-8.")
    told = {"extra_forbidden": unknown, "missing": "This is needed."}
    faults = [
        _fault(each["loc"], told.get(each["type"]) or each["msg"].removeprefix("Value error, ")) for each in wrong
    ]
    return Problem(422, "invalid", "Something in this call is not as it should be; see errors.", errors=faults)


def _fault(where: Iterable[str | int], detail: str) -> Fault:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in where]
    if request.method == "POST":
        return Fault(detail=detail, pointer="#" + "".join(f"/{step}" for step in steps))
    return Fault(detail=detail, parameter=steps[0] if steps else None)


def _unavailable(error: Exception) -> Problem:
    log.error("%s", error)
    told = str(error) if current_app.debug else "Appointments are not available right now. Please try again."
    return Problem(503, "unavailable", told, headers=[("Retry-After", "5")])
