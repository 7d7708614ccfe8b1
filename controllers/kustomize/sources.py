"""sourceRef -> artifact: the rules of access, and the caches that tell when an artifact moved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from controllers.kustomize.failures import AccessDenied, ArtifactFailed
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.kube.errors import ApiError, KubeError, NotFound
from shared.model.artifact import Artifact, artifact_of
from shared.model.kinds import BUCKET, EXTERNAL_ARTIFACT, GIT_REPOSITORY, OCI_REPOSITORY, Resource
from shared.model.kustomize import Kustomization, SourceRef
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Waiting
from shared.runtime.flags import RuntimeSettings


class Sources:
    """Finds artifacts in caches of the source kinds, or at the API server while a cache lacks them."""

    def __init__(
        self, client: KubeClient, settings: RuntimeSettings, *, no_cross_namespace_refs: bool
    ) -> None:
        self._client = client
        self._no_cross_namespace_refs = no_cross_namespace_refs
        self._requeue_dependency = settings.requeue_dependency
        self._external_artifacts = settings.gates["ExternalArtifact"]
        self._direct = settings.gates["DirectSourceFetch"]
        served = [GIT_REPOSITORY, OCI_REPOSITORY, BUCKET]
        if self._external_artifacts:
            served.append(EXTERNAL_ARTIFACT)
        self.caches: Mapping[str, Cache] = {
            resource.kind: Cache(client, resource, namespace=settings.namespace) for resource in served
        }

    async def artifact(self, ks: Kustomization) -> Artifact:
        """Whatever artifact the source has; whether the source is Ready does not matter.

        Raises AccessDenied, ArtifactFailed, or Waiting while there is none.
        """
        self._require_access(ks)
        source = await self._find(ks.source, ks.retry_interval)
        artifact = artifact_of(source)
        if artifact is None:
            seconds = int(self._requeue_dependency.total_seconds())
            raise Waiting(
                f"Source artifact not found, retrying in {seconds}s",
                retry_in=self._requeue_dependency,
                reason=ArtifactFailed.reason,
                quiet=True,
            )
        return artifact

    def _require_access(self, ks: Kustomization) -> None:
        source = ks.source
        if self._no_cross_namespace_refs and source.namespace != ks.namespace:
            raise AccessDenied(f"can't access '{source}', cross-namespace references have been blocked")
        if source.kind == EXTERNAL_ARTIFACT.kind and not self._external_artifacts:
            raise AccessDenied(f"can't access '{source}', ExternalArtifact feature gate is disabled")
        if source.kind not in self.caches:
            raise AccessDenied(f"can't access '{source}', the kind is not a source")

    async def _find(self, ref: SourceRef, retry_in: timedelta) -> Object:
        cache = self.caches[ref.kind]
        cached = None if self._direct else cache.find(ref.key)
        if cached is not None:
            return cached
        try:
            return await self._client.get(cache.resource, ref.namespace, ref.name)
        except NotFound as error:
            raise ArtifactFailed(
                f"Source '{ref}' not found: {error.message}", retry_in=retry_in, quiet=True
            ) from error
        except ApiError as error:
            raise ArtifactFailed(f"unable to get source '{ref.key}': {error.message}") from error
        except KubeError as error:
            raise ArtifactFailed(f"unable to get source '{ref.key}': {error}") from error


class Consumers:
    """Which Kustomizations a changed source concerns."""

    def __init__(self, kustomizations: Cache) -> None:
        self._kustomizations = kustomizations

    def of(self, resource: Resource, change: Change) -> list[ObjectKey]:
        """Those that refer to the source, when its artifact appeared or is another one now."""
        after = artifact_of(change.after) if change.after else None
        before = artifact_of(change.before) if change.before else None
        if after is None or (before is not None and _same(before, after)):
            return []
        return [ObjectKey.of(obj) for obj in self._kustomizations if _refers(obj, resource, change.key)]


def _same(one: Artifact, other: Artifact) -> bool:
    return (one.revision, one.digest) == (other.revision, other.digest)


def _refers(obj: Object, resource: Resource, source: ObjectKey) -> bool:
    ref = (obj.get("spec") or {}).get("sourceRef") or {}
    namespace = ref.get("namespace") or obj["metadata"]["namespace"]
    return (ref.get("kind"), namespace, ref.get("name")) == (resource.kind, source.namespace, source.name)
