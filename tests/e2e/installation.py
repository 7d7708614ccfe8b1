"""A controller installed for one test: the service account and the rights of its manifests, and no others."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from shared.kube.client import KubeClient
from shared.model.kinds import SERVICE_ACCOUNT
from tests.e2e.conftest import Cluster
from tests.e2e.kubectl import Kubectl
from tests.e2e.processes import ROOT
from tests.e2e.world import RUN_LABEL


@dataclass(frozen=True)
class Account:
    kubeconfig: Path
    namespace: str
    name: str

    async def may(self, client: KubeClient, verb: str, resource: str) -> bool:
        """Ask the API server; `resource` is `plural.group`."""
        plural, _, group = resource.partition(".")
        asked = {"verb": verb, "resource": plural, "group": group, "namespace": "default"}
        user = f"system:serviceaccount:{self.namespace}:{self.name}"
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": asked},
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = await client.request("POST", path, body=review)
        return bool(answer["status"]["allowed"])


@contextlib.asynccontextmanager
async def installed(
    controller: str, cluster: Cluster, client: KubeClient, folder: Path
) -> AsyncIterator[Account]:
    """`deploy/base/<controller>` under names of its own, and a kubeconfig with its account's token."""
    suffix = secrets.token_hex(4)
    namespace, name = f"hw-rights-{suffix}", f"{controller}-{suffix}"
    overlay = {
        "namespace": namespace,
        "nameSuffix": f"-{suffix}",
        "labels": [{"pairs": {RUN_LABEL: suffix}}],
        "resources": [os.path.relpath(ROOT / "deploy/base" / controller, folder)],
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
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    yield Account(folder / "kubeconfig", namespace, name)
    kinds = "namespaces,clusterroles,clusterrolebindings"
    kubectl("delete", kinds, "--selector", f"{RUN_LABEL}={suffix}", "--wait=false")
