"""Tables, the practice file, and whether all is in place."""

import click
from flask import Flask, current_app

from .. import doctor
from ..domain.instants import local_date, seconds
from ..practice_file import Written, read
from ..services import practices
from ..services.state import State
from ..storage.database import migrate
from ..web.api.schemas import Appointment
from .command import REFUSED, Answer, command, consent, installed_state, ready_state
from .options import YES
from .telling import aligned, row

_FILE = click.Argument(["file"], type=click.Path(), required=False)


@command()
def init() -> Answer:
    """Create the tables, or bring them up to date."""
    applied = migrate(installed_state().db)
    return Answer({"applied": applied}, [f"applied {name}" for name in applied] or ["The database is up to date."])


@command(_FILE, click.Option(["--strict"], is_flag=True, help="Exit with 1 when something is odd."))
def check(file: str | None, strict: bool) -> Answer:
    """Name every mistake in FILE, and what is odd, with its line.

    Without FILE, the site's own practice_source is asked.
    """
    state = installed_state()
    written = _written(file, state)
    told = written.file
    warnings = written.warnings(local_date(seconds(state.now()), told.practice.zone))
    counts = {name: len(getattr(told, name)) for name in ("providers", "locations", "appointment_types")}
    fine = f"{file or 'The practice'} is fine: " + ", ".join(
        f"{number} {name.replace('_', ' ')}" for name, number in counts.items()
    )
    return Answer(
        counts | {"warnings": [warning._asdict() for warning in warnings]},
        [f"{fine}.", *(f"warning: {warning}" for warning in warnings)],
        exit_code=REFUSED if strict and warnings else 0,
    )


@command(_FILE, YES, click.Option(["--dry-run"], is_flag=True, help="Show what would change, and apply nothing."))
def apply(file: str | None, yes: bool, dry_run: bool) -> Answer:
    """Make FILE the practice, after showing what changes.

    On a terminal it asks first, elsewhere it needs --yes. Appointments that this leaves outside the hours are listed,
    and none is touched. Without FILE, the site's own practice_source is asked.
    """
    state = ready_state(practice=False)
    told = _written(file, state).file
    plan = practices.plan(state.db, told, state.now())
    lines = _planned(plan)
    asked = False
    if plan.changes and not dry_run:
        asked = consent(yes, "Apply?", lines)
        practices.apply_practice(state.db, told, state.now())
    end = "Nothing changes." if not plan.changes else "Nothing was applied." if dry_run else "Applied."
    data = {
        "changes": plan.changes,
        "outside": [{"appointment": Appointment.of(one), "why": why} for one, why in plan.outside],
        "outside_before": plan.outside_before,
        "applied": bool(plan.changes) and not dry_run,
    }
    return Answer(data, [end] if asked else [*lines, end])


def _written(file: str | None, state: State) -> Written:
    return read(file) if file else Written(practices.from_host(state.questions), {})


def _planned(plan: practices.Plan) -> list[str]:
    lines = list(plan.changes)
    if plan.outside:
        lines.append("Now outside the hours, and kept as they are:")
    lines += aligned(row(Appointment.of(one), one.provider.name, one.client.id, why) for one, why in plan.outside)
    if plan.outside_before:
        lines.append(f"Outside the hours already: {plan.outside_before}.")
    return lines


@command(name="doctor")
def examine() -> Answer:
    """Look whether all is in place, and say what to do.

    A line for each thing: ok, warning, or failing, which exits with 1. Nothing is changed or sent.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    findings = list(doctor.examine(app, installed_state()))
    failing = any(finding.level is doctor.Level.FAILING for finding in findings)
    return Answer(
        {"items": [finding._asdict() for finding in findings]},
        [str(finding) for finding in findings],
        exit_code=REFUSED if failing else 0,
    )


COMMANDS = (init, check, apply, examine)
