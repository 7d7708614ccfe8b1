"""Read the objects between a source and a pod, in that order; nothing is ever written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.why.links import Link, judge, missing
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import UnknownKind
from shared.logic.inventory import InvalidEntry, Inventory
from shared.model import kinds
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectRef

POD = Resource("", "v1", "Pod", "pods")
_WORKLOADS = tuple(
    Resource("apps", "v1", kind, f"{kind.lower()}s")
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
)
_OWNERS = (kinds.KUSTOMIZATION, kinds.HELM_RELEASE)
_SOURCES = (
    kinds.GIT_REPOSITORY,
    kinds.OCI_REPOSITORY,
    kinds.BUCKET,
    kinds.EXTERNAL_ARTIFACT,
    kinds.HELM_CHART,
    kinds.HELM_REPOSITORY,
)
RESOURCES: Mapping[str, Resource] = {
    word: resource
    for resource in (POD, *_WORKLOADS, *_OWNERS, *_SOURCES, kinds.CONFIG_MAP)
    for word in (resource.kind.lower(), resource.plural)
} | {"ks": kinds.KUSTOMIZATION, "hr": kinds.HELM_RELEASE, "deploy": _WORKLOADS[0], "po": POD}
"""By the words that a user may write for a kind."""
_BY_KIND = {resource.kind: resource for resource in RESOURCES.values()}
_MOST_LINKS, _MOST_PODS = 200, 20


@dataclass(slots=True)
class Walk:
    """One walk: each object is read once, and circles end. `links` are in order, the source first."""

    client: KubeClient
    links: list[Link] = field(default_factory=list)
    managed: bool = False
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    async def explain(self, resource: Resource, namespace: str, name: str) -> None:
        """Raises KubeError."""
        await self._visit(resource, namespace, name, down=True)

    async def _visit(self, resource: Resource, namespace: str, name: str, *, down: bool = False) -> None:
        key = (resource.kind, namespace, name)
        if key in self._seen or len(self._seen) >= _MOST_LINKS:
            return
        self._seen.add(key)
        obj = await self.client.find(resource, namespace, name)
        if obj is None:
            self.links.append(missing(f"{resource.kind}/{namespace}/{name}"))
            return
        for above, space, other in _above(obj):
            self.managed = self.managed or above in _OWNERS
            await self._visit(above, space, other)
        self.links.append(judge(obj))
        if down:
            await self._below(obj)

    async def _below(self, obj: Object) -> None:
        if obj["kind"] in {each.kind for each in _OWNERS}:
            self.managed = True
            if not (obj.get("spec") or {}).get("kubeConfig"):
                await self._inventory(obj)
        elif obj["kind"] in {each.kind for each in _WORKLOADS}:
            await self._pods(obj)

    async def _inventory(self, obj: Object) -> None:
        try:
            inventory = Inventory.parse((obj.get("status") or {}).get("inventory"))
        except (InvalidEntry, KeyError):
            return
        discovery = Discovery(self.client)
        for ref in inventory:
            if ref.group in ("apps", "") and ref.kind in _BY_KIND:
                await self._visit(_BY_KIND[ref.kind], ref.namespace, ref.name, down=True)
            elif len(self._seen) < _MOST_LINKS:
                await self._present(discovery, ref)

    async def _present(self, discovery: Discovery, ref: ObjectRef) -> None:
        """Only what is gone is worth a line."""
        self._seen.add((ref.kind, ref.namespace, ref.name))
        try:
            resource = await discovery.resource_of(ref)
        except UnknownKind:
            self.links.append(missing(str(ref)))
            return
        if await self.client.find(resource, ref.namespace, ref.name) is None:
            self.links.append(missing(str(ref)))

    async def _pods(self, workload: Object) -> None:
        labels = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        if not labels:
            return
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        namespace = workload["metadata"].get("namespace", "")
        listed = await self.client.list(POD, namespace, label_selector=selector)
        self.links += [judge(pod) for pod in listed.items[:_MOST_PODS]]


def _above(obj: Mapping[str, Any]) -> list[tuple[Resource, str, str]]:
    """What this object needs or comes from."""
    meta, spec = obj["metadata"], obj.get("spec") or {}
    home, labels = meta.get("namespace", ""), meta.get("labels") or {}
    found = [
        (owner, labels.get(f"{owner.group}/namespace", home), labels[f"{owner.group}/name"])
        for owner in _OWNERS
        if labels.get(f"{owner.group}/name")
    ]
    found += [
        (_BY_KIND[ref["kind"]], home, ref["name"])
        for ref in meta.get("ownerReferences") or ()
        if ref.get("controller") and ref.get("kind") in _BY_KIND
    ]
    chart = ((spec.get("chart") or {}).get("spec") or {}) if isinstance(spec.get("chart"), dict) else {}
    found += [
        (_BY_KIND[ref["kind"]], ref.get("namespace") or home, ref["name"])
        for ref in (spec.get("sourceRef"), chart.get("sourceRef"), spec.get("chartRef"))
        if ref and ref.get("kind") in _BY_KIND
    ]
    found += [
        (owner, ref.get("namespace") or home, ref["name"])
        for owner in _OWNERS
        if owner.kind == obj["kind"]
        for ref in spec.get("dependsOn") or ()
    ]
    return found
