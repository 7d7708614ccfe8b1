"""Defaults of the core group, pods apart."""

from __future__ import annotations

import base64
from typing import Any

Json = dict[str, Any]
_CORE = "io.k8s.api.core.v1."
_SESSION_SECONDS = 10800


def _namespace(value: Json) -> None:
    meta = value.setdefault("metadata", {})
    if meta.get("name"):
        labels = meta.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = meta["name"]


def _namespace_status(value: Json) -> None:
    value.setdefault("phase", "Active")


def _node_status(value: Json) -> None:
    if "allocatable" not in value and "capacity" in value:
        value["allocatable"] = dict(value["capacity"])


def _secret(value: Json) -> None:
    """Text is written over data, and only data is ever read back."""
    texts = value.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        value["data"] = {**(value.get("data") or {}), **encoded}
    value.setdefault("type", "Opaque")


def _service(value: Json) -> None:
    spec = value["spec"]
    _session_affinity(spec)
    kind = spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in {0, "", None}:
            port["targetPort"] = port.get("port", 0)
    external = kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and spec.get("externalIPs"))
    if external:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in {"NodePort", "LoadBalancer", "ClusterIP"}:
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in value.get("status", {}).get("loadBalancer", {}).get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _session_affinity(spec: Json) -> None:
    affinity = spec.setdefault("sessionAffinity", "None")
    if affinity == "None":
        spec.pop("sessionAffinityConfig", None)
    elif affinity == "ClientIP":
        config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if config.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _SESSION_SECONDS}}


def _persistent_volume(value: Json) -> None:
    value["status"].setdefault("phase", "Pending")
    value["spec"].setdefault("persistentVolumeReclaimPolicy", "Retain")
    value["spec"].setdefault("volumeMode", "Filesystem")


def _claim(value: Json) -> None:
    value["status"].setdefault("phase", "Pending")


def _claim_spec(value: Json) -> None:
    value.setdefault("volumeMode", "Filesystem")


def _endpoint_port(value: Json) -> None:
    value.setdefault("protocol", "TCP")


def _limit_range_item(value: Json) -> None:
    if value.get("type") != "Container":
        return
    default = {**value.get("max", {}), **value.get("default", {})}
    request = {**value.get("min", {}), **default, **value.get("defaultRequest", {})}
    if default:
        value["default"] = default
    if request:
        value["defaultRequest"] = request


def _replication_controller(value: Json) -> None:
    spec = value["spec"]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        if not spec.get("selector"):
            spec["selector"] = dict(labels)
        if not value["metadata"].get("labels"):
            value["metadata"]["labels"] = dict(labels)


RULES = {
    _CORE + "Namespace": _namespace,
    _CORE + "NamespaceStatus": _namespace_status,
    _CORE + "NodeStatus": _node_status,
    _CORE + "Secret": _secret,
    _CORE + "Service": _service,
    _CORE + "PersistentVolume": _persistent_volume,
    _CORE + "PersistentVolumeClaim": _claim,
    _CORE + "PersistentVolumeClaimSpec": _claim_spec,
    _CORE + "EndpointPort": _endpoint_port,
    _CORE + "LimitRangeItem": _limit_range_item,
    _CORE + "ReplicationController": _replication_controller,
}
