"""Where in the text each thing stands, for mistakes that name their line."""

import re
from collections.abc import Mapping

Place = tuple[str | int, ...]
"""The way to a value: keys of tables, and positions in lists."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_.\- \"']+?)\s*=(.*)")


def lines_of(text: str) -> dict[Place, int]:
    """The line of each table and key. tomllib keeps no positions, and its grammar has passed the text already."""
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            path: Place = ()
            parts = _parts(header[2])
            for n, part in enumerate(parts):
                path = (*path, part)
                if header[1] == "[[" and n == len(parts) - 1:
                    found.setdefault(path, number)
                    counts[path] = counts.get(path, -1) + 1
                if path in counts:
                    path = (*path, counts[path])
            table = path
            found.setdefault(path, number)
        elif assignment := _ASSIGNMENT.match(line):
            found.setdefault((*table, *_parts(assignment[1])), number)
            for quotes in ('"""', "'''"):
                if assignment[2].count(quotes) == 1:
                    closing = quotes
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def nearest_line(lines: Mapping[Place, int], loc: Place) -> int | None:
    """The line of the nearest thing that has one; a missing key is reported at its table."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in lines:
            return lines[loc[:length]]
    return 1 if lines else None
