"""Where a service of the cluster really listens: only on loopback, as nothing else is routed here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from localcluster.admission.webhooks.configuration import Service
from localcluster.store.revision import Obj
from localcluster.store.store import Store

_SERVICE_LABEL = "kubernetes.io/service-name"
_SLICES = "endpointslices.discovery.k8s.io"


class Unreachable(Exception):
    """The service is not there, or none of its addresses can be reached from this process."""


def address_of(store: Store, wanted: Service) -> tuple[str, int]:
    """Host and port to connect to; raises Unreachable."""
    revision = store.find("services", (wanted.namespace, wanted.name))
    if revision is None:
        raise Unreachable(f'service "{wanted.name}" not found')
    spec = revision.load().get("spec") or {}
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or "", wanted.port
    port = _port(spec, wanted.port)
    if port is None:
        raise Unreachable(f'no service port {wanted.port} found for service "{wanted.name}"')
    found = list(_endpoints(store, wanted, port.get("name") or ""))
    if not found:
        raise Unreachable(f'no endpoints available for service "{wanted.name}"')
    local = next((each for each in found if _is_loopback(each[0])), None)
    if local is None:
        where = ", ".join(f"{host}:{number}" for host, number in found[:3])
        raise Unreachable(
            f'no endpoint of service "{wanted.name}" is on loopback ({where}), and pods do not run here'
        )
    return local


def _port(spec: Obj, number: int) -> Obj | None:
    return next((each for each in spec.get("ports") or () if each.get("port") == number), None)


def _endpoints(store: Store, wanted: Service, port_name: str) -> Iterator[tuple[str, int]]:
    """Addresses that are ready, of endpoint slices and of the older Endpoints."""
    for revision in store.snapshot(_SLICES, wanted.namespace):
        if revision.labels.get(_SERVICE_LABEL) == wanted.name:
            part = revision.load()
            ready = [
                address
                for each in part.get("endpoints") or ()
                if (each.get("conditions") or {}).get("ready") is not False
                for address in each.get("addresses") or ()
            ]
            yield from _paired(ready, part.get("ports"), port_name)
    older = store.find("endpoints", (wanted.namespace, wanted.name))
    for part in (older.load().get("subsets") or ()) if older else ():
        yield from _paired([each["ip"] for each in part.get("addresses") or ()], part.get("ports"), port_name)


def _paired(addresses: list[str], ports: Any, name: str) -> Iterator[tuple[str, int]]:
    for port in ports or ():
        if (port.get("name") or "") == name and port.get("port"):
            yield from ((address, port["port"]) for address in addresses)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
