"""Fetch the dependencies of a chart that lie in repositories (spec source 11.5).

A HelmRepository of the same namespace with the same URL gives credentials, certificates and its stored
index; without one the repository is asked anonymously.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.download import DownloadDenied, DownloadFailed, Wanted, download
from controllers.source.charts.failures import authentication_failure, build_failure
from controllers.source.charts.index_charts import IndexCharts, OpenIndex
from controllers.source.charts.registry_charts import RegistryCharts
from controllers.source.charts.remote import Remote
from controllers.source.charts.repository_access import RepositoryAccess, index_url
from controllers.source.charts.sources import Sources
from controllers.source.charts.workshop import Workshop
from controllers.source.conditions import Reason
from shared.charts.metadata import Dependency
from shared.model.helm_source import HelmRepository, RepositoryType
from shared.model.meta import ObjectKey
from shared.model.source import OciProvider
from shared.runtime.failure import Failure

_TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`max_index_bytes` bounds an index that no HelmRepository has stored."""

    workshop: Workshop
    access: RepositoryAccess
    sources: Sources
    indexed: IndexCharts
    tagged: RegistryCharts
    max_index_bytes: int

    async def fetch(
        self, namespace: str, missing: Sequence[Mapping[str, Any]], folder: Path
    ) -> list[dict[str, Any]]:
        """The same list, with a `file` for each that is in a repository. Raises Failure."""
        known = {normalized(repo.url): repo for repo in self.sources.repositories(namespace)}
        indexes: dict[str, OpenIndex] = {}
        fetched: list[dict[str, Any]] = []
        for number, raw in enumerate(missing):
            dependency = Dependency.parse(raw)
            if dependency.is_local:
                fetched.append(dict(raw))
                continue
            try:
                repo = _repository(dependency, known, namespace)
                remote = await self._find(repo, dependency, indexes, folder / f"index-{number}")
                file = folder / f"dependency-{number}.tgz"
                await remote.fetch(file)
            except Failure as failure:
                raise _explained(dependency, failure) from failure
            fetched.append({**raw, "file": str(file)})
        return fetched

    async def _find(
        self, repo: HelmRepository, dependency: Dependency, indexes: dict[str, OpenIndex], scratch: Path
    ) -> Remote:
        if repo.is_oci:
            found = await self.tagged.find(repo, dependency.name, dependency.version)
            return self.tagged.remote(found)
        url = normalized(repo.url)
        if url not in indexes:
            indexes[url] = await self._index(repo, scratch)
        return await self.indexed.find(indexes[url], dependency.name, dependency.version)

    async def _index(self, repo: HelmRepository, scratch: Path) -> OpenIndex:
        access = await self.access.http(repo)
        stored = self.sources.index_of(repo)
        if stored is not None and repo.artifact is not None:
            return OpenIndex(stored, repo.artifact.digest, access, repo.timeout)
        wanted = Wanted(index_url(repo.url), self.max_index_bytes, repo.timeout)
        try:
            fetched = await download(access, wanted, scratch)
        except DownloadDenied as error:
            raise authentication_failure(error) from error
        except DownloadFailed as error:
            raise build_failure(ChartReason.PULL_ERROR, str(error)) from error
        assert fetched is not None, "nothing was known of it before"
        file = scratch.with_suffix(".json")
        job = {"source": str(scratch), "out": str(file), "algorithm": self.workshop.algorithm}
        written = await self.workshop.run("index_job:rewrite", job, otherwise=ChartReason.PULL_ERROR)
        return OpenIndex(file, f"{self.workshop.algorithm}:{written['digest']}", access, repo.timeout)


def normalized(url: str) -> str:
    """URLs that mean the same repository are equal then."""
    bare = url.rstrip("/")
    return bare if bare.startswith("oci://") else f"{bare}/"


def _repository(
    dependency: Dependency, known: Mapping[str, HelmRepository], namespace: str
) -> HelmRepository:
    url = dependency.repository
    if not url.startswith(("http://", "https://", "oci://")):
        said = f"repository '{url[:100]}' is not supported: give a URL of http, https, oci or file"
        raise build_failure(ChartReason.DEPENDENCY_BUILD_ERROR, said)
    found = known.get(normalized(url))
    kind = RepositoryType.OCI if url.startswith("oci://") else RepositoryType.DEFAULT
    if found is not None:
        return replace(found, type=kind)
    return HelmRepository(
        key=ObjectKey(namespace, ""),
        url=url,
        type=kind,
        interval=_TIMEOUT,
        timeout=_TIMEOUT,
        provider=OciProvider.GENERIC,
        secret="",
        cert_secret="",
        pass_credentials=False,
        insecure=False,
        artifact=None,
    )


def _explained(dependency: Dependency, failure: Failure) -> Failure:
    message = f"failed to add remote dependency '{dependency.name}': {failure.message}"
    if failure.reason == Reason.AUTHENTICATION_FAILED:
        return Failure(message, reason=failure.reason)
    return build_failure(ChartReason.DEPENDENCY_BUILD_ERROR, message, retry_in=failure.retry_in)
