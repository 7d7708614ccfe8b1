"""Versions, snapshots of the past, and a history with an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.store import store as store_module
from localcluster.store.store import Compacted, Store

STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 4)), max_size=40)


def _obj(name: str, value: int) -> dict:
    return {"metadata": {"name": name}, "value": value}


@given(STEPS)
def test_every_version_can_be_seen_again(steps) -> None:
    store = Store()
    seen = {store.version: {}}
    present: dict[str, int] = {}
    for at, (verb, number) in enumerate(steps):
        name = f"n{number}"
        if verb == "put":
            store.put("things", ("ns", name), _obj(name, at))
            present[name] = at
        elif name in present:
            store.delete("things", ("ns", name))
            del present[name]
        seen[store.version] = dict(present)
    for version, expected in seen.items():
        found = {r.key[1]: r.load()["value"] for r in store.snapshot("things", "ns", version)}
        assert found == expected


def test_a_version_only_rises_and_is_written_into_the_object() -> None:
    store = Store()
    first = store.put("things", ("", "a"), _obj("a", 1))
    second = store.put("things", ("", "a"), _obj("a", 2))
    assert second.version > first.version
    assert second.load()["metadata"]["resourceVersion"] == str(second.version)
    assert first.load()["value"] == 1


def test_lists_are_sorted_as_namespace_and_name_written_together() -> None:
    store = Store()
    for key in (("ns", "b"), ("ns-b", "a"), ("ns", "a")):
        store.put("things", key, _obj(key[1], 0))
    assert [r.key for r in store.snapshot("things", "")] == [("ns-b", "a"), ("ns", "a"), ("ns", "b")]
    assert [r.key for r in store.snapshot("things", "ns")] == [("ns", "a"), ("ns", "b")]


def test_what_is_too_old_is_said_to_be_gone(monkeypatch) -> None:
    monkeypatch.setattr(store_module, "MAX_CHANGES", 10)
    store = Store()
    begun = store.version
    for value in range(40):
        store.put("things", ("", "a"), _obj("a", value))
    with pytest.raises(Compacted, match=r"too old resource version: 1000 \(\d+\)"):
        store.changes_since(begun)
    with pytest.raises(Compacted):
        store.snapshot("things", "", begun)
    assert len(list(store.changes_since(store.version - 10))) == 10


def test_a_deletion_shows_the_last_state_under_its_own_version() -> None:
    store = Store()
    store.put("things", ("", "a"), _obj("a", 7))
    change = store.delete("things", ("", "a"))
    gone = change.tombstone().load()
    assert gone["value"] == 7
    assert gone["metadata"]["resourceVersion"] == str(store.version)
