"""A whole repository, built without a cluster by the code of the controllers (specs/cli.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.offline.charts import Charts
from cli.offline.cluster import Applied, BuiltCluster
from cli.offline.key_files import KeyFiles
from cli.offline.kustomizations import Problem, Walk
from cli.offline.places import Places
from cli.offline.releases import Releases
from shared.model.meta import ObjectKey

_OWN = ObjectKey("flux-system", "flux-system")


@dataclass(frozen=True, slots=True)
class Request:
    """`folder` is the entry point within `root`; `sources` are folders by the name of their source."""

    root: Path
    folder: Path
    sources: Mapping[str, Path]
    charts: Path | None = None
    kube_version: str = "v1.34.0"
    strict: bool = False
    keys: KeyFiles | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be applied, Kustomizations first, and what could not be built."""

    applied: tuple[Applied, ...]
    problems: tuple[Problem, ...]

    @property
    def owners(self) -> frozenset[str]:
        """Every `Kustomization/ns/name` and `HelmRelease/ns/name` that applies something."""
        return frozenset(item.owner for item in self.applied)


async def build_repository(request: Request) -> Outcome:
    """Raises CliError where the entry point itself cannot be built."""
    cluster = BuiltCluster()
    places = Places(request.root, _OWN, request.sources)
    walk = Walk(cluster, places, strict=request.strict, keys=request.keys)
    await walk.run(request.folder)
    charts = Charts(walk.places, request.charts)
    problems = await Releases(cluster, charts, kube_version=request.kube_version).run()
    return Outcome(tuple(cluster), (*walk.problems, *problems))
