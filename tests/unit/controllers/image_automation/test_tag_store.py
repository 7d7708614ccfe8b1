from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controllers.image_automation.tag_store import StoreFailed, TagStore
from shared.model.meta import ObjectKey

KEY, OTHER = ObjectKey("apps", "web"), ObjectKey("apps", "other")
IMAGE = "ghcr.io/org/web"


@pytest.fixture
def store(tmp_path: Path) -> TagStore:
    return TagStore(tmp_path)


def file_of(store: TagStore, key: ObjectKey = KEY) -> Path:
    return store._path(key)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True), max_size=50))
def test_what_is_kept_is_loaded(store: TagStore, tags: list[str]) -> None:
    store.keep(KEY, IMAGE, tags)
    assert store.load(KEY, IMAGE) == tags
    assert store.holds(KEY, IMAGE) is bool(tags)


def test_nothing_is_known_at_first(store: TagStore) -> None:
    assert (store.load(KEY, IMAGE), store.holds(KEY, IMAGE), store.stamp(KEY)) == (None, False, None)
    store.remove(KEY)


def test_tags_of_another_image_are_no_answer(store: TagStore) -> None:
    store.keep(KEY, IMAGE, ["1"])
    assert (store.load(KEY, f"{IMAGE}s"), store.holds(KEY, f"{IMAGE}s")) == (None, False)
    assert (store.load(OTHER, IMAGE), store.holds(OTHER, IMAGE)) == (None, False)


def test_a_stamp_changes_with_the_content_alone(store: TagStore) -> None:
    store.keep(KEY, IMAGE, ["2", "1"])
    before = store.stamp(KEY)
    store.keep(KEY, IMAGE, ["2", "1"])
    assert store.stamp(KEY) == before
    store.keep(KEY, IMAGE, ["3", "1"])
    assert store.stamp(KEY) not in (before, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:0],
        lambda raw: raw[:-1],
        lambda raw: raw[:20],
        lambda raw: raw[:10] + bytes([raw[10] ^ 255]) + raw[11:],
        lambda raw: raw[::-1],
        zlib.compress,
        lambda raw: zlib.compress(raw[:1] * 70_000_001),
    ],
)
def test_damage_is_noticed_and_cleared_away(store: TagStore, damage: object) -> None:
    store.keep(KEY, IMAGE, [f"1.{number}.{number * 7}" for number in range(100)])
    path = file_of(store)
    path.write_bytes(damage(path.read_bytes()))
    assert store.load(KEY, IMAGE) is None
    assert not path.exists()


def test_a_crash_while_writing_leaves_the_old_content(
    store: TagStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep(KEY, IMAGE, ["1"])

    def die(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", die)
        with pytest.raises(StoreFailed, match="failed to store tags: No space left on device"):
            store.keep(KEY, IMAGE, ["2"])
    assert store.load(KEY, IMAGE) == ["1"]
    store.keep(KEY, IMAGE, ["2"])
    assert store.load(KEY, IMAGE) == ["2"]
    assert [path.name for path in file_of(store).parent.iterdir()] == ["web.tags.z"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "imagerepository").write_text("a file")
    with pytest.raises(StoreFailed):
        TagStore(tmp_path).keep(KEY, IMAGE, ["1"])


def test_copies(store: TagStore) -> None:
    stamp = store.keep(KEY, IMAGE, ["1"])
    assert store.stamp(KEY) == stamp
    assert store.copy(KEY, OTHER, "another/image", stamp) is None
    assert store.copy(KEY, OTHER, IMAGE, stamp) == store.stamp(OTHER)
    assert store.copy(KEY, KEY, IMAGE, stamp) == stamp
    assert store.load(OTHER, IMAGE) == ["1"]
    store.keep(KEY, IMAGE, ["2"])
    assert store.copy(KEY, OTHER, IMAGE, stamp) is None
    store.remove(KEY)
    assert store.copy(KEY, OTHER, IMAGE, stamp) is None
    assert store.load(OTHER, IMAGE) == ["1"]


def test_tags_of_deleted_objects_are_swept_away(store: TagStore) -> None:
    for key in (KEY, OTHER, ObjectKey("gone", "web")):
        store.keep(key, IMAGE, ["1"])
    file_of(store, OTHER).with_name("other.tags.z.partial").write_bytes(b"half")
    assert store.sweep({KEY}) == 3
    assert store.load(KEY, IMAGE) == ["1"]
    assert store.load(OTHER, IMAGE) is None
    assert store.sweep({KEY}) == 0
