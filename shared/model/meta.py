"""The words every custom resource shares: references, kinds, conditions, names with meaning.

Constants are the contract with Flux 2.9 (specs/runtime.md 1-2); types are frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

Object = dict[str, Any]
"""A Kubernetes object as JSON gives it."""

FINALIZER = "finalizers.fluxcd.io"
REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"
EVENT_ANNOTATION_PREFIX = "event.toolkit.fluxcd.io/"

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"


class Reason(StrEnum):
    """Reasons that more than one kind uses (specs/runtime.md 2.2)."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    PROGRESSING = "Progressing"
    PROGRESSING_WITH_RETRY = "ProgressingWithRetry"
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    ACCESS_DENIED = "AccessDenied"
    INVALID_SPEC = "InvalidSpec"
    INTERNAL_ERROR = "InternalError"


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Which object of a known kind; `namespace` is empty for cluster-scoped kinds."""

    namespace: str
    name: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        meta = obj["metadata"]
        return cls(meta.get("namespace", ""), meta["name"])

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object of which kind, as users write it: `Kind/namespace/name`."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        meta = obj["metadata"]
        return cls(obj["apiVersion"], obj["kind"], meta.get("namespace", ""), meta["name"])

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One metav1.Condition. `last_transition` is UTC, whole seconds."""

    type: str
    status: str
    reason: str
    message: str
    last_transition: datetime
    observed_generation: int = 0

    @property
    def is_true(self) -> bool:
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        return self.status == "False"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            type=raw["type"],
            status=raw["status"],
            reason=raw.get("reason", ""),
            message=raw.get("message", ""),
            last_transition=parse_time(raw.get("lastTransitionTime", "")),
            observed_generation=raw.get("observedGeneration", 0),
        )

    def render(self) -> Object:
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "lastTransitionTime": render_time(self.last_transition),
            "observedGeneration": self.observed_generation,
        }


def render_time(moment: datetime) -> str:
    """metav1.Time: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Read RFC 3339; what cannot be read is the epoch, so that foreign text never stops a kind."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
