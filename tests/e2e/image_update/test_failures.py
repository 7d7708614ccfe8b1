"""What cannot be automated says why, loses nothing, and recovers."""

from __future__ import annotations

import pytest

from shared.model.kinds import IMAGE_UPDATE_AUTOMATION
from shared.model.meta import Object
from tests.e2e.git_repository.words import make_secret
from tests.e2e.image.words import told
from tests.e2e.image_update.words import MAIN, automation, marked, policy, rerun, settled
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, condition, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer

pytestmark = pytest.mark.e2e

KEY = {"commit": {"signingKey": {"secretRef": {"name": "key"}}}}
FAILURES: dict[str, tuple[Object, str, str]] = {
    "selector": (
        {"policySelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        "InvalidPolicySelector",
        "'Like' is not a valid label selector operator",
    ),
    "denied": (
        {"sourceRef": {"kind": "GitRepository", "name": "x", "namespace": "default"}},
        "AccessDenied",
        "can't access 'GitRepository/default/x', cross-namespace references have been blocked",
    ),
    "github": (
        {"sourceRef": {"kind": "GitRepository", "name": "github"}},
        "InvalidSourceConfiguration",
        "secretRef with github app data must be specified",
    ),
    "removed": (
        {"commit": {"messageTemplate": "{{ .Updated.Images }}"}},
        "RemovedTemplateField",
        "use '.Changed'",
    ),
    "gone": (
        {"sourceRef": {"kind": "GitRepository", "name": "gone"}},
        "SourceManagerFailed",
        "referenced git repository does not exist",
    ),
    "no-key": (KEY, "SourceManagerFailed", "does not contain a 'git.asc' key"),
    "secret": (
        {"commit": {"signingKey": {"secretRef": {"name": "gone"}}}},
        "SourceManagerFailed",
        "/gone' not found",
    ),
    "detached": (
        {"checkout": {"ref": {"tag": "v1"}}},
        "SourceManagerFailed",
        "push spec not provided, and cannot be inferred",
    ),
    "option": ({"push": {"branch": "--upload-pack=x"}}, "SourceManagerFailed", "invalid ref name"),
    "dots": ({"push": {"branch": "../../x"}}, "SourceManagerFailed", "invalid ref name"),
    "no-branch": (
        {"checkout": {"ref": {"branch": "gone"}}},
        "GitOperationFailed",
        "failed to checkout source: couldn't find remote ref 'refs/heads/gone'",
    ),
    "empty": (
        {"sourceRef": {"kind": "GitRepository", "name": "empty"}},
        "GitOperationFailed",
        "failed to checkout source: git repository is empty",
    ),
    "path": (
        {"update": {"path": "./none"}},
        "UpdateFailed",
        "failed to apply policies: path './none' does not exist",
    ),
    "template": (
        {"commit": {"messageTemplate": "{{ range }}"}},
        "GitOperationFailed",
        "failed to update source: unable to create commit message template from spec",
    ),
    "bomb": (
        {"commit": {"messageTemplate": '{{ range until 100000000 }}{{ repeat 10000000 "x" }}{{ end }}'}},
        "GitOperationFailed",
        "failed to update source: failed to run template from spec",
    ),
    "refspec": (
        {"push": {"refspec": ":refs/heads/main"}},
        "GitOperationFailed",
        "failed to update source: invalid refspec ':refs/heads/main'",
    ),
    "protected": (
        {"push": {"branch": "protected"}},
        "GitOperationFailed",
        "failed to update source: failed to push to remote: 'refs/heads/protected': pre-receive hook declined",
    ),
}
STALLED = {
    "AccessDenied",
    "InvalidPolicySelector",
    "InvalidSourceConfiguration",
    "RemovedTemplateField",
}


async def test_failures_say_what_is_wrong(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    head = repo.commit({"web.yaml": marked(world)})
    repo.tag("v1")
    repo.hook(
        "pre-receive",
        "while read o n r; do [ $r != refs/heads/protected ] || { echo guarded; exit 1; }; done",
    )
    server.repo("empty")
    await make_secret(world, "key", identity="x")
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await world.git_repository("empty", url=server.url_of("empty"), ref=MAIN)
    await world.git_repository("github", url=server.url_of(), ref=MAIN, provider="github")

    for name, (spec, _, _) in FAILURES.items():
        await automation(world, name, **spec)

    for name, (_, reason, words) in FAILURES.items():
        obj = await world.failing(IMAGE_UPDATE_AUTOMATION, name, reason)
        assert words in condition(obj, "Ready")["message"], name
        assert bool(condition(obj, "Stalled")) is (reason in STALLED), name
        assert (await told(world, name, words))["type"] == "Warning"
        assert "lastPushCommit" not in obj["status"]
    assert repo.show("for-each-ref", "--format=%(refname) %(objectname)").splitlines() == [
        f"refs/heads/main {head}",
        f"refs/tags/v1 {head}",
    ]


async def test_a_lost_race_loses_nobodys_commit(
    world: World, server: HttpGitServer, repo: GitRepo, updating: ControllerProgram, tmp_path
) -> None:
    """While the controller works, somebody pushes; the first try fails, and the second builds on that."""
    repo.commit({"web.yaml": marked(world)})
    theirs = repo.commit({"theirs.yaml": "a: 1"}, branch="theirs")
    await policy(world, "1.1.0")
    # As if somebody else's push had come in between: once, just before ours is taken.
    repo.hook(
        "pre-receive",
        f"if [ ! -e {tmp_path}/done ]; then touch {tmp_path}/done; unset GIT_QUARANTINE_PATH;"
        f" git update-ref refs/heads/main {theirs}; fi",
    )
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world)

    obj = await settled(world)

    ours = repo.show("rev-parse", "main")
    assert (tmp_path / "done").exists()
    assert repo.show("rev-parse", "main~1") == theirs
    assert repo.show("show", "main:theirs.yaml") == "a: 1"
    assert "app:1.1.0" in repo.show("show", "main:web.yaml")
    assert obj["status"]["lastPushCommit"] == ours
    assert "somebody else was faster" in updating.log.read_text()


async def test_a_push_that_failed_is_made_up_for(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    head = repo.commit({"web.yaml": marked(world)})
    repo.hook("pre-receive", "exit 1")
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world)
    failed = await world.failing(IMAGE_UPDATE_AUTOMATION, "auto", "GitOperationFailed")
    assert failed["status"].get("observedPolicies") is None
    assert failed["status"]["lastAutomationRunTime"]
    assert repo.show("rev-parse", "main") == head

    repo.hook("pre-receive", "exit 0")
    obj = await settled(world, seconds=10)

    assert obj["status"]["lastPushCommit"] == repo.show("rev-parse", "main") != head


async def test_files_that_are_not_ours_to_judge(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    """Templates, other encodings, broken files and links out of the tree stand beside what is updated."""
    beside = {
        "apps/template.yaml": marked(world) + "{{ if .x }}\n",
        "apps/latin.yaml": marked(world).encode() + b"caf\xe9: 1\n",
        "apps/utf16.yaml": marked(world).encode("utf-16"),
        "apps/list.yaml": "- " + marked(world).replace("\n", "\n  "),
        "apps/notes.txt": marked(world),
        "other/web.yaml": marked(world),
    }
    (repo.work / "apps").mkdir()
    (repo.work / "apps/out.yaml").symlink_to("/etc/hostname")
    (repo.work / "apps/up.yaml").symlink_to("../../../../etc/hostname")
    (repo.work / "apps/loop.yaml").symlink_to("loop.yaml")
    (repo.work / "here").symlink_to("apps")
    repo.commit({"apps/.hidden/web.yml": marked(world), **beside})
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world, update={"path": "./here/"})

    await settled(world)

    assert repo.show("diff", "--name-only", "main~1", "main") == "apps/.hidden/web.yml"
    await automation(world, "nothing", update={"path": "/other/../apps/notes.txt"}, push={"branch": "x"})
    await settled(world, "nothing")
    assert "refs/heads/x" not in repo.show("for-each-ref")


async def test_a_message_of_a_stranger_stays_text(world: World, server: HttpGitServer, repo: GitRepo) -> None:
    """Values that look like a template, and authors that look like headers."""
    repo.commit({"web.yaml": marked(world)})
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    commit = {
        "author": {"name": "Bot\nparent 0", "email": "b>\n\nbody"},
        "messageTemplate": "{{ .Values.x }}",
        "messageTemplateValues": {"x": '{{ env "HOME" }}\x00\x1b[31m'},
    }
    await automation(world, commit=commit)

    await settled(world)

    shown = repo.show("log", "-1", "--format=%an|%ae|%s", "main")
    assert shown == 'Botparent 0|bbody|{{ env "HOME" }}\x1b[31m'
    repo.show("fsck", "--strict")


async def test_a_deleted_policy_is_noticed_by_the_next_run(
    world: World, server: HttpGitServer, repo: GitRepo
) -> None:
    repo.commit({"web.yaml": marked(world)})
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world)
    first = await settled(world)
    assert first["status"]["observedPolicies"] == {}
    await told(world, "auto", "repository up-to-date")
    await policy(world, "1.1.0")

    async def updated() -> bool:
        return "app:1.1.0" in repo.show("show", "main:web.yaml")

    await eventually(updated)
    again = await rerun(world)
    assert condition(again, "Ready")["status"] == "True"
