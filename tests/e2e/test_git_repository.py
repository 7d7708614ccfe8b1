"""GitRepository end to end: a real process, a real API, git over its real protocols."""

from __future__ import annotations

import asyncio
import base64
import io
import shutil
import tarfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.model.kinds import GIT_REPOSITORY, SECRET
from shared.model.meta import Object
from tests.e2e.conftest import Cluster
from tests.e2e.processes import ControllerProgram, controller, free_port
from tests.e2e.world import RUN_LABEL, World, condition, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server, ssh_git_server
from tests.fakes.signing import ssh_signer

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Source:
    program: ControllerProgram
    storage: Path


@pytest.fixture(scope="module")
def source(cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """source-controller alone, for objects with a label of this module's own."""
    folder = tmp_path_factory.mktemp("source")
    storage, port = folder / "storage", free_port()
    storage.mkdir()
    program = controller(
        "source",
        cluster.kubeconfig,
        folder,
        f"--watch-label-selector={RUN_LABEL}={run_id}-source",
        f"--storage-path={storage}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
        "--requeue-dependency=1s",
        "--concurrent=4",
    )
    program.start()
    yield Source(program, storage)
    assert program.stop() == 0, program.tail()


@pytest.fixture
def world(world: World, source: Source) -> World:
    world.run_id = f"{world.run_id}-source"
    return world


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpGitServer]:
    async with http_git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
async def ssh(tmp_path: Path) -> AsyncIterator[SshGitServer]:
    async with ssh_git_server(tmp_path / "ssh") as running:
        yield running


MAIN = {"branch": "main"}


