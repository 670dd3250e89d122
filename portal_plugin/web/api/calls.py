"""One call: read and checked against the models that the document is written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, get_origin

from flask import request
from pydantic import BaseModel, ValidationError

from ...domain.lifecycle import Actor, ActorKind
from ...domain.practice import Practice
from ...domain.text import clean_line
from ...services.state import State
from ...storage.api_keys import Scope
from ..guard import request_id
from .problems import Problem, of_validation
from .schemas import Action, Fault, Sent

Content = TypeVar("Content", bound=Sent, covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[Content]):
    """`caller` is the name of who calls, such as an API key's; `ref` the address's, or empty. `request_key` ties what
    is made to the caller's Idempotency-Key, if any.
    """

    state: State
    practice: Practice
    caller: str
    sent: Content
    ref: str = ""
    request_key: str | None = None


def actor(call: Call[Action]) -> Actor:
    """The practice, by the name of the caller and of whom it says it acts for."""
    names = (call.caller, clean_line(call.sent.by))
    return Actor(ActorKind.STAFF, ": ".join(filter(None, names)), request_id())


View = Callable[[Call[Any]], Any]


class Operation(NamedTuple):
    """An address, what it takes, and what it answers. POST takes a body, GET takes parameters."""

    method: str
    path: str
    view: View
    scope: Scope
    takes: type[Sent]
    answers: type[BaseModel]
    status: int = 200

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def summary(self) -> str:
        return (self.view.__doc__ or "").partition("\n")[0]

    @property
    def has_ref(self) -> bool:
        return "{ref}" in self.path


def read(takes: type[Sent]) -> Sent:
    """Raises Problem with everything that is wrong."""
    try:
        if request.method == "POST":
            return _body(takes)
        return takes.model_validate(_parameters(takes))
    except ValidationError as error:
        known = ", ".join(takes.model_fields) or "none"
        raise of_validation(error, unknown=f"This is not known here: {known}.") from None


def _body(takes: type[Sent]) -> Sent:
    raw = request.get_data()
    if not raw:
        return takes.model_validate({})
    if request.mimetype != "application/json":
        raise Problem(415, "unsupported_media_type", "Send JSON, with Content-Type: application/json.")
    return takes.model_validate_json(raw, strict=True)


def _parameters(takes: type[Sent]) -> Mapping[str, Any]:
    several = {name for name, field in takes.model_fields.items() if get_origin(field.annotation) is list}
    said = dict(request.args.lists())
    twice = [name for name, values in said.items() if len(values) > 1 and name not in several]
    if twice:
        faults = [Fault(parameter=name, detail="Give it once.") for name in twice]
        raise Problem(422, "invalid", "Something was given more than once; see errors.", errors=faults)
    return {name: values if name in several else values[0] for name, values in said.items()}
