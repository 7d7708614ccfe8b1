"""What the demo writes, with a terminal and without."""

from __future__ import annotations

import io

import pytest

from cli.demo.terminal import WIDTH, Terminal


class Screen(io.TextIOWrapper):
    """A text stream with an encoding, which may claim to be a terminal."""

    def __init__(self, *, encoding: str = "utf-8", terminal: bool = False) -> None:
        self.bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self.bytes, encoding=encoding)

    def isatty(self) -> bool:
        return self._terminal

    def shown(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_gets_neither_colour_nor_a_live_line() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.heading(1, "First sync")
    terminal.waiting("something")
    terminal.seen("it happened", 0.5)
    assert "\033" not in screen.shown()
    assert "\r" not in screen.shown()
    assert "something" not in screen.shown()


def test_a_terminal_gets_both() -> None:
    screen = Screen(terminal=True)
    Terminal(screen).waiting("something")
    assert "\r" in screen.shown()
    assert "something" in screen.shown()


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(terminal=True)
    Terminal(screen).seen("it happened", 0.5)
    assert "\033[32m" not in screen.shown()


def test_ascii_is_enough() -> None:
    screen = Screen(encoding="ascii")
    terminal = Terminal(screen)
    terminal.seen("it happened", 0.5)
    terminal.refused("it did not", 0.5)
    terminal.say(f"a {terminal.arrow} b")
    assert "ok it happened" in screen.shown()
    assert "x it did not" in screen.shown()
    assert "a -> b" in screen.shown()


@pytest.mark.parametrize("length", [1, 50, 60, 70, 200])
def test_nothing_is_wider_than_eighty_columns(length: int) -> None:
    screen = Screen()
    terminal = Terminal(screen)
    text = " ".join(["word"] * (length // 5 + 1))
    terminal.seen(text, 1234.5)
    terminal.say(text)
    terminal.detail(text, lines=100)
    assert max(len(line) for line in screen.shown().splitlines()) <= WIDTH


def test_times_stand_below_each_other() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.seen("short", 0.5)
    terminal.seen("rather longer than that", 12.25)
    terminal.refused("bad", 100)
    assert len({line.rindex(" s") for line in screen.shown().splitlines() if line.endswith(" s")}) == 1


def test_columns_line_up() -> None:
    screen = Screen()
    Terminal(screen).table(["what", "now"], [("a", "1 MiB"), ("longer", "10 MiB")])
    assert screen.shown().splitlines() == [
        "   what        now",
        "   a         1 MiB",
        "   longer   10 MiB",
    ]
