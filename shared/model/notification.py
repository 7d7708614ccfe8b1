"""Alert and Provider of notification.toolkit.fluxcd.io/v1beta3: who hears what (specs/notification.md 2-3).

Neither has a status: what cannot work shows when an event is dispatched. `parse` trusts the CRD's schema
and raises ValueError or KeyError on what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey

FIELD_MANAGER = "notification-controller"
ANY = "*"

_DEFAULT_TIMEOUT = "15s"


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Objects of one kind: one of them by name, or all (`*`); `labels` None asks for none."""

    kind: str
    name: str
    namespace: str
    api_version: str = ""
    labels: Mapping[str, str] | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, namespace: str) -> Self:
        """`namespace` is that of the object which refers."""
        return cls(
            raw["kind"],
            raw["name"],
            raw.get("namespace") or namespace,
            raw.get("apiVersion") or "",
            raw.get("matchLabels"),
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """Which events go to which provider of the same namespace."""

    key: ObjectKey
    uid: str
    provider: str
    severity: str
    sources: tuple[SourceRef, ...]
    inclusion: tuple[str, ...]
    exclusion: tuple[str, ...]
    metadata: Mapping[str, str]
    summary: str
    suspend: bool

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        meta, spec = obj["metadata"], obj["spec"]
        namespace = meta["namespace"]
        return cls(
            key=ObjectKey(namespace, meta["name"]),
            uid=meta.get("uid", ""),
            provider=spec["providerRef"]["name"],
            severity=spec.get("eventSeverity") or "info",
            sources=tuple(SourceRef.parse(raw, namespace=namespace) for raw in spec["eventSources"]),
            inclusion=tuple(spec.get("inclusionList") or ()),
            exclusion=tuple(spec.get("exclusionList") or ()),
            metadata=dict(spec.get("eventMetadata") or {}),
            summary=spec.get("summary") or "",
            suspend=bool(spec.get("suspend")),
        )


@dataclass(frozen=True, slots=True)
class Provider:
    """A place that hears of events; `timeout` bounds one attempt to deliver."""

    key: ObjectKey
    uid: str
    type: str
    address: str
    channel: str
    username: str
    timeout: timedelta
    proxy: str
    secret: str
    cert_secret: str
    proxy_secret: str
    service_account: str
    commit_status_expr: str
    suspend: bool

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        meta, spec = obj["metadata"], obj["spec"]
        return cls(
            key=ObjectKey(meta["namespace"], meta["name"]),
            uid=meta.get("uid", ""),
            type=spec["type"],
            address=spec.get("address") or "",
            channel=spec.get("channel") or "",
            username=spec.get("username") or "",
            timeout=parse_duration(spec.get("timeout") or _DEFAULT_TIMEOUT),
            proxy=spec.get("proxy") or "",
            secret=_name(spec.get("secretRef")),
            cert_secret=_name(spec.get("certSecretRef")),
            proxy_secret=_name(spec.get("proxySecretRef")),
            service_account=spec.get("serviceAccountName") or "",
            commit_status_expr=spec.get("commitStatusExpr") or "",
            suspend=bool(spec.get("suspend")),
        )


def _name(raw: Mapping[str, Any] | None) -> str:
    return "" if raw is None else str(raw["name"])
