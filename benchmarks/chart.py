"""Cost against size as an SVG: panels side by side under one title, both scales in powers of ten."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path

Points = Sequence[tuple[int, float]]

LEFT, TOP, PANEL, DEPTH, GAP = 70, 54, 330, 210, 84
TEXT = 'font-family="system-ui, sans-serif" font-size="13"'
INK, RULE, LINES = "#1c2b2d", "#d5dedf", ("#0b5a63", "#9a5b13")


def draw(path: Path, title: str, panels: Mapping[str, Mapping[str, Points]]) -> None:
    """A panel for each name, with its lines by label: sizes and milliseconds."""
    costs = [cost for lines in panels.values() for points in lines.values() for _, cost in points]
    decades = floor(log10(min(costs))), ceil(log10(max(costs)))
    width, height = LEFT + len(panels) * (PANEL + GAP), TOP + DEPTH + 66
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 26, title, "start", INK),
    ]
    for number, (name, lines) in enumerate(panels.items()):
        parts += _panel(LEFT + number * (PANEL + GAP), name, lines, decades)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def _panel(left: int, name: str, lines: Mapping[str, Points], decades: tuple[int, int]) -> list[str]:
    sizes = sorted({size for points in lines.values() for size, _ in points})
    span = log10(sizes[-1] / sizes[0]) or 1
    lowest, highest = decades

    def x(size: int) -> float:
        return round(left + PANEL * log10(size / sizes[0]) / span, 1)

    def y(cost: float) -> float:
        return round(TOP + DEPTH * (highest - log10(cost)) / (highest - lowest), 1)

    parts = [_text(left + PANEL / 2, TOP + DEPTH + 48, name, "middle", INK)]
    for power in range(lowest, highest + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{left} {at}h{PANEL}" stroke="{RULE}"/>')
        parts.append(_text(left - 8, at + 4, f"{10.0**power:g} ms", "end", INK))
    parts += [_text(x(size), TOP + DEPTH + 22, f"{size:,}", "middle", INK) for size in sizes]
    for color, beside, (label, points) in zip(LINES, (-12, 24), lines.items(), strict=False):
        course = " ".join(f"{x(size)},{y(cost)}" for size, cost in points)
        parts.append(f'<polyline points="{course}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x(size)}" cy="{y(cost)}" r="4" fill="{color}"/>' for size, cost in points]
        size, cost = points[-1]
        parts.append(_text(x(size), y(cost) + beside, f"{label}: {cost:.2g} ms", "end", color))
    return parts


def _text(x: float, y: float, words: str, anchor: str, color: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}" {TEXT}>{escape(words)}</text>'
