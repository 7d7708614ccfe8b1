"""Artifacts that are bombs, traps or garbage (demands 3.3: 1-14)."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from tests.attack import archives
from tests.attack.archives import entry, packed
from tests.attack.arena import Arena
from tests.e2e.repository import config_map

pytestmark = pytest.mark.e2e

GOOD = config_map("half", applied="yes").encode()

EVIL: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip bomb": (lambda: archives.bomb(10 * 2**30), "unpacks to more than"),
    "a million directories": (
        lambda: archives.repeated(b"", entry("d/", kind=tarfile.DIRTYPE) * 1000, 1000),
        "more than|entries|members",
    ),
    "traversal": (lambda: packed(entry("a.yaml", GOOD), entry("../../etc/x", b"x")), "illegal name.*etc/x"),
    "absolute path": (lambda: packed(entry("a.yaml", GOOD), entry("/etc/x", b"x")), "illegal name.*/etc/x"),
    "hard link to outside": (
        lambda: packed(entry("a.yaml", kind=tarfile.LNKTYPE, link="/etc/passwd")),
        "hard link",
    ),
    "device": (lambda: packed(entry("null", kind=tarfile.CHRTYPE)), "character device"),
    "fifo": (lambda: packed(entry("pipe", kind=tarfile.FIFOTYPE)), "fifo"),
    "a file that becomes a link": (
        lambda: packed(entry("a.yaml", GOOD), entry("a.yaml", kind=tarfile.SYMTYPE, link="/etc/passwd")),
        "twice",
    ),
    "the same file twice": (lambda: packed(entry("a.yaml", GOOD), entry("a.yaml", GOOD)), "twice"),
    "a name of a megabyte": (lambda: archives.long_name(2**20), "header|name"),
    "a terabyte that is not there": (lambda: archives.claiming("a.yaml", 2**40), "larger|bytes"),
    "truncated": (
        lambda: (whole := archives.of_files({"a.yaml": GOOD * 1000}))[: len(whole) // 2],
        "truncated|ends|incomplete",
    ),
    "garbage": (lambda: b"PK\x03\x04" + bytes(range(256)) * 20, "gzip"),
    "gzip of no tar": (lambda: gzip.compress(b"not a tar" * 1000), "tar|header|checksum"),
    "trailing garbage": (
        lambda: archives.of_files({"a.yaml": GOOD}) + b"garbage" * 100,
        "gzip|garbage|archive",
    ),
    "content behind the end": (
        lambda: packed(entry("a.yaml", GOOD), bytes(1024), entry("b", b"x")),
        "behind its end",
    ),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(range(256)), "gzip"),
    "a sparse file": (lambda: packed(entry("a.yaml", kind=tarfile.GNUTYPE_SPARSE)), "sparse file"),
    "a file that becomes a directory": (
        lambda: packed(entry("a", GOOD), entry("a/b.yaml", GOOD)),
        "both as a file and as a directory|twice",
    ),
    "nothing at all": (lambda: b"", "empty|gzip|truncated|ends"),
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
async def test_an_evil_archive_is_refused(arena: Arena, evil: tuple[Callable[[], bytes], str]) -> None:
    make, words = evil
    await arena.source("evil", make())
    await arena.kustomization()
    await arena.refused("ArtifactFailed", words)
    found = await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "half")
    assert found is None, "half of an evil archive was applied"


async def test_more_files_than_there_may_be(arena: Arena) -> None:
    await arena.source("evil", archives.many_files(250_000))
    await arena.kustomization()
    await arena.refused("ArtifactFailed", "more than 200000")


async def test_odd_modes_streams_and_names_are_applied(arena: Arena) -> None:
    """A directory that nobody may enter, a setuid file, names that differ by case, two gzip streams."""
    first = gzip.compress(
        entry("closed/", kind=tarfile.DIRTYPE, mode=0)
        + entry("closed/a.yaml", config_map("a").encode(), mode=0o4000)
    )
    second = gzip.compress(entry("closed/A.yaml", config_map("b").encode()) + bytes(1024))
    await arena.source("evil", first + second)
    await arena.kustomization()
    ks = await arena.world.ready(KUSTOMIZATION, "victim")
    assert len(ks["status"]["inventory"]["entries"]) == 2


async def test_a_link_is_left_out_so_that_nothing_goes_through_it(arena: Arena, tmp_path: Path) -> None:
    link = entry("in", kind=tarfile.SYMTYPE, link=str(tmp_path))
    await arena.source("evil", packed(link, entry("in/a.yaml", GOOD)))
    await arena.kustomization()
    await arena.world.ready(KUSTOMIZATION, "victim")
    assert list(tmp_path.iterdir()) == []


async def test_a_digest_that_does_not_match(arena: Arena) -> None:
    await arena.source("evil", archives.of_files({"a.yaml": GOOD}), digest=f"sha256:{'0' * 64}")
    await arena.kustomization()
    await arena.refused("ArtifactFailed", f"expected 'sha256:{'0' * 64}'")


@pytest.mark.parametrize("digest", ["md5:00", "sha256:zz", "sha256:00"])
async def test_a_digest_that_is_none(arena: Arena, digest: str) -> None:
    await arena.publish("evil", digest=digest, url=f"{arena.server.url}/nothing")
    await arena.kustomization()
    await arena.refused("ArtifactFailed", "cannot be verified")


async def test_an_artifact_that_is_gone_is_awaited(arena: Arena) -> None:
    await arena.publish("evil", digest=f"sha256:{'0' * 64}", url=f"{arena.server.url}/nothing")
    await arena.kustomization()
    await arena.refused("ArtifactFailed", "^Source is not ready, artifact not found, retrying in 1s$")
    await arena.source("evil", archives.of_files({"a.yaml": GOOD}))
    await arena.world.ready(KUSTOMIZATION, "victim")


async def test_a_download_that_breaks_off(arena: Arena) -> None:
    await arena.source("evil", archives.of_files({"a.yaml": config_map("cut")}), cut=True)
    await arena.kustomization()
    await arena.refused("ArtifactFailed", "failed to download artifact")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a", "file:///etc/passwd", "gopher://x/", "http://[::bad/", "", "http://"]
)
async def test_an_address_that_leads_nowhere(arena: Arena, url: str) -> None:
    await arena.publish("evil", digest=f"sha256:{'0' * 64}", url=url)
    await arena.kustomization()
    await arena.refused("ArtifactFailed", "failed to download artifact")
