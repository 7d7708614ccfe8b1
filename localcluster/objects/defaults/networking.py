"""Defaults of network policies, ingress classes and endpoint slices."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_NETWORKING = "io.k8s.api.networking.v1."


def _policy(value: Json) -> None:
    spec = value["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _policy_port(value: Json) -> None:
    value.setdefault("protocol", "TCP")


def _ingress_class(value: Json) -> None:
    parameters = value["spec"].get("parameters")
    if parameters is not None and parameters.get("scope") is None:
        parameters["scope"] = "Cluster"


def _slice_port(value: Json) -> None:
    value.setdefault("name", "")
    value.setdefault("protocol", "TCP")


RULES = {
    _NETWORKING + "NetworkPolicy": _policy,
    _NETWORKING + "NetworkPolicyPort": _policy_port,
    _NETWORKING + "IngressClass": _ingress_class,
    "io.k8s.api.discovery.v1.EndpointPort": _slice_port,
}
