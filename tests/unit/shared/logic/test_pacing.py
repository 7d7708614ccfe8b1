from shared.logic.pacing import Pacing


def test_the_first_times_are_answered_at_once_then_ever_later() -> None:
    pacing: Pacing[str] = Pacing()
    delays = [pacing.note("x", float(second)) for second in range(16)]
    assert delays[:6] == [0, 0, 0, 0, 2, 4]
    assert max(delays) == delays[-1] == 300
    assert pacing.note("y", 16.0) == 0


def test_quiet_makes_it_forget() -> None:
    pacing: Pacing[str] = Pacing()
    for second in range(10):
        pacing.note("x", float(second))
    assert pacing.note("x", 700.0) == 0


def test_a_fight_is_what_had_to_be_repaired_often() -> None:
    pacing: Pacing[str] = Pacing()
    for second in range(6):
        pacing.note("noisy", float(second))
        pacing.note("fought over", float(second))
        pacing.note_repair("fought over")
    [fight] = pacing.fights(6.0)
    assert (fight.key, fight.repairs, fight.seconds) == ("fought over", 6, 6.0)
    assert list(pacing.fights(2_000.0)) == []
