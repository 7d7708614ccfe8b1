"""source-controller does its job with the rights that deploy/base gives it, and with no others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.kube.client import KubeClient
from shared.model.kinds import ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT, GIT_REPOSITORY
from shared.model.meta import Object
from tests.e2e.conftest import Cluster
from tests.e2e.installation import Account, installed
from tests.e2e.kubectl import KUBECTL
from tests.e2e.processes import ControllerProgram, controller, free_port
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import RUN_LABEL, World, condition

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]


@pytest.fixture
async def account(cluster: Cluster, client: KubeClient, tmp_path: Path) -> AsyncIterator[Account]:
    folder = tmp_path / "installation"
    folder.mkdir()
    async with installed("source-controller", cluster, client, folder) as made:
        yield made


@pytest.fixture
def limited(account: Account, run_id: str, tmp_path: Path) -> Iterator[ControllerProgram]:
    """source-controller under that account, with leader election as in the manifests."""
    (tmp_path / "storage").mkdir()
    port = free_port()
    program = controller(
        "source",
        account.kubeconfig,
        tmp_path,
        "--enable-leader-election",
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        f"--storage-path={tmp_path / 'storage'}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
        RUNTIME_NAMESPACE=account.namespace,
    )
    program.start()
    yield program
    program.stop()


def _is_ready(obj: Object) -> bool:
    return condition(obj, "Ready").get("status") == "True"


async def test_it_needs_no_more(world: World, repository: Repository, limited: ControllerProgram) -> None:
    repository.commit({"web.yaml": config_map("web", answer="42")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.ready(GIT_REPOSITORY, "repo")
    source = {"alias": "repo", "kind": GIT_REPOSITORY.kind, "name": "repo"}
    made = {"name": "web", "copy": [{"from": "@repo/**", "to": "@artifact/"}]}
    await world.artifact_generator(sources=[source], artifacts=[made])
    await world.until(ARTIFACT_GENERATOR, "parts", _is_ready)
    await world.client.delete(ARTIFACT_GENERATOR, world.namespace, "parts")
    await world.gone(EXTERNAL_ARTIFACT.api_version, EXTERNAL_ARTIFACT.kind, "web")
    await world.client.delete(GIT_REPOSITORY, world.namespace, "repo")
    await world.gone(GIT_REPOSITORY.api_version, GIT_REPOSITORY.kind, "repo")
    assert "orbidden" not in limited.log.read_text()


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        ("patch", "gitrepositories.source.toolkit.fluxcd.io", True),
        ("get", "secrets", True),
        ("list", "secrets", False),
        ("create", "gitrepositories.source.toolkit.fluxcd.io", False),
        ("patch", "kustomizations.kustomize.toolkit.fluxcd.io", False),
        ("create", "deployments.apps", False),
        ("delete", "namespaces", False),
    ],
)
async def test_what_it_may(
    account: Account, client: KubeClient, verb: str, resource: str, allowed: bool
) -> None:
    assert await account.may(client, verb, resource) is allowed
