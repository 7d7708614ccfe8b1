"""Charts of a repository with an index: which version is meant, and its archive (spec source 11.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.download import (
    DownloadDenied,
    DownloadFailed,
    HttpAccess,
    Wanted,
    download,
)
from controllers.source.charts.failures import authentication_failure, build_failure
from controllers.source.charts.index_cache import IndexCache
from controllers.source.charts.remote import Remote
from controllers.source.charts.workshop import Workshop
from shared.charts.version_choice import ANY, ChartVersion
from shared.logic.digest import Digest, InvalidDigest, new_hasher
from shared.oci.reference import shown


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """A stored index, and what opens the repository that it is of.

    `identity` names the content of the file, for the cache; `told` is called with what became of that.
    """

    file: Path
    identity: str
    access: HttpAccess
    timeout: timedelta
    told: Callable[[str], None] = lambda _event: None


class IndexCharts:
    """Looks up charts; `cache` remembers what was found."""

    def __init__(self, workshop: Workshop, cache: IndexCache) -> None:
        self._workshop, self._cache = workshop, cache

    async def find(self, index: OpenIndex, chart: str, version: str) -> Remote:
        """Raises Failure: InvalidChartReference where there is no such chart or version."""
        found = self._cache.find((index.identity, chart, version), index.told)
        if found is None:
            found = await self._look_up(index, chart, version)
            self._cache.keep((index.identity, chart, version), found, index.told)
        return Remote(found.name, found.version, partial(self._fetch, index, found))

    async def _look_up(self, index: OpenIndex, chart: str, version: str) -> ChartVersion:
        job = {"index": str(index.file), "chart": chart, "version": version}
        answer = await self._workshop.run("lookup_job:find_version", job, otherwise=ChartReason.PULL_ERROR)
        raw = answer["found"]
        if raw is None:
            said = f"no '{chart}' chart with version matching '{version or ANY}' found"
            message = said if answer["known"] else f"no chart name found: {said}"
            raise build_failure(
                ChartReason.INVALID_REFERENCE, f"failed to get chart version for remote reference: {message}"
            )
        return ChartVersion(raw["name"], raw["version"], tuple(raw["urls"]), raw["digest"])

    async def _fetch(self, index: OpenIndex, chart: ChartVersion, into: Path) -> None:
        """Download, and compare with the digest that the index gives. Raises Failure."""
        expected = _digest_of(chart)
        wanted = Wanted(
            chart_url(index.access.home, chart),
            self._workshop.bounds.chart,
            index.timeout,
            expected.algorithm if expected else "sha256",
        )
        try:
            fetched = await download(index.access, wanted, into)
        except DownloadDenied as error:
            raise authentication_failure(error) from error
        except DownloadFailed as error:
            message = f"failed to download chart for remote reference: {error}"
            raise build_failure(ChartReason.PULL_ERROR, message, retry_in=error.retry_in) from error
        if fetched is not None and expected is not None and fetched.digest != expected:
            raise build_failure(
                ChartReason.PULL_ERROR,
                f"chart '{chart.name}' version '{chart.version}' has digest {fetched.digest}, "
                f"while the index says {expected}",
            )


def _digest_of(chart: ChartVersion) -> Digest | None:
    if not chart.digest:
        return None
    try:
        expected = Digest.parse(chart.digest)
        new_hasher(expected.algorithm)
    except InvalidDigest as error:
        raise build_failure(ChartReason.PULL_ERROR, f"chart '{chart.name}': {error}") from error
    return expected


def chart_url(home: str, chart: ChartVersion) -> str:
    """The first URL of the entry; a relative one is below the repository and inherits its query."""
    if not chart.urls:
        raise build_failure(ChartReason.PULL_ERROR, f"chart '{chart.name}' has no downloadable URLs")
    url = chart.urls[0]
    try:
        parts, base = urlsplit(url), urlsplit(home)
        if parts.scheme:
            return url
        root = urlunsplit(base._replace(path=f"{base.path.rstrip('/')}/", query="", fragment=""))
        query = urlencode(parse_qs(base.query), doseq=True) if base.query else parts.query
        return urlunsplit(urlsplit(urljoin(root, url))._replace(query=query))
    except ValueError as error:
        message = f"invalid chart URL format '{shown(url)}'"
        raise build_failure(ChartReason.PULL_ERROR, message) from error
