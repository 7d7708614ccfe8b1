"""What a HelmChart is made of: the source that it names, and its stored artifact (spec source 11.2)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controllers.source.charts.conditions import ChartReason
from shared.artifacts.storage import Shelf, Storage
from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.artifact import Artifact, artifact_of
from shared.model.helm_source import HelmChart, HelmRepository
from shared.model.kinds import HELM_REPOSITORY
from shared.model.meta import Object, ObjectKey
from shared.runtime.failure import Failure, Stalled, Waiting


@dataclass(frozen=True, slots=True)
class Source:
    """`repository` is set for that kind; `artifact` and `file` are missing for one of type oci alone."""

    kind: str
    repository: HelmRepository | None = None
    artifact: Artifact | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Reads the caches of the kinds in this process, and asks the server for what they lack."""

    client: KubeClient
    storage: Storage
    caches: Mapping[str, Cache]
    requeue: timedelta

    async def find(self, chart: HelmChart) -> Source:
        """Raises Stalled for a kind that is no source, Waiting while there is no artifact, Failure."""
        cache = self.caches.get(chart.source_kind)
        if cache is None:
            message = f"unsupported source kind '{chart.source_kind}'"
            raise Stalled(message, reason=ChartReason.UNSUPPORTED_SOURCE_KIND)
        obj = await self._find(cache, chart)
        repository = _repository(obj) if chart.source_kind == HELM_REPOSITORY.kind else None
        if repository is not None and repository.is_oci:
            return Source(chart.source_kind, repository)
        artifact = artifact_of(obj)
        if artifact is None or not self.storage.holds(Shelf(chart.source_kind, chart.source_key), artifact):
            raise Waiting(
                f"no artifact available for {chart.source_kind} source '{chart.source_name}'",
                reason=ChartReason.NO_SOURCE_ARTIFACT,
                retry_in=self.requeue,
                quiet=True,
            )
        return Source(chart.source_kind, repository, artifact, self.storage.file_of(artifact))

    def repositories(self, namespace: str) -> Iterator[HelmRepository]:
        """All HelmRepositories of a namespace that can be read, for the credentials of dependencies."""
        for obj in self.caches[HELM_REPOSITORY.kind]:
            if obj["metadata"].get("namespace") == namespace and obj.get("spec"):
                try:
                    yield HelmRepository.parse(obj)
                except (KeyError, TypeError, ValueError):
                    continue

    def index_of(self, repository: HelmRepository) -> Path | None:
        """The stored index; None where there is none (yet)."""
        shelf = Shelf(HELM_REPOSITORY.kind, repository.key)
        if repository.artifact is None or not self.storage.holds(shelf, repository.artifact):
            return None
        return self.storage.file_of(repository.artifact)

    async def _find(self, cache: Cache, chart: HelmChart) -> Object:
        cached = cache.find(chart.source_key)
        if cached is not None:
            return cached
        shown = f"{chart.source_kind} '{chart.source_key}'"
        try:
            found = await self.client.find(cache.resource, chart.key.namespace, chart.source_name)
        except KubeError as error:
            message = f"failed to get source: {shown}: {error}"
            raise Failure(message, reason=ChartReason.SOURCE_UNAVAILABLE) from error
        if found is None:
            message = f"failed to get source: {shown} not found"
            raise Failure(message, reason=ChartReason.SOURCE_UNAVAILABLE)
        return found


def _repository(obj: Object) -> HelmRepository:
    try:
        return HelmRepository.parse(obj)
    except (KeyError, TypeError, ValueError) as error:
        message = f"failed to get source: the HelmRepository cannot be read: {error}"
        raise Failure(message, reason=ChartReason.SOURCE_UNAVAILABLE) from error


class Consumers:
    """Which HelmCharts a changed source concerns (spec source 11.3)."""

    def __init__(self, charts: Cache, wake: Callable[[ObjectKey], None]) -> None:
        self._charts, self._wake = charts, wake

    def follow(self, cache: Cache) -> None:
        """Wake the charts of a kind of source whose artifact appears or has another revision."""
        cache.subscribe(lambda change: self._changed(cache.resource.kind, change))

    def _changed(self, kind: str, change: Change) -> None:
        after = artifact_of(change.after) if change.after else None
        before = artifact_of(change.before) if change.before else None
        if after is None or (before is not None and before.revision == after.revision):
            return
        for obj in self._charts:
            if _refers(obj, kind, change.key) and _observed(obj) != after.revision:
                self._wake(ObjectKey.of(obj))


def _refers(obj: Object, kind: str, source: ObjectKey) -> bool:
    ref = (obj.get("spec") or {}).get("sourceRef") or {}
    namespace = obj["metadata"].get("namespace", "")
    return (ref.get("kind"), namespace, ref.get("name")) == (kind, source.namespace, source.name)


def _observed(obj: Object) -> str:
    return str((obj.get("status") or {}).get("observedSourceArtifactRevision") or "")
