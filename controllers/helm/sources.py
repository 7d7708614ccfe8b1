"""chart and chartRef -> artifact: rules of access, readiness, and who is woken (specs/helm.md 5, 7.1, 18)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controllers.helm.failures import AccessDenied, ArtifactFailed, SourceNotReady
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.model.artifact import Artifact, artifact_of
from shared.model.helm import ChartRef, HelmRelease
from shared.model.kinds import EXTERNAL_ARTIFACT, HELM_CHART, OCI_REPOSITORY, Resource
from shared.model.meta import READY, RECONCILING, STALLED, Object, ObjectKey
from shared.runtime.flags import RuntimeSettings

_BEHIND = "latest generation of object has not been reconciled"


@dataclass(frozen=True, slots=True)
class Source:
    """Which object the chart comes from, and what it holds."""

    ref: ChartRef
    artifact: Artifact


class Sources:
    """Finds artifacts in caches of the source kinds, or at the API server while a cache lacks them."""

    def __init__(
        self, client: KubeClient, settings: RuntimeSettings, *, no_cross_namespace_refs: bool
    ) -> None:
        self._client = client
        self._no_cross_namespace_refs = no_cross_namespace_refs
        self._settings = settings
        self._external_artifacts = settings.gates["ExternalArtifact"]
        served = [HELM_CHART, OCI_REPOSITORY]
        if self._external_artifacts:
            served.append(EXTERNAL_ARTIFACT)
        self.caches: Mapping[str, Cache] = {
            resource.kind: Cache(client, resource, namespace=settings.namespace) for resource in served
        }

    async def find(self, hr: HelmRelease, *, fresh: bool = False) -> Source:
        """The source with its artifact; `fresh` asks the server, since we have just written it.

        Raises AccessDenied, ArtifactFailed, SourceNotReady.
        """
        ref = chart_source(hr)
        self._require_access(hr, ref)
        source = await self._get(ref, fresh=fresh)
        problem = unready(source)
        artifact = artifact_of(source)
        if problem or artifact is None:
            seconds = self._settings.requeue_dependency
            spread = 1 + self._settings.jitter * (2 * random.random() - 1)  # noqa: S311 - spreads load
            raise SourceNotReady(f"{ref.kind} '{ref.key}' is not ready: {problem}", retry_in=seconds * spread)
        return Source(ref, artifact)

    def _require_access(self, hr: HelmRelease, ref: ChartRef) -> None:
        if self._no_cross_namespace_refs and ref.namespace != hr.namespace:
            raise AccessDenied(f"cross-namespace references are not allowed: cannot access {ref}")
        if ref.kind == EXTERNAL_ARTIFACT.kind and not self._external_artifacts:
            raise AccessDenied(f"can't access '{ref}', ExternalArtifact feature gate is disabled")
        if ref.kind not in self.caches:
            raise AccessDenied(f"can't access '{ref}', the kind is not a source of charts")

    async def _get(self, ref: ChartRef, *, fresh: bool) -> Object:
        cache = self.caches[ref.kind]
        cached = None if fresh or self._settings.gates["DirectSourceFetch"] else cache.find(ref.key)
        if cached is not None:
            return cached
        try:
            return await self._client.get(cache.resource, ref.namespace, ref.name)
        except NotFound as error:
            raise ArtifactFailed(f"could not get Source object: {error.message}", quiet=True) from error
        except KubeError as error:
            raise ArtifactFailed(f"could not get Source object: {error}", quiet=True) from error


def chart_source(hr: HelmRelease) -> ChartRef:
    """What holds the chart: the HelmChart that we own, or what chartRef names."""
    if hr.chart_ref is not None:
        return hr.chart_ref
    assert hr.chart_key is not None
    return ChartRef(HELM_CHART.kind, hr.chart_key.name, hr.chart_key.namespace)


def unready(source: Mapping[str, Any]) -> str:
    """Why the source cannot be used; nothing when it can (specs/helm.md 7.1)."""
    status = source.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    has_artifact = bool(status.get("artifact"))
    if source.get("kind") != EXTERNAL_ARTIFACT.kind:
        if source["metadata"].get("generation") != status.get("observedGeneration"):
            ready = conditions.get(READY, {})
            return str(ready.get("message")) if ready.get("status") == "False" else _BEHIND
        if conditions.get(STALLED, {}).get("status") == "True":
            return str(conditions[STALLED].get("message"))
    return "" if has_artifact else "does not have an artifact"


class Consumers:
    """Which HelmReleases a changed source concerns."""

    def __init__(self, releases: Cache) -> None:
        self._releases = releases

    def of(self, resource: Resource, change: Change) -> list[ObjectKey]:
        """Those that use the source, when it has news that they have not tried yet."""
        if change.after is None or change.before is None or not _is_news(change.before, change.after):
            return []
        artifact = artifact_of(change.after)
        return [
            ObjectKey.of(obj)
            for obj in self._releases
            if _uses(obj, resource, change.key) and not _has_tried(obj, resource, artifact)
        ]


def _is_news(before: Object, after: Object) -> bool:
    """An artifact appeared or is another one, or the source became ready."""
    old, new = artifact_of(before), artifact_of(after)
    moved = new is not None and (old is None or (old.revision, old.digest) != (new.revision, new.digest))
    return moved or (bool(unready(before)) and not unready(after))


def _uses(obj: Object, resource: Resource, source: ObjectKey) -> bool:
    spec, namespace = obj.get("spec") or {}, obj["metadata"]["namespace"]
    ref = spec.get("chartRef")
    if ref:
        key = ObjectKey(ref.get("namespace") or namespace, ref.get("name") or "")
        return (ref.get("kind"), key) == (resource.kind, source)
    # Not by status.helmChart: the chart may be ready before we have written that down.
    template = (spec.get("chart") or {}).get("spec") or {}
    where = (template.get("sourceRef") or {}).get("namespace") or namespace
    owned = ObjectKey(where, f"{namespace}-{obj['metadata']['name']}")
    return bool(template) and (resource.kind, source) == (HELM_CHART.kind, owned)


def _has_tried(obj: Object, resource: Resource, artifact: Artifact | None) -> bool:
    status = obj.get("status") or {}
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    if artifact is None or "True" not in (conditions.get(READY), conditions.get(RECONCILING)):
        return False
    if resource.kind == HELM_CHART.kind:
        return bool(status.get("lastAttemptedRevision") == artifact.revision)
    _, _, digest = artifact.revision.rpartition("@")
    return bool(status.get("lastAttemptedRevisionDigest") == digest)
