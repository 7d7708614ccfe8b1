"""Defaults of custom resource definitions."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."


def _definition(value: Json) -> None:
    spec = value["spec"]
    names = spec["names"]
    kind = names.get("kind", "")
    if not names.get("singular"):
        names["singular"] = kind.lower()
    if not names.get("listKind") and kind:
        names["listKind"] = kind + "List"
    spec.setdefault("conversion", {"strategy": "None"})
    status = value["status"]
    if not status.get("storedVersions"):
        stored = [one["name"] for one in spec.get("versions") or () if one.get("storage")]
        status["storedVersions"] = stored[:1] or None


def _service(value: Json) -> None:
    value.setdefault("port", 443)


RULES = {
    _EXTENSIONS + "CustomResourceDefinition": _definition,
    _EXTENSIONS + "ServiceReference": _service,
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference": _service,
}
