"""Services."""

from __future__ import annotations

import ipaddress
from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, duplicate, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.typed import same
from localcluster.objects.validation.meta import labels

Json = dict[str, Any]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_WITH_ADDRESS = {"ClusterIP", "NodePort", "LoadBalancer"}


def service(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    kind = spec.get("type", "")
    causes: list[Cause] = []
    headless = _is_headless(spec)
    ports = spec.get("ports") or []
    if not ports and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    causes += _by_type(spec, kind, headless=headless)
    names: set[str] = set()
    for at, port in enumerate(ports):
        causes += _port(port, f"spec.ports[{at}]", names, named=len(ports) > 1)
    causes += labels(spec.get("selector"), "spec.selector")
    causes += _affinity(spec)
    causes += _addresses(spec, kind)
    causes += [
        invalid(
            f"spec.externalIPs[{at}]", one, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        )
        for at, one in enumerate(spec.get("externalIPs") or ())
        if not _is_ip(one)
    ]
    if kind not in _TYPES:
        causes.append(unsupported("spec.type", kind, _TYPES))
    causes += _node_ports(ports, kind)
    causes += _balancer(spec, kind)
    causes += _traffic(spec, kind)
    return causes


def _is_headless(spec: Json) -> bool:
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return len(addresses) == 1 and addresses[0] == "None"


def _by_type(spec: Json, kind: str, *, headless: bool) -> list[Cause]:
    if kind in {"LoadBalancer", "NodePort"}:
        detail = f"may not be set to 'None' for {kind} services"
        return [invalid("spec.clusterIPs[0]", "None", detail)] if headless else []
    if kind != "ExternalName":
        return []
    causes = [
        forbidden(f"spec.{name}", "may not be set for ExternalName services")
        for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if spec.get(name) or (name == "clusterIPs" and spec.get("clusterIP"))
    ]
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        return [*causes, required("spec.externalName")]
    return causes + each("spec.externalName", name, forms.dns_subdomain(name))


def _port(port: Json, field: str, names: set[str], *, named: bool) -> list[Cause]:
    causes: list[Cause] = []
    name = port.get("name", "")
    if not name:
        if named:
            causes.append(required(f"{field}.name"))
    else:
        causes += each(f"{field}.name", name, forms.dns_label(name))
        if name in names:
            causes.append(duplicate(f"{field}.name", name))
        names.add(name)
    number = port.get("port", 0)
    causes += each(f"{field}.port", number, forms.port_number(number))
    if port.get("protocol") not in _PROTOCOLS:
        causes.append(unsupported(f"{field}.protocol", port.get("protocol", ""), _PROTOCOLS))
    causes += forms.port(port.get("targetPort", 0), f"{field}.targetPort")
    protocol = port.get("appProtocol")
    if protocol is not None:
        causes += each(f"{field}.appProtocol", protocol, forms.qualified_name(protocol))
    return causes


def _affinity(spec: Json) -> list[Cause]:
    affinity = spec.get("sessionAffinity", "")
    field = "spec.sessionAffinityConfig"
    if affinity not in {"ClientIP", "None"}:
        return [unsupported("spec.sessionAffinity", affinity, ("ClientIP", "None"))]
    config = spec.get("sessionAffinityConfig")
    if affinity == "None":
        return [forbidden(field, "must not be set when session affinity is None")] if config else []
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is None:
        return [required(field, "when session affinity type is ClientIP")]
    if not 0 < seconds <= 86400:
        return [
            invalid(f"{field}.clientIP.timeoutSeconds", seconds, "must be greater than 0 and less than 86400")
        ]
    return []


def _addresses(spec: Json, kind: str) -> list[Cause]:
    if kind not in _WITH_ADDRESS:
        return []
    causes: list[Cause] = []
    first, all_ = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if all_ and first and all_[0] != first:
        causes.append(invalid("spec.clusterIPs", all_, "first value must match `clusterIP`"))
    for at, one in enumerate(all_):
        if one not in {"", "None"} and not _is_ip(one):
            detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            causes.append(invalid(f"spec.clusterIPs[{at}]", one, detail))
    policy = spec.get("ipFamilyPolicy")
    policies = ("PreferDualStack", "RequireDualStack", "SingleStack")
    if policy is not None and policy not in policies:
        causes.append(unsupported("spec.ipFamilyPolicy", policy, policies))
    return causes


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _node_ports(ports: list[Json], kind: str) -> list[Cause]:
    causes: list[Cause] = []
    if kind == "ClusterIP":
        causes += [
            forbidden(f"spec.ports[{at}].nodePort", "may not be used when `type` is 'ClusterIP'")
            for at, port in enumerate(ports)
            if port.get("nodePort")
        ]
    seen: set[tuple[Any, ...]] = set()
    for at, port in enumerate(ports):
        key = ("node", port.get("protocol"), port.get("nodePort"))
        if port.get("nodePort") and key in seen:
            causes.append(duplicate(f"spec.ports[{at}].nodePort", port["nodePort"]))
        seen.add(key)
    for at, port in enumerate(ports):
        key = ("port", port.get("protocol"), port.get("port"))
        if key in seen:
            shown = {"protocol": port.get("protocol"), "port": port.get("port"), "targetPort": 0}
            causes.append(duplicate(f"spec.ports[{at}]", shown))
        seen.add(key)
    return causes


def _balancer(spec: Json, kind: str) -> list[Cause]:
    if kind == "LoadBalancer":
        return []
    only = "may only be used when `type` is 'LoadBalancer'"
    causes: list[Cause] = []
    if spec.get("loadBalancerSourceRanges"):
        causes.append(forbidden("spec.LoadBalancerSourceRanges", only))
    if spec.get("allocateLoadBalancerNodePorts") is not None:
        causes.append(forbidden("spec.allocateLoadBalancerNodePorts", only))
    if spec.get("loadBalancerClass") is not None:
        causes.append(forbidden("spec.loadBalancerClass", only))
    return causes


def _traffic(spec: Json, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    external = kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and spec.get("externalIPs"))
    policy = spec.get("externalTrafficPolicy", "")
    field = "spec.externalTrafficPolicy"
    if not external and policy:
        causes.append(invalid(field, policy, "may only be set for externally-accessible services"))
    elif external and not policy:
        causes.append(required(field))
    elif external and policy not in {"Cluster", "Local"}:
        causes.append(unsupported(field, policy, ("Cluster", "Local")))
    checked = kind == "LoadBalancer" and policy == "Local"
    if spec.get("healthCheckNodePort") and not checked:
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        causes.append(invalid("spec.healthCheckNodePort", spec["healthCheckNodePort"], detail))
    internal = spec.get("internalTrafficPolicy")
    if kind in _WITH_ADDRESS and internal not in {"Cluster", "Local"}:
        field = "spec.internalTrafficPolicy"
        causes.append(
            required(field) if internal is None else unsupported(field, internal, ("Cluster", "Local"))
        )
    distribution = spec.get("trafficDistribution")
    known = ("PreferClose", "PreferSameNode", "PreferSameZone")
    if distribution is not None and distribution not in known:
        causes.append(unsupported("spec.trafficDistribution", distribution, known))
    return causes


def service_update(new: Json, old: Json) -> list[Cause]:
    spec, before = new["spec"], old["spec"]
    causes: list[Cause] = []
    if "ExternalName" not in {spec.get("type"), before.get("type")}:
        causes += _address_change(spec, before)
    return causes


def _address_change(spec: Json, before: Json) -> list[Cause]:
    now, was = spec.get("clusterIPs") or [], before.get("clusterIPs") or []
    if _is_headless(spec) and _is_headless(before):
        return []
    if was and not now:
        return [invalid("spec.clusterIPs[0]", None, "primary clusterIP can not be unset")]
    common = min(len(now), len(was))
    return [
        invalid(f"spec.clusterIPs[{at}]", now, "may not change once set")
        for at in range(common if len(now) == len(was) else min(common, 1))
        if now[at] != was[at]
    ]


def service_status(new: Json, old: Json) -> list[Cause]:
    ingress = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    before = ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if ingress and new["spec"].get("type") != "LoadBalancer" and not same(ingress, before):
        detail = "may only be used when `spec.type` is 'LoadBalancer'"
        return [forbidden("status.loadBalancer.ingress", detail)]
    return []
