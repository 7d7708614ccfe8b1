"""Receiver of notification.toolkit.fluxcd.io/v1: a webhook asks for reconciles (specs/notification.md 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from shared.model.duration import parse_duration
from shared.model.meta import ObjectKey
from shared.model.notification import SourceRef

_DEFAULT_INTERVAL = "10m"


@dataclass(frozen=True, slots=True)
class Target:
    """Objects to reconcile; `filter` is a CEL condition, empty for none."""

    objects: SourceRef
    filter: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, namespace: str) -> Self:
        return cls(SourceRef.parse(raw, namespace=namespace), raw.get("filter") or "")


@dataclass(frozen=True, slots=True)
class Receiver:
    """`events` empty accepts every event; `webhook_path` is what status says."""

    key: ObjectKey
    type: str
    interval: timedelta
    events: tuple[str, ...]
    targets: tuple[Target, ...]
    resource_filter: str
    secret: str
    has_oidc_providers: bool
    suspend: bool
    webhook_path: str

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        """Raises ValueError or KeyError on what the CRD's schema should not have let through."""
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
        namespace = meta["namespace"]
        return cls(
            key=ObjectKey(namespace, meta["name"]),
            type=spec["type"],
            interval=parse_duration(spec.get("interval") or _DEFAULT_INTERVAL),
            events=tuple(spec.get("events") or ()),
            targets=tuple(Target.parse(raw, namespace=namespace) for raw in spec["resources"]),
            resource_filter=spec.get("resourceFilter") or "",
            secret=(spec.get("secretRef") or {"name": ""})["name"],
            has_oidc_providers=bool(spec.get("oidcProviders")),
            suspend=bool(spec.get("suspend")),
            webhook_path=status.get("webhookPath") or "",
        )


def webhook_path(token: str, key: ObjectKey) -> str:
    """The path of a receiver's webhook: a hash that only who knows the token can tell."""
    return f"/hook/{hashlib.sha256(f'{token}{key.name}{key.namespace}'.encode()).hexdigest()}"
