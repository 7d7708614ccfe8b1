"""An event, a provider and an alert with the interesting difference visible."""

from __future__ import annotations

from typing import Any

from controllers.notification.credentials import Credentials
from controllers.notification.event import Event
from controllers.notification.notifiers.notice import Notice
from shared.model.notification import Alert, Provider

COMMIT = "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"
REVISION = f"main@sha1:{COMMIT}"
GROUP = "kustomize.toolkit.fluxcd.io"
PROVIDER_UID = "0c9c2e41-d2f9-4f3a-9f6e-0c0ffee00000"


def event(
    message: str = "Health check failed after 30s",
    *,
    severity: str = "error",
    reason: str = "HealthCheckFailed",
    metadata: dict[str, str] | None = None,
    api_version: str = f"{GROUP}/v1",
) -> Event:
    involved = {
        "kind": "Kustomization",
        "namespace": "apps",
        "name": "webapp",
        "uid": "7d0cdc51",
        "apiVersion": api_version,
        "resourceVersion": "42",
    }
    controller = "kustomize-controller"
    return Event(
        involved,
        severity,
        "2026-01-02T03:04:05Z",
        message,
        reason,
        metadata or {},
        controller,
        f"{controller}-abc",
    )


def alert(**spec: Any) -> Alert:
    given = {"providerRef": {"name": "chat"}, "eventSources": [{"kind": "Kustomization", "name": "*"}]}
    return Alert.parse(
        {"metadata": {"name": "all", "namespace": "apps", "uid": "alert-uid"}, "spec": given | spec}
    )


def provider(kind: str = "slack", **spec: Any) -> Provider:
    meta = {"name": "chat", "namespace": "apps", "uid": PROVIDER_UID}
    return Provider.parse({"metadata": meta, "spec": {"type": kind} | spec})


def notice(
    *,
    address: str = "https://hooks.example.com/in",
    channel: str = "",
    error: bool = True,
    metadata: dict[str, str] | None = None,
    reason: str = "",
    **credentials: Any,
) -> Notice:
    """As a provider sees an event: metadata without groups."""
    what = event(
        "Health check failed after 30s" if error else "Applied revision",
        severity="error" if error else "info",
        reason=reason or ("HealthCheckFailed" if error else "ReconciliationSucceeded"),
        metadata={"revision": REVISION, "cluster": "eu"} if metadata is None else metadata,
    )
    found = Credentials(address=address, **credentials)
    return Notice(what, channel, found, PROVIDER_UID, "kustomization/webapp/0c9c2e41")
