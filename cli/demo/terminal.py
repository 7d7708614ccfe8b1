"""What the demo says: one line per thing seen, readable at 80 columns, with or without a terminal."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

WIDTH = 80
_TIME_COLUMN = 68
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36"}
_FRAMES = "|/-\\"


class Terminal:
    """Writes to one stream. On a terminal there is colour and a line that lives; elsewhere plain text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._live and not os.environ.get("NO_COLOR")
        fancy = (stream.encoding or "").lower().replace("-", "") == "utf8"
        self._tick, self._cross, self._arrow = ("✓", "✗", "→") if fancy else ("ok", "x", "->")
        self._frame = 0

    @property
    def arrow(self) -> str:
        return self._arrow

    def title(self, text: str) -> None:
        self._line(self._paint(text, "bold"))

    def heading(self, number: int, text: str) -> None:
        self._line("")
        self._line(self._paint(f"{number}  {text}", "bold"))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(text, WIDTH - 3):
            self._line(f"   {line}")

    def typed(self, text: str) -> None:
        """A command that somebody would have typed."""
        self._line(f"   {self._paint('$ ' + text, 'cyan')}")

    def seen(self, text: str, seconds: float) -> None:
        """Something was observed to happen, so long after its cause."""
        self._mark(self._paint(self._tick, "green"), self._tick, text, seconds)

    def refused(self, text: str, seconds: float) -> None:
        """Something failed, as it should."""
        self._mark(self._paint(self._cross, "red"), self._cross, text, seconds)

    def detail(self, text: str, *, lines: int = 6) -> None:
        """Quoted text, such as a message of a condition; what does not fit is left out."""
        wrapped = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - 7)]
        for line in wrapped[:lines]:
            self._line(self._paint(f"       {line}", "dim"))

    def failed(self, text: str) -> None:
        self._line("")
        for line in textwrap.wrap(text, WIDTH):
            self._line(self._paint(line, "red"))

    def quote(self, title: str, lines: Iterable[str]) -> None:
        self._line(self._paint(f"   {title}", "bold"))
        for line in lines:
            self._line(f"     {line}")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Columns as wide as they need; the first to the left, the others to the right."""
        listed = [list(row) for row in rows]
        widths = [max(len(row[i]) for row in [list(head), *listed]) for i in range(len(head))]
        for index, row in enumerate([list(head), *listed]):
            cells = [row[0].ljust(widths[0]), *(cell.rjust(widths[i + 1]) for i, cell in enumerate(row[1:]))]
            line = ("   " + "   ".join(cells)).rstrip()
            self._line(self._paint(line, "dim") if index == 0 else line)

    def gap(self) -> None:
        self._line("")

    def plain(self, text: str) -> None:
        """A line to copy: never wrapped, never coloured."""
        self._line(text)

    def waiting(self, text: str) -> None:
        """What is awaited right now, on a line that the next one replaces. Nothing without a terminal."""
        if not self._live:
            return
        self._frame += 1
        shown = " ".join(text.split())[: WIDTH - 6]
        frame = _FRAMES[self._frame % len(_FRAMES)]
        self._stream.write(f"\r\033[K   {self._paint(frame, 'cyan')} {self._paint(shown, 'dim')}")
        self._stream.flush()

    def _mark(self, painted: str, mark: str, text: str, seconds: float) -> None:
        room = _TIME_COLUMN - len(mark) - 4
        first, *rest = textwrap.wrap(text, room) or [""]
        padding = " " * (room - len(first))
        self._line(f"   {painted} {first}{padding} {self._paint(f'{seconds:6.2f} s', 'bold')}")
        for line in rest:
            self._line(f"   {' ' * len(mark)} {line}")

    def _line(self, text: str) -> None:
        self._stream.write(f"{self._clear()}{text}\n")
        self._stream.flush()

    def _clear(self) -> str:
        return "\r\033[K" if self._live else ""

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{_CODES[colour]}m{text}\033[0m" if self._colour else text
