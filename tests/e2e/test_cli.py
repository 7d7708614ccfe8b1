"""The command line against an API server and both controllers: what people type, and what they read."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION, SECRET
from tests.e2e.conftest import Controllers
from tests.e2e.processes import ROOT
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of, started
from tests.e2e.world import World, eventually

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


async def headwater(world: World, *arguments: str) -> Done:
    flags = ["--kubeconfig", str(world.kubeconfig), "-n", world.namespace, "--timeout", "30s"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        *flags,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def test_get_shows_both_kinds(world: World, controllers: Controllers, repository: Repository) -> None:
    revision = repository.commit({"a.yaml": config_map("a", key="1")})
    await started(world, repository)
    short = revision[: len("main@sha1:") + 8]

    kustomizations = await headwater(world, "get", "ks")
    assert (kustomizations.status, kustomizations.err) == (0, "")
    rows = [[cell.strip() for cell in line.split("\t")] for line in kustomizations.out.splitlines()]
    assert rows == [
        ["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE", ""],
        ["web", short, "False", "True", f"Applied revision: {short}", ""],
    ]
    everything = await headwater(world, "get", "all", "--no-header")
    assert [line.split("\t")[0].strip() for line in everything.out.splitlines()] == [
        "gitrepository/repo",
        "",
        "kustomization/web",
        "",
    ]
    one = await headwater(world, "get", "sources", "git", "repo", "-o", "json")
    assert json.loads(one.out)["status"]["artifact"]["revision"] == revision
    assert (
        await headwater(world, "get", "ks", "--status-selector", "ready=false", "-o", "name")
    ).out.strip() == ""
    absent = await headwater(world, "get", "ks", "absent")
    message = f"✗ Kustomization object 'absent' not found in \"{world.namespace}\" namespace\n"
    assert (absent.status, absent.err) == (1, message)


async def test_reconcile_with_source_brings_a_commit_to_the_cluster(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await started(world, repository)
    revision = repository.commit({"a.yaml": config_map("a", key="2")})
    done = await headwater(world, "reconcile", "kustomization", "web", "--with-source")
    assert done.status == 0, done.err
    assert done.err.splitlines() == [
        f"► annotating GitRepository repo in {world.namespace} namespace",
        "✔ GitRepository annotated",
        "◎ waiting for GitRepository reconciliation",
        f"✔ fetched revision {revision}",
        f"► annotating Kustomization web in {world.namespace} namespace",
        "✔ Kustomization annotated",
        "◎ waiting for Kustomization reconciliation",
        f"✔ applied revision {revision}",
    ]
    assert await data_of(world, "a") == {"key": "2"}


async def test_reconcile_tells_why_a_commit_does_not_build(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await started(world, repository)
    repository.commit({"kustomization.yaml": "resources: [absent.yaml]\n"})
    done = await headwater(world, "reconcile", "ks", "web", "--with-source")
    assert done.status == 1
    last = done.err.splitlines()[-1]
    assert last.startswith("✗ Kustomization reconciliation failed: kustomize build failed")
    assert "absent.yaml" in last


async def test_suspend_and_resume(world: World, controllers: Controllers, repository: Repository) -> None:
    revision = repository.commit({"a.yaml": config_map("a")})
    await started(world, repository)
    done = await headwater(world, "suspend", "source", "git", "repo", "absent")
    assert (done.status, done.err.splitlines()) == (
        0,
        [
            f"✗ GitRepository absent not found in {world.namespace} namespace",
            f"► suspending source git repo in {world.namespace} namespace",
            "✔ source git suspended",
        ],
    )
    assert (await world.get(GIT_REPOSITORY, "repo"))["spec"]["suspend"] is True
    refused = await headwater(world, "reconcile", "source", "git", "repo")
    assert (refused.status, refused.err) == (1, "✗ resource is suspended\n")
    done = await headwater(world, "resume", "source", "git", "repo")
    assert done.status == 0, done.err
    assert done.err.splitlines()[-1] == f"✔ fetched revision {revision}"
    assert "suspend" not in (await world.get(GIT_REPOSITORY, "repo"))["spec"]


async def test_diff_shows_what_a_folder_would_change_and_no_secret(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{password: {}}}\n"
    repository.commit(
        {"a.yaml": config_map("a", key="1"), "b.yaml": config_map("b"), "s.yaml": secret.format("old-one")}
    )
    await started(world, repository)
    diff = ("diff", "ks", "web", "--path", str(repository.folder))
    same = await headwater(world, *diff)
    assert (same.status, same.out, same.err) == (0, "", "")

    (repository.folder / "a.yaml").write_text(config_map("a", key="2"))
    (repository.folder / "b.yaml").unlink()
    (repository.folder / "c.yaml").write_text(config_map("c"))
    (repository.folder / "s.yaml").write_text(secret.format("new-one"))
    changed = await headwater(world, *diff)
    assert changed.status == 1
    assert changed.err == "⚠️ identified at least one change, exiting with non-zero exit code\n"
    where = world.namespace
    assert changed.out == (
        f"► ConfigMap/{where}/a drifted\n\ndata.key\n  ± value change\n    - 1\n    + 2\n\n"
        f"► ConfigMap/{where}/c created\n"
        f"► Secret/{where}/s drifted\n\ndata.password\n  ± value change\n"
        "    - *** (before)\n    + *** (after)\n\n"
        f"► ConfigMap/{where}/b deleted\n"
    )
    assert await data_of(world, "a") == {"key": "1"}
    assert (await world.get(SECRET, "s"))["data"] == {"password": "b2xkLW9uZQ=="}

    (repository.folder / "kustomization.yaml").write_text("resources: [absent.yaml]\n")
    broken = await headwater(world, *diff)
    assert (broken.status, broken.out) == (2, "")
    assert broken.err.startswith("✗ kustomize build failed")


async def test_tree_and_events(world: World, controllers: Controllers, repository: Repository) -> None:
    repository.commit({"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    await started(world, repository)
    where = world.namespace
    tree = await headwater(world, "tree", "ks", "web")
    assert tree.out == f"Kustomization/{where}/web\n├── ConfigMap/{where}/a\n└── ConfigMap/{where}/b\n"

    async def told() -> bool:
        reasons = {event["reason"] for name in ("web", "repo") for event in await world.events(name)}
        return {"ReconciliationSucceeded", "NewArtifact"} <= reasons

    await eventually(told)
    events = await headwater(world, "events", "--for", "kustomization/web")
    assert events.status == 0
    # A message may have several lines.
    rows = [line.split("\t") for line in events.out.splitlines() if line.count("\t") > 3]
    assert {row[3].strip() for row in rows} == {
        "OBJECT",
        "Kustomization/web",
        "GitRepository/repo",
    }


async def test_build_reads_the_kustomization_and_its_variables_from_the_cluster(
    world: World, controllers: Controllers, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await started(world, repository, postBuild={"substitute": {"who": "world"}})
    (tmp_path / "a.yaml").write_text(config_map("a", hello="${who}"))
    built = await headwater(world, "build", "ks", "web", "--path", str(tmp_path))
    assert built.status == 0, built.err
    assert "  hello: world\n" in built.out
    assert f"  namespace: {world.namespace}\n" in built.out
    assert (await world.get(KUSTOMIZATION, "web"))["status"]["inventory"]["entries"]


async def test_what_is_exported_can_be_applied_again(world: World) -> None:
    await world.git_repository(url="https://example.org/x.git", ref={"branch": "main"}, suspend=True)

    done = await headwater(world, "export", "source", "git", "--all")

    assert done.status == 0, done.err
    assert done.out.startswith("---\n")
    exported = yaml.safe_load(done.out)
    assert set(exported) == {"apiVersion", "kind", "metadata", "spec"}
    assert exported["spec"]["ref"] == {"branch": "main"}

    refused = await headwater(world, "export", "hr", "--all")
    assert (refused.status, refused.err) == (1, f"✗ no objects found in {world.namespace} namespace\n")


async def test_delete_asks_unless_told_not_to(world: World) -> None:
    await world.git_repository(url="https://example.org/x.git", ref={"branch": "main"}, suspend=True)

    refused = await headwater(world, "delete", "source", "git", "repo")
    assert refused.status != 0
    assert not (await world.get(GIT_REPOSITORY, "repo"))["metadata"].get("deletionTimestamp")

    done = await headwater(world, "delete", "source", "git", "repo", "--silent")
    assert (done.status, done.err.splitlines()[-1]) == (0, "✔ source git deleted")
    gone = await world.client.find(GIT_REPOSITORY, world.namespace, "repo")
    assert gone is None or gone["metadata"].get("deletionTimestamp")


async def test_why_names_the_one_cause(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await started(world, repository)
    where = ("-n", world.namespace)
    fine = await headwater(world, "why", "configmap/a", *where)
    assert fine.status == 0, fine.out + fine.err

    repository.commit({"kustomization.yaml": "resources: [absent.yaml]\n"})
    await headwater(world, "reconcile", "ks", "web", "--with-source")
    found = await headwater(world, "why", "configmap/a", *where)
    assert found.status == 1, found.out + found.err
    cause = found.out.splitlines()[0]
    assert "Kustomization" in cause
    assert "absent.yaml" in cause
