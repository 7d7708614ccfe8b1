"""HelmRelease of helm.toolkit.fluxcd.io/v2: what a user asks for (specs/helm.md 1).

`parse` trusts the CRD's schema and raises ValueError or KeyError on what got past it. Defaults that
live in code, not in the schema, are filled in here; durations are timedeltas. The acts on a release
are in model/helm_actions.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from shared.model.applying import CommonMetadata, Dependency, KubeConfigRef
from shared.model.duration import parse_duration
from shared.model.helm_actions import (
    DriftMode,
    InstallSpec,
    RollbackSpec,
    TestSpec,
    UninstallSpec,
    UpgradeSpec,
)
from shared.model.meta import ObjectKey

GROUP = "helm.toolkit.fluxcd.io"
FIELD_MANAGER = "helm-controller"
OWNER_NAME = f"{GROUP}/name"
OWNER_NAMESPACE = f"{GROUP}/namespace"

MAX_RELEASE_NAME = 53
DEFAULT_TIMEOUT = timedelta(minutes=5)
DEFAULT_MAX_HISTORY = 5
_SHORTEST_INTERVAL = timedelta(seconds=1)
_DEFAULT_VALUES_KEY = "values.yaml"
_DEEPEST_VALUES = 100


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where a chart template finds its chart; `namespace` is never empty."""

    kind: str
    name: str
    namespace: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any], namespace: str) -> Self:
        return cls(raw["kind"], raw["name"], raw.get("namespace") or namespace)

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Verification:
    provider: str
    secret: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw.get("provider") or "cosign", (raw.get("secretRef") or {}).get("name", ""))


@dataclass(frozen=True, slots=True)
class ChartTemplate:
    """The HelmChart that the controller owns. `interval` is empty where the release's own is meant."""

    chart: str
    version: str
    source: SourceRef
    interval: str
    reconcile_strategy: str
    values_files: tuple[str, ...]
    ignore_missing_values_files: bool
    verify: Verification | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def parse(cls, raw: Mapping[str, Any], namespace: str) -> Self:
        spec, metadata = raw["spec"], raw.get("metadata") or {}
        verify = spec.get("verify")
        return cls(
            chart=spec["chart"],
            version=spec.get("version") or "*",
            source=SourceRef.parse(spec["sourceRef"], namespace),
            interval=spec.get("interval") or "",
            reconcile_strategy=spec.get("reconcileStrategy") or "ChartVersion",
            values_files=tuple(spec.get("valuesFiles") or ()),
            ignore_missing_values_files=bool(spec.get("ignoreMissingValuesFiles")),
            verify=Verification.parse(verify) if verify else None,
            labels=dict(metadata.get("labels") or {}),
            annotations=dict(metadata.get("annotations") or {}),
        )


@dataclass(frozen=True, slots=True)
class ChartRef:
    """An existing source with the chart; `namespace` is never empty."""

    kind: str
    name: str
    namespace: str

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], namespace: str) -> Self:
        return cls(raw["kind"], raw["name"], raw.get("namespace") or namespace)

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ValuesFrom:
    """Values in a ConfigMap or Secret of the same namespace; `target_path` empty merges a whole map."""

    kind: str
    name: str
    key: str
    target_path: str
    optional: bool
    literal: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            raw["kind"],
            raw["name"],
            raw.get("valuesKey") or _DEFAULT_VALUES_KEY,
            raw.get("targetPath") or "",
            bool(raw.get("optional")),
            bool(raw.get("literal")),
        )


