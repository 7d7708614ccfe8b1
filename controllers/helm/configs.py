"""ConfigMaps and Secrets that ask to be watched: a change wakes whoever refers to them (specs/helm.md 18)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP, SECRET, Resource
from shared.model.meta import Object, ObjectKey


class Configs:
    """Metadata-only caches of what carries the label; contents are read when they are used."""

    def __init__(self, client: KubeClient, namespace: str, selector: str) -> None:
        self.caches = [
            Cache(client, resource, namespace=namespace, label_selector=selector, metadata_only=True)
            for resource in (CONFIG_MAP, SECRET)
        ]

    def users_of(self, resource: Resource, releases: Cache, change: Change) -> list[ObjectKey]:
        """Not at the start, when everything is new."""
        cache = next(cache for cache in self.caches if cache.resource == resource)
        if change.before is None and not cache.synced.is_set():
            return []
        return [
            ObjectKey.of(obj)
            for obj in releases
            if obj["metadata"]["namespace"] == change.key.namespace
            and (resource.kind, change.key.name) in set(_references(obj))
        ]


def _references(obj: Object) -> Iterator[tuple[str, str]]:
    spec = obj.get("spec") or {}
    for item in spec.get("valuesFrom") or ():
        yield item.get("kind", ""), item.get("name", "")
    kube_config = spec.get("kubeConfig") or {}
    yield SECRET.kind, (kube_config.get("secretRef") or {}).get("name", "")
    yield CONFIG_MAP.kind, (kube_config.get("configMapRef") or {}).get("name", "")
