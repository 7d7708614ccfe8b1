import hashlib
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.artifacts.errors import DigestMismatch, StorageFailed
from shared.artifacts.storage import Retention, Shelf, Storage, advertised_address
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.meta import ObjectKey

SHELF = Shelf("GitRepository", ObjectKey("apps", "web"))
BUDGET = timedelta(seconds=5)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path, "source-controller.flux-system.svc.cluster.local.")


def store(storage: Storage, name: str, content: bytes = b"x", *, age: float = 0) -> Artifact:
    with storage.draft(SHELF, name) as draft:
        draft.write_bytes(content)
        digest = Digest("sha256", hashlib.sha256(content).hexdigest())
        artifact = storage.publish(SHELF, name, draft, revision=f"main@{name}", digest=digest)
    moment = time.time() - age
    os.utime(storage.file_of(artifact), (moment, moment))
    return artifact


def stored(storage: Storage) -> list[str]:
    folder = storage.root / SHELF.path
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")


def test_a_published_artifact_says_where_and_what_it_is(storage: Storage) -> None:
    artifact = store(storage, "abc.tar.gz", b"water")

    assert artifact.path == "gitrepository/apps/web/abc.tar.gz"
    assert artifact.url == "http://source-controller.flux-system.svc.cluster.local./" + artifact.path
    assert artifact.size == 5
    assert storage.file_of(artifact).stat().st_mode & 0o777 == 0o600
    assert (storage.root / SHELF.path).stat().st_mode & 0o777 == 0o700
    assert stored(storage) == ["abc.tar.gz"]


def test_a_draft_that_is_not_published_leaves_nothing(storage: Storage) -> None:
    with storage.draft(SHELF, "abc.tar.gz") as draft:
        draft.write_bytes(b"half")

    assert stored(storage) == []


def test_an_https_prefix_is_kept(tmp_path: Path) -> None:
    assert Storage(tmp_path, "https://files.example/").url_of("a/b") == "https://files.example/a/b"


def test_verify_notices_other_bytes(storage: Storage) -> None:
    artifact = store(storage, "abc.tar.gz")
    storage.verify(artifact)
    storage.file_of(artifact).write_bytes(b"y")

    with pytest.raises(DigestMismatch, match="doesn't match"):
        storage.verify(artifact)


@pytest.mark.parametrize("digest", ["", "md5:" + "0" * 32], ids=["absent", "unknown algorithm"])
def test_what_cannot_be_verified_is_a_mismatch(storage: Storage, digest: str) -> None:
    with pytest.raises(DigestMismatch, match="cannot be verified"):
        storage.verify(replace(store(storage, "abc.tar.gz"), digest=digest))


def test_a_removed_artifact_does_not_exist(storage: Storage) -> None:
    artifact = store(storage, "abc.tar.gz")
    assert storage.exists(artifact)

    storage.remove(artifact)

    assert not storage.exists(artifact)
    storage.remove(artifact)


@pytest.mark.parametrize("path", ["../outside", "gitrepository/../../outside", "out/file"])
def test_no_path_leads_outside(storage: Storage, tmp_path: Path, path: str) -> None:
    (storage.root / "out").symlink_to("/etc")
    artifact = Artifact(url="", path=path, revision="", digest="")

    with pytest.raises(StorageFailed, match="leaves the storage"):
        storage.file_of(artifact)
    assert not storage.exists(artifact)


@pytest.mark.parametrize(
    "path",
    [
        "gitrepository/apps/other/a.tar.gz",
        "gitrepository/apps/web/../other/a.tar.gz",
        "gitrepository/apps/web/no",
        "",
    ],
)
def test_a_shelf_holds_only_its_own(storage: Storage, path: str) -> None:
    own = store(storage, "a.tar.gz")
    other = Shelf("GitRepository", ObjectKey("apps", "other"))
    with storage.draft(other, "a.tar.gz") as draft:
        draft.write_bytes(b"secret")
        storage.publish(other, "a.tar.gz", draft, revision="r", digest=Digest("sha256", "0" * 64))

    assert storage.holds(SHELF, own)
    assert not storage.holds(SHELF, replace(own, path=path))


def test_a_missing_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="not a directory"):
        Storage(tmp_path / "no", "x")


@pytest.mark.parametrize(
    ("ages", "current", "records", "kept"),
    [
        pytest.param([0], 0, 2, [0], id="the current one alone"),
        pytest.param([300, 200, 100], 2, 2, [2], id="all old ones go"),
        pytest.param([300, 200, 100], 0, 2, [0], id="the current one stays however old"),
        pytest.param([30, 20, 10, 0], 3, 2, [2, 3], id="young ones go beyond the records"),
        pytest.param([30, 20], 1, 2, [0, 1], id="young ones within the records stay"),
        pytest.param([300, 20, 10, 0], 3, 3, [1, 2, 3], id="old ones first, then the surplus"),
        pytest.param([300, 10], None, 2, [1], id="no current artifact"),
    ],
)
def test_retention(
    tmp_path: Path, ages: list[float], current: int | None, records: int, kept: list[int]
) -> None:
    storage = Storage(tmp_path, "x", retention=Retention(timedelta(minutes=1), records))
    artifacts = [store(storage, f"{i}.tar.gz", age=age) for i, age in enumerate(ages)]

    deleted = storage.collect(SHELF, None if current is None else artifacts[current], budget=BUDGET)

    assert stored(storage) == [f"{i}.tar.gz" for i in kept]
    assert deleted == len(ages) - len(kept)


def test_collecting_removes_locks_and_spares_links(storage: Storage) -> None:
    old = store(storage, "old.tar.gz", age=600)
    new = store(storage, "new.tar.gz")
    url = storage.point_at(new, "latest.tar.gz")

    assert storage.collect(SHELF, new, budget=BUDGET) == 1
    assert stored(storage) == ["latest.tar.gz", "new.tar.gz"]
    assert not storage.file_of(old).with_name("old.tar.gz.lock").exists()
    assert url.endswith("/gitrepository/apps/web/latest.tar.gz")
    assert (storage.root / SHELF.path / "latest.tar.gz").read_bytes() == b"x"


def test_remove_all(storage: Storage) -> None:
    store(storage, "a.tar.gz")

    assert storage.remove_all(SHELF) is True
    assert storage.remove_all(SHELF) is False


@pytest.mark.parametrize(
    ("listen", "hostname", "advertised"),
    [
        (":9090", "pod", "localhost:9090"),
        ("0.0.0.0:80", "pod", "pod:80"),
        ("10.0.0.1:80", "pod", "10.0.0.1:80"),
    ],
)
def test_advertised_address(listen: str, hostname: str, advertised: str) -> None:
    assert advertised_address(listen, hostname) == advertised
