"""Take an installation away, and leave what it deployed (specs/cli.md 12.2).

The controllers go first: nobody may prune when the finalizers and the definitions go. Every step may be
repeated after an interruption.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cli.installing.applying import CRD
from cli.installing.readiness import DEPLOYMENT, PART_OF
from cli.printing import Symbol, say
from cli.problems import CliError, explain
from cli.session import Session
from shared.kube.errors import KubeError, NotFound
from shared.logic.kstatus.fields import objects as objects_at
from shared.logic.kstatus.fields import text
from shared.model.kinds import SERVICE_ACCOUNT, Resource
from shared.model.meta import Object, ObjectRef

_RBAC = "rbac.authorization.k8s.io"
_GROUPS = (".toolkit.fluxcd.io", ".extensions.fluxcd.io")
_NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
_IN_NAMESPACE = (
    DEPLOYMENT,
    Resource("", "v1", "Service", "services"),
    Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    SERVICE_ACCOUNT,
    Resource("", "v1", "ResourceQuota", "resourcequotas"),
    Resource(_RBAC, "v1", "RoleBinding", "rolebindings"),
    Resource(_RBAC, "v1", "Role", "roles"),
)
_CLUSTER_WIDE = (
    Resource(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    Resource(_RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False),
)


@dataclass(slots=True)
class Removal:
    """One run; `failures` counts the lines that said so."""

    session: Session
    dry_run: bool
    failures: int = 0

    async def run(self, *, keep_namespace: bool) -> None:
        """Raises CliError when something could not be removed, after everything was tried."""
        say(Symbol.ACTION, f"deleting components in {self.session.namespace} namespace")
        await self._components()
        if self.failures:
            raise CliError("the controllers may still run: nothing else was removed, so that none prunes")
        definitions = await self._definitions()
        say(Symbol.ACTION, "deleting toolkit.fluxcd.io finalizers in all namespaces")
        for definition in definitions:
            await self._finalizers(definition)
        if self.failures:
            raise CliError("some finalizers are left: the custom resource definitions were not removed")
        say(Symbol.ACTION, "deleting toolkit.fluxcd.io custom resource definitions")
        await self._delete(CRD, definitions)
        if not keep_namespace:
            found = await self.session.client.find(_NAMESPACE, "", self.session.namespace)
            await self._delete(_NAMESPACE, [found] if found else [])
        if self.failures:
            raise CliError("not everything could be removed")

    async def _components(self) -> None:
        client = self.session.client
        for resource in _IN_NAMESPACE:
            listed = await client.list(resource, self.session.namespace, label_selector=PART_OF)
            await self._delete(resource, listed.items)
        for resource in _CLUSTER_WIDE:
            listed = await client.list(resource, label_selector=PART_OF)
            await self._delete(resource, listed.items)

    async def _definitions(self) -> list[Object]:
        found = (await self.session.client.list(CRD, label_selector=PART_OF)).items
        return [crd for crd in found if text(crd, "spec", "group").endswith(_GROUPS)]

    async def _finalizers(self, definition: Object) -> None:
        client = self.session.client
        resource = _served(definition)
        if resource is None:
            return
        for obj in (await client.list(resource)).items:
            meta = obj["metadata"]
            if not meta.get("finalizers"):
                continue
            patch: Object = {"metadata": {"finalizers": []}}
            try:
                if not self.dry_run:
                    await client.patch(resource, meta["namespace"], meta["name"], patch)
            except NotFound:
                continue
            except KubeError as error:
                self._failed(obj, f"removing finalizers failed: {explain(error)}")
            else:
                self._done(obj, "finalizers deleted")

    async def _delete(self, resource: Resource, objects: Iterable[Object]) -> None:
        for obj in objects:
            meta = obj["metadata"]
            try:
                if not self.dry_run:
                    await self.session.client.delete(resource, meta.get("namespace", ""), meta["name"])
            except NotFound:
                continue
            except KubeError as error:
                self._failed(obj, f"deletion failed: {explain(error)}")
            else:
                self._done(obj, "deleted")

    def _done(self, obj: Object, what: str) -> None:
        say(Symbol.SUCCESS, f"{ObjectRef.of(obj)} {what}{' (dry run)' if self.dry_run else ''}")

    def _failed(self, obj: Object, what: str) -> None:
        self.failures += 1
        say(Symbol.FAILURE, f"{ObjectRef.of(obj)} {what}")


def _served(definition: Object) -> Resource | None:
    """The kind in a version that the server serves."""
    for version in objects_at(definition, "spec", "versions"):
        if version.get("served"):
            names = definition["spec"]["names"]
            group = definition["spec"]["group"]
            return Resource(group, version["name"], names["kind"], names["plural"])
    return None
