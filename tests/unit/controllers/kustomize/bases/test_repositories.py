"""Repositories as remote bases: which commit a ref means, what comes out on disk, and the build of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controllers.kustomize.bases.checkout import check_out
from controllers.kustomize.bases.gathering import RemoteBases
from controllers.kustomize.bases.guard import Guard
from controllers.kustomize.bases.repositories import Repositories
from controllers.kustomize.build import Builder
from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.post_build import Manifests
from controllers.kustomize.shared_trees import SharedTrees
from controllers.kustomize.variables import Variables
from shared.git.client import Git
from shared.git.errors import RepositoryRefused
from shared.git.pool import WorkerPool
from shared.kustomize.errors import RemoteFailed, RemoteRefused
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.remote import GitAddress
from shared.model.kustomize import Kustomization
from tests import make
from tests.fakes.git_server import HttpGitServer, http_git_server

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
BASE = {"base/kustomization.yaml": "resources: [c.yaml]\n", "base/c.yaml": CONFIG % "c"}


@dataclass
class Place:
    server: HttpGitServer
    repositories: Repositories
    bases: RemoteBases
    root: Path

    async def content(self, address: GitAddress, file: str) -> str:
        async with self.repositories.checked_out(address) as files:
            return (files / file).read_text()

    async def build(self, kustomization: str, bases: RemoteBases | None = None) -> Manifests:
        builder = Builder(no_decryption, strict=True, bases=bases or self.bases)
        tree = MemoryTree({"kustomization.yaml": kustomization})
        ks = Kustomization.parse(make.kustomization())
        return await builder.build(ks, tree, "/", Variables({}, always=False))


def no_decryption() -> None:
    raise AssertionError("nothing is encrypted here")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    pool, guard = WorkerPool(size=1), Guard(loopback=True)
    (tmp_path / "trees").mkdir()
    repositories = Repositories(Git(pool), SharedTrees(tmp_path / "trees"), guard)
    async with http_git_server(tmp_path) as server, pool.serve():
        yield Place(server, repositories, RemoteBases(repositories, guard), tmp_path)


async def test_a_ref_is_found_as_git_would(place: Place) -> None:
    repo = place.server.repo()
    first = repo.commit({"f": "1"})
    repo.tag("v1", annotated=True)
    repo.commit({"f": "2"})
    repo.commit({"f": "3"}, branch="side")
    url = place.server.url_of()
    for ref, text in (("", "2"), ("v1", "1"), ("refs/tags/v1", "1"), ("side", "3"), (first, "1")):
        assert await place.content(GitAddress(url, ref=ref), "f") == text, ref
    with pytest.raises(RemoteFailed, match="no ref 'nope'"):
        await place.content(GitAddress(url, ref="nope"), "f")
    with pytest.raises(RemoteFailed, match="invalid ref name"):
        await place.content(GitAddress(url, ref="--upload-pack=x"), "f")


async def test_a_commit_is_fetched_once_for_many_and_a_new_one_is_seen(place: Place) -> None:
    repo = place.server.repo()
    repo.commit({"f": "1"})
    address = GitAddress(place.server.url_of())
    assert set(await asyncio.gather(*(place.content(address, "f") for _ in range(3)))) == {"1"}
    assert place.server.fetches == 1
    repo.commit({"f": "2"})
    assert await place.content(address, "f") == "2"


async def test_submodules_come_along_unless_the_address_says_no(place: Place) -> None:
    inner = place.server.repo("inner")
    inner.commit({"g": "inner"})
    repo = place.server.repo()
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.path), "mod")
    repo.git("config", "-f", ".gitmodules", "submodule.mod.url", "../inner.git")
    repo.commit({})
    address = GitAddress(place.server.url_of())
    assert await place.content(address, "mod/g") == "inner"
    with pytest.raises(FileNotFoundError):
        await place.content(GitAddress(address.url, submodules=False), "mod/g")


async def test_what_needs_a_password_says_what_to_do(place: Place) -> None:
    place.server.repo().commit({})
    place.server.username = "me"
    with pytest.raises(RemoteFailed, match="make the repository a GitRepository"):
        await place.content(GitAddress(place.server.url_of()), "f")


async def test_a_server_that_hangs_is_left(place: Place) -> None:
    place.server.repo()
    place.server.hang = True
    with pytest.raises(RemoteFailed, match=r"timed out|took longer than 0\.5 seconds"):
        await place.content(GitAddress(place.server.url_of(), seconds=0.5), "f")


async def test_ssh_and_loopback_are_refused(place: Place) -> None:
    with pytest.raises(RemoteRefused, match="GitRepository"):
        await place.content(GitAddress("ssh://git@git.example/a/b"), "f")
    strict = Repositories(Git(WorkerPool()), SharedTrees(place.root), Guard())
    with pytest.raises(RemoteRefused, match=r"127\.0\.0\.1"):
        async with strict.checked_out(GitAddress(place.server.url_of())):
            pass


async def test_a_build_takes_its_base_from_a_repository(place: Place) -> None:
    place.server.repo().commit(BASE)
    built = await place.build(f"resources: ['git::{place.server.url_of()}//base?ref=main']\nnamePrefix: p-\n")
    assert [obj["metadata"]["name"] for obj in built.objects] == ["p-c"]
    assert built.fetched


async def test_a_build_that_needs_nothing_is_not_called_fetched(place: Place) -> None:
    assert not (await place.build("configMapGenerator: [{name: a}]\n")).fetched


async def test_a_link_out_of_a_repository_leads_nowhere(place: Place) -> None:
    repo = place.server.repo()
    repo.work.joinpath("base").mkdir()
    repo.work.joinpath("base/c.yaml").symlink_to("/etc/passwd")
    repo.commit({"base/kustomization.yaml": "resources: [c.yaml]\n"})
    with pytest.raises(BuildFailed, match="leads outside of the root"):
        await place.build(f"resources: ['git::{place.server.url_of()}//base']\n")


@pytest.mark.parametrize(
    ("kustomization", "words"),
    [
        ("resources: ['git::file:///etc']\n", "own disk"),
        ("resources: ['http://169.254.169.254/latest/meta-data']\n", r"169\.254\.169\.254"),
        ("resources: ['git@git.example:a/b']\n", "GitRepository"),
    ],
)
async def test_a_refusal_names_the_address(place: Place, kustomization: str, words: str) -> None:
    with pytest.raises(BuildFailed, match=words):
        await place.build(kustomization)


async def test_a_build_may_not_ask_for_ever(place: Place) -> None:
    many = [f"git::{place.server.url}/o/r{number}" for number in range(65)]
    with pytest.raises(BuildFailed, match="more than 64 remote resources"):
        await place.build(f"resources: {many}\n")


async def test_without_remote_bases_the_message_names_the_flag() -> None:
    builder = Builder(no_decryption, strict=True)
    tree = MemoryTree({"kustomization.yaml": "resources: ['https://git.example/a/b']\n"})
    ks = Kustomization.parse(make.kustomization())
    with pytest.raises(BuildFailed, match="--no-remote-bases"):
        await builder.build(ks, tree, "/", Variables({}, always=False))


def test_a_checkout_has_an_end(tmp_path: Path, place: Place) -> None:
    repo = place.server.repo("large")
    commit = repo.commit({"a": "x" * 100, "b": "y"})
    argument = {"repository": str(repo.path), "commit": commit, "modules": [], "into": str(tmp_path / "out")}
    assert check_out(argument | {"max_files": 2, "max_bytes": 101}) == {"size": 101}
    for number, bounds in enumerate(({"max_files": 1, "max_bytes": 101}, {"max_files": 2, "max_bytes": 100})):
        with pytest.raises(RepositoryRefused, match="too large"):
            check_out(argument | bounds | {"into": str(tmp_path / f"out{number}")})
