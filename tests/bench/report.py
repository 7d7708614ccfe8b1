"""Figures as a table, as JSON and as a plot, beside their targets and an earlier run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench.scenarios import Figures
from tests.bench.targets import target

Results = Mapping[str, Figures]
_ROW, _LABEL, _BAR, _MOST = 22, 330, 360, 2.0


def table(results: Results, baseline: Results) -> str:
    """One line a figure: its value, its target where it has one, and how it was before."""
    lines: list[str] = []
    for name, figures in results.items():
        lines += ["", name]
        for what, value in figures.items():
            lines.append(
                f"  {what:<44}{value:12.3f}{_against(name, what, figures)}{_trend(name, what, value, baseline)}"
            )
    return "\n".join(lines)


def _against(name: str, what: str, figures: Figures) -> str:
    most = target(name, what, figures)
    if most is None:
        return ""
    return f"   {'met' if figures[what] <= most else 'MISSED'} (at most {most:g})"


def _trend(name: str, what: str, value: float, baseline: Results) -> str:
    before = baseline.get(name, {}).get(what)
    if before is None:
        return ""
    change = f" ({(value / before - 1) * 100:+.0f} %)" if before else ""
    return f"   was {before:.3f}{change}"


def missed(results: Results) -> list[str]:
    """Figures above their targets, as `scenario: figure`."""
    return [f"{name}: {what}" for name, what, share in _shares(results) if share > 1]


def _shares(results: Results) -> Iterator[tuple[str, str, float]]:
    for name, figures in results.items():
        for what, value in figures.items():
            most = target(name, what, figures)
            if most is not None:
                yield name, what, value / most if most else (0.0 if value == 0 else _MOST)


def write_json(path: Path, size: str, results: Results) -> None:
    path.write_text(json.dumps({"size": size, "results": results}, indent=2) + "\n")


def read_json(path: Path) -> Results:
    """Results of an earlier run; raises OSError, ValueError and KeyError."""
    found: Results = json.loads(path.read_text())["results"]
    return found


def write_plot(path: Path, results: Results) -> None:
    """An SVG: every figure with a target as a bar whose length is its share of the target."""
    shares = list(_shares(results))
    height = _ROW * (len(shares) + 2)
    half = _BAR / _MOST
    size = f'width="{_LABEL + _BAR + 80}" height="{height}"'
    middle = _LABEL + half
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<text x="{middle - 20}" y="14">target</text>',
        f'<line x1="{middle}" y1="18" x2="{middle}" y2="{height}" stroke="#888"/>',
    ]
    for number, (name, what, share) in enumerate(shares):
        top = _ROW * (number + 1)
        width = min(share, _MOST) * half
        colour = "#2a7" if share <= 1 else "#c43"
        parts += [
            f'<text x="4" y="{top + 14}">{escape(f"{name}: {what}")}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{max(width, 1):.1f}" height="14" fill="{colour}"/>',
            f'<text x="{_LABEL + width + 4:.1f}" y="{top + 14}">{share:.0%}</text>',
        ]
    path.write_text("\n".join([*parts, "</svg>", ""]))
