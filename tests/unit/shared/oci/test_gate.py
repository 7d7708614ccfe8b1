from __future__ import annotations

from shared.oci.gate import Gates


def test_the_longer_pause_counts() -> None:
    gates = Gates(lambda: 100.0)
    gates.close("a", 30)
    gates.close("a", 10)
    assert (gates.remaining("a"), gates.remaining("b")) == (30, 0)


def test_it_opens_by_itself() -> None:
    now = 0.0
    gates = Gates(lambda: now)
    gates.close("a", 5)
    now = 5.0
    assert gates.remaining("a") == 0


def test_gates_that_are_open_again_are_forgotten() -> None:
    """A hostile registry may send us to a new host each time."""
    now = 0.0
    gates = Gates(lambda: now)
    for number in range(5_000):
        now = float(number)
        gates.close(f"host-{number}", 1)
    assert len(gates._opens) <= 1_000
