"""source-controller does its job with the rights that deploy/base gives it, and with no others."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shared.kube.client import KubeClient
from shared.model.kinds import GIT_REPOSITORY, SERVICE_ACCOUNT
from tests.e2e.conftest import Cluster
from tests.e2e.kubectl import KUBECTL, Kubectl
from tests.e2e.processes import ROOT, ControllerProgram, controller, free_port
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import RUN_LABEL, World

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]


@dataclass(frozen=True)
class Account:
    kubeconfig: Path
    namespace: str
    name: str


@pytest.fixture
async def account(cluster: Cluster, client: KubeClient, tmp_path: Path) -> AsyncIterator[Account]:
    """The service account of an installation of its own, and a kubeconfig with its token."""
    suffix = secrets.token_hex(4)
    namespace, name = f"hw-rights-{suffix}", f"source-controller-{suffix}"
    folder = tmp_path / "installation"
    folder.mkdir()
    overlay = {
        "namespace": namespace,
        "nameSuffix": f"-{suffix}",
        "labels": [{"pairs": {RUN_LABEL: suffix}}],
        "resources": [os.path.relpath(ROOT / "deploy/base/source-controller", folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kubectl = Kubectl(cluster.kubeconfig)
    kubectl("apply", "--server-side", "--kustomize", str(folder))
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = SERVICE_ACCOUNT.path(namespace, name, "token")
    token = (await client.request("POST", path, body=request))["status"]["token"]
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in kubeconfig["users"]:
        user["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    yield Account(tmp_path / "kubeconfig", namespace, name)
    kinds = "namespaces,clusterroles,clusterrolebindings"
    kubectl("delete", kinds, "--selector", f"{RUN_LABEL}={suffix}", "--wait=false")


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


async def test_it_needs_no_more(world: World, repository: Repository, limited: ControllerProgram) -> None:
    repository.commit({"web.yaml": config_map("web", answer="42")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.ready(GIT_REPOSITORY, "repo")
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
    plural, _, group = resource.partition(".")
    asked = {"verb": verb, "resource": plural, "group": group, "namespace": "default"}
    user = f"system:serviceaccount:{account.namespace}:{account.name}"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": asked},
    }
    answer = await client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
    assert answer["status"]["allowed"] is allowed
