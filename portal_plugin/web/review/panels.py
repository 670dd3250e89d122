"""What the review panels have in common."""

from collections.abc import Iterable
from typing import Any

from werkzeug.wrappers import Response

from ...domain.appointment import Appointment
from ...domain.errors import NotFound
from ...domain.lifecycle import Actor, ActorKind
from ...domain.staff import Staff
from ...storage import appointments
from ..guard import current_practice, current_state, request_id
from ..htmx import render_panel


def render(name: str, title: str, status: int = 200, **context: Any) -> Response:
    """As `render_panel`, among the review page's own tabs."""
    return render_panel(
        name, title, status, folder="review", page="review/page.html", practice=current_practice(), **context
    )


def found(ref: str) -> Appointment:
    """Raises NotFound."""
    appointment = appointments.by_ref(current_state().db, current_practice(), ref)
    if appointment is None:
        raise NotFound
    return appointment


def actor(staff: Staff) -> Actor:
    return Actor(ActorKind.STAFF, staff.name or staff.id, request_id())


def by_first_fault(errors: dict[str, str], order: Iterable[str]) -> dict[str, str]:
    """The same in the order of the page."""
    return {field: errors[field] for field in (*order, *errors) if field in errors}
