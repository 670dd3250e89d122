"""Options and arguments that several commands take, and how what was typed is read."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from pydantic import ValidationError

from ..domain.instants import day_bounds, instant, wall_instants
from ..domain.lifecycle import Actor, ActorKind
from ..domain.text import clean_line
from ..web.api.calls import Call
from ..web.api.schemas import MOST, Action, Sent
from .command import option_hints, ready_state

_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(
    _DAY.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_OWN_NAME = "command line"


def time(text: str) -> datetime:
    """A date and time of the wall, or with its offset. Raises BadParameter."""
    try:
        return datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "")
    except ValueError:
        raise click.BadParameter("write a time as 2027-01-05T10:00, or 2027-01-05T10:00-05:00.") from None


def day(text: str) -> date | datetime:
    """The same, or a day alone."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else time(text)
    except ValueError:
        raise click.BadParameter("there is no such day.") from None


def printable(text: str) -> str:
    """What a database can look for: PostgreSQL holds neither NUL nor half a character. Raises BadParameter."""
    if not text.isprintable():
        raise click.BadParameter("this cannot be read.")
    return text


def json_object(value: Any) -> dict[str, Any]:
    """Raises BadParameter."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter('write a JSON object, such as {"case": 17}.')
    return found


REF = click.Argument(["ref"])
BY = click.Option(["--by"], default=_OWN_NAME, show_default=True, help="Who acts, for the history.")
YES = click.Option(["--yes"], is_flag=True, help="Do not ask.")
MESSAGE = click.Option(["--message"], default="", help="A word to the client, which the mail carries.")
PROVIDER = click.Option(["--provider"], help="Key of the provider; left out, anybody who offers it.")
LOCATION = click.Option(["--location"], help="Key of the location, where there are several.")
TYPE, CONTACT = click.Argument(["type"]), click.Argument(["contact"])
START = click.Argument(["start"], type=time)
SINCE = click.Option(["--since"], type=day, help="Starts at or after it: a local date or time.")
UNTIL = click.Option(["--until"], type=day, help="Starts before it; a day is included.")


def limit(default: int) -> click.Option:
    return click.Option(["--limit"], type=click.IntRange(1, MOST), default=default, show_default=True)


def starting(moment: datetime, zone: str, name: str = "START") -> str:
    """The instant, in ISO 8601 with its offset, that a time of the zone's wall names. Raises BadParameter for one that
    the clock skips or repeats.
    """
    if moment.tzinfo:
        return moment.astimezone(UTC).isoformat()
    found = wall_instants(moment, zone)
    if not found:
        raise click.BadParameter(
            f"{moment:%H:%M} does not exist on {moment.date()} in {zone}: the clocks skip it.", param_hint=name
        )
    if len(found) > 1:
        first, second = (at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for at in found)
        raise click.BadParameter(
            f"{moment:%H:%M} comes twice on {moment.date()} in {zone}: say which, {first} or {second}.", param_hint=name
        )
    return found[0].isoformat()


def edge(moment: date | datetime | None, zone: str, name: str) -> str | None:
    """The same for the beginning of a range, or for its end; a day begins and ends where the zone's does."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return starting(moment, zone, name)
    return instant(day_bounds(moment, zone)[name == "--until"]).isoformat()


Checked = TypeVar("Checked", bound=Sent)


def checked(model: type[Checked], values: Mapping[str, Any]) -> Checked:
    """What the HTTP API takes, by the same rules. Raises UsageError that names every option at fault."""
    try:
        return model.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        hints = option_hints()
        wrong = [
            f"Invalid value for {hints.get(_field(each['loc']), _field(each['loc']))}: "
            + (_PLAINER.get(each["type"]) or each["msg"].removeprefix("Value error, "))
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise click.UsageError("\n".join(wrong)) from None


_PLAINER = {"string_pattern_mismatch": "It is not written as one."}


def _field(place: tuple[int | str, ...]) -> str:
    return [step for step in place if isinstance(step, str)][-1]


def call(model: type[Checked], values: Mapping[str, Any], ref: str = "") -> Call[Checked]:
    """What the API's functions are called with, on behalf of whoever --by names."""
    state = ready_state()
    caller = "" if clean_line(values.get("by") or "") else _OWN_NAME
    return Call(state, state.practice(), caller, checked(model, values), ref)


def actor(by: str) -> Actor:
    """Whoever --by names."""
    return Actor(ActorKind.STAFF, clean_line(checked(Action, {"by": by}).by) or _OWN_NAME)
