"""Cluster addresses and node ports of services: each is given to one service at a time."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from typing import Any

from localcluster.status import FieldError, invalid
from localcluster.store.revision import Change, Obj
from localcluster.store.store import Store

NETWORK = ipaddress.ip_network("10.96.0.0/16")
NODE_PORTS = range(30_000, 32_768)
_OPENS_NODE_PORTS = ("NodePort", "LoadBalancer")


class Addresses:
    """What is in use is read from the stored services themselves, so nothing can leak."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._used: set[str | int] | None = None
        store.listen("services", self)

    def offer(self, change: Change) -> None:
        """Keep count as services come, change and go."""
        if self._used is None:
            return
        if change.before is not None:
            self._used.difference_update(_taken_by(change.before.load()))
        if change.after is not None:
            self._used.update(_taken_by(change.after.load()))

    def _in_use(self) -> set[str | int]:
        if self._used is None:
            self._used = set()
            for revision in self._store.snapshot("services", ""):
                self._used.update(_taken_by(revision.load()))
        return self._used

    def allocate(self, obj: Obj, old: Obj | None) -> None:
        """Fill in addresses, families and node ports. Raises 422 for ones that are taken or out of range."""
        spec = obj["spec"]
        used = self._in_use() - set(_taken_by(old) if old else ())
        if spec.get("type") == "ExternalName":
            return
        self._allocate_address(obj, spec, used)
        headless_without_selector = spec["clusterIP"] == "None" and not spec.get("selector")
        usual = "RequireDualStack" if headless_without_selector else "SingleStack"
        policy = spec.setdefault("ipFamilyPolicy", usual)
        spec.setdefault("ipFamilies", ["IPv4"] if policy == "SingleStack" else ["IPv4", "IPv6"])
        if spec.get("type") in _OPENS_NODE_PORTS and spec.get("allocateLoadBalancerNodePorts", True):
            self._allocate_ports(obj, spec, used)

    def _allocate_address(self, obj: Obj, spec: dict[str, Any], used: set[str | int]) -> None:
        address = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if not address:
            address = next(each for each in _some_addresses() if each not in used)
        elif address != "None":
            problem = _problem(address, used)
            if problem:
                shown = f'Invalid value: ["{address}"]: failed to allocate IP {address}: {problem}'
                name = obj["metadata"].get("name", "")
                cause = FieldError("spec.clusterIPs", "FieldValueInvalid", shown)
                raise invalid("Service", "", name, [cause])
        spec["clusterIP"] = address
        spec["clusterIPs"] = spec.get("clusterIPs") or [address]

    def _allocate_ports(self, obj: Obj, spec: dict[str, Any], used: set[str | int]) -> None:
        given: set[int] = set()
        for at, port in enumerate(spec.get("ports") or ()):
            node_port = port.get("nodePort")
            if not node_port:
                node_port = next(each for each in _some_ports() if each not in used and each not in given)
                port["nodePort"] = node_port
            elif node_port in used:
                text = f"Invalid value: {node_port}: provided port is already allocated"
                raise _bad_port(obj, at, text)
            elif node_port not in NODE_PORTS:
                within = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
                text = f"Invalid value: {node_port}: provided port is not in the valid range."
                raise _bad_port(obj, at, f"{text} The range of valid ports is {within}")
            given.add(node_port)


def _bad_port(obj: Obj, at: int, text: str) -> Exception:
    cause = FieldError(f"spec.ports[{at}].nodePort", "FieldValueInvalid", text)
    return invalid("Service", "", obj["metadata"].get("name", ""), [cause])


def _problem(address: str, used: set[str | int]) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed not in NETWORK:
        return f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {NETWORK}"
    return "provided IP is already allocated" if address in used else ""


def _taken_by(service: Obj) -> list[str | int]:
    spec = service.get("spec") or {}
    taken: list[str | int] = [each for each in spec.get("clusterIPs") or () if each != "None"]
    if spec.get("type") in _OPENS_NODE_PORTS:
        taken.extend(port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort"))
    return taken


def _some_addresses() -> Iterator[str]:
    """Addresses in random order to begin with, then all of them in order."""
    first = int(NETWORK.network_address)
    for _ in range(64):
        yield str(ipaddress.ip_address(first + random.randrange(256, NETWORK.num_addresses - 1)))  # noqa: S311
    yield from (str(address) for address in NETWORK.hosts())


def _some_ports() -> Iterator[int]:
    for _ in range(64):
        yield random.choice(NODE_PORTS)  # noqa: S311
    yield from NODE_PORTS
