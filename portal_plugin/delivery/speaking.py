"""In which language a message goes out, and by which clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..services.state import State
from ..wording import Language, find_language


def language_of(state: State, facts: Mapping[str, Any]) -> Language:
    """The client's, or else the first that the site offers. A message of an earlier release, still waiting, says
    neither language nor country.
    """
    return find_language([facts.get("language", "")], state.settings.languages, facts["practice"].get("country", ""))


def own_start(facts: Mapping[str, Any]) -> datetime | None:
    """The start on the client's own clock; None where it is the practice's, or where the client has to go there."""
    zone = facts.get("own_zone")
    return datetime.fromisoformat(facts["starts"]).astimezone(ZoneInfo(zone)) if zone else None
