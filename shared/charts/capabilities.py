"""What charts are told about the cluster: `.Capabilities`.

The engine adds the cluster's API versions to a list of its own, which has versions that clusters stopped
serving long ago. A chart that asks for one of those would get the wrong answer, so it is rendered with one
more template that runs before its own and cuts the engine's list off.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MASK_NAME = "headwater-capabilities"
_QUESTION = re.compile(rb'APIVersions(?:\.Has[ \t]+(?:"([^"\n]*)"|`([^`]*)`))?')
# A method that takes a pointer is out of reach in a map, so what KubeVersion can be asked for is spelled out.
_MASK = (
    "{{- $k := .Capabilities.KubeVersion -}}"
    '{{- $v := dict "Version" $k.Version "GitVersion" $k.GitVersion "String" $k.String -}}'
    '{{- $_ := set $v "Major" $k.Major -}}{{- $_ = set $v "Minor" $k.Minor -}}'
    '{{- $c := dict "KubeVersion" $v "HelmVersion" .Capabilities.HelmVersion -}}'
    '{{- $_ = set $c "APIVersions" (slice .Capabilities.APIVersions %d) -}}'
    '{{- $_ = set . "Capabilities" $c -}}'
)


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


def mask(built_in: int) -> bytes:
    """The template that takes the first `built_in` versions away for all templates of its chart.

    What it cannot keep: `{{ .Capabilities.KubeVersion }}` as a whole prints as a map.
    """
    return (_MASK % built_in).encode()
