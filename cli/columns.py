"""The columns of `get`, for each kind (specs/cli.md 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.families import (
    ALERTS,
    CHART,
    EXTERNAL,
    GENERATORS,
    HELM_RELEASES,
    IMAGE_POLICIES,
    IMAGE_REPOSITORIES,
    IMAGE_UPDATES,
    KUSTOMIZATIONS,
    PROVIDERS,
    RECEIVERS,
    Family,
    is_suspended,
    readiness,
)
from cli.pauses import pause_of
from cli.printing import shortened, table

if TYPE_CHECKING:
    from shared.model.meta import Object

Cell = Callable[[Family, "Object"], str]


def _status(*path: str) -> Cell:
    """A field below `status`; empty where something on the way is missing."""
    return _field("status", *path)


def _field(*path: str) -> Cell:
    def cell(_family: Family, obj: Object) -> str:
        found: object = obj
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return str(found or "")

    return cell


def _ready(_family: Family, obj: Object) -> str:
    return readiness(obj)[0]


def _message(_family: Family, obj: Object) -> str:
    return readiness(obj)[1]


def _short_message(_family: Family, obj: Object) -> str:
    return shortened(readiness(obj)[1])


def _suspended(_family: Family, obj: Object) -> str:
    return str(is_suspended(obj))


def _why_suspended(family: Family, obj: Object) -> str:
    pause = pause_of(obj) if is_suspended(obj) else ""
    return f"True ({pause})" if pause else _suspended(family, obj)


def _revision(family: Family, obj: Object) -> str:
    return family.revision(obj)


def _short_revision(family: Family, obj: Object) -> str:
    return shortened(family.revision(obj))


def source_of(family: Family, obj: Object) -> str:
    """`Kind/namespace/name` of what the object is made from."""
    spec = obj.get("spec") or {}
    ref = spec.get("sourceRef") or spec.get("chartRef") or {}
    if family is HELM_RELEASES and not ref:
        ref = ((spec.get("chart") or {}).get("spec") or {}).get("sourceRef") or {}
    namespace = ref.get("namespace") or obj["metadata"].get("namespace", "")
    return f"{ref.get('kind', '')}/{namespace}/{ref.get('name', '')}"


def _age(_family: Family, obj: Object) -> str:
    from datetime import UTC, datetime

    from cli.ages import age
    from shared.model.meta import parse_time

    created = str(obj["metadata"].get("creationTimestamp") or "")
    return age((datetime.now(UTC) - parse_time(created)).total_seconds()) if created else "<unknown>"


_STATE = (("suspended", _suspended), ("ready", _ready), ("message", _message))
_SOURCE: tuple[tuple[str, Cell], ...] = (
    ("revision", _short_revision),
    ("suspended", _suspended),
    ("ready", _ready),
    ("message", _short_message),
)
_OF_FAMILY: Mapping[str, tuple[tuple[str, Cell], ...]] = {
    CHART.kind: (("revision", _revision), *_SOURCE[1:]),
    EXTERNAL.kind: (
        ("revision", _short_revision),
        ("source", source_of),
        ("ready", _ready),
        ("message", _short_message),
    ),
    HELM_RELEASES.kind: (("revision", _revision), *_STATE),
    IMAGE_REPOSITORIES.kind: (("last scan", _status("lastScanResult", "scanTime")), *_STATE),
    IMAGE_POLICIES.kind: (
        ("image", _status("latestRef", "name")),
        ("tag", _status("latestRef", "tag")),
        ("ready", _ready),
        ("message", _message),
    ),
    IMAGE_UPDATES.kind: (("last run", _status("lastAutomationRunTime")), *_STATE),
    ALERTS.kind: _STATE,
    PROVIDERS.kind: _STATE[1:],
    RECEIVERS.kind: _STATE,
    GENERATORS.kind: _STATE,
}
# What only the wide form adds.
_WIDE: Mapping[str, tuple[str, Cell]] = {
    KUSTOMIZATIONS.kind: ("path", _field("spec", "path")),
    HELM_RELEASES.kind: ("chart", _field("spec", "chart", "spec", "chart")),
    IMAGE_REPOSITORIES.kind: ("image", _field("spec", "image")),
    IMAGE_POLICIES.kind: ("repository", _field("spec", "imageRepositoryRef", "name")),
    PROVIDERS.kind: ("type", _field("spec", "type")),
    RECEIVERS.kind: ("path", _status("webhookPath")),
    CHART.kind: ("chart", _field("spec", "chart")),
}
_LIKE_A_SOURCE = ("url", _field("spec", "url"))


@dataclass(frozen=True, slots=True)
class View:
    """How the chosen objects are shown. `kinds`: names are preceded by their kind."""

    form: str
    header: bool
    namespaces: bool
    source: bool = False
    kinds: bool = False

    @property
    def is_table(self) -> bool:
        return self.form in ("table", "wide")

    def table(self, family: Family, objects: Sequence[Object], *, header: bool) -> str:
        columns = self._columns(family)
        rows = [[cell(family, obj) for _, cell in columns] for obj in objects]
        return table([title for title, _ in columns], rows, header=header)

    def _columns(self, family: Family) -> list[tuple[str, Cell]]:
        wide = self.form == "wide"
        sourced = family in (KUSTOMIZATIONS, HELM_RELEASES) and (self.source or wide)
        columns: list[tuple[str, Cell]] = [
            *([("namespace", _field("metadata", "namespace"))] if self.namespaces else []),
            ("name", _kind_and_name if self.kinds else _field("metadata", "name")),
            *([("source", source_of)] if sourced else []),
            *_OF_FAMILY.get(family.kind, _SOURCE),
        ]
        if wide:
            columns = [(title, _why_suspended if title == "suspended" else cell) for title, cell in columns]
            extra = _WIDE.get(family.kind, _LIKE_A_SOURCE if family.group == "source" else None)
            columns += [*([extra] if extra else []), ("age", _age)]
        return columns


def _kind_and_name(family: Family, obj: Object) -> str:
    return f"{family.kind.lower()}/{obj['metadata']['name']}"
