"""What goes into the artifact: ignore rules, parts, submodules, includes, and only what is signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.model.kinds import GIT_REPOSITORY
from tests.e2e.git_repository.words import MAIN, content, handled, make_secret
from tests.e2e.world import World, condition
from tests.fakes.git_server import HttpGitServer
from tests.fakes.signing import ssh_signer

pytestmark = pytest.mark.e2e


async def test_content_rules_change_the_artifact(world: World, server: HttpGitServer) -> None:
    repo = server.repo()
    repo.commit({"a/1": "1", "b/2": "2", "b/.sourceignore": "*.tmp\n", "b/x.tmp": "x", "c.png": "3"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    obj = await world.ready(GIT_REPOSITORY, "repo")
    assert set(content(obj)) == {"a/1", "b/2", "b/.sourceignore", "c.png"}

    await world.change(GIT_REPOSITORY, "repo", ignore="/*\n!/b\n")
    obj = await world.ready(GIT_REPOSITORY, "repo")
    assert set(content(obj)) == {"b/2", "b/.sourceignore", "b/x.tmp"}
    assert obj["status"]["observedIgnore"] == "/*\n!/b\n"

    await world.change(GIT_REPOSITORY, "repo", ignore=None, sparseCheckout=["./a"])
    obj = await world.ready(GIT_REPOSITORY, "repo")
    assert set(content(obj)) == {"a/1"}
    assert obj["status"]["observedSparseCheckout"] == ["./a"]
    assert "observedIgnore" not in obj["status"]


async def test_submodules(world: World, server: HttpGitServer) -> None:
    server.repo("library").commit({"lib.yaml": "l"})
    repo = server.repo()
    repo.commit({"a": "1"})
    repo.git(
        "-c", "protocol.file.allow=always", "submodule", "add", str(server.root / "library.git"), "vendor/lib"
    )
    repo.git("config", "-f", ".gitmodules", "submodule.vendor/lib.url", "../library.git")
    repo.commit({})
    await world.git_repository("plain", url=server.url_of(), ref=MAIN)
    await world.git_repository("recursive", url=server.url_of(), ref=MAIN, recurseSubmodules=True)

    assert set(content(await world.ready(GIT_REPOSITORY, "plain"))) == {"a"}
    assert set(content(await world.ready(GIT_REPOSITORY, "recursive"))) == {"a", "vendor/lib/lib.yaml"}


async def test_a_submodule_on_the_disk_is_refused(world: World, server: HttpGitServer) -> None:
    server.repo("library").commit({"lib.yaml": "l"})
    repo = server.repo()
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", str(server.root / "library.git"), "lib")
    repo.git("config", "-f", ".gitmodules", "submodule.lib.url", "file:///etc")
    repo.commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN, recurseSubmodules=True)

    obj = await world.failing(GIT_REPOSITORY, "repo", "GitOperationFailed")
    assert "submodule URL 'file:///etc' refused" in condition(obj, "FetchFailed")["message"]


async def test_includes(world: World, server: HttpGitServer) -> None:
    library = server.repo("library")
    library.commit({"deploy/x": "1", "other": "2"})
    server.repo().commit({"a": "1"})
    include = [{"repository": {"name": "library"}, "fromPath": "deploy", "toPath": "lib"}]
    await world.git_repository(url=server.url_of(), ref=MAIN, include=include)
    waiting = await world.failing(GIT_REPOSITORY, "repo", "NotFound")
    assert condition(waiting, "IncludeUnavailable")["reason"] == "NotFound"

    await world.git_repository("library", url=server.url_of("library"), ref=MAIN)
    included = await world.ready(GIT_REPOSITORY, "library")
    obj = await world.ready(GIT_REPOSITORY, "repo")
    assert content(obj) == {"a": "1", "lib/x": "1"}
    assert obj["status"]["includedArtifacts"] == [included["status"]["artifact"]]
    assert obj["status"]["observedInclude"] == include

    library.commit({"deploy/x": "2"})
    await handled(world, "library")
    assert content(await handled(world, "repo")) == {"a": "1", "lib/x": "2"}

    await world.change(GIT_REPOSITORY, "repo", include=[{"repository": {"name": "library"}, "toPath": "a"}])
    failed = await world.failing(GIT_REPOSITORY, "repo", "CopyFailure")
    assert condition(failed, "StorageOperationFailed")["reason"] == "CopyFailure"


async def test_verification(world: World, server: HttpGitServer, tmp_path: Path) -> None:
    signer, repo = ssh_signer(tmp_path), server.repo()
    repo.commit({"a": "1"})
    repo.tag("v1.0.0")
    await make_secret(world, "keys", ada__sshpub=signer.public.decode())
    keys = {"secretRef": {"name": "keys"}}
    await world.git_repository("head", url=server.url_of(), ref=MAIN, verify={"mode": "HEAD", **keys})
    await world.git_repository(
        "tag", url=server.url_of(), ref={"tag": "v1.0.0"}, verify={"mode": "Tag", **keys}
    )
    await world.git_repository("no-tag", url=server.url_of(), ref=MAIN, verify={"mode": "Tag", **keys})
    unknown = {"mode": "HEAD", "secretRef": {"name": "gone"}}
    await world.git_repository("no-keys", url=server.url_of(), ref=MAIN, verify=unknown)

    for name, reason in (
        ("head", "InvalidCommitSignature"),
        ("tag", "InvalidGitObject"),
        ("no-tag", "InvalidVerificationMode"),
        ("no-keys", "VerificationError"),
    ):
        obj = await world.failing(GIT_REPOSITORY, name, reason)
        assert condition(obj, "SourceVerified")["status"] == "False"
        assert "artifact" not in obj["status"]
        assert bool(condition(obj, "Stalled")) is (name == "no-tag")

    signer.use_in(repo)
    signed = repo.commit({"a": "2"}, sign=True)
    tag = repo.tag("v1.0.0", sign=True)
    obj = await world.ready(GIT_REPOSITORY, "head", revision=f"main@sha1:{signed}")
    assert obj["status"]["sourceVerificationMode"] == "HEAD"
    assert condition(obj, "SourceVerified")["message"] == (
        f"verified signature of\n\t- commit '{signed}' with key '{signer.identity}'"
    )
    obj = await world.ready(GIT_REPOSITORY, "tag", revision=f"v1.0.0@sha1:{signed}")
    assert f"tag 'v1.0.0@{tag}' with key '{signer.identity}'" in condition(obj, "SourceVerified")["message"]

    repo.settings = ()
    repo.commit({"a": "3"})
    await world.request(GIT_REPOSITORY, "head")
    obj = await world.failing(GIT_REPOSITORY, "head", "InvalidCommitSignature")
    assert obj["status"]["artifact"]["revision"] == f"main@sha1:{signed}", "what was good stays published"