async def make_secret(world: World, name: str, **data: str) -> None:
    encoded = {
        key.replace("__", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()
    }
    metadata = {"name": name, "namespace": world.namespace}
    await world.client.create(
        SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
    )


def content(obj: Object) -> dict[str, str]:
    """The files of the served artifact."""
    with urllib.request.urlopen(obj["status"]["artifact"]["url"], timeout=5) as answer:
        raw = answer.read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {m.name: tar.extractfile(m).read().decode() for m in tar if m.isfile()}


async def told(world: World, name: str, reason: str) -> Object:
    found: list[Object] = []

    async def check() -> bool:
        found[:] = [event for event in await world.events(name) if event["reason"] == reason]
        return bool(found)

    await eventually(check, seconds=10)
    return found[0]


async def handled(world: World, name: str) -> Object:
    """Ask for a reconcile and wait until it is over."""
    token = await world.request(GIT_REPOSITORY, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(GIT_REPOSITORY, name, over)


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
    await told(world, "repo", "GitOperationSucceeded")

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

    await asyncio.sleep(2.2)

    assert len(server.calls) >= listings + 4
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


async def test_failures_say_what_is_wrong(world: World, server: HttpGitServer) -> None:
    server.repo().commit({"a": "1"})
    server.repo("empty")
    for name, spec, reason, words in (
        (
            "no-branch",
            {"ref": {"branch": "gone"}},
            "GitOperationFailed",
            "couldn't find remote ref 'refs/heads/gone'",
        ),
        ("option", {"ref": {"branch": "--upload-pack=x"}}, "GitOperationFailed", "couldn't find remote ref"),
        ("dots", {"ref": {"name": "refs/heads/../../x"}}, "GitOperationFailed", "invalid ref name"),
        ("no-match", {"ref": {"semver": ">9"}}, "GitOperationFailed", "no match found for semver: >9"),
        ("bad-range", {"ref": {"semver": "newest"}}, "GitOperationFailed", "improper constraint: newest"),
        ("no-commit", {"ref": {"commit": "f" * 40}}, "GitOperationFailed", "couldn't find commit"),
        ("empty", {"url": server.url_of("empty")}, "EmptyGitRepository", "git repository is empty"),
        ("no-repo", {"url": server.url_of("no")}, "GitOperationFailed", "repository not found"),
        ("no-host", {"url": "http://127.0.0.1:1/x.git"}, "GitOperationFailed", "refused"),
        (
            "no-secret",
            {"secretRef": {"name": "gone"}},
            "AuthenticationFailed",
            f"'{world.namespace}/gone' not found",
        ),
        (
            "sparse",
            {"ref": MAIN, "sparseCheckout": ["gone"]},
            "GitOperationFailed",
            "sparse checkout path 'gone'",
        ),
    ):
        await world.git_repository(name, **({"url": server.url_of()} | spec))
        obj = await world.failing(GIT_REPOSITORY, name, reason)
        failed = condition(obj, "FetchFailed")
        assert (failed["status"], failed["reason"]) == ("True", reason)
        assert words in failed["message"]
        assert condition(obj, "Reconciling")["reason"] == "ProgressingWithRetry"
        assert obj["status"].get("observedGeneration", -1) == -1
        assert (await told(world, name, reason))["type"] == "Warning"


async def test_a_useless_url_stalls(world: World) -> None:
    await world.git_repository(url="http://")

    obj = await world.failing(GIT_REPOSITORY, "repo", "URLInvalid")

    assert condition(obj, "Stalled")["reason"] == condition(obj, "FetchFailed")["reason"] == "URLInvalid"
    assert obj["status"]["observedGeneration"] == 1


async def test_provider_and_secret_must_fit(world: World, server: HttpGitServer) -> None:
    server.repo().commit({"a": "1"})
    await make_secret(world, "app", githubAppID="7", githubAppPrivateKey="k", githubAppInstallationOwner="o")
    await make_secret(world, "basic", username="u", password="p")
    await make_secret(world, "half", password="p")
    app, basic = {"secretRef": {"name": "app"}}, {"secretRef": {"name": "basic"}}
    for name, spec, reason, stalled in (
        ("github-nothing", {"provider": "github"}, "InvalidProviderConfiguration", True),
        ("github-basic", {"provider": "github", **basic}, "InvalidProviderConfiguration", False),
        ("github-key", {"provider": "github", **app}, "AuthenticationFailed", False),
        ("generic-app", app, "InvalidProviderConfiguration", False),
        ("azure", {"provider": "azure"}, "InvalidProviderConfiguration", True),
        ("gate", {"provider": "azure", "serviceAccountName": "x"}, "FeatureGateDisabled", True),
        ("half", {"secretRef": {"name": "half"}}, "AuthenticationFailed", False),
        ("proxy", {"proxySecretRef": {"name": "basic"}}, "AuthenticationFailed", False),
    ):
        await world.git_repository(name, url=server.url_of(), ref=MAIN, **spec)
        obj = await world.failing(GIT_REPOSITORY, name, reason)
        assert condition(obj, "FetchFailed")["reason"] == reason
        assert bool(condition(obj, "Stalled")) is stalled


async def test_recovery_is_told(world: World, server: HttpGitServer) -> None:
    server.repo().commit({"a": "1"})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await world.ready(GIT_REPOSITORY, "repo")

    server.status = 503
    await world.request(GIT_REPOSITORY, "repo")
    await world.failing(GIT_REPOSITORY, "repo", "GitOperationFailed")
    server.status = 0
    obj = await world.ready(GIT_REPOSITORY, "repo")

    assert not condition(obj, "FetchFailed")
    await told(world, "repo", "Succeeded")


async def test_basic_authentication(world: World, server: HttpGitServer) -> None:
    server.repo().commit({"a": "1"})
    server.username, server.password = "ada", "s3cr3t"
    await make_secret(world, "wrong", username="ada", password="wr0ng")
    await make_secret(world, "right", username="ada", password="s3cr3t")
    await world.git_repository(url=server.url_of(), ref=MAIN, secretRef={"name": "wrong"})
    obj = await world.failing(GIT_REPOSITORY, "repo", "GitOperationFailed")
    assert "authentication required" in condition(obj, "Ready")["message"]
    assert "wr0ng" not in str(obj)

    await world.change(GIT_REPOSITORY, "repo", secretRef={"name": "right"})
    await world.ready(GIT_REPOSITORY, "repo")


async def test_ssh(world: World, ssh: SshGitServer) -> None:
    GitRepo.create(ssh.root / "repo.git").commit({"a": "1"})
    await make_secret(world, "key", identity=ssh.identity(), known_hosts=ssh.known_hosts)
    other = f"[127.0.0.1]:{ssh.port} {ssh.client_key.export_public_key().decode()}"
    await make_secret(world, "impostor", identity=ssh.identity(), known_hosts=other)
    await world.git_repository("good", url=ssh.url_of(), ref=MAIN, secretRef={"name": "key"})
    await world.git_repository("bad", url=ssh.url_of(), ref=MAIN, secretRef={"name": "impostor"})
    await world.git_repository("none", url=ssh.url_of(), ref=MAIN)

    await world.ready(GIT_REPOSITORY, "good")
    refused = await world.failing(GIT_REPOSITORY, "bad", "GitOperationFailed")
    assert "does not match known_hosts" in condition(refused, "FetchFailed")["message"]
    await world.failing(GIT_REPOSITORY, "none", "AuthenticationFailed")


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


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")
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
