"""What a GitRepository publishes, when, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from shared.model.kinds import GIT_REPOSITORY
from tests.e2e.git_repository.words import MAIN, Source, content, handled, told
from tests.e2e.world import World, eventually
from tests.fakes.git_server import HttpGitServer

pytestmark = pytest.mark.e2e


async def test_the_first_artifact(world: World, server: HttpGitServer) -> None:
    commit = server.repo().commit(
        {"deploy/app.yaml": "a: 1\n", "logo.png": "x", ".gitignore": "y"}, "Begin here"
    )
    await world.git_repository(url=server.url_of(), ref=MAIN)

    obj = await world.ready(GIT_REPOSITORY, "repo")

    artifact = obj["status"]["artifact"]
    assert artifact["revision"] == f"main@sha1:{commit}"
    assert artifact["path"] == f"gitrepository/{world.namespace}/repo/{commit}.tar.gz"
    assert artifact["url"].endswith("/" + artifact["path"])
    assert content(obj) == {"deploy/app.yaml": "a: 1\n"}
    stored = f"stored artifact for revision 'main@sha1:{commit}'"
    assert {(c["type"], c["status"], c["reason"], c["message"]) for c in obj["status"]["conditions"]} == {
        ("Ready", "True", "Succeeded", stored),
        ("ArtifactInStorage", "True", "Succeeded", stored),
    }
    assert obj["status"]["observedGeneration"] == 1
    assert obj["metadata"]["finalizers"] == ["finalizers.fluxcd.io"]
    event = await told(world, "repo", "NewArtifact")
    assert event["message"] == "stored artifact for commit 'Begin here'"
    assert event["type"] == "Normal"


async def test_what_did_not_move_is_not_fetched(world: World, server: HttpGitServer) -> None:
    repo = server.repo()
    repo.commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    before = await world.ready(GIT_REPOSITORY, "repo")

    after = await handled(world, "repo")

    assert server.fetches == 1
    assert after["status"]["artifact"] == before["status"]["artifact"]
    assert after["status"]["conditions"] == before["status"]["conditions"]
    event = await told(world, "repo", "GitOperationSucceeded")
    revision = before["status"]["artifact"]["revision"]
    assert event["message"] == f"no changes since last reconciliation: observed revision '{revision}'"

    commit = repo.commit({"a": "2"})
    moved = await handled(world, "repo")
    assert server.fetches == 2
    assert moved["status"]["artifact"]["revision"] == f"main@sha1:{commit}"


async def test_a_routine_interval_only_asks_the_remote(
    world: World, server: HttpGitServer, source: Source
) -> None:
    """Nothing moved: one listing of one ref, and no request to the API server at all."""
    server.repo().commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN, interval="500ms")
    obj = await world.ready(GIT_REPOSITORY, "repo")
    await asyncio.sleep(0.5)
    writes = source.program.metric("rest_client_requests_total", method="PATCH")
    listings = len(server.calls)

    async def looked_twice() -> bool:
        return len(server.calls) >= listings + 4

    await eventually(looked_twice)
    assert server.fetches == 1
    assert source.program.metric("rest_client_requests_total", method="PATCH") == writes
    now = await world.get(GIT_REPOSITORY, "repo")
    assert now["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]


async def test_every_kind_of_reference(world: World, server: HttpGitServer) -> None:
    repo = server.repo()
    first = repo.commit({"a": "1"})
    repo.tag("v1.0.0")
    second = repo.commit({"a": "2"})
    repo.tag("v1.1.0", annotated=True)
    third = repo.commit({"a": "3"}, branch="feature/x")
    repo.push("HEAD:refs/pull/7/head")
    for name, ref, revision in (
        ("branch", {"branch": "feature/x"}, f"feature/x@sha1:{third}"),
        ("tag", {"tag": "v1.0.0"}, f"v1.0.0@sha1:{first}"),
        ("annotated", {"tag": "v1.1.0"}, f"v1.1.0@sha1:{second}"),
        ("semver", {"semver": ">=1.0.0"}, f"v1.1.0@sha1:{second}"),
        ("tag-first", {"semver": ">=1.0.0", "tag": "v1.0.0"}, f"v1.0.0@sha1:{first}"),
        ("name", {"name": "refs/pull/7/head"}, f"refs/pull/7/head@sha1:{third}"),
        ("commit", {"commit": first}, f"sha1:{first}"),
        ("on-branch", {"commit": first, "branch": "main"}, f"main@sha1:{first}"),
    ):
        await world.git_repository(name, url=server.url_of(), ref=ref)
        obj = await world.ready(GIT_REPOSITORY, name, revision=revision)
        assert content(obj)["a"] == {first: "1", second: "2", third: "3"}[revision.rpartition(":")[2]]


async def test_a_pinned_commit_is_looked_at_again_only_on_demand(world: World, server: HttpGitServer) -> None:
    commit = server.repo().commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref={"commit": commit}, interval="500ms")
    await world.ready(GIT_REPOSITORY, "repo")
    await asyncio.sleep(1.5)
    assert server.fetches == 1

    await handled(world, "repo")
    assert server.fetches == 2
    await told(world, "repo", "ArtifactUpToDate")

    await world.change(GIT_REPOSITORY, "repo", url=server.url_of("elsewhere"))
    failed = await world.failing(GIT_REPOSITORY, "repo", "GitOperationFailed")
    assert failed["status"]["artifact"]["revision"] == f"sha1:{commit}"


async def test_a_damaged_artifact_is_made_again(world: World, server: HttpGitServer, source: Source) -> None:
    server.repo().commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    obj = await world.ready(GIT_REPOSITORY, "repo")
    file = source.storage / obj["status"]["artifact"]["path"]
    file.write_bytes(b"damaged")

    await handled(world, "repo")
    again = await world.ready(GIT_REPOSITORY, "repo")

    assert again["status"]["artifact"]["digest"] == obj["status"]["artifact"]["digest"]
    assert content(again) == {"a": "1"}
    assert (await told(world, "repo", "ArtifactVerificationFailed"))["type"] == "Warning"


async def test_a_forged_status_reaches_nobody_elses_artifact(
    world: World, server: HttpGitServer, source: Source
) -> None:
    repo = server.repo()
    repo.commit({"a": "1"})
    server.repo("secret").commit({"s": "1"})
    await world.git_repository("victim", url=server.url_of("secret"), ref=MAIN)
    victim = await world.ready(GIT_REPOSITORY, "victim")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await world.ready(GIT_REPOSITORY, "repo")
    forged = victim["status"]["artifact"] | {"digest": "sha256:" + "0" * 64}
    await world.client.patch(
        GIT_REPOSITORY, world.namespace, "repo", {"status": {"artifact": forged}}, subresource="status"
    )

    await handled(world, "repo")
    obj = await world.ready(GIT_REPOSITORY, "repo")

    assert content(obj) == {"a": "1"}
    assert (source.storage / victim["status"]["artifact"]["path"]).exists()


async def test_suspended_objects_rest(world: World, server: HttpGitServer) -> None:
    repo = server.repo()
    repo.commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    before = await world.ready(GIT_REPOSITORY, "repo")
    await world.change(GIT_REPOSITORY, "repo", suspend=True)
    repo.commit({"a": "2"})

    after = await handled(world, "repo")
    assert after["status"]["artifact"] == before["status"]["artifact"]

    await world.change(GIT_REPOSITORY, "repo", suspend=False)
    await world.ready(GIT_REPOSITORY, "repo", revision=f"main@sha1:{repo.head()}")


async def test_a_deleted_object_leaves_nothing(world: World, server: HttpGitServer, source: Source) -> None:
    server.repo().commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    obj = await world.ready(GIT_REPOSITORY, "repo")
    folder = (source.storage / obj["status"]["artifact"]["path"]).parent
    assert folder.is_dir()

    await world.client.delete(GIT_REPOSITORY, world.namespace, "repo")
    await world.gone(GIT_REPOSITORY.api_version, GIT_REPOSITORY.kind, "repo")

    assert not folder.exists()
