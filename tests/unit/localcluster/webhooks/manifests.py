"""Webhook configurations for tests; pass only what the test is about."""

from __future__ import annotations

from typing import Any

from tests.fakes.localcluster_server import RunningCluster

Json = dict[str, Any]
API = "/apis/admissionregistration.k8s.io/v1"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def rule(**rule: Any) -> Json:
    """All writes of config maps."""
    usual = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    return {**usual, **rule}


def webhook(client: Json, name: str = "a.example.com", **fields: Any) -> Json:
    return {
        "name": name,
        "clientConfig": client,
        "rules": [rule()],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        # So that the server's own config maps are no part of a test.
        "objectSelector": {"matchExpressions": [{"key": "quiet", "operator": "DoesNotExist"}]},
        **fields,
    }


async def configure(cluster: RunningCluster, kind: str, *webhooks: Json, name: str = "hooks") -> None:
    """`kind` is Mutating or Validating."""
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(webhooks),
    }
    made = await cluster.request("POST", f"{API}/{kind.lower()}webhookconfigurations", body)
    assert made.status == 201, made.body
