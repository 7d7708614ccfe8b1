"""A template of ours that runs before a chart's own, for what the library cannot be told otherwise.

Two things need it. The library adds the cluster's API versions to a list of its own, with versions that
clusters stopped serving long ago; the prelude cuts that list off. And it takes values as JSON, in which each
number becomes a float (`1e+06` where a template prints it), but those that a target path set are integers.

What it cannot keep: with that list cut off, `{{ .Capabilities.KubeVersion }}` as a whole prints as a map.
Integers that are items of a list, and not in a map, stay floats.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from shared.charts.loading import ChartFile, ChartTree

PRELUDE_NAME = "headwater-prelude"
MAX_INTEGERS = 1000
# A method that takes a pointer is out of reach in a map, so what KubeVersion can be asked for is spelled out.
_MASK = (
    "{{- $k := .Capabilities.KubeVersion -}}"
    '{{- $v := dict "Version" $k.Version "GitVersion" $k.GitVersion "String" $k.String -}}'
    '{{- $_ := set $v "Major" $k.Major -}}{{- $_ = set $v "Minor" $k.Minor -}}'
    '{{- $c := dict "KubeVersion" $v "HelmVersion" .Capabilities.HelmVersion -}}'
    '{{- $_ = set $c "APIVersions" (slice .Capabilities.APIVersions %d) -}}'
    '{{- $_ = set . "Capabilities" $c -}}'
)

Step = str | int
Integer = tuple[Sequence[Step], int]
"""Where in the values, and the number."""


def add_prelude(tree: ChartTree, cut_off: int, integers: Sequence[Integer]) -> None:
    """Put it into each chart: take the first `cut_off` API versions away, make these values integers.

    Templates run deepest first, so the prelude goes below all of them. Global values are copied into each
    sub-chart before it runs; all others a sub-chart shares with its parent.
    """
    depths = [file.name.count("/") + chart.folder.count("/") for chart in tree.walk() for file in chart.files]
    name = f"templates/{'h/' * (max(depths, default=0) + 1)}{PRELUDE_NAME}"
    mask = _MASK % cut_off if cut_off else ""
    for chart in tree.walk():
        own = [
            integer for integer in integers[:MAX_INTEGERS] if not chart.folder or integer[0][0] == "global"
        ]
        chart.files.append(ChartFile(name, (mask + _integers(own)).encode(), 0))


def is_prelude(path: str) -> bool:
    """Whether this rendered file is no one's but ours."""
    return path.endswith("/" + PRELUDE_NAME)


def _integers(integers: Iterable[Integer]) -> str:
    return "".join(_set(path, number) for path, number in integers)


def _set(path: Sequence[Step], number: int) -> str:
    """Down the path, as far as the values are still what the path was made for."""
    *above, last = path
    if isinstance(last, int):
        return ""
    opening = "{{- with .Values }}"
    for step in above:
        opening += f'{{{{- if kindIs "{_kind(step)}" . }}}}{{{{- with index . {_literal(step)} }}}}'
    setting = f'{{{{- $_ := set . {_literal(last)} (int64 "{number}") }}}}'
    return opening + '{{- if kindIs "map" . }}' + setting + "{{- end }}" * (2 * len(above) + 2)


def _kind(step: Step) -> str:
    return "slice" if isinstance(step, int) else "map"


def _literal(step: Step) -> str:
    return str(step) if isinstance(step, int) else json.dumps(step, ensure_ascii=False)
