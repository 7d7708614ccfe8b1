"""The addresses behind a Service, as an EndpointSlice and as Endpoints. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from localcluster.controllers.access import ENDPOINT_SLICE, ENDPOINTS
from localcluster.controllers.node import NODE_NAME
from localcluster.controllers.ownership import reference_to
from localcluster.controllers.pod_facts import PodFacts
from localcluster.store.revision import Obj

MAX_ENDPOINTS = 1000
"""As many as one slice, or one Endpoints object, may hold."""

_HEADLESS = "service.kubernetes.io/headless"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SERVICE_NAME = "kubernetes.io/service-name"


def slice_of(service: Obj, pods: Sequence[PodFacts]) -> Obj:
    """The desired slice, less the name; pods without an address are left out."""
    metadata = service["metadata"]
    labels = {
        **(metadata.get("labels") or {}),
        _MANAGED_BY: "endpointslice-controller.k8s.io",
        SERVICE_NAME: metadata["name"],
    }
    if _is_headless(service):
        labels[_HEADLESS] = ""
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.name,
        "metadata": {
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [reference_to(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in _with_address(pods)],
        "ports": _ports(service, pods),
    }


def endpoints_of(service: Obj, pods: Sequence[PodFacts]) -> Obj:
    metadata = service["metadata"]
    labels = {
        **(metadata.get("labels") or {}),
        "endpoints.kubernetes.io/managed-by": "endpoint-controller",
    }
    if _is_headless(service):
        labels[_HEADLESS] = ""
    obj: Obj = {
        "apiVersion": ENDPOINTS.api_version,
        "kind": ENDPOINTS.name,
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels},
    }
    subset: Obj = {}
    known = [pod for pod in _with_address(pods) if not pod.terminating]
    for field, ready in (("addresses", True), ("notReadyAddresses", False)):
        chosen = [pod for pod in known if _counts_as_ready(service, pod) == ready]
        if chosen:
            subset[field] = [
                {"ip": pod.address, "nodeName": NODE_NAME, "targetRef": _target(pod)} for pod in chosen
            ]
    if subset:
        ports = _ports(service, pods)
        obj["subsets"] = [{**subset, "ports": ports} if ports else subset]
    return obj


def _is_headless(service: Obj) -> bool:
    address: str | None = service["spec"].get("clusterIP")
    return address == "None"


def _with_address(pods: Sequence[PodFacts]) -> list[PodFacts]:
    return [pod for pod in pods if pod.address and not pod.ended][:MAX_ENDPOINTS]


def _counts_as_ready(service: Obj, pod: PodFacts) -> bool:
    return pod.ready or bool(service["spec"].get("publishNotReadyAddresses"))


def _endpoint(service: Obj, pod: PodFacts) -> Obj:
    unready_too = bool(service["spec"].get("publishNotReadyAddresses"))
    return {
        "addresses": [pod.address],
        "conditions": {
            "ready": (pod.ready and not pod.terminating) or unready_too,
            "serving": pod.ready,
            "terminating": pod.terminating,
        },
        "nodeName": NODE_NAME,
        "targetRef": _target(pod),
    }


def _target(pod: PodFacts) -> Obj:
    return {"kind": "Pod", "namespace": pod.key[0], "name": pod.key[1], "uid": pod.uid}


def _ports(service: Obj, pods: Sequence[PodFacts]) -> list[Obj]:
    """With named target ports looked up in the first pod that has them; unknown ones are left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        target = port.get("targetPort", port["port"])
        if isinstance(target, str):
            target = next((pod.ports[target] for pod in pods if target in pod.ports), None)
        if target is None:
            continue
        entry = {"name": port.get("name", ""), "port": target or port["port"]}
        entry["protocol"] = port.get("protocol", "TCP")
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        found.append(entry)
    return found
