"""What cannot be published says why, and recovers."""

from __future__ import annotations

import pytest

from shared.model.kinds import GIT_REPOSITORY
from tests.e2e.git_repository.words import MAIN, make_secret, told
from tests.e2e.world import World, condition
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer

pytestmark = pytest.mark.e2e


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
        ("aws", {"provider": "aws"}, "AuthenticationFailed", False),
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
