"""What charts are told about the cluster: `.Capabilities`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_QUESTION = re.compile(rb'APIVersions(?:\.Has[ \t]+(?:"([^"\n]*)"|`([^`]*)`))?')


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`kube_version` is the server's `gitVersion` (`v1.34.2`).

    `api_versions` are what discovery lists: `apps/v1` for each version, `apps/v1/Deployment` for each kind.
    Without a cluster `exact` is False: then the engine's own list counts, too, as in `helm template`.
    """

    kube_version: str
    api_versions: frozenset[str]
    exact: bool = True

    @classmethod
    def discovered(
        cls, kube_version: str, resources: Mapping[str, Iterable[Mapping[str, Any]]]
    ) -> Capabilities:
        """From the discovery of a cluster: version (`v1`, `apps/v1`) -> its APIResource objects."""
        versions = set(resources)
        for version, kinds in resources.items():
            versions.update(f"{version}/{kind['kind']}" for kind in kinds)
        return cls(kube_version, frozenset(versions))


def needs_mask(texts: Iterable[bytes], absent: Collection[str]) -> bool:
    """Whether any text may ask for a version in `absent`: those the engine has and the cluster lacks."""
    if not absent:
        return False
    for text in texts:
        for question in _QUESTION.finditer(text):
            literal = question[1] if question[1] is not None else question[2]
            if literal is None or literal.decode("utf-8", "replace") in absent:
                return True
    return False
