"""ImageUpdateAutomations: what they write, where they push, and what they say."""

from __future__ import annotations

import shutil

import pytest

from shared.model.kinds import GIT_REPOSITORY, IMAGE_UPDATE_AUTOMATION
from tests.e2e.git_repository.words import make_secret
from tests.e2e.image.words import told
from tests.e2e.image_update.words import MAIN, automation, choose, marked, policy, rerun, settled
from tests.e2e.world import World, condition, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer
from tests.fakes.signing import gpg_signer, ssh_signer

pytestmark = pytest.mark.e2e


async def test_a_commit_a_skip_and_the_next_commit(
    world: World, server: HttpGitServer, repo: GitRepo
) -> None:
    before = repo.commit({"apps/web.yaml": marked(world), "apps/bad.yaml": marked(world) + "\t:\n"})
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    template = "Update {{ range .Changed.Changes }}{{ .OldValue }} -> {{ .NewValue }}{{ end }}"

    await automation(world, commit={"messageTemplate": template}, update={"path": "./apps"})
    obj = await settled(world)

    status, head = obj["status"], repo.show("rev-parse", "main")
    message = "Update registry.test/app:1.0.0 -> registry.test/app:1.1.0"
    assert (
        repo.show("log", "-1", "--format=%P %an %ae %cn %B", "main")
        == f"{before} Bot bot@example.org Bot {message}"
    )
    assert repo.show("show", "main:apps/web.yaml") == marked(world, "1.1.0").strip()
    assert repo.show("diff", "--name-only", before, "main") == "apps/web.yaml"
    assert status["lastPushCommit"] == head
    assert status["observedSourceRevision"] == f"main@sha1:{head}"
    assert status["observedPolicies"] == {"app": {"name": "registry.test/app", "tag": "1.1.0"}}
    assert condition(obj, "Ready")["message"] == "repository up-to-date"
    event = await told(world, "auto", f"pushed commit '{head[:7]}' to branch 'main'\n{message}")
    assert (event["type"], event["reason"]) == ("Normal", "Succeeded")

    fetched = server.fetches
    again = await rerun(world)
    assert server.fetches == fetched
    assert again["status"]["lastPushTime"] == status["lastPushTime"]
    await told(world, "auto", "no change since last reconciliation")

    await choose(world, "1.2.0")
    await eventually(_head_is(repo, "registry.test/app:1.2.0"))
    theirs = repo.show("rev-parse", "main")
    obj = await settled(world, pushed=theirs)
    assert repo.show("rev-parse", "main~1") == head
    repo.show("fsck", "--strict")


def _head_is(repo: GitRepo, image: str, branch: str = "main"):
    async def check() -> bool:
        return image in repo.show("show", f"{branch}:apps/web.yaml")

    return check


