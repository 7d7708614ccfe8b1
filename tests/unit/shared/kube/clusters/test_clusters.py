"""Acting in this cluster and in another one, as oneself and as a service account without rights."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.kube import clusters
from shared.kube.client import KubeClient
from shared.kube.clusters import Actor, ClusterRefused, Clusters, ClusterSettings
from shared.kube.discovery import Discovery
from shared.kube.errors import ApiUnreachable, Forbidden, KubeError
from shared.kube.kubeconfig import Allowed
from shared.model.applying import KubeConfigRef
from shared.model.kinds import CONFIG_MAP, SECRET, SERVICE_ACCOUNT, Resource

ROLE = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDING = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")


@pytest.fixture
async def plain(management: KubeClient) -> Any:
    found = Clusters(management, Discovery(management), ClusterSettings())
    yield found
    await found.close()


def using(settings: ClusterSettings, client: KubeClient, **rest: Any) -> Clusters:
    return Clusters(client, Discovery(client), settings, **rest)


def actor(namespace: str, **spec: Any) -> Actor:
    """The part of a spec that says where to act, and as whom."""
    ref = spec.get("kubeConfig")
    return Actor(namespace, spec.get("serviceAccountName") or "", KubeConfigRef.parse(ref) if ref else None)


def by_secret(namespace: str, name: str = "remote", **ref: Any) -> Actor:
    return actor(namespace, kubeConfig={"secretRef": {"name": name, **ref}})


def config_map(namespace: str, name: str = "made") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


async def store(client: KubeClient, namespace: str, content: bytes, key: str = "value") -> dict[str, Any]:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "remote", "namespace": namespace},
        "data": {key: base64.b64encode(content).decode()},
    }
    return await client.apply(SECRET, secret, field_manager="tests")


async def account(client: KubeClient, namespace: str, name: str) -> None:
    metadata = {"name": name, "namespace": namespace}
    await client.create(SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})


async def allow(client: KubeClient, namespace: str, name: str) -> None:
    """The account may write ConfigMaps of its namespace."""
    metadata = {"name": "writer", "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}]
    api_version = "rbac.authorization.k8s.io/v1"
    await client.create(
        ROLE, {"apiVersion": api_version, "kind": "Role", "metadata": metadata, "rules": rules}
    )
    await client.create(
        ROLE_BINDING,
        {
            "apiVersion": api_version,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": ROLE.group, "kind": "Role", "name": "writer"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    )


async def test_without_anything_the_controller_acts_itself(
    plain: Clusters, management: KubeClient, namespace: str
) -> None:
    target = await plain.client(actor(namespace))
    assert target.client is management
    assert (target.key.cluster, target.key.user) == ("", "")


async def test_an_impersonated_account_has_its_own_rights_and_no_more(
    plain: Clusters, management: KubeClient, namespace: str
) -> None:
    tenant = actor(namespace, serviceAccountName="tenant")
    await account(management, namespace, "tenant")
    target = await plain.client(tenant)
    assert target.key.user == f"system:serviceaccount:{namespace}:tenant"
    with pytest.raises(Forbidden):
        await target.client.create(CONFIG_MAP, config_map(namespace))
    await allow(management, namespace, "tenant")
    await target.client.create(CONFIG_MAP, config_map(namespace))
    with pytest.raises(Forbidden):
        await target.client.get(SECRET, namespace, "x")
    assert target.own is management


async def test_the_specs_account_wins_over_the_flags(management: KubeClient, namespace: str) -> None:
    found = using(ClusterSettings(default_service_account="fallback"), management)
    assert (await found.client(actor(namespace))).key.user.endswith(":fallback")
    assert (await found.client(actor(namespace, serviceAccountName="own"))).key.user.endswith(":own")


@pytest.mark.parametrize(
    "name", [" ", "\t", "a b", "a\r\nImpersonate-Group: system:masters", "A", "-a", "a" * 254]
)
async def test_an_odd_account_never_means_the_controllers_own_rights(plain: Clusters, name: str) -> None:
    tenant = actor("apps", serviceAccountName=name)
    with pytest.raises(ClusterRefused, match="not the name of a ServiceAccount"):
        await plain.client(tenant)
    assert not await plain.can_impersonate(tenant)


async def test_an_account_can_be_impersonated_when_it_can_be_read(
    plain: Clusters, management: KubeClient, namespace: str
) -> None:
    tenant = actor(namespace, serviceAccountName="tenant", kubeConfig={"secretRef": {"name": "gone"}})
    assert not await plain.can_impersonate(tenant)
    await account(management, namespace, "tenant")
    assert await plain.can_impersonate(tenant)
    assert await plain.can_impersonate(actor(namespace))


async def test_a_secret_leads_to_the_remote_cluster(
    plain: Clusters, management: KubeClient, remote: KubeClient, remote_kubeconfig: Path, namespace: str
) -> None:
    await store(management, namespace, remote_kubeconfig.read_bytes())
    target = await plain.client(by_secret(namespace))
    await target.client.create(CONFIG_MAP, config_map(namespace))
    assert await remote.find(CONFIG_MAP, namespace, "made")
    assert await management.find(CONFIG_MAP, namespace, "made") is None
    assert (await target.discovery.resource("apps/v1", "Deployment")).plural == "deployments"


async def test_an_account_is_impersonated_in_the_remote_cluster(
    plain: Clusters, management: KubeClient, remote: KubeClient, remote_kubeconfig: Path, namespace: str
) -> None:
    await store(management, namespace, remote_kubeconfig.read_bytes())
    tenant = actor(namespace, serviceAccountName="tenant", kubeConfig={"secretRef": {"name": "remote"}})
    target = await plain.client(tenant)
    await allow(management, namespace, "tenant")  # rights in the management cluster count for nothing
    with pytest.raises(Forbidden):
        await target.client.create(CONFIG_MAP, config_map(namespace))
    await allow(remote, namespace, "tenant")
    await target.client.create(CONFIG_MAP, config_map(namespace))


@pytest.mark.parametrize("keys", [("value", ""), ("value.yaml", ""), ("mine", "mine")])
async def test_the_key_is_the_given_one_or_value_or_value_yaml(
    plain: Clusters,
    management: KubeClient,
    remote_kubeconfig: Path,
    namespace: str,
    keys: tuple[str, str],
) -> None:
    stored, asked = keys
    await store(management, namespace, remote_kubeconfig.read_bytes(), stored)
    target = await plain.client(by_secret(namespace, key=asked))
    await target.client.list(CONFIG_MAP, namespace)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param((None, {}, r"unable to read KubeConfig secret '.*/remote' error: "), id="no secret"),
        pytest.param((b"x", {"key": "other"}, "has no key 'other'"), id="no such key"),
        pytest.param((b"", {}, "has no key 'value' or 'value.yaml'"), id="empty"),
        pytest.param((b"x", {}, r"KubeConfig secret '.*/remote': not a mapping"), id="no kubeconfig"),
    ],
)
async def test_a_secret_that_does_not_help_is_named(
    plain: Clusters, management: KubeClient, namespace: str, case: tuple[bytes | None, Any, str]
) -> None:
    content, ref, told = case
    if content is not None:
        await store(management, namespace, content)
    with pytest.raises(ClusterRefused, match=told):
        await plain.client(by_secret(namespace, **ref))


def altered(
    path: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> bytes:
    document = yaml.safe_load(path.read_text())
    document["clusters"][0]["cluster"] |= cluster or {}
    document["users"][0]["user"] |= user or {}
    return yaml.safe_dump(document).encode()


async def test_tls_is_verified_unless_the_flag_allows_not_to(
    management: KubeClient, remote_kubeconfig: Path, namespace: str
) -> None:
    document = yaml.safe_load(remote_kubeconfig.read_text())
    document["clusters"][0]["cluster"].pop("certificate-authority-data")
    document["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    await store(management, namespace, yaml.safe_dump(document).encode())
    strict = using(ClusterSettings(), management)
    lax = using(ClusterSettings(allowed=Allowed(insecure_tls=True)), management)
    try:
        target = await strict.client(by_secret(namespace))
        with pytest.raises(ApiUnreachable, match=r"(?i)certificate"):
            await target.client.list(CONFIG_MAP, namespace)
        target = await lax.client(by_secret(namespace))
        await target.client.list(CONFIG_MAP, namespace)
    finally:
        await strict.close()
        await lax.close()


@pytest.mark.parametrize(
    "case",
    [
        ({"certificate-authority-data": base64.b64encode(b"junk").decode()}, None, "no certificates in PEM"),
        (
            None,
            dict.fromkeys(("client-certificate-data", "client-key-data"), base64.b64encode(b"junk").decode()),
            "no pair in PEM",
        ),
    ],
)
async def test_certificates_that_are_none_are_refused(
    plain: Clusters,
    management: KubeClient,
    remote_kubeconfig: Path,
    namespace: str,
    case: tuple[Any, Any, str],
) -> None:
    cluster, user, told = case
    await store(management, namespace, altered(remote_kubeconfig, cluster=cluster, user=user))
    with pytest.raises(ClusterRefused, match=told):
        await plain.client(by_secret(namespace))


async def test_an_exec_plugin_is_run_only_when_the_flag_allows_it(
    management: KubeClient, remote_kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    document = yaml.safe_load(remote_kubeconfig.read_text())
    token = document["users"][0]["user"]["token"]
    ran = tmp_path / "ran"
    status = f'{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}"}}}}'
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", f"touch {ran}; echo '{status}'"],
        "interactiveMode": "Never",
    }
    document["users"][0]["user"] = {"exec": plugin}
    await store(management, namespace, yaml.safe_dump(document).encode())
    strict = using(ClusterSettings(), management)
    with pytest.raises(ClusterRefused, match="exec plugin may not be run"):
        await strict.client(by_secret(namespace))
    assert not ran.exists()
    lax = using(ClusterSettings(allowed=Allowed(exec_plugins=True)), management)
    try:
        target = await lax.client(by_secret(namespace))
        await target.client.list(CONFIG_MAP, namespace)
    finally:
        await lax.close()
    assert ran.exists()


async def test_a_connection_is_kept_until_its_secret_changes(
    management: KubeClient, remote_kubeconfig: Path, namespace: str
) -> None:
    gone: list[str] = []
    found = using(ClusterSettings(), management, gone=gone.append)
    await store(management, namespace, remote_kubeconfig.read_bytes())
    first = await found.client(by_secret(namespace))
    again = await found.client(by_secret(namespace))
    assert again.own is first.own
    assert again.key == first.key
    await store(management, namespace, altered(remote_kubeconfig, user={"username": "x"}))
    other = await found.client(by_secret(namespace))
    assert other.own is not first.own
    assert gone == [first.key.cluster]
    await first.client.list(CONFIG_MAP, namespace)  # whoever is at work may finish
    await found.close()
    with pytest.raises((KubeError, RuntimeError)):
        await other.client.list(CONFIG_MAP, namespace)


async def test_connections_are_bounded_and_the_oldest_goes(
    management: KubeClient, remote_kubeconfig: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_MAX_REMOTES", 2)
    gone: list[str] = []
    found = using(ClusterSettings(), management, gone=gone.append)
    content = base64.b64encode(remote_kubeconfig.read_bytes()).decode()
    metadata = {"name": "remote", "namespace": namespace}
    data = dict.fromkeys(("a", "b", "c"), content)
    await management.create(
        SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    )
    for key in ("a", "b", "a", "c"):
        await found.client(by_secret(namespace, key=key))
    assert [cluster.partition("@")[0] for cluster in gone] == [f"secret/{namespace}/remote/b"]
    await found.close()


GENERIC = ClusterSettings(object_level_identity=True)


async def by_config_map(client: KubeClient, namespace: str, **data: str) -> Actor:
    await client.apply(CONFIG_MAP, {**config_map(namespace, "remote"), "data": data}, field_manager="tests")
    return actor(namespace, kubeConfig={"configMapRef": {"name": "remote"}})


def address_of(path: Path) -> dict[str, str]:
    cluster = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]
    return {
        "provider": "generic",
        "address": cluster["server"],
        "ca.crt": base64.b64decode(cluster["certificate-authority-data"]).decode(),
    }


async def test_a_config_map_leads_there_with_a_token_of_a_service_account(
    management: KubeClient, management_kubeconfig: Path, namespace: str
) -> None:
    """The management cluster stands for the remote one: it trusts its own tokens."""
    found = using(GENERIC, management)
    await account(management, namespace, "deployer")
    await allow(management, namespace, "deployer")
    data = address_of(management_kubeconfig) | {
        "serviceAccountName": "deployer",
        "audiences": "https://kubernetes.default.svc.cluster.local\nhttps://kubernetes.default.svc",
    }
    try:
        target = await found.client(await by_config_map(management, namespace, **data))
        await target.client.create(CONFIG_MAP, config_map(namespace))
        with pytest.raises(Forbidden, match=f"system:serviceaccount:{namespace}:deployer"):
            await target.client.get(SECRET, namespace, "x")
    finally:
        await found.close()


async def test_a_token_for_an_account_that_is_not_there_is_a_failure(
    management: KubeClient, management_kubeconfig: Path, namespace: str
) -> None:
    found = using(GENERIC, management)
    data = address_of(management_kubeconfig) | {"serviceAccountName": "nobody"}
    try:
        target = await found.client(await by_config_map(management, namespace, **data))
        with pytest.raises(KubeError, match="nobody"):
            await target.client.get(CONFIG_MAP, namespace, "x")
    finally:
        await found.close()


@pytest.mark.parametrize(
    ("data", "settings", "told"),
    [
        ({"provider": "aws"}, GENERIC, "provider 'aws' is not offered"),
        ({"provider": "gcp"}, GENERIC, "provider 'gcp' is not offered"),
        ({"provider": "other"}, GENERIC, "is not one of aws, azure, gcp, generic"),
        ({}, GENERIC, "is not one of aws, azure, gcp, generic"),
        ({"provider": "generic"}, GENERIC, "address must be an https address"),
        ({"provider": "generic", "address": "http://x"}, GENERIC, "address must be an https address"),
        ({"provider": "generic", "address": "https://x"}, GENERIC, "serviceAccountName is missing"),
        (
            {"provider": "generic", "address": "https://x", "serviceAccountName": "a/../b"},
            GENERIC,
            "not the name of a ServiceAccount",
        ),
        (
            {"provider": "generic", "address": "https://x", "serviceAccountName": "a"},
            ClusterSettings(),
            "please enable the ObjectLevelWorkloadIdentity feature gate",
        ),
        (
            {"provider": "generic", "address": "https://x", "serviceAccountName": "a", "ca.crt": "junk"},
            GENERIC,
            "no certificates in PEM",
        ),
    ],
)
async def test_a_config_map_that_does_not_help_is_named(
    management: KubeClient, namespace: str, data: dict[str, str], settings: ClusterSettings, told: str
) -> None:
    wanted = await by_config_map(management, namespace, **data)
    with pytest.raises(ClusterRefused, match=rf"KubeConfig configmap '.*/remote': .*{told}"):
        await using(settings, management).client(wanted)


async def test_a_missing_config_map_is_named(plain: Clusters, namespace: str) -> None:
    with pytest.raises(ClusterRefused, match=r"unable to read KubeConfig configmap '.*/gone' error: "):
        await plain.client(actor(namespace, kubeConfig={"configMapRef": {"name": "gone"}}))
