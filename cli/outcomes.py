"""What the last line says when a controller has done its work on an object (specs/cli.md 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cli.families import Family, condition
from shared.model.kinds import (
    ALERT,
    HELM_RELEASE,
    IMAGE_POLICY,
    IMAGE_REPOSITORY,
    IMAGE_UPDATE_AUTOMATION,
    KUSTOMIZATION,
    PROVIDER,
    RECEIVER,
)


def success(family: Family, obj: Mapping[str, Any]) -> str:
    """One line without its symbol."""
    words = _OF_KIND.get(family.kind)
    if words is not None:
        return words(obj.get("status") or {}, obj)
    done = "applied" if family.kind in (KUSTOMIZATION.kind, HELM_RELEASE.kind) else "fetched"
    return f"{done} revision {family.revision(obj)}"


def _scanned(status: Mapping[str, Any], _obj: Mapping[str, Any]) -> str:
    return f"scan fetched {(status.get('lastScanResult') or {}).get('tagCount') or 0} tags"


def _selected(status: Mapping[str, Any], _obj: Mapping[str, Any]) -> str:
    return f"selected ref {image_of(status.get('latestRef') or {})}"


def _automated(status: Mapping[str, Any], obj: Mapping[str, Any]) -> str:
    ready = condition(obj, "Ready")
    if ready is not None:
        return str(ready.get("message") or "")
    last = status.get("lastAutomationRunTime")
    return f"last run {last}" if last else "automation not yet run"


def image_of(ref: Mapping[str, Any]) -> str:
    """`name:tag[@digest]` of a policy's latestRef."""
    digest = f"@{ref['digest']}" if ref.get("digest") else ""
    return f"{ref.get('name', '')}:{ref.get('tag', '')}{digest}"


def _fixed(text: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    return lambda _status, _obj: text


_OF_KIND: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    IMAGE_REPOSITORY.kind: _scanned,
    IMAGE_POLICY.kind: _selected,
    IMAGE_UPDATE_AUTOMATION.kind: _automated,
    RECEIVER.kind: _fixed("Receiver reconciliation completed"),
    ALERT.kind: _fixed("Alert reconciliation completed"),
    PROVIDER.kind: _fixed("Provider reconciliation completed"),
}
