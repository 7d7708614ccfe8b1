"""Where the owner of objects acts, and as whom (specs/kustomize.md 13, specs/runtime.md 8.1).

The controller's own cluster or a remote one; there as itself, as the kubeconfig's user, or as an
impersonated service account. References are always read in the management cluster, with the
controller's own identity.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.kube.client import Identity, KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.kube.kubeconfig import Access, Allowed, KubeconfigRefused, parse_kubeconfig
from shared.kube.remote import Credentials, RequestedToken, open_connection
from shared.model.applying import KubeConfigRef
from shared.model.kinds import CONFIG_MAP, SECRET, SERVICE_ACCOUNT
from shared.model.meta import Object, ObjectKey

_MAX_REMOTES = 50
# Whoever still works with a connection that was replaced gets this long to finish.
_GRACE_SECONDS = 600.0
_ACCOUNT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_KEYS = ("value", "value.yaml")
_CLOUDS = ("aws", "azure", "gcp")
_NOTHING = Allowed()


class ClusterRefused(Exception):
    """There is no way to act as the spec wants. Quotes no credentials."""


class ReferenceUnread(ClusterRefused):
    """The Secret or ConfigMap of the kubeconfig cannot be read; the cause is the client's error."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose spec it is: its namespace, and what the spec says of cluster and account."""

    namespace: str
    service_account: str = ""
    kube_config: KubeConfigRef | None = None


@dataclass(frozen=True, slots=True)
class TargetKey:
    """Equal for two owners that act in the same place as the same user.

    `cluster` is empty for the management cluster; it changes with every version of a kubeconfig.
    """

    cluster: str
    user: str


@dataclass(frozen=True, slots=True)
class Target:
    """`client` acts for the owner; `own` is the same cluster without impersonation, for watches."""

    client: KubeClient
    own: KubeClient
    discovery: Discovery
    key: TargetKey


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Flags. `own_account` is the controller's own ServiceAccount, where it is known."""

    allowed: Allowed = _NOTHING
    default_service_account: str = ""
    default_kubeconfig_service_account: str = ""
    object_level_identity: bool = False
    own_account: ObjectKey | None = None
    user_agent: str = "headwater"


@dataclass(frozen=True, slots=True)
class CloudCluster:
    """What a ConfigMap says of a cloud's cluster; `cluster` is the resource's id there."""

    provider: str
    namespace: str
    cluster: str
    address: str = ""
    ca: str = ""
    service_account: str = ""


class OpenCloudCluster(Protocol):
    """Finds such a cluster and makes its tokens. Raises KubeconfigRefused."""

    def __call__(self, wanted: CloudCluster) -> Awaitable[tuple[Access, Credentials]]: ...


@dataclass(slots=True)
class _Remote:
    version: str
    client: KubeClient
    discovery: Discovery
    identity: Identity | None
    retired_at: float = 0.0


def _nobody(_cluster: str) -> None:
    pass


