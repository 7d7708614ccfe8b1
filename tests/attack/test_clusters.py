"""A cluster that resists, secrets that are not what they seem, and records that grow (demands 3.3: 30, 46, 54, 61, 64)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION, SECRET, Resource
from shared.model.meta import Object
from tests.attack import archives
from tests.attack.arena import Arena
from tests.e2e.conftest import CRD
from tests.e2e.repository import config_map, manifest
from tests.e2e.world import condition
from tests.fakes.localcluster_server import definition
from tests.fakes.webhook_server import denying, webhook_server

pytestmark = pytest.mark.e2e

GOLDEN = Path(__file__).parents[1] / "golden/sops"
HOOK = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)
QUOTA = Resource("", "v1", "ResourceQuota", "resourcequotas")


async def secret(arena: Arena, name: str, **data: bytes) -> None:
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": arena.world.namespace}
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
    await arena.world.client.create(SECRET, obj)


def encrypted(name: str = "secret.yaml") -> str:
    return (GOLDEN / "encrypted" / name).read_text()


def tampered() -> str:
    """A ciphertext is longer than it was."""
    return encrypted().replace("password: ENC[AES256_GCM,data:", "password: ENC[AES256_GCM,data:AAAA", 1)


SEALED = {
    "a key that opens nothing": (encrypted, "other.agekey", "(?i)key|recipient|identity"),
    "a ciphertext that was changed": (tampered, "age.agekey", "(?i)decrypt|auth|tag|data"),
    "no key at all": (encrypted, "", "(?i)key"),
}


@pytest.mark.parametrize(("text", "key", "words"), SEALED.values(), ids=SEALED)
async def test_what_cannot_be_decrypted_is_not_applied(
    arena: Arena, text: object, key: str, words: str
) -> None:
    assert callable(text)
    content = (GOLDEN / "keys" / key).read_bytes() if key else b"# nothing"
    await secret(arena, "keys", age_agekey=content)
    await arena.source("evil", archives.of_files({"secret.yaml": text(), "good.yaml": config_map("half")}))
    await arena.kustomization(decryption={"provider": "sops", "secretRef": {"name": "keys"}})
    await arena.refused("BuildFailed", words)
    assert await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "half") is None


KUBECONFIGS = {
    "a token in a file": ({"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}, "tokenFile"),
    "a certificate in a file": (
        {"client-certificate": "/etc/x", "client-key": "/etc/y"},
        "client-certificate",
    ),
    "a program": ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"}}, "exec"),
    "a plugin of old": ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
}


@pytest.mark.parametrize(("user", "words"), KUBECONFIGS.values(), ids=KUBECONFIGS)
async def test_a_kubeconfig_reaches_into_nothing(arena: Arena, user: object, words: str) -> None:
    config = yaml.safe_load(arena.world.kubeconfig.read_text())
    config["users"][0]["user"] = user
    await secret(arena, "remote", value=yaml.safe_dump(config).encode())
    await arena.source("evil", archives.of_files({"a.yaml": config_map("half")}))
    await arena.kustomization(kubeConfig={"secretRef": {"name": "remote"}})
    await arena.refused("ReconciliationFailed", words)


async def test_a_quota_names_what_is_too_much(arena: Arena) -> None:
    metadata = {"name": "few", "namespace": arena.world.namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata}
    await arena.world.client.create(QUOTA, quota | {"spec": {"hard": {"count/configmaps": "3"}}})
    files = {f"{n}.yaml": config_map(f"c{n}") for n in range(6)}
    await arena.source("evil", archives.of_files(files))
    await arena.kustomization()
    await arena.refused("ReconciliationFailed", "(?i)exceeded quota")


async def changed_to(arena: Arena, files: dict[str, str]) -> str:
    return await arena.source("evil", archives.of_files(files))


async def test_a_webhook_that_forbids_a_deletion_is_named_and_asked_again(arena: Arena) -> None:
    namespace = arena.world.namespace
    await changed_to(arena, {"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    await arena.kustomization(retryInterval="1s")
    await arena.world.ready(KUSTOMIZATION, "victim")
    async with webhook_server() as hook:
        config = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [
                {
                    "name": "never.example.com",
                    "clientConfig": hook.on("/never", denying(message="not today")),
                    "rules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["DELETE"],
                            "resources": ["configmaps"],
                        }
                    ],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                }
            ],
        }
        await arena.world.client.create(HOOK, config)
        try:
            revision = await changed_to(arena, {"a.yaml": config_map("a")})
            await arena.refused("PruneFailed", "ConfigMap/.*/b.*not today")
        finally:
            await arena.world.client.delete(HOOK, "", namespace)
    await arena.world.ready(KUSTOMIZATION, "victim", revision=revision)
    assert await arena.world.client.find(CONFIG_MAP, namespace, "b") is None


async def test_an_object_that_does_not_go_holds_nobody(arena: Arena) -> None:
    await changed_to(arena, {"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    await arena.kustomization()
    await arena.world.ready(KUSTOMIZATION, "victim")
    stuck = {"metadata": {"finalizers": ["headwater.test/stuck"]}}
    await arena.world.client.patch(CONFIG_MAP, arena.world.namespace, "b", stuck)
    revision = await changed_to(arena, {"a.yaml": config_map("a")})
    ks = await arena.world.ready(KUSTOMIZATION, "victim", revision=revision)
    assert len(ks["status"]["inventory"]["entries"]) == 1
    loose = {"metadata": {"finalizers": None}}
    await arena.world.client.patch(CONFIG_MAP, arena.world.namespace, "b", loose)


async def test_a_definition_that_is_gone_takes_its_objects_along(arena: Arena) -> None:
    group = f"{arena.world.namespace}.example.com"
    await arena.world.client.create(CRD, definition(group))
    widget = manifest(f"{group}/v1", "Widget", "w", spec={"a": 1})
    await changed_to(arena, {"a.yaml": config_map("a"), "w.yaml": widget})
    await arena.kustomization(retryInterval="1s")
    await arena.world.ready(KUSTOMIZATION, "victim")
    await arena.world.client.delete(CRD, "", f"widgets.{group}")
    await arena.world.gone(CRD.api_version, CRD.kind, f"widgets.{group}")
    await changed_to(arena, {"a.yaml": config_map("a", round="2"), "w.yaml": widget})
    await arena.refused("ReconciliationFailed", "Widget")
    revision = await changed_to(arena, {"a.yaml": config_map("a", round="3")})
    ks = await arena.world.ready(KUSTOMIZATION, "victim", revision=revision)
    assert len(ks["status"]["inventory"]["entries"]) == 1


async def test_a_kustomization_that_leaves_git_deletes_itself_and_its_things(arena: Arena) -> None:
    spec: Object = {"interval": "1h", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "evil"}}
    own = manifest(KUSTOMIZATION.api_version, "Kustomization", "victim", spec=spec | {"path": "./"})
    metadata = yaml.safe_load(own)
    metadata["metadata"]["labels"] = {"headwater.test/run": arena.world.run_id}
    metadata["spec"]["targetNamespace"] = arena.world.namespace
    own = yaml.safe_dump(metadata)
    await changed_to(arena, {"own.yaml": own, "a.yaml": config_map("a")})
    await arena.kustomization()
    await arena.world.ready(KUSTOMIZATION, "victim")
    await changed_to(arena, {"a.yaml": config_map("a")})
    await arena.world.gone(KUSTOMIZATION.api_version, "Kustomization", "victim")
    assert await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "a") is None
    await arena.neighbour_moves()


async def test_more_objects_than_can_be_recorded(arena: Arena) -> None:
    text = "---\n".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {'c' * 200}-{n}}}\n" for n in range(5_000)
    )
    await arena.source("evil", archives.of_files({"a.yaml": text}))
    await arena.kustomization()
    ks = await arena.refused("ReconciliationFailed", "the inventory of 5000 objects takes .* KiB.*divide")
    assert not ks["status"].get("inventory")
    assert condition(ks, "Ready")["status"] == "False"