@dataclass(frozen=True, slots=True)
class DriftDetection:
    """`ignore` are the rules as written: logic/drift_ignore.py compiles them."""

    mode: DriftMode
    ignore: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(DriftMode(raw.get("mode") or DriftMode.DISABLED), tuple(raw.get("ignore") or ()))


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """One HelmRelease as reconcile sees it.

    `release_name` is the derived name as messages show it; `short_name` fits what Helm allows and is
    used for everything stored. `wait_strategy` and `post_render_strategy` are empty where unset.
    """

    namespace: str
    name: str
    generation: int
    interval: timedelta
    chart: ChartTemplate | None
    chart_ref: ChartRef | None
    release_name: str
    release_namespace: str
    storage_namespace: str
    has_target_namespace: bool
    service_account: str
    kube_config: KubeConfigRef | None
    suspend: bool
    persistent_client: bool
    depends_on: tuple[Dependency, ...]
    timeout: timedelta
    max_history: int
    values: Mapping[str, Any]
    values_from: tuple[ValuesFrom, ...]
    common_metadata: CommonMetadata | None
    post_renderers: tuple[Mapping[str, Any], ...]
    post_render_strategy: str
    wait_strategy: str
    health_exprs: tuple[Mapping[str, Any], ...]
    drift: DriftDetection
    install: InstallSpec
    upgrade: UpgradeSpec
    test: TestSpec
    rollback: RollbackSpec
    uninstall: UninstallSpec

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)

    @property
    def short_name(self) -> str:
        return shortened(self.release_name)

    @property
    def chart_key(self) -> ObjectKey | None:
        """The HelmChart that this release owns, if it has a chart template."""
        if self.chart is None:
            return None
        return ObjectKey(self.chart.source.namespace, f"{self.namespace}-{self.name}")

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        meta, spec = obj["metadata"], obj["spec"]
        namespace, name = meta["namespace"], meta["name"]
        target = spec.get("targetNamespace") or ""
        chart, chart_ref = spec.get("chart"), spec.get("chartRef")
        timeout = parse_duration(spec["timeout"]) if spec.get("timeout") else DEFAULT_TIMEOUT
        max_history, common = spec.get("maxHistory"), spec.get("commonMetadata")
        test = TestSpec.parse(spec.get("test") or {}, timeout)
        kube_config = spec.get("kubeConfig")
        return cls(
            namespace=namespace,
            name=name,
            generation=meta.get("generation", 0),
            interval=max(parse_duration(spec["interval"]), _SHORTEST_INTERVAL),
            chart=ChartTemplate.parse(chart, namespace) if chart else None,
            chart_ref=ChartRef.parse(chart_ref, namespace) if chart_ref else None,
            release_name=spec.get("releaseName") or (f"{target}-{name}" if target else name),
            release_namespace=target or namespace,
            storage_namespace=spec.get("storageNamespace") or namespace,
            has_target_namespace=bool(target),
            service_account=spec.get("serviceAccountName") or "",
            kube_config=KubeConfigRef.parse(kube_config) if kube_config else None,
            suspend=bool(spec.get("suspend")),
            persistent_client=spec.get("persistentClient") is not False,
            depends_on=Dependency.parse_all(spec.get("dependsOn") or (), namespace),
            timeout=timeout,
            max_history=DEFAULT_MAX_HISTORY if max_history is None else int(max_history),
            values=_mapping(spec.get("values")),
            values_from=tuple(ValuesFrom.parse(item) for item in spec.get("valuesFrom") or ()),
            common_metadata=CommonMetadata.parse(common) if common is not None else None,
            post_renderers=tuple(spec.get("postRenderers") or ()),
            post_render_strategy=spec.get("postRenderStrategy") or "",
            wait_strategy=(spec.get("waitStrategy") or {}).get("name", ""),
            health_exprs=tuple(spec.get("healthCheckExprs") or ()),
            drift=DriftDetection.parse(spec.get("driftDetection") or {}),
            install=InstallSpec.parse(spec.get("install") or {}, timeout, test),
            upgrade=UpgradeSpec.parse(spec.get("upgrade") or {}, timeout, test),
            test=test,
            rollback=RollbackSpec.parse(spec.get("rollback") or {}, timeout),
            uninstall=UninstallSpec.parse(spec.get("uninstall") or {}, timeout),
        )


def shortened(name: str) -> str:
    """At most 53 characters, as Helm demands; long names end in a hash of themselves."""
    if len(name) <= MAX_RELEASE_NAME:
        return name
    return f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _mapping(raw: object) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise TypeError("spec.values is not a mapping")
    if _is_deeper(raw, _DEEPEST_VALUES):
        raise ValueError(f"spec.values is nested more than {_DEEPEST_VALUES} levels deep")
    return raw


def _is_deeper(value: object, limit: int) -> bool:
    """Level by level, since recursion would end where the nesting does."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
