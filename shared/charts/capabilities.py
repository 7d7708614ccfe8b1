"""What charts are told about the cluster: `.Capabilities`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`kube_version` is the server's `gitVersion` (`v1.34.2`).

    `api_versions` are what discovery lists: `apps/v1` for each version, `apps/v1/Deployment` for each kind.
    """

    kube_version: str
    api_versions: frozenset[str]

    @classmethod
    def discovered(
        cls, kube_version: str, resources: Mapping[str, Iterable[Mapping[str, Any]]]
    ) -> Capabilities:
        """From the discovery of a cluster: version (`v1`, `apps/v1`) -> its APIResource objects."""
        versions = set(resources)
        for version, kinds in resources.items():
            versions.update(f"{version}/{kind['kind']}" for kind in kinds)
        return cls(kube_version, frozenset(versions))