async def test_another_branch_and_a_refspec(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    main = repo.commit({"apps/web.yaml": marked(world)})
    repo.hook("post-receive", f'echo "$GIT_PUSH_OPTION_0" >> {server.root}/options')
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    push = {"branch": "auto", "refspec": "refs/heads/auto:refs/heads/copy", "options": {"mr.create": "true"}}

    await automation(world, push=push)
    obj = await settled(world)

    auto = repo.show("rev-parse", "auto")
    assert repo.show("rev-parse", "auto~1", "main", "copy").split() == [main, main, auto]
    assert obj["status"]["observedSourceRevision"] == f"main@sha1:{main}"
    assert obj["status"]["lastPushCommit"] == auto
    assert (server.root / "options").read_text() == "mr.create=true\n" * 2
    await told(world, "auto", "to branch 'auto' and refspecs 'refs/heads/auto:refs/heads/copy'")

    # Somebody works on the branch: their commit is built on.
    repo.git("fetch", "-q")
    repo.git("checkout", "-q", "-b", "auto", "origin/auto")
    theirs = repo.commit({"theirs": "1"}, branch="auto")
    await choose(world, "1.2.0")
    await eventually(_head_is(repo, "1.2.0", "auto"))
    await eventually(_same(repo, "auto", "copy"))
    assert repo.show("rev-parse", "auto~1", "main").split() == [theirs, main]


def _same(repo: GitRepo, one: str, other: str):
    async def check() -> bool:
        return repo.show("rev-parse", one) == repo.show("rev-parse", other)

    return check


async def test_over_ssh_with_signatures(world: World, ssh: SshGitServer, tmp_path) -> None:
    if not (shutil.which("gpg") and shutil.which("ssh-keygen")):
        pytest.skip("needs gpg and ssh-keygen")
    repo = GitRepo.create(ssh.root / "repo.git")
    repo.commit({"web.yaml": marked(world)})
    await policy(world, "1.1.0")
    await make_secret(world, "key", identity=ssh.identity(), known_hosts=ssh.known_hosts)
    await world.git_repository(url=ssh.url_of(), ref=MAIN, secretRef={"name": "key"})
    with gpg_signer("open sesame") as gpg:
        signer = ssh_signer(tmp_path, passphrase="sesame")
        await make_secret(world, "gpg", git__asc=gpg.private.decode(), passphrase="open sesame")
        await make_secret(world, "ssh", identity=signer.private.decode(), password="sesame")
        for name, settings in (
            ("gpg", gpg.settings),
            ("ssh", ("gpg.format=ssh", f"gpg.ssh.allowedSignersFile={tmp_path}/allowed")),
        ):
            (tmp_path / "allowed").write_bytes(b"bot@example.org " + signer.public)
            await automation(
                world,
                name,
                commit={"signingKey": {"type": name, "secretRef": {"name": name}}},
                push={"branch": name},
            )
            await settled(world, name)
            repo.settings, repo.environment = settings, dict(gpg.environment)
            assert repo.show("log", "-1", "--format=%G?", name) == "G"
            assert "Good " in repo.show("log", "-1", "--show-signature", name)


async def test_a_suspended_one_sleeps(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    head = repo.commit({"web.yaml": marked(world)})
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world, suspend=True)
    await world.until(IMAGE_UPDATE_AUTOMATION, "auto", lambda obj: bool(obj["metadata"].get("finalizers")))
    await world.request(IMAGE_UPDATE_AUTOMATION, "auto")
    await automation(world, "other", push={"branch": "other"})

    await settled(world, "other")

    obj = await world.get(IMAGE_UPDATE_AUTOMATION, "auto")
    assert repo.show("rev-parse", "main") == head
    status = obj.get("status") or {}
    assert not {"conditions", "lastHandledReconcileAt", "lastAutomationRunTime"} & status.keys()


async def test_only_selected_policies_of_its_own_namespace(
    world: World, server: HttpGitServer, repo: GitRepo
) -> None:
    ns = world.namespace
    lines = [f'{name}: v1 # {{"$imagepolicy": "{ns}:{name}:tag"}}' for name in ("app", "other", "unknown")]
    foreign = 'foreign: v1 # {"$imagepolicy": "default:app:tag"}'
    repo.commit({"values.yaml": "\n".join([*lines, foreign])})
    await policy(world, "1.20", "app", team="web")
    await policy(world, "2.0.0", "other", team="db")
    await world.git_repository(url=server.url_of(), ref=MAIN)

    await automation(world, policySelector={"matchLabels": {"team": "web"}})
    obj = await settled(world)

    assert repo.show("show", "main:values.yaml").splitlines() == [
        lines[0].replace("v1", '"1.20"'),
        *lines[1:],
        foreign,
    ]
    assert list(obj["status"]["observedPolicies"]) == ["app"]
    assert obj["status"]["observedSourceRevision"].startswith("main@sha1:")
    assert (await world.get(GIT_REPOSITORY, "repo")).get("status", {}).get("artifact") is None
