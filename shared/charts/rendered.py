"""What rendering a chart gives, in the words and the JSON of Helm's release records (specs/helm.md 20.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hook:
    """One document that carries `helm.sh/hook`.

    `path` is the template, e.g. `web/templates/job.yaml`; `events` are Helm's names (`pre-install`, `test`);
    `delete_policies` and `output_log_policies` are as annotated, so without Helm's default. Among equal
    weights the order of `Rendered.hooks` is the order in which they run.
    """

    name: str
    kind: str
    path: str
    manifest: str
    events: tuple[str, ...]
    weight: int = 0
    delete_policies: tuple[str, ...] = ()
    output_log_policies: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The hook as it stands in a new release record: it has not run."""
        raw: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "path": self.path,
            "manifest": self.manifest,
            "events": list(self.events),
            "last_run": {"phase": ""},
        }
        if self.weight:
            raw["weight"] = self.weight
        if self.delete_policies:
            raw["delete_policies"] = list(self.delete_policies)
        if self.output_log_policies:
            raw["output_log_policies"] = list(self.output_log_policies)
        return raw


@dataclass(frozen=True, slots=True)
class ChartCrd:
    """A file of `crds/`: `name` as in its chart, `filename` with the charts it is in, `data` its YAML."""

    name: str
    filename: str
    data: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A chart with values, ready to be applied and recorded.

    `manifest` is `release.manifest`: documents in install order with their `# Source:` headers, no hooks;
    `hooks` are in install order of kinds; `chart` and `config` are those keys of the record.
    """

    manifest: str
    hooks: tuple[Hook, ...]
    notes: str
    crds: tuple[ChartCrd, ...]
    chart: dict[str, Any]
    config: dict[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        """Chart.yaml as Helm understood it: `name`, `version`, `appVersion`, ..."""
        metadata: dict[str, Any] = self.chart["metadata"]
        return metadata
