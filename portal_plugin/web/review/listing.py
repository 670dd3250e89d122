"""All appointments, by what the address asks for."""

from datetime import date, datetime, timedelta

from flask import request
from flask.typing import ResponseReturnValue

from ...domain.instants import day_bounds, instant, local_date, seconds
from ...domain.lifecycle import Status
from ...storage import appointments
from ...wording import say
from ..forms import read_day
from ..guard import current_practice, current_state, signed_in_staff
from .panels import render

ON_A_PAGE = 25
FILTERS = ("status", "client", "provider", "since", "until")


def listing() -> ResponseReturnValue:
    """Soonest first, from today unless the address says otherwise; what is no filter counts as none."""
    signed_in_staff()
    state, practice = current_state(), current_practice()
    today = local_date(seconds(state.now()), practice.zone)
    asked = {name: request.args.get(name, "") for name in FILTERS}
    if "since" not in request.args and not asked["client"]:
        asked["since"] = today.isoformat()
    provider = practice.providers.get(asked["provider"])
    rows = appointments.listed(
        state.db,
        practice,
        statuses=[Status(asked["status"])] if asked["status"] in set(Status) else None,
        client_id=_storable(asked["client"]),
        provider=provider.number if provider else None,
        since=_edge(asked["since"], practice.zone, 0),
        until=_edge(asked["until"], practice.zone, 1),
        after=_storable(request.args.get("after", "")),
        limit=ON_A_PAGE + 1,
    )
    return render(
        "appointments",
        say("Appointments"),
        rows=rows[:ON_A_PAGE],
        asked=asked,
        filters={name: value for name, value in asked.items() if value or name == "since"},
        following=rows[ON_A_PAGE - 1].ref if len(rows) > ON_A_PAGE else "",
        later="after" in request.args,
        statuses=list(Status),
    )


def _storable(text: str) -> str | None:
    """Fit to be looked for: PostgreSQL holds neither NUL nor half a character."""
    return text if text and text.isprintable() else None


def _edge(text: str, zone: str, side: int) -> datetime | None:
    """Where a day begins, or with side 1 where it has ended."""
    day = read_day(text)
    if day is None:
        return None
    return instant(day_bounds(min(max(day, date(1971, 1, 1)), date(2900, 1, 1) - timedelta(days=1)), zone)[side])