class Clusters:
    """Connections to remote clusters are kept by reference, at most 50, and replaced when it changes.

    `gone` is told the `TargetKey.cluster` of each that is given up, so that whatever was kept for it
    can be dropped.
    """

    def __init__(
        self,
        client: KubeClient,
        discovery: Discovery,
        settings: ClusterSettings,
        gone: Callable[[str], None] = _nobody,
        clouds: OpenCloudCluster | None = None,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._settings = settings
        self._gone = gone
        self._clouds = clouds
        self._remotes: dict[str, _Remote] = {}
        self._retired: list[_Remote] = []
        self._lock = asyncio.Lock()

    async def client(self, actor: Actor) -> Target:
        """Raises ClusterRefused, and ReferenceUnread where the kubeconfig cannot be read."""
        identity = self._impersonated(actor)
        if actor.kube_config is None:
            return _target(self._client, self._discovery, "", identity)
        try:
            remote = await self._remote(actor.kube_config, actor.namespace)
        except KubeconfigRefused as error:
            raise ClusterRefused(str(error)) from error
        return _target(remote.client, remote.discovery, remote.version, identity or remote.identity)

    async def can_impersonate(self, actor: Actor) -> bool:
        """Can the service account be read, always in the management cluster? True where there is none."""
        name = actor.service_account or self._settings.default_service_account
        if not name:
            return True
        if _ACCOUNT_NAME.fullmatch(name) is None:
            return False
        try:
            await self._client.get(SERVICE_ACCOUNT, actor.namespace, name, metadata_only=True)
        except KubeError:
            return False
        return True

    async def close(self) -> None:
        """Close every remote connection; the client given is its owner's."""
        doomed = [*self._remotes.values(), *self._retired]
        self._remotes.clear()
        self._retired.clear()
        for remote in doomed:
            await remote.client.close()

    def _impersonated(self, actor: Actor) -> Identity | None:
        name = actor.service_account or self._settings.default_service_account
        if not name:
            return None
        if _ACCOUNT_NAME.fullmatch(name) is None:
            # Whatever it is, acting with the controller's own rights instead would be worse.
            raise ClusterRefused(f"{name[:100]!r} is not the name of a ServiceAccount")
        return Identity.service_account(actor.namespace, name)

    async def _remote(self, ref: KubeConfigRef, namespace: str) -> _Remote:
        if ref.secret:
            source = f"secret/{namespace}/{ref.secret}/{ref.key}"
            obj = await self._read("secret", ObjectKey(namespace, ref.secret))
        else:
            source = f"configmap/{namespace}/{ref.config_map}"
            obj = await self._read("configmap", ObjectKey(namespace, ref.config_map))
        version = f"{source}@{obj['metadata'].get('uid', '')}/{obj['metadata'].get('resourceVersion', '')}"
        async with self._lock:
            await self._close_retired()
            found = self._remotes.pop(source, None)
            if found is None or found.version != version:
                if found is not None:
                    self._retire(found)
                found = await self._connected(ref, obj, version)
            self._remotes[source] = found  # the last one used is the last one in
            while len(self._remotes) > _MAX_REMOTES:
                self._retire(self._remotes.pop(next(iter(self._remotes))))
        return found

    async def _read(self, kind: str, key: ObjectKey) -> Object:
        resource = SECRET if kind == "secret" else CONFIG_MAP
        try:
            return await self._client.get(resource, key.namespace, key.name)
        except KubeError as error:
            raise ReferenceUnread(f"unable to read KubeConfig {kind} '{key}' error: {error}") from error

    async def _connected(self, ref: KubeConfigRef, obj: Object, version: str) -> _Remote:
        where = f"KubeConfig {'secret' if ref.secret else 'configmap'} '{ObjectKey.of(obj)}'"
        credentials: Credentials | None = None
        try:
            if ref.secret:
                access = parse_kubeconfig(_content(obj, ref.key), self._settings.allowed)
            else:
                access, credentials = await self._by_token(obj)
            connection = await open_connection(access, credentials)
        except (KubeconfigRefused, KubeError) as error:
            raise KubeconfigRefused(f"{where}: {error}") from error
        client = KubeClient(connection, user_agent=self._settings.user_agent)
        return _Remote(version, client, Discovery(client), access.identity)

    async def _by_token(self, obj: Object) -> tuple[Access, Credentials]:
        data: dict[str, Any] = obj.get("data") or {}
        provider, address = data.get("provider", ""), str(data.get("address", "")).strip()
        if provider in _CLOUDS:
            return await self._of_cloud(provider, address, data, obj["metadata"]["namespace"])
        if provider != "generic":
            raise KubeconfigRefused(f"provider {provider[:50]!r} is not one of aws, azure, gcp, generic")
        if not address.startswith("https://"):
            raise KubeconfigRefused("address must be an https address for the generic provider")
        audiences = tuple(str(data.get("audiences", "")).split()) or (address,)
        account = self._account(str(data.get("serviceAccountName", "")).strip(), obj["metadata"]["namespace"])
        access = Access(address.rstrip("/"), ca=str(data.get("ca.crt", "")).encode())
        return access, RequestedToken(self._client, account, audiences)

    async def _of_cloud(
        self, provider: str, address: str, data: Mapping[str, Any], namespace: str
    ) -> tuple[Access, Credentials]:
        if self._clouds is None:
            raise KubeconfigRefused(
                f"provider {provider!r} is not offered here; use 'generic' or a secretRef"
            )
        if address and not address.startswith("https://"):
            raise KubeconfigRefused("address must be an https address")
        cluster = str(data.get("cluster", "")).strip()
        if not cluster:
            raise KubeconfigRefused(f"'cluster' is missing, which provider {provider!r} needs")
        given = str(data.get("serviceAccountName", "")).strip()
        account = given or self._settings.default_kubeconfig_service_account
        return await self._clouds(
            CloudCluster(provider, namespace, cluster, address, str(data.get("ca.crt", "")), account)
        )

    def _account(self, given: str, namespace: str) -> ObjectKey:
        settings = self._settings
        if given and not settings.object_level_identity:
            raise KubeconfigRefused(
                "to use serviceAccountName please enable the ObjectLevelWorkloadIdentity feature gate "
                "in the controller"
            )
        name = given or settings.default_kubeconfig_service_account
        if name:
            if _ACCOUNT_NAME.fullmatch(name) is None:
                raise KubeconfigRefused(f"{name[:100]!r} is not the name of a ServiceAccount")
            return ObjectKey(namespace, name)
        if settings.own_account is None:
            raise KubeconfigRefused("serviceAccountName is missing, and the controller has no ServiceAccount")
        return settings.own_account

    def _retire(self, remote: _Remote) -> None:
        remote.retired_at = asyncio.get_running_loop().time()
        self._retired.append(remote)
        self._gone(remote.version)

    async def _close_retired(self) -> None:
        now = asyncio.get_running_loop().time()
        late = [remote for remote in self._retired if now - remote.retired_at >= _GRACE_SECONDS]
        self._retired = [remote for remote in self._retired if remote not in late]
        for remote in late:
            await remote.client.close()


def _target(client: KubeClient, discovery: Discovery, cluster: str, identity: Identity | None) -> Target:
    if identity is None:
        return Target(client, client, discovery, TargetKey(cluster, ""))
    return Target(client.impersonating(identity), client, discovery, TargetKey(cluster, identity.user))


def _content(secret: Object, key: str) -> bytes:
    data = secret.get("data") or {}
    for name in (key,) if key else _KEYS:
        if data.get(name):
            try:
                return base64.b64decode(data[name])
            except (binascii.Error, TypeError) as error:
                raise KubeconfigRefused(f"the value of key '{name}' is not base64") from error
    wanted = f"'{key}'" if key else "'value' or 'value.yaml'"
    raise KubeconfigRefused(f"it has no key {wanted} with a kubeconfig")
