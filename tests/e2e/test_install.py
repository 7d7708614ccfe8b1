"""A genuine kubectl installs our manifests; a second time changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Cluster
from tests.e2e.kubectl import KUBECTL, Kubectl
from tests.e2e.processes import ROOT
from tests.e2e.world import RUN_LABEL

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster.kubeconfig)


@pytest.fixture(
    params=[
        "base/source-controller",
        "base/kustomize-controller",
        "base/helm-controller",
        "base/notification-controller",
        "install",
        "overlays/multi-tenant",
    ]
)
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, run_id: str, kubectl: Kubectl
) -> Iterator[Path]:
    """The manifests under names and in a namespace of this run alone; the CRDs keep theirs."""
    name = f"{run_id}-{request.param_index}"
    file = {
        "namespace": f"hw-install-{name}",
        "nameSuffix": f"-{name}",
        "labels": [{"pairs": {RUN_LABEL: name}}],
        "resources": [os.path.relpath(ROOT / "deploy" / request.param, tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(file))
    yield tmp_path
    kinds = "namespaces,clusterroles,clusterrolebindings"
    kubectl("delete", kinds, "--selector", f"{RUN_LABEL}={name}", "--wait=false")


def versions(kubectl: Kubectl, folder: Path) -> dict[str, str]:
    """The generation of each installed object, or its resourceVersion where the kind has no generation."""
    found = yaml.safe_load(kubectl("get", "--kustomize", str(folder), "--output", "yaml"))
    return {
        f"{obj['kind']}/{obj['metadata']['name']}": str(
            obj["metadata"].get("generation", obj["metadata"]["resourceVersion"])
        )
        for obj in found["items"]
        # Controllers of a genuine cluster write to these by themselves.
        if obj["kind"] not in {"Namespace", "ServiceAccount", "ResourceQuota"}
    }


def test_installing_twice_changes_nothing(kubectl: Kubectl, installation: Path) -> None:
    kubectl("apply", "--server-side", "--kustomize", str(installation))
    before = versions(kubectl, installation)
    kubectl("apply", "--server-side", "--kustomize", str(installation))
    assert versions(kubectl, installation) == before
    kubectl("diff", "--server-side", "--kustomize", str(installation))


def test_kinds_are_found_by_their_short_names(kubectl: Kubectl, cluster: Cluster) -> None:
    listed = kubectl("api-resources", "--categories", "fluxcd", "--no-headers")
    assert {line.split()[1] for line in listed.splitlines()} >= {"gitrepo", "ks"}
