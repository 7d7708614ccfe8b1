"""Tables of services and what leads to them, of disruption budgets and autoscalers."""

from __future__ import annotations

from typing import Any

from localcluster.present.cells import (
    NONE,
    UNSET,
    Columns,
    at,
    columns,
    joined,
    labels_text,
    number,
    selector_text,
    shown,
    text,
    wide,
)
from localcluster.present.workload_kinds import AGE
from localcluster.store.revision import Obj

_MAX_SHOWN = 3


def _external(obj: Obj) -> str:
    spec = obj["spec"]
    kind = spec.get("type", "ClusterIP")
    ips = spec.get("externalIPs") or []
    if kind == "ExternalName":
        return str(spec.get("externalName", NONE))
    if kind == "LoadBalancer":
        entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        balanced = [each.get("ip") or each.get("hostname", "") for each in entries]
        return joined(dict.fromkeys(balanced + ips)) if balanced + ips else "<pending>"
    return joined(ips)


def _service_ports(obj: Obj) -> str:
    return joined(_service_port(each) for each in obj["spec"].get("ports") or ())


def _service_port(port: dict[str, Any]) -> str:
    protocol = port.get("protocol", "TCP")
    node = port.get("nodePort")
    return f"{port['port']}:{node}/{protocol}" if node else f"{port['port']}/{protocol}"


def _hosts(obj: Obj) -> str:
    hosts = [rule["host"] for rule in obj["spec"].get("rules") or () if rule.get("host")]
    if not hosts:
        return "*"
    more = len(hosts) - _MAX_SHOWN
    return ",".join(hosts[:_MAX_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def _addresses(obj: Obj) -> str:
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(each.get("ip") or each.get("hostname", "") for each in entries)


def _endpoint_texts(obj: Obj) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    more = len(found) - _MAX_SHOWN
    return joined(found[:_MAX_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def _slice_ports(obj: Obj) -> str:
    ports = obj.get("ports")
    if not ports:
        return UNSET
    more = len(ports) - _MAX_SHOWN
    return ",".join(str(each.get("port", "*")) for each in ports[:_MAX_SHOWN]) + (
        f" + {more} more..." if more > 0 else ""
    )


def _slice_addresses(obj: Obj) -> str:
    found = [address for each in obj.get("endpoints") or () for address in each.get("addresses") or ()]
    if not found:
        return UNSET
    more = len(found) - _MAX_SHOWN
    return ",".join(found[:_MAX_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def _class_parameters(obj: Obj) -> str:
    parameters = obj["spec"].get("parameters")
    if not parameters:
        return NONE
    group = parameters.get("apiGroup")
    kind = f"{parameters['kind']}.{group}" if group else parameters["kind"]
    return f"{kind}/{parameters['name']}"


def _scale_target(obj: Obj) -> str:
    target = obj["spec"]["scaleTargetRef"]
    return f"{target['kind']}/{target['name']}"


def _metric_targets(obj: Obj) -> str:
    shown_as = []
    for metric in obj["spec"].get("metrics") or ():
        source = metric.get(metric["type"][0].lower() + metric["type"][1:]) or {}
        target = source.get("target") or {}
        wanted: Any = target.get("value") or target.get("averageValue")
        if wanted is None:
            wanted = f"{target.get('averageUtilization', 0)}%"
        label = f"{source['name']}: " if metric["type"] in ("Resource", "ContainerResource") else ""
        shown_as.append(f"{label}<unknown>/{wanted}")
    return joined(shown_as, ", ")


def _or_na(path: str) -> Any:
    return shown(path, "N/A")


COLUMNS: dict[tuple[str, str], Columns] = {
    ("", "Service"): columns(
        text("Type", at("spec.type", "ClusterIP")),
        text("Cluster-IP", shown("spec.clusterIP")),
        text("External-IP", _external),
        text("Port(s)", _service_ports),
        AGE,
        wide("Selector", lambda obj: labels_text(obj["spec"].get("selector"))),
    ),
    ("", "Endpoints"): columns(text("Endpoints", _endpoint_texts), AGE),
    ("discovery.k8s.io", "EndpointSlice"): columns(
        text("AddressType", at("addressType")),
        text("Ports", _slice_ports),
        text("Endpoints", _slice_addresses),
        AGE,
    ),
    ("networking.k8s.io", "Ingress"): columns(
        text("Class", shown("spec.ingressClassName")),
        text("Hosts", _hosts),
        text("Address", _addresses),
        text("Ports", lambda obj: "80, 443" if obj["spec"].get("tls") else "80"),
        AGE,
    ),
    ("networking.k8s.io", "IngressClass"): columns(
        text("Controller", at("spec.controller")), text("Parameters", _class_parameters), AGE
    ),
    ("networking.k8s.io", "NetworkPolicy"): columns(
        text("Pod-Selector", lambda obj: selector_text(obj["spec"].get("podSelector"))), AGE
    ),
    ("policy", "PodDisruptionBudget"): columns(
        text("Min Available", _or_na("spec.minAvailable")),
        text("Max Unavailable", _or_na("spec.maxUnavailable")),
        number("Allowed Disruptions", at("status.disruptionsAllowed", 0)),
        AGE,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): columns(
        text("Reference", _scale_target),
        text("Targets", _metric_targets),
        text("MinPods", shown("spec.minReplicas", UNSET)),
        text("MaxPods", shown("spec.maxReplicas")),
        text("Replicas", at("status.currentReplicas", 0)),
        AGE,
    ),
}
