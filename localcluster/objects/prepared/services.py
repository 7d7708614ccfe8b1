"""What an update of a service keeps of what was allocated, and gives up when the type changes."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_WITH_ADDRESS = {"ClusterIP", "NodePort", "LoadBalancer"}
_EXTERNAL = {"NodePort", "LoadBalancer"}


def prepare_update(new: Json, old: Json) -> None:
    _agree(new["spec"], old["spec"])
    _keep_allocated(new["spec"], old["spec"])
    _drop_unused(new["spec"], old["spec"])
    if new["spec"].get("type") != "LoadBalancer":
        new["status"] = {**new.get("status", {}), "loadBalancer": {}}


def _agree(new: Json, old: Json) -> None:
    """Where only one of clusterIP and clusterIPs was changed, the other follows."""
    first, listed = new.get("clusterIP", ""), new.get("clusterIPs") or []
    was, were = old.get("clusterIP", ""), old.get("clusterIPs") or []
    if first != was and listed == were:
        if first:
            new["clusterIPs"] = [first, *listed[1:]] if first != "None" else [first]
        else:
            new.pop("clusterIPs", None)
    elif first == was and not listed:
        new.pop("clusterIP", None)


def _keep_allocated(new: Json, old: Json) -> None:
    if _has_address(new) and _has_address(old):
        for name in ("clusterIP", "clusterIPs"):
            if not new.get(name) and old.get(name):
                new[name] = old[name]
        for name in ("ipFamilies", "ipFamilyPolicy"):
            if not new.get(name) and old.get(name):
                new[name] = old[name]
    if _has_node_ports(new) and _has_node_ports(old):
        _keep_node_ports(new, old)
    if _needs_health_port(new) and _needs_health_port(old) and not new.get("healthCheckNodePort"):
        _copy(new, old, "healthCheckNodePort")


def _keep_node_ports(new: Json, old: Json) -> None:
    used = {port["nodePort"] for port in new.get("ports") or () if port.get("nodePort")}
    known = {_port_key(port): port.get("nodePort") for port in old.get("ports") or ()}
    for port in new.get("ports") or ():
        number = known.get(_port_key(port))
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number


def _port_key(port: Json) -> tuple[Any, Any]:
    return port.get("protocol"), port.get("port")


def _drop_unused(new: Json, old: Json) -> None:
    if _has_address(old) and not _has_address(new):
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            _drop_same(new, old, name)
    if _has_node_ports(old) and not _has_node_ports(new):
        known = {port.get("nodePort") for port in old.get("ports") or ()}
        if all(port.get("nodePort") in {*known, None} for port in new.get("ports") or ()):
            for port in new.get("ports") or ():
                port.pop("nodePort", None)
    if _needs_health_port(old) and not _needs_health_port(new):
        _drop_same(new, old, "healthCheckNodePort")
    if old.get("type") == "LoadBalancer" != new.get("type"):
        _drop_same(new, old, "allocateLoadBalancerNodePorts")
        _drop_same(new, old, "loadBalancerClass")
    if _is_external(old) and not _is_external(new):
        _drop_same(new, old, "externalTrafficPolicy")
    if new.get("type") == "ExternalName" != old.get("type"):
        _drop_same(new, old, "internalTrafficPolicy")


def _has_address(spec: Json) -> bool:
    return spec.get("type") in _WITH_ADDRESS


def _has_node_ports(spec: Json) -> bool:
    if spec.get("type") == "NodePort":
        return True
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False


def _is_external(spec: Json) -> bool:
    return spec.get("type") in _EXTERNAL or bool(spec.get("type") == "ClusterIP" and spec.get("externalIPs"))


def _needs_health_port(spec: Json) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _copy(new: Json, old: Json, name: str) -> None:
    if name in old:
        new[name] = old[name]


def _drop_same(new: Json, old: Json, name: str) -> None:
    if name in new and new[name] == old.get(name):
        del new[name]
