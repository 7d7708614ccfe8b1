from datetime import timedelta

from shared.kube.memory import Memory, Record
from shared.model.kinds import CONFIG_MAP, SECRET
from shared.model.meta import ObjectKey, ObjectRef

ONE = ObjectRef("v1", "ConfigMap", "n", "one")
TWO = ObjectRef("v1", "Secret", "n", "two")


def memory() -> Memory:
    known = Memory(ObjectKey("n", "owner"), full_check_after=timedelta(seconds=100))
    known.age(0.0)
    known.keep(ONE, Record(CONFIG_MAP, ONE.key, "u", "1", b"", ready=False))
    known.keep(TWO, Record(SECRET, TWO.key, "u", "1", b"", ready=True))
    return known


def test_what_is_no_longer_desired_is_forgotten() -> None:
    known = memory()
    assert known.resources() == {CONFIG_MAP, SECRET}
    known.forget_others([ONE])
    assert (len(known), known.resources()) == (1, {CONFIG_MAP})
    known.mark_ready(ONE)
    known.mark_ready(TWO)
    found = known.find(ONE)
    assert found is not None
    assert found.ready


def test_everything_is_forgotten_in_time() -> None:
    known = memory()
    known.age(89.0)
    assert len(known) == 2
    known.age(111.0)
    assert len(known) == 0


def test_a_wait_for_other_objects_is_a_new_one() -> None:
    known = memory()
    assert known.settles_since([ONE, TWO], 10.0) == 10.0
    assert known.settles_since([TWO], 20.0) == 10.0
    assert known.settles_since([ONE, TWO], 25.0) == 10.0
    assert known.settles_since([ObjectRef("v1", "ConfigMap", "n", "three")], 30.0) == 30.0
    known.settled()
    assert known.settles_since([TWO], 40.0) == 40.0
