"""A small practice file, and a way to get one thing in it wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from portal_plugin.domain.errors import Mistake, PracticeFileError
from portal_plugin.practice_file import load

SMALL = """\
[practice]
name = "Elm Row Practice"
zone = "America/New_York"
phone = "+1 212 555 0100"

[[locations]]
key = "main"
name = "Main Street"

[[locations]]
key = "annex"
name = "The Annex"

[[contact_types]]
key = "in-person"
name = "In person"
at_location = true

[[contact_types]]
key = "phone"
name = "Phone call"

[[appointment_types]]
key = "visit"
name = "Therapy visit"
minutes = 50
contact_types = ["in-person", "phone"]

[[providers]]
key = "ada"
name = "Ada Moreau"
locations = ["main"]
types = ["visit"]
contact_types = ["in-person", "phone"]

  [[providers.hours]]
  monday = ["9:00-12:00", "13:00-17:00"]
  tuesday = ["9:00-12:00"]

  [[providers.overrides]]
  date = 2027-01-14
  hours = []

[[providers]]
key = "ben"
name = "Ben Ito"
locations = ["main", "annex"]
types = ["visit"]
contact_types = ["phone"]

  [[providers.hours]]
  location = "annex"
  friday = ["9:00-12:00"]

[[closures]]
first = 2026-12-24
last = 2027-01-01
"""


def line_of(text: str, part: str) -> int:
    """The number of the only line that holds `part`."""
    (found,) = (n for n, line in enumerate(text.split("\n"), 1) if part in line)
    return found


def changed(old: str, new: str, text: str = SMALL) -> str:
    """The text with the first `old` replaced; fails when there is none."""
    assert old in text, old
    return text.replace(old, new, 1)


def refusal(read: Callable[[Any], object], what: Any) -> PracticeFileError | None:
    """The PracticeFileError that reading ends in, if any; whatever else is raised goes through."""
    try:
        read(what)
    except PracticeFileError as error:
        return error
    return None


def mistakes(text: str, folder: Path) -> list[Mistake]:
    path = folder / "practice.toml"
    path.write_bytes(text.encode())
    refused = refusal(load, path)
    return list(refused.mistakes) if refused else []
