import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.owner import GROUP
from shared.logic.sightings import Meddling, Sightings, is_newer
from shared.model.meta import Object, ObjectKey

KEY = ObjectKey("ns", "x")


def obj(version: int, *, uid: str = "u", generation: int = 0, **labels: str) -> Object:
    return {
        "metadata": {
            "name": "x",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": generation,
            "labels": labels,
        }
    }


def test_the_first_sight_is_no_news() -> None:
    seen = Sightings()
    assert seen.watched(KEY, None, obj(5)) is None
    found = seen.find(KEY)
    assert found is not None
    assert (found.uid, found.version, found.content) == ("u", "5", "5")


def test_a_change_by_somebody_else() -> None:
    seen = Sightings()
    seen.note(KEY, obj(5))
    assert seen.watched(KEY, obj(5), obj(6)) is Meddling.CHANGED
    assert seen.watched(KEY, obj(6), obj(6)) is None


def test_the_echo_of_our_write_before_and_after_its_answer() -> None:
    seen = Sightings()
    seen.begin(KEY)
    assert seen.watched(KEY, None, obj(5)) is None
    assert seen.end(KEY, obj(5)) is None
    seen.begin(KEY)
    assert seen.end(KEY, obj(6)) is None
    assert seen.watched(KEY, obj(5), obj(6)) is None


def test_a_change_during_our_write_counts_only_when_it_is_newer() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1))
    seen.begin(KEY)
    seen.watched(KEY, obj(1), obj(2))
    assert seen.end(KEY, obj(3)) is None, "our write came after it"
    seen.begin(KEY)
    seen.watched(KEY, obj(3), obj(5))
    assert seen.end(KEY, obj(4)) is Meddling.CHANGED


def test_a_failed_write_lets_the_held_change_count() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1))
    seen.begin(KEY)
    seen.watched(KEY, obj(1), obj(2))
    assert seen.end(KEY, None) is Meddling.CHANGED


def test_status_alone_is_no_news_and_keeps_the_content_version() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1, generation=1))
    assert seen.watched(KEY, obj(1, generation=1), obj(2, generation=1)) is None
    found = seen.find(KEY)
    assert found is not None
    assert (found.version, found.content) == ("2", "1")
    assert seen.watched(KEY, obj(2), obj(3, generation=2)) is Meddling.CHANGED
    assert seen.watched(KEY, obj(3), obj(4, generation=2, label="new")) is Meddling.CHANGED


@pytest.mark.parametrize(
    ("key", "word"), [("reconcile", "disabled"), ("ssa", "Ignore"), ("ssa", "IfNotPresent")]
)
def test_changes_of_what_is_left_to_others_are_no_news(key: str, word: str) -> None:
    left = {f"{GROUP}/{key}": word}
    seen = Sightings()
    seen.note(KEY, obj(1, **left))
    assert seen.watched(KEY, obj(1, **left), obj(2, other="x", **left)) is None
    assert seen.watched(KEY, obj(2, **left), obj(3)) is Meddling.CHANGED
    assert seen.watched(KEY, obj(3), obj(4, **left)) is None
    assert seen.watched(KEY, obj(4, **left), None) is Meddling.GONE


def test_going_is_news_unless_we_asked_for_it() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1))
    assert seen.watched(KEY, obj(1), None) is Meddling.GONE
    assert seen.find(KEY) is None
    seen.note(KEY, obj(2))
    seen.note_leaving(KEY, leaving=True)
    assert seen.watched(KEY, obj(2), obj(3)) is None, "its finalizers work"
    assert seen.watched(KEY, obj(3), None) is None


def test_what_was_asked_to_go_and_is_wanted_again() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1))
    seen.note_leaving(KEY, leaving=True)
    seen.note(KEY, obj(1))
    assert seen.watched(KEY, obj(1), None) is Meddling.GONE


def test_the_end_of_an_older_object_of_that_name_is_no_news() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1, uid="old"))
    seen.note_leaving(KEY, leaving=True)
    seen.note(KEY, obj(3, uid="new"))
    assert seen.watched(KEY, obj(1, uid="old"), None) is None
    assert seen.watched(KEY, None, obj(3, uid="new")) is None
    assert seen.watched(KEY, obj(3, uid="new"), None) is Meddling.GONE


def test_another_object_of_that_name_is_news() -> None:
    seen = Sightings()
    seen.note(KEY, obj(1, uid="ours"))
    assert seen.watched(KEY, obj(1, uid="ours"), obj(2, uid="theirs")) is Meddling.CHANGED


def test_versions_that_are_no_numbers_differ_or_not() -> None:
    assert is_newer("10", "9")
    assert not is_newer("9", "10")
    assert is_newer("b", "a")
    assert not is_newer("a", "a")


@given(st.lists(st.sampled_from("wsa"), max_size=20), st.data())
def test_our_own_writes_are_never_news(steps: list[str], data: st.DataObject) -> None:
    """Writes (w), status updates of others (s); answers and events arrive with any delay (a: an event)."""
    seen = Sightings()
    history = [obj(1, generation=1)]
    seen.note(KEY, history[0])
    delivered = 0
    for step in steps:
        last = history[-1]["metadata"]
        version = int(last["resourceVersion"]) + 1
        if step == "s":
            history.append(obj(version, generation=last["generation"]))
        elif step == "w":
            seen.begin(KEY)
            history.append(obj(version, generation=last["generation"] + 1))
            if data.draw(st.booleans()):
                while delivered + 1 < len(history):
                    assert seen.watched(KEY, history[delivered], history[delivered + 1]) is None
                    delivered += 1
            assert seen.end(KEY, history[-1]) is None
        elif delivered + 1 < len(history):
            assert seen.watched(KEY, history[delivered], history[delivered + 1]) is None
            delivered += 1
    found = seen.find(KEY)
    assert found is not None
    assert not is_newer(found.content, history[-1]["metadata"]["resourceVersion"])
