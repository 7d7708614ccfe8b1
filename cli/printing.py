"""How everything is printed: symbol lines to stderr, results to stdout (specs/cli.md 2.2, 2.3)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

_HASH = re.compile(r"\b[0-9a-f]{40,128}\b")
# Whatever the cluster holds may be somebody else's text: it must not move the cursor or retitle a window.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SHOWN_OF_HASH = 8
_COLOURS: Mapping[str, str] = {"True": "32", "False": "31", "Unknown": "33"}


class Symbol(StrEnum):
    """What a line on stderr begins with."""

    ACTION = "►"
    SUCCESS = "✔"
    WAITING = "◎"
    WARNING = "⚠️"
    FAILURE = "✗"


def say(symbol: Symbol, text: str) -> None:
    """One line about what happens, on stderr."""
    sys.stderr.write(f"{symbol} {printable(text)}\n")
    sys.stderr.flush()


def show(text: str) -> None:
    """A result, on stdout. A line break is added where there is none."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, header: bool = True) -> str:
    """Cells padded to their column and followed by a tab, the last one too; empty without lines."""
    lines = [[printable(cell) for cell in row] for row in rows]
    titles = [[title.upper() for title in head]] if header else []
    widths = [max((len(line[column]) for line in titles + lines), default=0) for column in range(len(head))]
    colours = _COLOURS if is_colourful() else {}
    ready = [title.lower() == "ready" for title in head]

    def written(cell: str, column: int) -> str:
        padded = cell.ljust(widths[column])
        colour = colours.get(cell) if ready[column] else None
        return f"\x1b[{colour}m{padded}\x1b[0m\t" if colour else f"{padded}\t"

    return "".join(
        "".join(written(cell, column) for column, cell in enumerate(line)) + "\n" for line in titles + lines
    )


def is_colourful() -> bool:
    """Is stdout a terminal whose user has nothing against colours (https://no-color.org)?"""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shortened(text: str) -> str:
    """Every hash cut to its first 8 digits: `main@sha1:696f056d`."""
    return _HASH.sub(lambda found: found[0][:_SHOWN_OF_HASH], text)


def printable(text: str) -> str:
    """The text without what would steer a terminal; line breaks and tabs stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
