from __future__ import annotations

from controllers.notification.sightings import Sightings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_once_per_window_and_windows_do_not_slide() -> None:
    clock = Clock()
    seen = Sightings(300, clock)
    let_through = []
    for second in (0, 1, 299, 300, 301, 599, 650, 899, 900):
        clock.now = 1000 + second
        let_through.append(seen.see(b"a").is_new)
    assert let_through == [True, False, False, True, False, False, True, False, True]


def test_it_says_when_to_come_back() -> None:
    clock = Clock()
    seen = Sightings(300, clock)
    seen.see(b"a")
    clock.now += 100
    assert seen.see(b"a").resets_in == 200


def test_no_window_lets_everything_through() -> None:
    seen = Sightings(0, Clock())
    assert [seen.see(b"a").is_new for _ in range(3)] == [True] * 3
    assert len(seen) == 0


def test_what_is_idle_is_forgotten() -> None:
    clock = Clock()
    seen = Sightings(300, clock)
    for number in range(100):
        seen.see(bytes([number]))
    clock.now += 600
    seen.see(b"new")
    assert len(seen) == 1


def test_memory_is_bounded() -> None:
    seen = Sightings(300, Clock(), most=10)
    for number in range(1000):
        seen.see(number.to_bytes(4, "big"))
    assert len(seen) == 10
