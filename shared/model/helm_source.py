"""HelmRepository and HelmChart of source.toolkit.fluxcd.io/v1: what users ask, and what is remembered.

Field by field as specs/source.md 10.1 and 11.1; `parse` trusts the CRD's schema and raises ValueError or
KeyError on what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.artifact import Artifact
from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey
from shared.model.source import OciProvider, OciVerification

_DEFAULT_INTERVAL = "1m"
_DEFAULT_TIMEOUT = "60s"
VALUES_FILE = "values.yaml"


class RepositoryType(StrEnum):
    """How charts are found: by an index over HTTP, or as tags of a registry."""

    DEFAULT = "default"
    OCI = "oci"


@dataclass(frozen=True, slots=True)
class HelmRepository:
    """Spec, and of the status what the next reconcile needs; secrets are names in the same namespace."""

    key: ObjectKey
    url: str
    type: RepositoryType
    interval: timedelta
    timeout: timedelta
    provider: OciProvider
    secret: str
    cert_secret: str
    pass_credentials: bool
    insecure: bool
    artifact: Artifact | None

    @property
    def is_oci(self) -> bool:
        return self.type is RepositoryType.OCI

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        artifact = status.get("artifact")
        return cls(
            key=ObjectKey.of(obj),
            url=spec["url"],
            type=RepositoryType(spec.get("type") or "default"),
            interval=parse_duration(spec.get("interval") or _DEFAULT_INTERVAL),
            timeout=parse_duration(spec.get("timeout") or _DEFAULT_TIMEOUT),
            provider=OciProvider(spec.get("provider") or "generic"),
            secret=(spec.get("secretRef") or {}).get("name", ""),
            cert_secret=(spec.get("certSecretRef") or {}).get("name", ""),
            pass_credentials=bool(spec.get("passCredentials")),
            insecure=bool(spec.get("insecure")),
            artifact=Artifact.parse(artifact) if artifact else None,
        )


class ChartSource(StrEnum):
    """The kinds that a chart may come from."""

    HELM_REPOSITORY = "HelmRepository"
    GIT_REPOSITORY = "GitRepository"
    BUCKET = "Bucket"


class ReconcileStrategy(StrEnum):
    """What makes a chart of a source's artifact a new one: its own version, or any change."""

    CHART_VERSION = "ChartVersion"
    REVISION = "Revision"


@dataclass(frozen=True, slots=True)
class HelmChart:
    """Spec, and of the status what the next reconcile needs.

    `source_kind` is text, so that a kind we do not know is a condition and no parse error.
    """

    key: ObjectKey
    generation: int
    chart: str
    version: str
    source_kind: str
    source_name: str
    interval: timedelta
    strategy: ReconcileStrategy
    values_files: tuple[str, ...]
    ignore_missing_values_files: bool
    verification: OciVerification | None
    artifact: Artifact | None
    observed_generation: int
    observed_source_revision: str
    observed_chart: str
    observed_values_files: tuple[str, ...] | None

    @property
    def source_key(self) -> ObjectKey:
        return ObjectKey(self.key.namespace, self.source_name)

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        spec, status = obj["spec"], obj.get("status") or {}
        verify, artifact = spec.get("verify"), status.get("artifact")
        files = tuple(spec.get("valuesFiles") or ())
        observed = status.get("observedValuesFiles")
        return cls(
            key=ObjectKey.of(obj),
            generation=obj["metadata"].get("generation", 0),
            chart=spec["chart"],
            version=spec.get("version") or "",
            source_kind=spec["sourceRef"]["kind"],
            source_name=spec["sourceRef"]["name"],
            interval=parse_duration(spec["interval"]),
            strategy=ReconcileStrategy(spec.get("reconcileStrategy") or "ChartVersion"),
            # The chart's own defaults alone are what it has anyway.
            values_files=() if files == (VALUES_FILE,) else files,
            ignore_missing_values_files=bool(spec.get("ignoreMissingValuesFiles")),
            verification=None if verify is None else _verification(verify),
            artifact=Artifact.parse(artifact) if artifact else None,
            observed_generation=status.get("observedGeneration", -1),
            observed_source_revision=status.get("observedSourceArtifactRevision") or "",
            observed_chart=status.get("observedChartName") or "",
            observed_values_files=None if observed is None else tuple(observed),
        )


def _verification(raw: Mapping[str, Any]) -> OciVerification:
    """As an OCIRepository's, but for the trusted root, which charts cannot name."""
    known = ("provider", "secretRef", "matchOIDCIdentity")
    return OciVerification.parse({field: raw.get(field) for field in known})
