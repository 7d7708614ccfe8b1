"""Charts of a registry: which tag is meant, and the archive behind it (spec source 11.4)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import authentication_failure, build_failure
from controllers.source.charts.remote import Remote
from controllers.source.charts.repository_access import RepositoryAccess
from controllers.source.conditions import Reason
from controllers.source.oci_reference import CHART_LAYER
from shared.charts.version_choice import ANY, full_version, is_exact
from shared.logic.semver import InvalidRange, Range, Version
from shared.model.helm_source import HelmRepository
from shared.oci.authorization import Authorizations
from shared.oci.errors import InvalidCredentials, InvalidReference, OciError, RegistryDenied
from shared.oci.manifest import Descriptor, Manifest
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.oci.registry import Registry, opened
from shared.runtime.failure import Failure, Stalled

_OLDER_CHART_LAYER = "application/tar+gzip"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A version of a chart in a registry; `digest` is empty until somebody asked for it."""

    repo: HelmRepository
    repository: Repository
    opening: Opening
    name: str
    version: str
    digest: str = ""

    @property
    def tag(self) -> str:
        # A tag cannot have the plus sign that a version may have.
        return self.version.replace("+", "_")


@dataclass(frozen=True, slots=True)
class RegistryCharts:
    """`max_bytes` is what a packaged chart may have."""

    access: RepositoryAccess
    authorizations: Authorizations
    max_bytes: int

    async def find(self, repo: HelmRepository, chart: str, version: str) -> Tagged:
        """A version in full is believed to be there; anything else means listing tags. Raises Failure."""
        try:
            repository = Repository.parse(f"{repo.url.rstrip('/')}/{chart}")
        except InvalidReference as error:
            raise Stalled(str(error), reason=Reason.URL_INVALID) from error
        tagged = Tagged(repo, repository, await self.access.registry(repo, repository), chart, version)
        if is_exact(version):
            return tagged
        async with self.opened(tagged, "failed to get chart version for remote reference") as registry:
            return replace(tagged, version=await _highest(registry, version))

    def remote(self, tagged: Tagged) -> Remote:
        """How the archive is had: by digest where one is known."""
        return Remote(tagged.name, tagged.version, partial(self._fetch, tagged))

    async def pinned(self, tagged: Tagged) -> Tagged:
        """With the digest that the tag leads to now. Raises Failure."""
        async with self.opened(tagged, "failed to get chart version for remote reference") as registry:
            return replace(tagged, digest=await registry.digest(tagged.tag))

    async def _fetch(self, tagged: Tagged, into: Path) -> None:
        async with self.opened(tagged, "failed to download chart for remote reference") as registry:
            manifest = await registry.image(tagged.digest or tagged.tag)
            await registry.fetch_blob(_chart_layer(manifest), into, max_bytes=self.max_bytes)

    @contextlib.asynccontextmanager
    async def opened(self, tagged: Tagged, doing: str) -> AsyncIterator[Registry]:
        """The chart's repository, bounded in time; what goes wrong with it is a Failure."""
        seconds = tagged.repo.timeout.total_seconds()
        try:
            async with (
                asyncio.timeout(seconds),
                opened(
                    tagged.repository, tagged.opening, self.authorizations, gates=self.access.gates
                ) as registry,
            ):
                yield registry
        except TimeoutError as error:
            raise build_failure(ChartReason.PULL_ERROR, f"{doing}: timed out after {seconds:g}s") from error
        except (RegistryDenied, InvalidCredentials) as error:
            raise authentication_failure(error) from error
        except OciError as error:
            raise build_failure(ChartReason.PULL_ERROR, f"{doing}: {error}") from error
        except OSError as error:
            message = f"{doing}: {error.strerror or error}"
            raise build_failure(ChartReason.PULL_ERROR, message) from error


async def _highest(registry: Registry, wanted: str) -> str:
    """The tag that is exactly `wanted`, else the highest version in that range. Raises Failure."""
    try:
        within = Range.parse(wanted or ANY)
    except InvalidRange as error:
        raise _not_found(str(error)) from error
    best: Version | None = None
    text = ""
    async for tags in registry.tag_pages():
        for tag in tags:
            shown = tag.replace("_", "+")
            if shown == wanted:
                return shown
            version = full_version(shown)
            if version is not None and within.contains(version) and (best is None or version > best):
                best, text = version, shown
    if not text:
        raise _not_found(f"could not locate a version matching provided version string {wanted or ANY}")
    return text


def _not_found(said: str) -> Failure:
    return build_failure(ChartReason.PULL_ERROR, f"failed to get chart version for remote reference: {said}")


def _chart_layer(manifest: Manifest) -> Descriptor:
    for layer in manifest.layers:
        if layer.media_type in (CHART_LAYER, _OLDER_CHART_LAYER):
            return layer
    message = f"manifest does not contain a layer with mediatype {CHART_LAYER}"
    raise build_failure(ChartReason.PULL_ERROR, f"failed to download chart for remote reference: {message}")
